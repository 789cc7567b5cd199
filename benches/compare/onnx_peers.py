"""The peers of compare.py: a BERT classifier as ONNX files in f32 and int8, and their measurement in ONNX Runtime.

    python onnx_peers.py export FOLDER --teacher DIR|base     writes the files of VARIANTS, checked against PyTorch
    python onnx_peers.py ids FILE.onnx --ids IDS.json --threads N --seconds S
    python onnx_peers.py texts FILE.onnx --tokenizer tokenizer.json --texts FILE --threads N --seconds S

`base` is BERT-base with random weights. Measurements are printed as one JSON object; times are in milliseconds, from token ids
(`ids`) or from texts (`texts`) to logits, with the session loaded and warm.
"""

import argparse
import json
import os
import statistics
import sys
import time
import warnings
from pathlib import Path

INPUTS = ("input_ids", "attention_mask", "token_type_ids")
# name -> (fused by the transformer optimizer, (weight type, per channel) or None for f32)
VARIANTS = {
    "f32": (False, None),
    "f32 fused": (True, None),
    "int8": (False, ("QInt8", False)),
    "int8 per channel": (False, ("QInt8", True)),
    "int8 unsigned": (False, ("QUInt8", False)),
    "int8 fused": (True, ("QInt8", False)),
}
# Largest difference of logits between PyTorch and the f32 files.
F32_BOUND = 1e-3


def file_of(folder, variant):
    return folder / (variant.replace(" ", "-") + ".onnx")


# ---- Export

def export(flags):
    import numpy as np
    import onnx
    import torch
    import transformers
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxruntime.transformers import optimizer

    warnings.simplefilter("ignore")
    torch.manual_seed(0)
    if flags.teacher == "base":
        model = transformers.BertForSequenceClassification(transformers.BertConfig(attn_implementation="eager"))
    else:
        model = transformers.AutoModelForSequenceClassification.from_pretrained(
            flags.teacher, dtype=torch.float32, attn_implementation="eager")
        if model.config.model_type != "bert":
            raise SystemExit(f"{flags.teacher}: expected a BERT classifier, found {model.config.model_type}")
    model.eval()
    # A long sentence and a short one, padded: a wrong mask shows.
    ids = torch.randint(1, model.config.vocab_size, (2, 16))
    mask = torch.ones_like(ids)
    mask[1, 10:] = 0
    inputs = (ids, mask, torch.zeros_like(ids))
    axes = {name: {0: "batch", 1: "length"} for name in INPUTS}
    flags.folder.mkdir(parents=True, exist_ok=True)
    plain, fused = (file_of(flags.folder, name) for name in ("f32", "f32 fused"))
    torch.onnx.export(model, inputs, plain, input_names=list(INPUTS), output_names=["logits"], dynamic_axes=axes, opset_version=17,
                      dynamo=False)
    found = optimizer.optimize_model(str(plain), model_type="bert", num_heads=model.config.num_attention_heads,
                                     hidden_size=model.config.hidden_size, opt_level=0)
    operators = found.get_fused_operator_statistics()
    if operators["Attention"] != model.config.num_hidden_layers:
        raise SystemExit(f"the optimizer fused {operators['Attention']} of {model.config.num_hidden_layers} attentions: no fair peer")
    found.save_model_to_file(str(fused))
    for name, (is_fused, quantised) in VARIANTS.items():
        if quantised is not None:
            weight_type, per_channel = quantised
            quantize_dynamic(fused if is_fused else plain, file_of(flags.folder, name), per_channel=per_channel, reduce_range=False,
                             weight_type=QuantType[weight_type], extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT})
    # Dynamic quantisation has one scale for a whole tensor of activations: the check uses other lengths than the export.
    ids = torch.randint(1, model.config.vocab_size, (3, 31))
    mask = torch.ones_like(ids)
    mask[1, 20:], mask[2, 7:] = 0, 0
    with torch.inference_mode():
        expected = model(ids, mask, torch.zeros_like(ids)).logits.numpy()
    differences = {}
    for name, (_, quantised) in VARIANTS.items():
        opened = session(file_of(flags.folder, name), 1)
        logits = opened.run(None, feed(opened, ids.numpy(), mask.numpy()))[0]
        differences[name] = float(np.abs(logits - expected).max())
        if quantised is None and not differences[name] <= F32_BOUND:
            raise SystemExit(f"{name}: logits differ from PyTorch by {differences[name]:.2e}, expected at most {F32_BOUND:.0e}")
    parameters = sum(parameter.numel() for parameter in model.parameters())
    return {"parameters": parameters, "vocabulary": model.config.vocab_size, "logit_differences": differences, "fused_operators": operators,
            "bytes": {name: file_of(flags.folder, name).stat().st_size for name in VARIANTS}}


