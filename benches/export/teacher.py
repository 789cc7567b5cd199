"""A BERT classifier of Hugging Face as ONNX, in f32 and in ONNX Runtime's dynamic int8.

    python teacher.py FOLDER OUT     writes OUT/f32.onnx and OUT/int8.onnx
"""

import json
import struct
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

folder, out = map(Path, sys.argv[1:])
config = json.loads((folder / "config.json").read_text())
file = (folder / "model.safetensors").read_bytes()
begin = 8 + struct.unpack("<Q", file[:8])[0]
header = json.loads(file[8:begin])
kinds = {"F16": np.float16, "F32": np.float32}
nodes, weights = [], {}


def weight(name, transposed=False):
    entry = header[name]
    first, last = entry["data_offsets"]
    values = np.frombuffer(file[begin + first : begin + last], kinds[entry["dtype"]]).reshape(entry["shape"])
    values = values.astype(np.float32)
    weights[name] = values.T.copy() if transposed else values
    return name


def constant(name, value, kind):
    weights[name] = np.array(value, kind)
    return name


def node(operator, *inputs, **attributes):
    output = f"{operator}.{len(nodes)}"
    nodes.append(helper.make_node(operator, list(inputs), [output], output, **attributes))
    return output


def linear(x, name):
    return node("Add", node("MatMul", x, weight(name + ".weight", True)), weight(name + ".bias"))


def norm(x, name):
    gain, bias = weight(name + ".weight"), weight(name + ".bias")
    return node("LayerNormalization", x, gain, bias, axis=-1, epsilon=config["layer_norm_eps"])


heads, width = config["num_attention_heads"], config["hidden_size"]
split = constant("split", [0, 0, heads, width // heads], np.int64)
whole = constant("whole", [0, 0, width], np.int64)
e = "bert.embeddings."
length = node("Slice", node("Shape", "input_ids"), constant("1", [1], np.int64), constant("2", [2], np.int64))
positions = node("Slice", weight(e + "position_embeddings.weight"), constant("0", [0], np.int64), length, "0")
x = node("Add", node("Gather", weight(e + "word_embeddings.weight"), "input_ids"), positions)
x = norm(node("Add", x, node("Gather", weight(e + "token_type_embeddings.weight"), "token_type_ids")), e + "LayerNorm")
mask = node("Cast", "attention_mask", to=TensorProto.FLOAT)
mask = node("Mul", node("Sub", constant("one", 1, np.float32), mask), constant("least", -1e4, np.float32))
mask = node("Unsqueeze", mask, constant("axes", [1, 2], np.int64))
root = constant("root", (width // heads) ** -0.5, np.float32)
for i in range(config["num_hidden_layers"]):
    layer = f"bert.encoder.layer.{i}."
    query, key, value = (
        node("Transpose", node("Reshape", linear(x, layer + "attention.self." + name), "split"), perm=order)
        for name, order in (("query", [0, 2, 1, 3]), ("key", [0, 2, 3, 1]), ("value", [0, 2, 1, 3]))
    )
    scores = node("Add", node("Mul", node("MatMul", query, key), root), mask)
    context = node("MatMul", node("Softmax", scores, axis=-1), value)
    context = node("Reshape", node("Transpose", context, perm=[0, 2, 1, 3]), "whole")
    x = norm(node("Add", linear(context, layer + "attention.output.dense"), x), layer + "attention.output.LayerNorm")
    inner = node("Gelu", linear(x, layer + "intermediate.dense"))
    x = norm(node("Add", linear(inner, layer + "output.dense"), x), layer + "output.LayerNorm")
first = node("Gather", x, constant("first", 0, np.int64), axis=1)
pooled = node("Tanh", linear(first, "bert.pooler.dense"))
nodes.append(helper.make_node("Identity", [linear(pooled, "classifier")], ["logits"]))

classes = header["classifier.bias"]["shape"][0]
inputs = [
    helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "length"])
    for name in ("input_ids", "attention_mask", "token_type_ids")
]
logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", classes])
initializers = [numpy_helper.from_array(values, name) for name, values in weights.items()]
graph = helper.make_graph(nodes, "teacher", inputs, [logits], initializers)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
onnx.checker.check_model(model, full_check=True)
out.mkdir(parents=True, exist_ok=True)
onnx.save(model, out / "f32.onnx")
quantize_dynamic(out / "f32.onnx", out / "int8.onnx", weight_type=QuantType.QInt8)
