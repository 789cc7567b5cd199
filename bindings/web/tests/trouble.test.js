// What goes wrong: every promise rejects with a code, and the model answers afterwards.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { after, test } from "node:test";
import { BitspikeError, build, load } from "bitspike";

import { Engine } from "../npm/engine.js";

const path = new URL("../../../models/sst2-tiny/model.safetensors", import.meta.url);
const bytes = await readFile(path);
const model = await load(bytes);
after(() => model.close());

/** A server that answers with `reply(response)`. */
async function serving(reply) {
  const server = createServer((_, response) => reply(response));
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  return { url: `http://127.0.0.1:${server.address().port}/model`, stop: () => server.closeAllConnections() ?? server.close() };
}

async function withServer(reply, task) {
  const { url, stop } = await serving(reply);
  try {
    await task(url);
  } finally {
    stop();
  }
}

const works = async () => assert.equal((await model.classify("a fine film")).label, "positive");

test("truncated and altered models are refused, wherever they are cut", async () => {
  for (const length of [0, 7, 8, 1000, bytes.length - 1]) {
    await assert.rejects(load(bytes.subarray(0, length)), { code: "model" }, `${length} bytes`);
  }
  const altered = Uint8Array.from(bytes);
  altered[12] ^= 255;
  await assert.rejects(load(altered), BitspikeError);
  await assert.rejects(load(new Uint8Array(100_000).fill(65)), { code: "model" });
});

test("a byte that no check of the format sees is seen by the hash", async () => {
  const altered = Uint8Array.from(bytes);
  altered[altered.length - 3] ^= 1;
  await assert.rejects(load(altered, { sha256: model.sha256 }), { code: "hash", field: "sha256" });
  assert.equal((await load(bytes, { sha256: model.sha256.toUpperCase(), worker: false })).sha256, model.sha256);
});

test("bytes that were given are still the caller's", async () => {
  const own = Uint8Array.from(bytes);
  (await load(own)).close();
  assert.equal(own.length, bytes.length);
  (await load(own.buffer)).close();
  assert.equal(own.buffer.byteLength, bytes.length);
});

test("a model comes piece by piece, with progress", async () => {
  await withServer((response) => response.writeHead(200, { "content-length": bytes.length }).end(bytes), async (url) => {
    const seen = [];
    const loaded = await load(url, { progress: (at) => seen.push(at) });
    assert.deepEqual(seen.at(-1), { loaded: bytes.length, total: bytes.length, cached: false });
    assert.ok(seen.length > 1 && seen.every(({ loaded }, i) => i === 0 || loaded > seen[i - 1].loaded));
    loaded.close();
  });
});

test("hosts that refuse, send a page, break off, or are not there", async () => {
  await withServer((response) => response.writeHead(404).end(), (url) => assert.rejects(load(url), { code: "http", status: 404 }));
  await withServer((response) => response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end("<p>hello"),
    (url) => assert.rejects(load(url), { code: "content_type" }));
  await withServer((response) => {
    response.writeHead(200, { "content-length": bytes.length });
    response.write(bytes.subarray(0, 100_000), () => response.destroy());
  }, (url) => assert.rejects(load(url), { code: "network" }));
  const { url, stop } = await serving(() => {});
  stop();
  await assert.rejects(load(url), { code: "network" });
  await assert.rejects(load("no/such/file.safetensors"), { code: "network" });
  await assert.rejects(load(7), { code: "validation", field: "source" });
  await works();
});

test("loading is aborted, before it begins and while bytes come", async () => {
  await assert.rejects(load(path, { signal: AbortSignal.abort() }), { name: "AbortError" });
  await withServer((response) => response.writeHead(200).write(bytes.subarray(0, 1000)), async (url) => {
    const control = new AbortController();
    await assert.rejects(load(url, { signal: control.signal, progress: () => control.abort() }), { name: "AbortError" });
  });
});

test("an abort rejects at once, what waits is never computed, and the model answers on", async () => {
  const control = new AbortController();
  const many = model.classify(Array(2000).fill("a gripping, funny film that nobody should miss"), { signal: control.signal });
  const waiting = model.classify("never", { signal: control.signal });
  setTimeout(() => control.abort(), 30);
  await assert.rejects(many, { name: "AbortError" });
  await assert.rejects(waiting, { name: "AbortError" });
  const began = performance.now();
  await works();
  assert.ok(performance.now() - began < 2000, "the rest of the list was not let go");
  await assert.rejects(model.classify("a", { signal: AbortSignal.abort(new Error("mine")) }), /mine/);
});

