// The package as it is installed, in Node: answers, traces, streams, digests.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, test } from "node:test";
import { BitspikeError, build, load } from "bitspike";

const path = (name) => new URL(`../../../models/${name}/model.safetensors`, import.meta.url);
const model = await load(path("sst2-tiny"));
after(() => model.close());

test("a text has an answer, a list has answers in its order, and both are the same", async () => {
  const one = await model.classify("a fine film");
  assert.equal(one.label, "positive");
  assert.deepEqual(one.scores.map(({ label }) => label), model.labels);
  assert.equal(one.score, Math.max(...one.scores.map(({ score }) => score)));
  const many = await model.classify([...Array(70).fill("dull from start to finish"), "a fine film"]);
  assert.equal(many.length, 71);
  assert.equal(many[0].label, "negative");
  assert.deepEqual(many[70], one);
  assert.deepEqual(await model.classify([]), []);
});

test("what a model is, is told", () => {
  const { task, labels, regression, pair, layers, width, steps, dynamics, bytes, sha256, kernels, cached } = model;
  assert.deepEqual({ task, labels, regression, pair, width, steps, dynamics, cached },
    { task: "sst2", labels: ["negative", "positive"], regression: false, pair: false, width: 384, steps: 16, dynamics: "phased", cached: false });
  assert.ok(layers > 0 && bytes > 1e6 && /^[0-9a-f]{64}$/.test(sha256));
  assert.equal(kernels, build() === "relaxed" ? "relaxed-simd" : "simd128");
});

test("pairs, and scores of a regression", async () => {
  const scorer = await load(path("stsb-ternary"), { worker: false });
  const answer = await scorer.classify({ text: "A man plays a guitar.", text_pair: "A man is playing music." });
  assert.equal(answer.label, null);
  assert.ok(answer.score > 2 && answer.score < 5);
  await assert.rejects(scorer.classify("alone"), { code: "validation" });
  await assert.rejects(model.classify({ text: "a", text_pair: "b" }), { code: "validation" });
});

test("a stream is answered in order, and is read no further than it is answered", async () => {
  const texts = ["a fine film", "dull from start to finish"];
  let read = 0;
  async function* source() {
    for (let i = 0; i < 40; i++) {
      read += 1;
      yield texts[i % 2];
    }
  }
  const labels = [];
  for await (const answer of model.classifyStream(source(), { batch: 8 })) {
    labels.push(answer.label);
    if (labels.length === 1) assert.equal(read, 8);
  }
  assert.deepEqual(labels, Array.from({ length: 40 }, (_, i) => (i % 2 ? "negative" : "positive")));
});

test("a trace shows every population, and ends in the answer", async () => {
  const trace = await model.trace("a fine film", { timesteps: 16, dynamics: "phased", token: 0, population: "embedding", neurons: 8 });
  assert.deepEqual(trace.tokens, ["[CLS]", "a", "fine", "film", "[SEP]"]);
  assert.equal(trace.populations.length, 1 + 6 * model.layers);
  const [embedding] = trace.populations;
  assert.equal(embedding.trains.length, 8);
  embedding.trains.forEach((train, i) => assert.equal(train.reduce((sum, spike) => sum + spike), embedding.counts[0][i]));
  assert.deepEqual([embedding.membranes.length, embedding.membranes[0].length], [8, 16]);
  assert.equal(trace.per_step_answers, null);
  assert.equal(trace.answer.score, (await model.classify("a fine film")).score);
  const stepped = await model.trace("a fine film", { timesteps: 4 });
  assert.equal(stepped.per_step_answers.length, 4);
});

test("every build and every set of kernels computes the same bits", async () => {
  const texts = ["a fine film", "dull from start to finish", "not nearly as bad as it sounds"];
  const found = await model.fingerprint(texts);
  assert.match(found.counts, /^[0-9a-f]{16}$/);
  for (const simd of ["scalar", "simd128", ...(build() === "relaxed" ? ["relaxed"] : [])]) {
    const other = await load(await readFile(path("sst2-tiny")), { simd, worker: false });
    assert.equal(other.kernels, simd === "relaxed" ? "relaxed-simd" : simd);
    assert.deepEqual(await other.fingerprint(texts), found, simd);
  }
});

test("digests of many texts are those of their parts, one after another", async () => {
  const texts = Array.from({ length: 40 }, (_, i) => `film number ${i}`);
  const whole = await model.fingerprint(texts);
  const [one] = await model.classify(["film number 0"], { logits: true });
  assert.equal(one.logits.length, 2);
  assert.ok(one.logits.every((logit) => Math.fround(logit) === logit));
  assert.notDeepEqual(await model.fingerprint(texts.slice(0, 39)), whole);
});

test("the error class is the package's own", async () => {
  await assert.rejects(model.classify(7), (error) => error instanceof BitspikeError && error.field === "inputs");
});
