// Runs the tests of the server's page (crates/server/page/tests) on the page without a server: the folder is served as plain files, and
// what the tests ask a back end themselves is answered by the package in Node.
//
//   node static.js FOLDER [TEST ...]       the folder that page/build.js wrote; CHROMIUM and PAGE_SHOTS as for the tests

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, readdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";

import { serve } from "./files.js";

const [folder, ...chosen] = process.argv.slice(2);
const tests = fileURLToPath(new URL("../../../crates/server/page/tests", import.meta.url));
const { url, stop } = await serve(folder);
// What is about a server that is gone, busy or wants a key has no meaning here.
const files = chosen.length ? chosen : (await readdir(tests)).filter((name) => name.endsWith(".test.js") && name !== "trouble.test.js");
const env = { ...process.env, BITSPIKE_SERVER: url, PAGE_STATIC: new URL("./ask.js", import.meta.url).href, PAGE_FOLDER: await realpath(folder) };
const run = spawn(process.execPath, ["--test", "--test-concurrency=1", "--test-reporter=spec", ...files], { cwd: tests, env, stdio: "inherit" });
const [code] = await once(run, "exit");
stop();
process.exit(code ?? 1);

async function realpath(path) {
  await readFile(`${path}/models.json`);
  return fileURLToPath(new URL(path.endsWith("/") ? path : `${path}/`, `file://${process.cwd()}/`));
}
