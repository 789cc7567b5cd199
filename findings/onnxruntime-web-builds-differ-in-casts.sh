#!/usr/bin/env bash
# software: onnxruntime-web 1.30.0 (npm), onnx 1.23.2
# expected: a file that the package's WebAssembly provider runs is run by it in each of the package's builds
# happens: a Cast from INT4 has no implementation in the build for WebGPU; the others run it
#
# onnxruntime-web comes in builds that one chooses by import, and executionProviders: ["wasm"] asks each for the same provider on the
# processor. That of `onnxruntime-web/webgpu`, which transformers.js imports in browsers, has fewer types: a file with a Cast from INT4 to INT8
# cannot be loaded there, though DequantizeLinear of the same INT4 is computed. What was tried in Node, or with the plain build, fails
# only on the page.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet onnx==1.23.2 numpy==2.4.6
npm init --yes > npm.log
npm install --silent --no-audit --no-fund --save-exact --ignore-scripts onnxruntime-web@1.30.0

"$dir/venv/bin/python" - <<'PY'
import onnx
from onnx import TensorProto as T, helper

codes = onnx.TensorProto(name="codes", data_type=T.INT4, dims=[4], raw_data=bytes([0x1F, 0xF1]))
one = helper.make_tensor("one", T.FLOAT, [], [1.0])


def save(name, tensors, nodes):
    nodes = [*nodes, helper.make_node("Add", ["x", "given"], ["y"])]
    given = helper.make_tensor_value_info("given", T.FLOAT, [4])
    graph = helper.make_graph(nodes, name, [given], [helper.make_tensor_value_info("y", T.FLOAT, [4])], tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, name + ".onnx")


def cast(source, target, kind):
    return helper.make_node("Cast", [source], [target], to=kind)


save("cast-int4", [codes], [cast("codes", "bytes", T.INT8), cast("bytes", "x", T.FLOAT)])
save("dequantize-int4", [codes, one], [helper.make_node("DequantizeLinear", ["codes", "one"], ["x"])])
PY

cat > finding.mjs <<'JS'
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const { version } = createRequire(import.meta.url)("./node_modules/onnxruntime-web/package.json");
console.log(`onnxruntime-web ${version}, Node ${process.versions.node}, executionProviders: ["wasm"]`);
const files = ["cast-int4", "dequantize-int4"];
const seen = {};
for (const build of ["wasm", "all", "webgpu"]) {
  const ort = await import(`./node_modules/onnxruntime-web/dist/ort.${build}.min.mjs`);
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = "error";
  for (const file of files) {
    let said;
    try {
      const session = await ort.InferenceSession.create(readFileSync(`${file}.onnx`), { executionProviders: ["wasm"] });
      const given = new ort.Tensor("float32", new Float32Array(4), [4]);
      said = [...(await session.run({ given })).y.data].join(" ");
    } catch (error) {
      said = String(error).includes("Could not find an implementation for Cast") ? "no implementation for Cast" : String(error);
    }
    seen[`${build} ${file}`] = said;
    console.log(`  ort.${build}, ${file}: ${said}`);
  }
}
const right = (build) => files.every((file) => seen[`${build} ${file}`] === "-1 1 1 -1");
const missing = seen["webgpu cast-int4"] === "no implementation for Cast";
if (!right("wasm") || !right("all") || !missing || seen["webgpu dequantize-int4"] !== "-1 1 1 -1") {
  console.error("the behaviour has changed");
  process.exit(1);
}
JS
node finding.mjs 2> errors || { cat errors >&2; exit 1; }
