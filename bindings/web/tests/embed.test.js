// Vectors: of the width and the length that were asked for, each text's own, and an error of whoever does not embed.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, test } from "node:test";
import { load } from "bitspike";

const read = (path) => readFile(new URL(`../../../${path}`, import.meta.url));
const model = await load(await read("fixtures/embedder/model.safetensors"));
const classifier = await load(await read("models/sst2-tiny/model.safetensors"));
after(() => [model, classifier].forEach((one) => one.close()));

const texts = Array.from({ length: 70 }, (_, i) => `text ${i}`);
const length = (vector) => Math.sqrt(vector.reduce((sum, x) => sum + x * x, 0));

test("a vector a text, whatever is asked beside it", async () => {
  assert.deepEqual([model.embedding, model.regression, model.labels, model.width], [true, false, null, 32]);
  const vectors = await model.embed(texts);
  assert.equal(vectors.length, texts.length);
  for (const [i, vector] of vectors.entries()) {
    assert(vector instanceof Float32Array && vector.length === 32);
    assert(Math.abs(length(vector) - 1) < 1e-6);
    assert.deepEqual(await model.embed(texts[i]), vector);
  }
  assert.notDeepEqual(vectors[0], vectors[1]);
  assert.deepEqual(await model.embed([]), []);
});

test("lengths and widths as they are asked for", async () => {
  const [short] = await model.embed(["a film"], { dimensions: 8 });
  assert(short.length === 8 && Math.abs(length(short) - 1) < 1e-6);
  const raw = await model.embed("a film", { normalize: false });
  const whole = await model.embed("a film");
  assert(Math.abs(length(raw) - 1) > 1e-3);
  raw.forEach((x, i) => assert(Math.abs(x / length(raw) - whole[i]) < 1e-6));
});

test("what it does not do is said", async () => {
  await assert.rejects(model.classify("a"), { code: "validation", message: /one that embeds/ });
  await assert.rejects(classifier.embed("a"), { code: "validation", message: /one that gives classes/ });
  await assert.rejects(model.embed("a", { dimensions: 33 }), { code: "validation", field: "dimensions" });
  await assert.rejects(model.embed([{ text: "a", text_pair: "b" }]), { code: "validation", field: "inputs[0]" });
  await assert.rejects(model.embed(["a", 7]), { code: "validation", field: "inputs[1]" });
});

test("a trace nears the vector", async () => {
  const trace = await model.trace("a fine film", { timesteps: 24 });
  assert(trace.per_step_answers.length === 24 && trace.per_step_answers.every((step) => step.length === 1));
  assert.equal(Math.fround(trace.answer.score), Math.fround(trace.per_step_answers.at(-1)[0]));
});