test("texts of a megabyte, lone surrogates, nothing at all, every control character", async () => {
  const long = await model.classify("a fine and gripping film ".repeat(40_000));
  assert.ok(long.truncated && long.tokens === model.max_length);
  assert.equal((await model.classify("x".repeat(1_000_000))).label !== null, true);
  const replaced = await model.classify("a \ud800 fine film");
  assert.deepEqual(replaced, await model.classify("a \ufffd fine film"));
  assert.equal((await model.classify("")).tokens, 2);
  await model.classify(Array.from({ length: 160 }, (_, i) => String.fromCodePoint(i)).join(""));
});

test("inputs and options that are none", async () => {
  for (const input of [null, undefined, 3, {}, { text: 3 }, { text: "a", text_pair: 3 }, new Date()]) {
    await assert.rejects(model.classify(input), { code: "validation", field: "inputs" });
    await assert.rejects(model.classify(["fine", input]), { code: "validation", field: "inputs[1]" });
  }
  await assert.rejects(model.trace("a", { dynamics: "wild" }), { code: "validation", field: "dynamics" });
  await assert.rejects(model.trace("a", { timesteps: 0 }), { code: "validation", field: "timesteps" });
  await assert.rejects(model.trace("a", { timesteps: 1e9 }), { code: "validation", field: "timesteps" });
  await assert.rejects(model.trace("a", { timesteps: 1.5 }), { code: "validation" });
  await assert.rejects(model.trace("a", { token: 3 }), { code: "validation", field: "token" });
  await assert.rejects(model.trace("a", { token: 0, population: "nose" }), { code: "validation", field: "population" });
  assert.throws(() => build("mmx"), { code: "validation", field: "simd" });
  await assert.rejects(load(path, { simd: "mmx" }), { code: "validation" });
  await works();
});

test("a host without vectors, or without the relaxed ones, is told so", async () => {
  const { validate } = WebAssembly;
  try {
    WebAssembly.validate = () => false;
    assert.throws(() => build(), { code: "unsupported", message: /SIMD128/ });
    await assert.rejects(load(path), { code: "unsupported" });
    // The bytes of the relaxed instruction, which the other probe does not have.
    WebAssembly.validate = (bytes) => !bytes.join().includes("253,146,2,");
    assert.equal(build(), "simd128");
    assert.equal(build("scalar"), "simd128");
    assert.throws(() => build("relaxed"), { code: "unsupported" });
    const plain = await load(path);
    assert.equal(plain.kernels, "simd128");
    plain.close();
  } finally {
    WebAssembly.validate = validate;
  }
  await works();
});

/** The module with a memory of at most `pages` pages of 64 KiB. */
function limited(module, pages) {
  const leb = (value) => (value < 128 ? [value] : [(value & 127) | 128, ...leb(value >> 7)]);
  const parts = [module.subarray(0, 8)];
  for (let at = 8; at < module.length; ) {
    let [size, shift, next] = [0, 0, at + 1];
    do size |= (module[next] & 127) << (7 * shift++); while (module[next++] & 128);
    const content = module.subarray(next, next + size);
    // Section 5: one memory, without a limit.
    const section = module[at] === 5 ? Uint8Array.from([1, 1, ...content.subarray(2), ...leb(pages)]) : content;
    if (module[at] === 5) assert.deepEqual([...content.subarray(0, 2)], [1, 0]);
    parts.push(Uint8Array.from([module[at], ...leb(section.length)]), section);
    at = next + size;
  }
  return new WebAssembly.Module(Buffer.concat(parts));
}

test("a host that gives no memory is told, and the same model answers on", async () => {
  const file = await readFile(new URL("../npm/bitspike.wasm", import.meta.url));
  // 16 MiB: enough for the model, not for 900 steps of every neuron.
  const engine = new Engine(limited(file, 256), "auto");
  engine.open(bytes);
  const answer = () => JSON.parse(new TextDecoder().decode(engine.ask({ classify: { inputs: ["a fine film"] } }))).results[0].label;
  for (let i = 0; i < 3; i++) {
    assert.throws(() => engine.ask({ trace: { inputs: "a fine film", timesteps: 900 } }), { code: "memory" });
    assert.equal(answer(), "positive");
  }
  assert.throws(() => engine.ask({ classify: { inputs: ["x".repeat(20_000_000)] } }), { code: "memory" });
  assert.equal(answer(), "positive");
  assert.throws(() => new Engine(limited(file, 40), "auto").open(bytes), { code: "memory" });
});

test("a closed model says so, and what was asked before it closed rejects", async () => {
  const other = await load(bytes);
  const asked = other.classify("a fine film");
  other.close();
  await assert.rejects(asked, { code: "closed" });
  await assert.rejects(other.classify("a fine film"), { code: "closed" });
  other.close();
});
