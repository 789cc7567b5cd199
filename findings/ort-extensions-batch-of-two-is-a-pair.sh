#!/usr/bin/env bash
# software: onnxruntime-extensions 0.15.2
# expected: a tokeniser in an ONNX file takes a batch of texts, one row each
# happens: one text is a row, two are a pair in one row, three are an error
#
# The input of the operator BertTokenizer of onnxruntime-extensions 0.15.2 is a tensor of strings without a fixed length, so one
# would expect a row of ids for each. A tensor of two strings is a text and its second sentence instead: the batch comes back as one
# row with segments 0 and 1, and a classifier behind it gives one answer, about both. Where batches are made of what waits, as
# in a server, that happens whenever exactly two requests meet. One alone is right, and three at least raise an error.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet onnxruntime-extensions==0.15.2 onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6

"$dir/venv/bin/python" - <<'PY'
import sys
from importlib.metadata import version

import onnxruntime as ort
from onnx import TensorProto, helper
from onnxruntime_extensions import get_library_path

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "bad", "film"]
names = ("ids", "types", "mask")
node = helper.make_node("BertTokenizer", ["text"], names, domain="ai.onnx.contrib", vocab_file="\n".join(WORDS), do_lower_case=1)
graph = helper.make_graph(
    [node],
    "tokeniser",
    [helper.make_tensor_value_info("text", TensorProto.STRING, [None])],
    [helper.make_tensor_value_info(name, TensorProto.INT64, None) for name in names],
)
opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.contrib", 1)]
options = ort.SessionOptions()
options.log_severity_level = 4
options.register_custom_ops_library(get_library_path())
session = ort.InferenceSession(helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString(), options)

print(f"onnxruntime-extensions {version('onnxruntime-extensions')}, onnxruntime {ort.__version__}")
found = []
for texts in (["good film"], ["good film", "bad film"], ["good film", "bad film", "film"]):
    try:
        ids, types, _ = session.run(None, {"text": texts})
        row = (" ".join(WORDS[i] for i in ids.ravel()), types.ravel().tolist())
    except Exception as error:
        row = type(error).__name__, []
    print(f"{len(texts)} texts: {row[0]}, segments {row[1]}")
    found.append(row)
one, two, three = found
pair = ("[CLS] good film [SEP] bad film [SEP]", [0, 0, 0, 0, 1, 1, 1])
if one != ("[CLS] good film [SEP]", [0] * 4) or two != pair or three[1]:
    sys.exit("the behaviour has changed")
PY
