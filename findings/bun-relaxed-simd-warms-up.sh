#!/usr/bin/env bash
# software: Bun 1.4.5
# expected: one function of one WebAssembly module gives one answer to one input, within a process
# happens: after ten to some thousand calls it gives another
#
# Relaxed SIMD lets a host choose among several results, once and for all, so that a program may test what it has and rely on it. Bun
# 1.4.5 chooses by compiler: its interpreter answers relaxed_trunc of 4294967040 with 2147483648, the code that replaces it when the
# function has run for a while with 4294967040; relaxed_laneselect with a mask of partial bytes gives 170, then 165. A test of the host at the
# start of a program, or a test suite of short runs, sees the first answer, and long runs get the second. The relaxed dot product of
# bytes in 0..127 is not among them.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init --yes > npm.log
npm install --silent --no-audit --no-fund --save-exact @oven/bun-linux-x64@1.4.5

cat > finding.mjs <<'JS'
// (module (memory (export "m") 1)
//   (func (export "trunc") (v128.store (i32.const 16) (i32x4.relaxed_trunc_f32x4_u (v128.load (i32.const 0)))))
//   (func (export "select") (v128.store (i32.const 64) (i32x4.relaxed_laneselect
//     (v128.load (i32.const 16)) (v128.load (i32.const 32)) (v128.load (i32.const 48))))))
const bytes = Buffer.from("AGFzbQEAAAABBAFgAAADAwIAAAUDAQABBxYDAW0CAAV0cnVuYwAABnNlbGVjdAABCjICEQBBEEEA/QAEAP2CAv0LBAALHgBBwABBEP0ABABBIP0ABABBMP0ABAD9iwL9CwQACw==", "base64");
const { instance } = await WebAssembly.instantiate(bytes);
const { m, trunc, select } = instance.exports;
const floats = new Float32Array(m.buffer);
const words = new Uint32Array(m.buffer);
const octets = new Uint8Array(m.buffer);
const CALLS = 200_000;

const questions = {
  "relaxed_trunc of 4294967040": () => {
    floats.fill(4294967040, 0, 4);
    trunc();
    return words[4];
  },
  "relaxed_laneselect of 0x55, 0xaa by 0x0f": () => {
    octets.fill(0x55, 16, 32).fill(0xaa, 32, 48).fill(0x0f, 48, 64);
    select();
    return octets[64];
  },
};

console.log(`bun ${process.versions.bun}`);
const changed = [];
for (const [name, ask] of Object.entries(questions)) {
  const first = ask();
  let call = 1;
  while (call < CALLS && ask() === first) call += 1;
  changed.push(call < CALLS);
  console.log(call < CALLS ? `${name}: ${first}, from call ${call} on ${ask()}` : `${name}: ${first} in all of ${CALLS} calls`);
}
if (changed.some((change) => !change)) {
  console.error("the behaviour has changed");
  process.exit(1);
}
JS
node_modules/@oven/bun-linux-x64/bin/bun finding.mjs
