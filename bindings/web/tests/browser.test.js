// The package in Chromium, from plain files: worker, cache, offline, aborts. SITE is the folder that page/build.js wrote, with the models
// sst2-tiny and sst2-ternary.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { load } from "bitspike";

import { visit } from "./chromium.js";

const folder = process.env.SITE;
// Any file of the host is a page of its origin; a picture runs no code of its own.
const { page, asked, wrong } = await visit(folder, "icon.svg");
const file = "models/sst2-tiny.safetensors";
await page.evaluate(() => {
  globalThis.at = (path) => new URL(path, location.origin).href;
  globalThis.library = () => import(at("bitspike/index.js"));
});

test("it answers as in Node, with the same bits, on a thread of its own", async () => {
  const texts = ["a fine film", "dull from start to finish"];
  const found = await page.evaluate(async ({ texts, file }) => {
    const { load } = await library();
    const model = await load(at(file), { cache: false });
    // While the worker computes, the page goes on.
    let frames = 0;
    const counting = setInterval(() => (frames += 1), 1);
    const many = await model.classify(Array(300).fill(texts[0]));
    clearInterval(counting);
    return { answers: await model.classify(texts, { logits: true }), bits: await model.fingerprint(texts), kernels: model.kernels, frames, many: many.length };
  }, { texts, file });
  const model = await load(join(folder, file), { worker: false });
  assert.deepEqual(found.answers, await model.classify(texts, { logits: true }));
  assert.deepEqual(found.bits, await model.fingerprint(texts));
  assert.equal(found.kernels, "relaxed-simd");
  assert.ok(found.frames > 20 && found.many === 300, JSON.stringify(found.frames));
});

test("a model is fetched once, then kept, and what was altered in the cache is fetched anew", async () => {
  const fetched = () => asked.filter((path) => path === `/${file}`).length;
  const before = fetched();
  const run = (options) => page.evaluate(async ({ file, options }) => {
    const { load } = await library();
    const seen = [];
    const model = await load(at(file), { ...options, progress: (one) => seen.push(one) });
    const { cached, bytes } = model;
    model.close();
    return { cached, bytes, last: seen.at(-1), pieces: seen.length };
  }, { file, options });
  const first = await run();
  assert.equal(first.cached, false);
  assert.deepEqual(first.last, { loaded: first.bytes, total: first.bytes, cached: false });
  assert.deepEqual((await run()).last, { loaded: first.bytes, total: first.bytes, cached: true });
  assert.equal(fetched(), before + 1);
  await page.evaluate(async (file) => {
    const store = await caches.open("bitspike-models");
    const kept = await store.match(at(file));
    const bytes = new Uint8Array(await kept.arrayBuffer());
    bytes[bytes.length - 3] ^= 1;
    await store.put(at(file), new Response(bytes, { headers: kept.headers }));
  }, file);
  assert.equal((await run()).cached, false);
  assert.equal((await run()).cached, true);
  assert.equal((await run({ cache: "reload" })).cached, false);
  assert.equal(await page.evaluate(async () => (await library()).clearCache()), true);
  assert.equal((await run()).cached, false);
});

test("errors have their codes here too, and aborts their reasons", async () => {
  const codes = await page.evaluate(async (file) => {
    const { load } = await library();
    const code = (promise) => promise.then(() => "none", (error) => (error.name === "AbortError" ? "aborted" : error.code));
    const altered = new Uint8Array(await (await fetch(at(file))).arrayBuffer()).subarray(0, 5000);
    const model = await load(at(file));
    const asked = code(model.classify(Array(500).fill("a fine film")));
    const control = new AbortController();
    const letGo = code(model.classify("a fine film", { signal: control.signal }));
    control.abort();
    const aborted = await letGo;
    model.close();
    return [
      await code(load(at("no/such/model"))),
      await code(load(at("index.html"))),
      await code(load(altered)),
      await code(load(at(file), { sha256: "00" })),
      aborted,
      await asked,
    ];
  }, file);
  // The host says 404 with a page, as hosts do.
  assert.deepEqual(codes, ["http", "content_type", "model", "hash", "aborted", "closed"]);
});

test("nothing was written to the console but what was provoked", () => {
  assert.deepEqual(wrong.filter((line) => !/Failed to load resource/.test(line)), []);
});

test("the page opens and answers without a connection after the first visit", async () => {
  const visitor = await visit(folder);
  const there = () => visitor.page.waitForSelector("#answer:not(.waiting) .label");
  await there();
  await visitor.page.waitForFunction(() => navigator.serviceWorker.controller !== null);
  visitor.stop();
  await visitor.page.reload();
  await there();
  await visitor.page.fill("#text", "dull from start to finish");
  await visitor.page.waitForFunction(() => document.querySelector("#answer .label")?.textContent === "negative");
  await visitor.page.waitForSelector("#raster-stage:not(.stale)");
});

test("the built page names the hash of each model", async () => {
  const { models } = JSON.parse(await readFile(join(folder, "models.json"), "utf8"));
  assert.ok(models.every(({ sha256 }) => /^[0-9a-f]{64}$/.test(sha256)));
});
