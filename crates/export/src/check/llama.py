"""Answers texts with an export in llama.cpp: a line of JSON in, logits as f32 out. It has no counts."""

import json
import os
import struct
import sys
import time
from importlib.metadata import version

# What llama.cpp logs goes to standard error, whatever it calls standard output.
answers = os.fdopen(os.dup(1), "wb")
os.dup2(2, 1)
import xllamacpp  # noqa: E402

folder = sys.argv[-1]
manifest = json.load(open(folder + "/bitspike.json"))
labels = len(json.load(open(folder + "/config.json"))["id2label"])
parameters = xllamacpp.CommonParams()
parameters.model.path = folder + "/" + manifest["model"]
parameters.embedding = True
parameters.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_RANK
parameters.embd_normalize = -1
parameters.n_parallel = 1
parameters.n_ctx = parameters.n_batch = parameters.n_ubatch = 512
parameters.warmup = False
parameters.verbosity = 0
parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = 1
server = xllamacpp.Server(parameters)
hello = {"runtime": "llama.cpp, xllamacpp " + version("xllamacpp"), "settings": "RANK pooling, one thread"}
answers.write(json.dumps(hello).encode() + b"\n")
answers.flush()


def classify(ids):
    found = server.handle_embeddings({"input": [ids]})
    # The vector is as long as the model is wide; what follows the logits is not set.
    return found["data"][0]["embedding"][:labels]


def timed(ids, seconds):
    times, end = [], time.perf_counter() + seconds
    while len(times) < 3 or time.perf_counter() < end:
        began = time.perf_counter()
        classify(ids)
        times.append(1e3 * (time.perf_counter() - began))
    return [min(times), sorted(times)[len(times) // 2]]


for line in sys.stdin:
    text = json.loads(line)
    numbers = timed(text["ids"], text["seconds"]) if "seconds" in text else classify(text["ids"])
    answers.write(struct.pack(f"<II{len(numbers)}f", 0, len(numbers), *numbers))
    answers.flush()
