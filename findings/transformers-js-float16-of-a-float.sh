#!/usr/bin/env bash
# software: @huggingface/transformers 4.3.2 (npm)
# expected: tensor.to("float16").to("float32") gives the numbers back, rounded to half precision
# happens: in Node 20 1.7 comes back as 0.00000006, 0.5 as 0 and -1.7 as NaN
#
# A model that was exported in half precision wants float16 inputs, and to() is documented as the conversion between types. Where there is no
# Float16Array, as in Node 20 and older browsers, the library keeps half precision in a Uint16Array of bits; to("float32") of
# such a tensor is right. to("float16") of transformers.js 4.3.2 puts each number itself, without its fraction, in the place of the bits: numbers
# between -1 and 1 become 0, 1 becomes the smallest number there is, and a negative one wraps to the bits of a NaN or of something huge. The type
# of the tensor says float16, so a model takes it, and sees next to nothing. Integers are converted in the same way.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init --yes > npm.log
npm install --silent --no-audit --no-fund --save-exact --ignore-scripts @huggingface/transformers@4.3.2

cat > finding.mjs <<'JS'
import { Tensor, env } from "@huggingface/transformers";

const numbers = [1.7, 0.5, 1, -1.7, -300, 15360];
const half = new Tensor("float32", Float32Array.from(numbers), [numbers.length]).to("float16");
const back = [...half.to("float32").data];
// The bits of 1.7 and 0.5 in half precision, read by the same library.
const bits = [...new Tensor("float16", Uint16Array.from([0x3ecd, 0x3800]), [2]).to("float32").data];
console.log(`transformers.js ${env.version}, Node ${process.versions.node}`);
console.log("numbers                ", numbers.join(", "));
console.log(`to float16             `, half.type, half.data.constructor.name, [...half.data].join(", "));
console.log("and back to float32    ", back.join(", "));
console.log("bits 0x3ecd and 0x3800 ", bits.join(", "));
const tiny = 2 ** -24;
const expected = [tiny, 0, tiny, NaN, NaN, 1];
const same = back.every((x, i) => Object.is(x, expected[i]) || x === expected[i]);
if (!same || Math.abs(bits[0] - 1.7) > 0.001 || bits[1] !== 0.5) {
  console.error("the behaviour has changed");
  process.exit(1);
}
JS
node finding.mjs
