// The one relaxed instruction of the engine, `i16x8.relaxed_dot_i8x16_i7x16_s`, in Node and in Chromium: with a second operand of 0 to
// 127 it gives the sum of both products, whatever the first. All 256 times 128 pairs of bytes, beside both extremes of the other pair.

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { build } from "../npm/api.js";

// (func (export "dot") (param $n i32)): for 16 bytes each at 0, at 16,384, of which the sums go to 32,768, until n.
const MODULE = [
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 1, 127, 0, 3, 2, 1, 0, 5, 3, 1, 0, 1, 7, 16, 2, 6, 109, 101, 109, 111, 114, 121, 2, 0,
  3, 100, 111, 116, 0, 0, 10, 46, 1, 44, 1, 1, 127, 3, 64, 32, 1, 32, 1, 253, 0, 4, 0, 32, 1, 253, 0, 4, 128, 128, 1, 253, 146, 2,
  253, 11, 4, 128, 128, 2, 32, 1, 65, 16, 106, 34, 1, 32, 0, 73, 13, 0, 11, 11,
];

/** Sums that are not what they should be. */
function wrongSums(bytes) {
  const { memory, dot } = new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array(bytes)), {}).exports;
  const first = new Int8Array(memory.buffer, 0, 16384);
  const second = new Int8Array(memory.buffer, 16384, 16384);
  const sums = new Int16Array(memory.buffer, 32768, 8192);
  let wrong = 0;
  for (const [count, code] of [[-128, 127], [127, 127], [-1, 1], [0, 0]]) {
    for (let pair = 0; pair < 256 * 128; pair += 8192) {
      for (let i = 0; i < 8192; i++) {
        // The other pair stands before it, then behind.
        const side = i % 2;
        first[2 * i + side] = ((pair + i) >> 7) - 128;
        second[2 * i + side] = (pair + i) & 127;
        first[2 * i + 1 - side] = count;
        second[2 * i + 1 - side] = code;
      }
      dot(16384);
      for (let i = 0; i < 8192; i++) {
        const sum = (((pair + i) >> 7) - 128) * ((pair + i) & 127) + count * code;
        if (sums[i] !== sum) wrong += 1;
      }
    }
  }
  return wrong;
}

test("in Node", { skip: build() !== "relaxed" && "this Node has no relaxed SIMD" }, () => {
  // Twice: the second time in another tier of the compiler.
  for (let i = 0; i < 20; i++) assert.equal(wrongSums(MODULE), 0);
});

test("in Chromium", { skip: process.env.CHROMIUM === "" }, async () => {
  const { chromium } = await import("playwright-core");
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
  after(() => browser.close());
  const page = await browser.newPage();
  assert.equal(await page.evaluate(`(${wrongSums})(${JSON.stringify(MODULE)})`), 0);
});
