// What every test asks, and what `bitspike classify` says of it. Called as SCRIPT URL BUSY EXPECTED CLASSIFIES, as python/asked.py.
import assert from "node:assert";
import { readFileSync } from "node:fs";

export const [URL, BUSY, , CLASSIFIES] = process.argv.slice(2);
const expected = JSON.parse(readFileSync(process.argv[4], "utf8"));
export const TEXTS = Object.entries(expected.texts);
// Of the model that embeds: texts, and of each its vector, of length 1 (`unit`) and as the layers give it (`raw`).
export const VECTORS = Object.entries(expected.vectors);
export const NO_EMBEDDINGS = "classifies, it gives no embeddings";
export const BUSY_SAYS = "too many tokens are waiting for an answer";

// Labels with their scores must be those of the program, bit for bit, in any order.
export function check(found, expected) {
  const single = (scores) => Object.fromEntries(Object.entries(scores).map(([label, score]) => [label, Math.fround(score)]).sort());
  assert.deepEqual(single(Object.fromEntries(found.map((one) => [one.label, one.score]))), single(expected));
}

// Vectors must be those of the model, bit for bit, in the order of the texts.
export function checkVectors(found, texts, form = "unit") {
  const wanted = texts.map((text) => expected.vectors[text][form].map(Math.fround));
  assert.deepEqual(found.map((vector) => Array.from(vector, Math.fround)), wanted);
}

// A thousand texts, and what is expected of each.
export function many(count = 1000) {
  return Array.from({ length: count }, (_, i) => TEXTS[i % TEXTS.length]);
}

// The error of `call`, which must hold these words.
export async function fails(call, ...says) {
  let found;
  try {
    found = await call();
  } catch (error) {
    const told = [error, error.cause, error.lastError].filter(Boolean).map((one) => `${one} ${JSON.stringify(one)}`).join(" ");
    for (const word of says) assert(told.includes(word), `${word} is not in ${told}`);
    return error;
  }
  assert.fail(`expected an error with ${says}, found ${JSON.stringify(found)}`);
}

export function passed(name, version, ...what) {
  console.log(`ok  ${name} ${version}: ${what.join(", ")}`);
}

export function version(name) {
  return JSON.parse(readFileSync(new globalThis.URL(`node_modules/${name}/package.json`, import.meta.url))).version;
}
