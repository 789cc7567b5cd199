// The arguments of same_bits.js and of hosts/firefox.js: which models are asked which texts, and what the native engine found.

import { readFile } from "node:fs/promises";

const [digests, file, most, ...models] = process.argv.slice(2);
/** Files of the models. */
export const paths = models;
export const simd = process.env.SIMD ?? "auto";
const lines = (await readFile(file, "utf8")).trimEnd().split("\n").map((line) => line.split("\t")[0]);
export const texts = (lines[0] === "sentence" ? lines.slice(1) : lines).slice(0, Number(most));
export const expected = new Map((await readFile(digests, "utf8")).trim().split("\n").map((line) => {
  const [name, count, logits, counts] = line.split(" ");
  return [name, { texts: Number(count), logits, counts }];
}));
