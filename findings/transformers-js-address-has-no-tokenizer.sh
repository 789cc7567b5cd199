#!/usr/bin/env bash
# software: @huggingface/transformers 4.3.2 (npm), onnx 1.23.2
# expected: env.localModelPath may be an address of a host, as it may be a path: what can be fetched is loaded
# happens: the pipeline loads model and configuration from it and no tokenizer; the first text fails with "this.tokenizer is not a function"
#
# A page that keeps its models on a host of its own sets localModelPath to that host's address, and sees config.json and the model arrive. Which
# files of a tokenizer there are is asked first, and of addresses that question is not put: the answer is none. No error is raised
# until a text is classified; AutoTokenizer alone fails at once, with the message of a property of undefined. The same folder as a path works.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet onnx==1.23.2 numpy==2.4.6
npm init --yes > npm.log
npm install --silent --no-audit --no-fund --save-exact --ignore-scripts @huggingface/transformers@4.3.2

"$dir/venv/bin/python" - <<'PY'
import json
from pathlib import Path

import onnx
from onnx import TensorProto as T, helper

folder = Path("models/tiny")
(folder / "onnx").mkdir(parents=True)
words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "fine", "film"]
special = [{"id": i, "content": w, "special": True, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
           for i, w in enumerate(words[:5])]
tokenizer = {
    "version": "1.0", "truncation": None, "padding": None, "added_tokens": special,
    "normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": True},
    "pre_tokenizer": {"type": "BertPreTokenizer"}, "post_processor": None, "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
    "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100,
              "vocab": {word: i for i, word in enumerate(words)}},
}
(folder / "tokenizer.json").write_text(json.dumps(tokenizer))
(folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "BertTokenizer", "model_max_length": 16, "pad_token": "[PAD]",
                                                          "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]", "mask_token": "[MASK]"}))
(folder / "config.json").write_text(json.dumps({"model_type": "bert", "architectures": ["BertForSequenceClassification"], "hidden_size": 2,
                                                "id2label": {"0": "no", "1": "yes"}, "label2id": {"no": 0, "yes": 1}}))
names = ("input_ids", "attention_mask", "token_type_ids")
nodes = [helper.make_node("Cast", ["input_ids"], ["x"], to=T.FLOAT), helper.make_node("ReduceMean", ["x", "one"], ["mean"], keepdims=1),
         helper.make_node("Mul", ["mean", "gain"], ["logits"])]
constants = [helper.make_tensor("one", T.INT64, [1], [1]), helper.make_tensor("gain", T.FLOAT, [2], [-1.0, 1.0])]
graph = helper.make_graph(nodes, "tiny", [helper.make_tensor_value_info(name, T.INT64, ["b", "l"]) for name in names],
                          [helper.make_tensor_value_info("logits", T.FLOAT, ["b", 2])], constants)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
onnx.checker.check_model(model, full_check=True)
onnx.save(model, folder / "onnx/model.onnx")
PY

cat > finding.mjs <<'JS'
import { createReadStream, existsSync } from "node:fs";
import { createServer } from "node:http";
import { AutoTokenizer, env, pipeline } from "@huggingface/transformers";

const host = createServer((request, response) => {
  const file = `.${new URL(request.url, "http://host").pathname}`;
  if (!existsSync(file)) return response.writeHead(404).end();
  return createReadStream(file).pipe(response);
});
await new Promise((listening) => host.listen(0, "127.0.0.1", listening));
env.allowRemoteModels = false;
env.cacheDir = `./cache-${process.argv[2]}`;
const addressed = process.argv[2] === "address";
env.localModelPath = addressed ? `http://127.0.0.1:${host.address().port}/models/` : "./models/";
const classify = await pipeline("text-classification", "tiny", { dtype: "fp32" });
const said = await classify("a fine film").then(([{ label }]) => label, (error) => error.message);
const alone = await AutoTokenizer.from_pretrained("tiny").then(() => "loaded", (error) => error.message);
host.close();
console.log(`transformers.js ${env.version}, Node ${process.versions.node}, localModelPath as ${addressed ? "an address" : "a path"}`);
console.log("  pipeline:     ", said);
console.log("  AutoTokenizer:", alone);
const expected = addressed
  ? ["this.tokenizer is not a function", "Cannot read properties of undefined (reading 'tokenizer_class')"]
  : ["yes", "loaded"];
if (said !== expected[0] || alone !== expected[1]) {
  console.error("the behaviour has changed");
  process.exit(1);
}
JS
node finding.mjs address
node finding.mjs path
