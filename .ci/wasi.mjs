// Runs a program built for WASI under Node, as cargo's runner: arguments and environment as given, with the file system of the
// machine.
//
//   node .ci/wasi.mjs PROGRAM [ARGUMENT ...]

import { readFile } from "node:fs/promises";
import { argv, cwd, env, exit } from "node:process";
import { WASI } from "node:wasi";

const [, , program, ...rest] = argv;
const wasi = new WASI({ version: "preview1", args: [program, ...rest], env: { ...env, PWD: cwd() }, preopens: { "/": "/" }, returnOnExit: true });
const module = await WebAssembly.compile(await readFile(program));
exit(wasi.start(await WebAssembly.instantiate(module, wasi.getImportObject())));
