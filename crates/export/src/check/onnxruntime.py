"""Answers texts with an export in ONNX Runtime: a line of JSON in, counts as bytes and numbers as f32 out."""

import json
import struct
import sys
import time

import numpy as np
import onnxruntime

folder = sys.argv[-1]
manifest = json.load(open(folder + "/bitspike.json"))
file = open(folder + "/" + manifest["model"], "rb").read()


def field(number, value):
    size, length = b"", len(value)
    while length >= 128:
        size, length = size + bytes([length & 127 | 128]), length >> 7
    return bytes([number << 3 | 2]) + size + bytes([length]) + value


# Messages one after another are one message of both: the model with the counts of its populations as outputs.
f32 = field(2, field(1, b"\x08\x01"))
watched = file + field(7, b"".join(field(12, field(1, name.encode()) + f32) for name in manifest["populations"]))
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
options.log_severity_level = 3
plain, watched = (
    onnxruntime.InferenceSession(bytes, options, providers=["CPUExecutionProvider"]) for bytes in (file, watched)
)
settings = "CPUExecutionProvider, one thread, its defaults otherwise"
print(json.dumps({"runtime": "onnxruntime " + onnxruntime.__version__, "settings": settings}), flush=True)


def timed(feed, seconds):
    times, end = [], time.perf_counter() + seconds
    while len(times) < 3 or time.perf_counter() < end:
        began = time.perf_counter()
        plain.run(None, feed)
        times.append(1e3 * (time.perf_counter() - began))
    return [min(times), sorted(times)[len(times) // 2]]


for line in sys.stdin:
    text = json.loads(line)
    ids, types = (np.array([text[name]], np.int64) for name in ("ids", "types"))
    feed = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": types}
    if "seconds" in text:
        counts, numbers = b"", timed(feed, text["seconds"])
    else:
        logits, *counts = watched.run(None, feed)
        counts = b"".join(values.astype(np.int8).tobytes() for values in counts)
        numbers = logits[0].tolist()
    sys.stdout.buffer.write(struct.pack("<I", len(counts)) + counts)
    sys.stdout.buffer.write(struct.pack(f"<I{len(numbers)}f", len(numbers), *numbers))
    sys.stdout.flush()
