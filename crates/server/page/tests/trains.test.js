import assert from "node:assert/strict";
import { test } from "node:test";
import { canonicDigits, digits, evenTrain, stages } from "../trains.js";

const WINDOWS = [1, 2, 3, 7, 8, 15, 16, 17, 31, 64, 127];
const each = (check) => {
  for (const steps of WINDOWS) for (let count = -steps; count <= steps; count++) check(count, steps);
};
const sum = (train) => train.reduce((total, spike) => total + spike, 0);
const value = (train) => train.reduce((total, spike) => 2 * total + spike, 0);

test("an even train has as many spikes as its count, all of its sign", () => each((count, steps) => {
  const train = evenTrain(count, steps);
  assert.equal(train.length, steps);
  assert.equal(sum(train), count);
  assert.ok(train.every((spike) => spike === 0 || spike === Math.sign(count)));
}));

test("binary digits are worth the count and have the steps that docs/codes.md gives", () => each((count, steps) => {
  const train = digits(count, steps);
  assert.equal(train.length, Math.ceil(Math.log2(steps + 1)));
  assert.equal(value(train), count);
}));

test("canonic digits are worth the count, fit their steps, and no two neighbours are spikes", () => each((count, steps) => {
  const train = canonicDigits(count, steps);
  assert.equal(value(train), count, `${count} of ${steps}`);
  assert.ok(train.every((spike, k) => spike === 0 || !train[k + 1]));
}));

test("in phased time keys and values share a window, and the layers follow one another", () => {
  const names = ["embedding", "layer.0.key", "layer.0.value", "layer.0.context", "layer.0.attention", "layer.0.feed_forward", "layer.0.output", "layer.1.key"];
  const populations = names.map((name) => ({ name }));
  assert.deepEqual(stages(populations, "phased"), { of: [0, 1, 1, 2, 3, 4, 5, 6], count: 7 });
  assert.deepEqual(stages(populations, "accumulated"), { of: names.map(() => 0), count: 1 });
});
