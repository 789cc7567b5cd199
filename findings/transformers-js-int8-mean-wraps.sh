#!/usr/bin/env bash
# software: @huggingface/transformers 4.3.2 (npm)
# expected: the mean of an int8 row lies between its smallest and its largest value, and a normalised row has length 1
# happens: the mean of 100, 100, 100 is 14, its length 6, and normalised it is 16, 16, 16
#
# Tensor of transformers.js has the methods of PyTorch, documented in the same words. PyTorch refuses the mean and the norm of integers; in
# 4.3.2 they are computed, and every step in the type of the tensor: a sum wraps in 8 bits before it is divided, a root loses its fraction, and
# normalize() divides by what is left and cuts again. Quantised vectors, and outputs of quantised models, are int8 or uint8 tensors, and the
# pooling and the cosines made of them are of other numbers. sum wraps too. The mean of all elements, without a dimension, is summed in
# doubles and then cut. Nothing is said, and to("float32") first makes all right.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init --yes > npm.log
npm install --silent --no-audit --no-fund --save-exact --ignore-scripts @huggingface/transformers@4.3.2

cat > finding.mjs <<'JS'
import { Tensor, env } from "@huggingface/transformers";

const rows = () => new Tensor("int8", Int8Array.from([100, 100, 100, 90, -60, 90]), [2, 3]);
const questions = {
  "mean of each row": (x) => x.mean(1),
  "length of each row": (x) => x.norm(2, 1),
  "normalised": (x) => x.normalize(2, 1),
  "mean of all": (x) => x.mean(),
  "sum of each row": (x) => x.sum(1),
};
console.log(`transformers.js ${env.version}, Node ${process.versions.node}; rows 100, 100, 100 and 90, -60, 90`);
const found = [];
for (const [name, question] of Object.entries(questions)) {
  const narrow = question(rows());
  const wide = question(rows().to("float32"));
  found.push([...narrow.data]);
  console.log(`${name.padEnd(19)} ${narrow.type} ${[...narrow.data].join(", ")}; as float32 ${[...wide.data].map((x) => x.toFixed(2)).join(", ")}`);
}
const expected = [[14, 40], [6, 9], [16, 16, 16, 10, -6, 10], [70], [44, 120]];
if (JSON.stringify(found) !== JSON.stringify(expected)) {
  console.error(`the behaviour has changed; it was ${JSON.stringify(expected)}`);
  process.exit(1);
}
JS
node finding.mjs
