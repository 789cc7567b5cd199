#!/usr/bin/env bash
# software: apache-arrow 21.2.0 (npm), pyarrow 26.0.1
# expected: toArray of a Float16 column gives the numbers, as get and an iterator do
# happens: it gives their bits: 1 is 15360, 0.5 is 14336
#
# toArray is how a column becomes a typed array for a chart or a product, and for Float32 it gives the numbers. For Float16
# apache-arrow 21.2.0 returns the Uint16Array that lies beneath, so 1, 0.5 and -2 are 15360, 14336 and 49152, while get, the iterator and
# toJSON decode. All are numbers, the order of positive ones is kept, so a ranking looks right and every score, norm and cosine is wrong.
# Embeddings are what is stored in half precision. A null is 0 in any such array.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet pyarrow==26.0.1 numpy==2.4.6
npm init --yes > npm.log
npm install --silent --no-audit --no-fund --save-exact apache-arrow@21.2.0

"$dir/venv/bin/python" - <<'PY'
import numpy as np
import pyarrow
import pyarrow.ipc

numbers = [1, 0.5, -2, None]
table = pyarrow.table({"half": pyarrow.array(numbers, pyarrow.float16()), "single": pyarrow.array(numbers, pyarrow.float32())})
with pyarrow.ipc.new_stream("vectors.arrows", table.schema) as writer:
    writer.write_table(table)
print(f"pyarrow {pyarrow.__version__}; written {numbers}")
PY

cat > finding.mjs <<'JS'
import { readFileSync } from "node:fs";
import { tableFromIPC } from "apache-arrow";

const { version } = JSON.parse(readFileSync("node_modules/apache-arrow/package.json", "utf8"));
const table = tableFromIPC(readFileSync("vectors.arrows"));
console.log(`apache-arrow ${version}, node ${process.version}`);
const found = {};
for (const name of ["half", "single"]) {
  const column = table.getChild(name);
  const array = column.toArray();
  found[name] = { each: [...column], array: Array.from(array) };
  const [each, kind] = [JSON.stringify(found[name].each), array.constructor.name];
  console.log(`${name.padEnd(7)}${column.type}  iterated ${each}  toArray ${kind} ${JSON.stringify(found[name].array)}`);
}
const numbers = [1, 0.5, -2, null];
const expected = { half: { each: numbers, array: [15360, 14336, 49152, 0] }, single: { each: numbers, array: [1, 0.5, -2, 0] } };
if (JSON.stringify(found) !== JSON.stringify(expected)) {
  console.error("the behaviour has changed");
  process.exit(1);
}
JS
node finding.mjs
