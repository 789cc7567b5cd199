// How long one sentence of 25 tokens takes on one core: the native engine, the module in Node and in Chromium, and the teacher of the
// same architecture in int8 in ONNX Runtime Web and transformers.js; then how long a page takes from nothing to its first answer.
//
//   node speed.js [--package FOLDER] [--model FILE] [--bitspike PROGRAM] [--peer FOLDER] [--core N] [--rounds N] [--seconds S]
//
// Contestants take turns, round by round, so that a machine that grows slower meanwhile treats all alike; a cell is the best of all
// rounds, the median of their medians in brackets. README.md says how a peer is made. Writes a Markdown table.

import { execFileSync } from "node:child_process";
import { createReadStream } from "node:fs";
import { chmod, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { cpus, tmpdir } from "node:os";
import { basename, dirname, extname, join, normalize, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { chromium } from "playwright-core";

import { TEXT } from "./ask.js";

const here = dirname(fileURLToPath(import.meta.url));
const root = resolve(here, "../..");
const { values } = parseArgs({
  options: {
    package: { type: "string", default: join(root, "bindings/web/npm") },
    model: { type: "string", default: join(root, "models/sst2-ternary/model.safetensors") },
    bitspike: { type: "string", default: join(root, "target/release/bitspike") },
    peer: { type: "string" },
    core: { type: "string", default: "1" },
    rounds: { type: "string", default: "3" },
    seconds: { type: "string", default: "3" },
    starts: { type: "string", default: "10" },
  },
});
const [rounds, seconds, starts] = [values.rounds, values.seconds, values.starts].map(Number);
const pinned = ["taskset", ["-c", values.core]];
const modules = join(here, "node_modules");
const version = (name) => createRequire(import.meta.url)(join(modules, name, "package.json")).version;

const TYPES = { ".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm", ".json": "application/json", ".html": "text/html" };

/** The package, this folder, the model and the peer as one origin. Files say how long they may be kept, as a host of a release does. */
async function serve() {
  const folders = { package: values.package, bench: here, model: dirname(values.model), peer: values.peer ?? here };
  const server = createServer(async (request, response) => {
    const [, first, ...rest] = normalize(decodeURIComponent(new URL(request.url, "http://localhost").pathname)).split("/");
    const file = folders[first] && join(folders[first], ...rest);
    const found = file && (await stat(file).catch(() => null));
    if (!found?.isFile()) return response.writeHead(404, { "content-type": "text/plain" }).end("nothing here");
    const headers = { "content-type": TYPES[extname(file)] ?? "application/octet-stream", "content-length": found.size };
    response.writeHead(200, { ...headers, "cache-control": "public, max-age=3600, immutable" });
    return createReadStream(file).pipe(response);
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  return { url: `http://127.0.0.1:${server.address().port}`, stop: () => server.closeAllConnections() ?? server.close() };
}

/** Chromium, all of its processes on the core. */
async function browser() {
  const folder = await mkdtemp(join(tmpdir(), "bench-"));
  const program = join(folder, "chromium");
  const real = process.env.CHROMIUM ?? "/usr/bin/chromium";
  await writeFile(program, `#!/bin/sh\nexec taskset -c ${values.core} '${real}' "$@"\n`);
  await chmod(program, 0o755);
  const opened = await chromium.launch({ executablePath: program, args: ["--no-sandbox"] });
  return { opened, end: async () => { await opened.close(); await rm(folder, { recursive: true }); } };
}

const times = new Map();
function note(row, { best, median }) {
  const all = times.get(row) ?? [];
  times.set(row, [...all, { best, median }]);
  console.error(`${row}: ${best.toFixed(2)} (${median.toFixed(2)}) ms`);
}

function json(command, args) {
  return JSON.parse(execFileSync(pinned[0], [...pinned[1], command, ...args], { encoding: "utf8", maxBuffer: 1 << 26 }));
}

const host = await serve();
const file = basename(values.model);
let browserVersion;
for (let round = 0; round < rounds; round++) {
  const native = json(values.bitspike, ["bench", values.model, "--lengths", "25", "--batches", "1", "--threads", "1", "--seconds", values.seconds, "--no-kernels", "--json"]);
  const [measured] = native.scenarios;
  note(`native, ${native.isa}`, { best: measured.best_ms, median: measured.p50_ms });
  for (const simd of ["simd128", "auto", "scalar"]) {
    const found = json(process.execPath, [join(here, "node.js"), values.package, values.model, simd, values.seconds]);
    note(`Node ${process.versions.node}, ${found.name}`, found);
  }
  const { opened, end } = await browser();
  browserVersion = opened.version();
  const page = await opened.newPage();
  page.setDefaultTimeout(180_000);
  await page.goto(`${host.url}/bench/package.json`);
  for (const simd of ["simd128", "auto", "scalar"]) {
    const found = await page.evaluate(async ({ url, file, simd, seconds }) => {
      const [ask, library] = await Promise.all([import(`${url}/bench/ask.js`), import(`${url}/package/index.js`)]);
      return ask.bitspike(library, `${url}/model/${file}`, simd, seconds);
    }, { url: host.url, file, simd, seconds });
    note(`Chromium ${browserVersion}, ${found.name}`, found);
  }
  if (values.peer) {
    const ort = await page.evaluate(async ({ url, seconds }) => {
      const [ask, ort] = await Promise.all([import(`${url}/bench/ask.js`), import(`${url}/bench/node_modules/onnxruntime-web/dist/ort.wasm.bundle.min.mjs`)]);
      ort.env.wasm.numThreads = 1;
      ort.env.wasm.wasmPaths = `${url}/bench/node_modules/onnxruntime-web/dist/`;
      return ask.onnx(ort, `${url}/peer/peer/onnx/model_quantized.onnx`, seconds);
    }, { url: host.url, seconds });
    note(`Chromium ${browserVersion}, teacher in int8, ONNX Runtime Web ${version("onnxruntime-web")} without a tokeniser`, ort);
    const other = await opened.newPage();
    other.setDefaultTimeout(180_000);
    await other.goto(`${host.url}/bench/package.json`);
    const hub = await other.evaluate(async ({ url, seconds }) => {
      const at = `${url}/bench/node_modules/@huggingface/transformers`;
      const [ask, library] = await Promise.all([import(`${url}/bench/ask.js`), import(`${at}/dist/transformers.min.js`)]);
      library.env.backends.onnx.wasm.numThreads = 1;
      library.env.backends.onnx.wasm.wasmPaths = `${at}/node_modules/onnxruntime-web/dist/`;
      // As a path: where it is a whole address, the pipeline finds no tokenizer.
      return ask.transformers(library, "/peer/", "wasm", "q8", seconds);
    }, { url: host.url, seconds });
    note(`Chromium ${browserVersion}, teacher in int8, transformers.js ${version("@huggingface/transformers")}, WASM`, hub);
  }
  await end();
}

// From nothing to the first answer, files in the caches of the browser.
const { opened, end } = await browser();
const page = await opened.newPage();
const took = [];
for (let i = 0; i <= starts; i++) {
  await page.goto(`${host.url}/bench/package.json`);
  took.push(await page.evaluate(async ({ url, file, text }) => {
    const began = performance.now();
    const { load } = await import(`${url}/package/index.js`);
    const model = await load(`${url}/model/${file}`);
    await model.classify(text);
    const time = performance.now() - began;
    model.close();
    return time;
  }, { url: host.url, file, text: TEXT }));
}
await end();
host.stop();

const middle = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];
const rows = [...times].map(([row, all]) => ({ row, best: Math.min(...all.map(({ best }) => best)), median: middle(all.map(({ median }) => median)) }));
const [native] = rows;
console.log(`${cpus()[0].model}, ${basename(dirname(values.model))}, 25 tokens, one core, ${rounds} rounds of ${seconds} s\n`);
console.log("| | best (median), ms | to native |\n|---|---|---|");
for (const { row, best, median } of rows) console.log(`| ${row} | ${best.toFixed(2)} (${median.toFixed(2)}) | ${(best / native.best).toFixed(2)} |`);
const kept = took.slice(1);
console.log(`\nChromium, from import to the first answer with files in its caches: ${Math.min(...kept).toFixed(0)} ms at best, ${middle(kept).toFixed(0)} ms in the median of ${kept.length}; the first visit ${took[0].toFixed(0)} ms.`);