# ---- Measurement

def session(path, threads):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def feed(opened, ids, mask):
    import numpy as np

    values = dict(zip(INPUTS, (ids, mask, np.zeros_like(ids))))
    return {wanted.name: values[wanted.name] for wanted in opened.get_inputs()}


def padded(sentences):
    """ids, mask: int64 [sentences, longest]"""
    import numpy as np

    ids = np.zeros((len(sentences), max(map(len, sentences))), dtype=np.int64)
    mask = np.zeros_like(ids)
    for row, sentence in enumerate(sentences):
        ids[row, : len(sentence)], mask[row, : len(sentence)] = sentence, 1
    return ids, mask


def timed(function, seconds):
    """Times of the calls of `function` within `seconds` (at least 3), after a tenth of it to warm up."""
    end = time.perf_counter() + seconds / 10
    function()
    while time.perf_counter() < end:
        function()
    times, end = [], time.perf_counter() + seconds
    while len(times) < 3 or time.perf_counter() < end:
        began = time.perf_counter()
        function()
        times.append(1e3 * (time.perf_counter() - began))
    return {"p50_ms": statistics.median(times), "best_ms": min(times), "runs": len(times)}


def measure_ids(flags):
    opened = session(flags.onnx, flags.threads)
    inputs = feed(opened, *padded(json.loads(flags.ids.read_text(encoding="utf-8"))))
    return timed(lambda: opened.run(None, inputs), flags.seconds)


def measure_texts(flags):
    """The faster of one sentence at a time and batches of 32 sorted by length."""
    os.environ["RAYON_NUM_THREADS"] = str(flags.threads)
    os.environ["TOKENIZERS_PARALLELISM"] = "false" if flags.threads == 1 else "true"
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(flags.tokenizer))
    tokenizer.no_padding()
    tokenizer.enable_truncation(512)
    texts = flags.texts.read_text(encoding="utf-8").splitlines()
    opened = session(flags.onnx, flags.threads)
    labels = [0] * len(texts)

    def answer(batch):
        sentences = [encoding.ids for encoding in tokenizer.encode_batch(texts)]
        order = range(len(texts)) if batch == 1 else sorted(range(len(texts)), key=lambda i: len(sentences[i]))
        for start in range(0, len(texts), batch):
            chunk = order[start : start + batch]
            logits = opened.run(None, feed(opened, *padded([sentences[i] for i in chunk])))[0]
            for i, label in zip(chunk, logits.argmax(1).tolist()):
                labels[i] = label

    found = {}
    for batch in (1, 32):
        found[batch] = timed(lambda batch=batch: answer(batch), flags.seconds)
    batch = min(found, key=lambda size: found[size]["p50_ms"])
    return found[batch] | {"batch": batch, "other": found, "labels": labels}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    exporting = commands.add_parser("export")
    exporting.add_argument("folder", type=Path)
    exporting.add_argument("--teacher", required=True)
    exporting.set_defaults(run=export)
    for name, function in (("ids", measure_ids), ("texts", measure_texts)):
        command = commands.add_parser(name)
        command.add_argument("onnx", type=Path)
        command.add_argument("--threads", type=int, required=True)
        command.add_argument("--seconds", type=float, required=True)
        command.set_defaults(run=function)
        if name == "ids":
            command.add_argument("--ids", type=Path, required=True)
        else:
            command.add_argument("--tokenizer", type=Path, required=True)
            command.add_argument("--texts", type=Path, required=True)
    flags = parser.parse_args()
    print(json.dumps(flags.run(flags)))


if __name__ == "__main__":
    sys.exit(main())
