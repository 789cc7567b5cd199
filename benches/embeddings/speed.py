#!/usr/bin/env python3
"""Texts a second as vectors: bitspike, sentence-transformers (PyTorch) and fastembed (ONNX Runtime), the last two with the teacher.

    speed.py --bitspike PROGRAM --model MODEL --teacher FOLDER --texts FILE [--threads 2] [--rounds 3] [--limit 10000] [--json OUT]

FILE has a text a line. Contestants run in turn, each in a process of its own, and the turn is repeated. bitspike is timed from the start of
its process to the end of the file of vectors; of the others the pass over the texts alone, loaded and warm. Vectors are float32 of length 1.
Needs what requirements.txt lists. The ONNX file of fastembed is made of FOLDER: the encoder in f32, fused by ONNX Runtime's optimiser.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BATCHES = (32, 256)
TOKENS = 128


def export(folder, out):
    """The encoder of `folder` as fastembed wants it: hidden states of tokens in `model.onnx`, the tokeniser beside it."""
    import shutil

    import torch
    from onnxruntime.transformers import optimizer
    from transformers import AutoModel

    out.mkdir(parents=True, exist_ok=True)
    model = AutoModel.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()

    class Encoder(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self, ids, mask, types):
            return self.model(ids, attention_mask=mask, token_type_ids=types).last_hidden_state

    ids = torch.randint(1, model.config.vocab_size, (2, 16))
    inputs = ("input_ids", "attention_mask", "token_type_ids")
    axes = {name: {0: "batch", 1: "length"} for name in (*inputs, "last_hidden_state")}
    plain = out / "plain.onnx"
    torch.onnx.export(Encoder(), (ids, torch.ones_like(ids), torch.zeros_like(ids)), plain, input_names=list(inputs), output_names=["last_hidden_state"],
                      dynamic_axes=axes, opset_version=17, dynamo=False)
    fused = optimizer.optimize_model(str(plain), model_type="bert", num_heads=model.config.num_attention_heads, hidden_size=model.config.hidden_size, opt_level=0)
    fused.save_model_to_file(str(out / "model.onnx"))
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
        shutil.copy(folder / name, out / name)
    settings = json.loads((out / "tokenizer_config.json").read_text(encoding="utf-8"))
    settings["model_max_length"] = settings["max_length"] = TOKENS
    (out / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")


def torch_encode(flags):
    import torch
    from sentence_transformers import SentenceTransformer

    torch.set_num_threads(flags.threads)
    model = SentenceTransformer(str(flags.teacher), device="cpu")
    model.max_seq_length = TOKENS
    return lambda texts, batch: model.encode(texts, batch_size=batch, normalize_embeddings=True)


def fastembed_encode(flags):
    import numpy as np
    from fastembed import TextEmbedding

    model = TextEmbedding("sentence-transformers/all-MiniLM-L6-v2", specific_model_path=str(flags.onnx), threads=flags.threads)
    return lambda texts, batch: np.array(list(model.embed(texts, batch_size=batch)))


PEERS = {"sentence-transformers": torch_encode, "fastembed": fastembed_encode}


def texts_of(flags):
    return [line for line in flags.texts.read_text(encoding="utf-8").splitlines() if line.strip()][: flags.limit]


def measure(flags):
    """Seconds for all texts, by the faster size of a batch; a worker's whole life."""
    import numpy as np

    encode, texts = PEERS[flags.worker](flags), texts_of(flags)
    encode(texts[:64], 32)
    found = {}
    for batch in BATCHES:
        began = time.perf_counter()
        vectors = encode(texts, batch)
        found[batch] = time.perf_counter() - began
    batch = min(found, key=found.get)
    np.save(flags.vectors, np.asarray(vectors, dtype=np.float32))
    print(json.dumps({"seconds": found[batch], "batch": batch}))


def ours(flags, vectors):
    source = vectors.with_suffix(".jsonl")
    source.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts_of(flags)), encoding="utf-8")
    command = [flags.bitspike, "embed", "--model", flags.model, "--input", source, "--text", "text", "--out", vectors, "--threads", flags.threads]
    began = time.perf_counter()
    subprocess.run([str(part) for part in command], check=True, stderr=subprocess.DEVNULL)
    return {"seconds": time.perf_counter() - began}


def theirs(flags, name, vectors):
    command = [sys.executable, __file__, *sys.argv[1:], "--worker", name, "--vectors", vectors, "--onnx", flags.onnx]
    limits = {name: str(flags.threads) for name in ("OMP_NUM_THREADS", "RAYON_NUM_THREADS")}
    done = subprocess.run([str(part) for part in command], env=os.environ | limits, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bitspike", default="bitspike", metavar="PROGRAM")
    parser.add_argument("--model", required=True)
    parser.add_argument("--teacher", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--texts", type=Path, required=True, metavar="FILE")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--limit", type=int, default=10_000, metavar="N", help="texts at most")
    parser.add_argument("--json", type=Path, metavar="OUT")
    for hidden in ("--worker", "--vectors", "--onnx"):
        parser.add_argument(hidden, help=argparse.SUPPRESS)
    flags = parser.parse_args()
    if flags.worker:
        measure(flags)
        return
    import numpy as np

    texts, rounds = texts_of(flags), {}
    with tempfile.TemporaryDirectory() as folder:
        flags.onnx = Path(folder, "onnx")
        export(flags.teacher, flags.onnx)
        for number in range(flags.rounds):
            for name in ("bitspike", *PEERS):
                vectors = Path(folder, f"{name}.npy")
                found = ours(flags, vectors) if name == "bitspike" else theirs(flags, name, vectors)
                rounds.setdefault(name, []).append(found["seconds"])
                print(f"round {number + 1}: {name} {len(texts) / found['seconds']:.0f} texts a second", file=sys.stderr, flush=True)
        teacher, other = (np.load(Path(folder, f"{name}.npy")) for name in PEERS)
        # The peers are the same network, so that neither is fast by doing something else.
        cosines = (teacher * other).sum(1)
        if not cosines.mean() > 0.999:
            raise SystemExit(f"the peers' vectors differ: mean cosine {cosines.mean():.4f}")
        near = float((np.load(Path(folder, "bitspike.npy")) * teacher).sum(1).mean())
    seconds = {name: statistics.median(found) for name, found in rounds.items()}
    print("| | texts a second | bitspike is |\n|---|---|---|")
    for name, median in seconds.items():
        print(f"| {name} | {len(texts) / median:.0f} | {median / seconds['bitspike']:.2f}x as fast |")
    print(f"\n{len(texts)} texts, {flags.threads} threads, {flags.rounds} rounds; mean cosine of bitspike's vectors to the teacher's {near:.4f}")
    if flags.json:
        flags.json.write_text(json.dumps({"texts": len(texts), "threads": flags.threads, "rounds": rounds, "cosine": near}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
