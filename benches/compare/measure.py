"""Times a peer of compare.py, loaded and warm.

    python measure.py ids FILE --ids IDS.json --threads N --seconds S
    python measure.py texts FILE --tokenizer tokenizer.json --texts FILE --threads N --seconds S

FILE is an ONNX file, for ONNX Runtime, or an OpenVINO file (.xml), which takes `--precision f32|default`. One JSON object is printed;
times are in milliseconds, from token ids (`ids`) or from texts (`texts`) to logits.
"""

import argparse
import json
import os
import statistics
import sys
import time
from pathlib import Path

INPUTS = ("input_ids", "attention_mask", "token_type_ids")


class OnnxSession:
    """A model in ONNX Runtime."""

    def __init__(self, path, threads):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        self.session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self.names = [wanted.name for wanted in self.session.get_inputs()]
        self.precision = None

    def logits(self, ids, mask):
        return self.session.run(None, feed(self.names, ids, mask))[0]


class OpenVinoModel:
    """A model in OpenVINO; `precision` is its hint for what is not quantised: `f32`, or `default`, which is bf16 where the processor has it."""

    def __init__(self, path, threads, precision):
        import openvino

        settings = {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY"}
        if precision == "f32":
            settings["INFERENCE_PRECISION_HINT"] = "f32"
        compiled = openvino.Core().compile_model(str(path), "CPU", settings)
        self.names = [wanted.get_any_name() for wanted in compiled.inputs]
        self.request = compiled.create_infer_request()
        self.precision = compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name()

    def logits(self, ids, mask):
        return self.request.infer(feed(self.names, ids, mask), share_inputs=True, share_outputs=True)[0]


def opened(flags):
    if flags.file.suffix == ".xml":
        return OpenVinoModel(flags.file, flags.threads, flags.precision)
    return OnnxSession(flags.file, flags.threads)


def feed(names, ids, mask):
    import numpy as np

    values = dict(zip(INPUTS, (ids, mask, np.zeros_like(ids))))
    return {name: values[name] for name in names}


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
    model = opened(flags)
    ids, mask = padded(json.loads(flags.ids.read_text(encoding="utf-8")))
    return timed(lambda: model.logits(ids, mask), flags.seconds) | {"precision": model.precision}


def measure_texts(flags):
    """The faster of one sentence at a time and batches of 32 sorted by length."""
    os.environ["RAYON_NUM_THREADS"] = str(flags.threads)
    os.environ["TOKENIZERS_PARALLELISM"] = "false" if flags.threads == 1 else "true"
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(flags.tokenizer))
    tokenizer.no_padding()
    tokenizer.enable_truncation(512)
    texts = flags.texts.read_text(encoding="utf-8").splitlines()
    model = opened(flags)
    labels = [0] * len(texts)

    def answer(batch):
        sentences = [encoding.ids for encoding in tokenizer.encode_batch(texts)]
        order = range(len(texts)) if batch == 1 else sorted(range(len(texts)), key=lambda i: len(sentences[i]))
        for start in range(0, len(texts), batch):
            chunk = order[start : start + batch]
            logits = model.logits(*padded([sentences[i] for i in chunk]))
            for i, label in zip(chunk, logits.argmax(1).tolist()):
                labels[i] = label

    found = {}
    for batch in (1, 32):
        found[batch] = timed(lambda batch=batch: answer(batch), flags.seconds)
    batch = min(found, key=lambda size: found[size]["p50_ms"])
    return found[batch] | {"batch": batch, "other": found, "labels": labels, "precision": model.precision}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    for name, function in (("ids", measure_ids), ("texts", measure_texts)):
        command = commands.add_parser(name)
        command.add_argument("file", type=Path)
        command.add_argument("--threads", type=int, required=True)
        command.add_argument("--seconds", type=float, required=True)
        command.add_argument("--precision", choices=("f32", "default"), default="f32")
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
