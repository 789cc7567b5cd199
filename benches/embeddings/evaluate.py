#!/usr/bin/env python3
"""How good vectors are: STS-B, QNLI's sentences found by their questions, AG News by neighbours, and nearness to the teacher's.

    evaluate.py --bitspike PROGRAM --model MODEL --teacher FOLDER --data DIR [--json OUT] [--limit N]

DIR holds STS-B, QNLI and AG-News in GLUE's layout. Vectors of the model come from `bitspike embed`, those of the teacher from
transformers (mean over tokens, length 1), both of the same texts cut to the same tokens. Needs numpy, torch and transformers.
"""

import argparse
import json
import random
import subprocess
import tempfile
from pathlib import Path

import numpy as np

TOKENS = 128
HELD_OUT, NEIGHBOURS = 3000, 10


def rows(path):
    with open(path, encoding="utf-8") as file:
        names = file.readline().rstrip("\n").split("\t")
        return [dict(zip(names, line.rstrip("\n").split("\t"))) for line in file]


def ranks(values):
    """Ranks from 0, ties by their mean."""
    values = np.asarray(values, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    found = np.empty(len(values))
    start = 0
    while start < len(values):
        end = start
        while end < len(values) and values[order[end]] == values[order[start]]:
            end += 1
        found[order[start:end]] = (start + end - 1) / 2
        start = end
    return found


def spearman(a, b):
    return float(np.corrcoef(ranks(a), ranks(b))[0, 1])


def of_model(program, model):
    def embed(texts):
        with tempfile.TemporaryDirectory() as folder:
            source, out = Path(folder, "texts.jsonl"), Path(folder, "vectors.npy")
            source.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), encoding="utf-8")
            command = [program, "embed", "--model", model, "--input", source, "--text", "text", "--out", out]
            subprocess.run([str(part) for part in command], check=True, stderr=subprocess.DEVNULL)
            return unit(np.load(out))

    return embed


def of_teacher(folder):
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    network = AutoModel.from_pretrained(folder, dtype=torch.float32).eval()

    def embed(texts):
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        vectors = [None] * len(texts)
        with torch.no_grad():
            for first in range(0, len(order), 32):
                part = order[first : first + 32]
                batch = tokenizer([texts[i] for i in part], padding=True, truncation=True, max_length=TOKENS, return_tensors="pt")
                hidden = network(**batch).last_hidden_state
                mask = batch["attention_mask"].unsqueeze(-1)
                for i, vector in zip(part, ((hidden * mask).sum(1) / mask.sum(1)).numpy()):
                    vectors[i] = vector
        return unit(np.array(vectors, dtype=np.float32))

    return embed


def unit(vectors):
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)


def stsb(data, vectors):
    pairs = rows(data / "STS-B" / "dev.tsv")
    first, second = (vectors([pair[name] for pair in pairs]) for name in ("sentence1", "sentence2"))
    return {"spearman": spearman((first * second).sum(1), [float(pair["score"]) for pair in pairs])}


def qnli(data, vectors, limit):
    """A question, of those that its sentence answers, finds that sentence among all of the split."""
    pairs = rows(data / "QNLI" / "dev.tsv")
    sentences = sorted({pair["sentence"] for pair in pairs})
    place = {sentence: i for i, sentence in enumerate(sentences)}
    asked = [pair for pair in pairs if pair["label"] == "entailment"][: limit or None]
    questions, library = vectors([pair["question"] for pair in asked]), vectors(sentences)
    best = np.argsort(-(questions @ library.T), axis=1, kind="stable")[:, :10]
    own = np.array([place[pair["sentence"]] for pair in asked])[:, None]
    return {"questions": len(asked), "sentences": len(sentences), "recall@1": float((best[:, :1] == own).any(1).mean()), "recall@10": float((best == own).any(1).mean())}


def ag_news(data, vectors, limit):
    """Held-out rows get the label that most of their ten nearest rows have."""
    table = rows(data / "AG-News" / "train.tsv")
    order = list(range(len(table)))
    random.Random(7).shuffle(order)
    held, rest = order[: min(HELD_OUT, limit or HELD_OUT)], order[2 * HELD_OUT :]
    if limit:
        rest = rest[: 4 * limit]
    queries, library = (vectors([table[i]["text"] for i in part]) for part in (held, rest))
    labels = np.array([int(table[i]["label"]) for i in rest])
    best = np.argsort(-(queries @ library.T), axis=1, kind="stable")[:, :NEIGHBOURS]
    found = np.array([np.bincount(labels[near]).argmax() for near in best])
    return {"rows": len(held), "library": len(rest), "accuracy": float((found == np.array([int(table[i]["label"]) for i in held])).mean())}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bitspike", default="bitspike", metavar="PROGRAM")
    parser.add_argument("--model", required=True)
    parser.add_argument("--teacher", type=Path, metavar="FOLDER", help="leave out to score the model alone")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR")
    parser.add_argument("--unseen", type=Path, metavar="FILE", help="sentences, one a line, for the mean cosine to the teacher's vectors (2,000 of them)")
    parser.add_argument("--limit", type=int, default=0, metavar="N", help="questions and rows at most")
    parser.add_argument("--json", type=Path, metavar="OUT")
    flags = parser.parse_args()
    contestants = {"model": of_model(flags.bitspike, flags.model)}
    if flags.teacher:
        contestants["teacher"] = of_teacher(flags.teacher)
    found = {}
    for name, vectors in contestants.items():
        found[name] = {"stsb": stsb(flags.data, vectors), "qnli": qnli(flags.data, vectors, flags.limit), "ag_news": ag_news(flags.data, vectors, flags.limit)}
        for task, scores in found[name].items():
            print(f"{name:<8} {task:<8} " + ", ".join(f"{key} {value:.4f}" if isinstance(value, float) else f"{key} {value}" for key, value in scores.items()), flush=True)
    if flags.unseen and flags.teacher:
        texts = [line.strip() for line in flags.unseen.read_text(encoding="utf-8").splitlines() if line.strip()][:2000]
        cosines = (contestants["model"](texts) * contestants["teacher"](texts)).sum(1)
        found["cosine"] = {"texts": len(texts), "mean": float(cosines.mean()), "least": float(cosines.min())}
        print("cosine to the teacher's", found["cosine"])
    if flags.json:
        flags.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


main()
