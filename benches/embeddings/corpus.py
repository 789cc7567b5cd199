#!/usr/bin/env python3
"""Writes the texts that `embed-ternary` learnt from: sentences of GLUE's training sets, AG News and IMDB, without labels.

    corpus.py DATA OUT.txt

DATA holds QQP, QNLI, MNLI, SST-2, MRPC, RTE, STS-B (whose dev sentences are left out), AG-News and IMDB in GLUE's layout. The 6,000 rows of
AG News that `evaluate.py` scores, and 3,000 more, are left out. Of texts of more than 18 words every seventh or so is kept.
"""

import random
import re
import sys
from pathlib import Path

SENTENCE_ENDS = re.compile(r"(?<=[.!?]) +")


def rows(path):
    with open(path, encoding="utf-8") as file:
        names = file.readline().rstrip("\n").split("\t")
        for line in file:
            yield dict(zip(names, line.rstrip("\n").split("\t")))


def main():
    data, out = Path(sys.argv[1]), Path(sys.argv[2])
    texts = {}

    def add(text):
        text = " ".join(text.split())
        if 8 <= len(text) <= 400:
            texts.setdefault(text)

    for task, columns in [("QQP", ("question1", "question2")), ("QNLI", ("question", "sentence")), ("MNLI", ("sentence1", "sentence2"))]:
        for row in rows(data / task / "train.tsv"):
            for column in columns:
                add(row.get(column, ""))
    for row in rows(data / "SST-2" / "train.tsv"):
        # Most rows are phrases of other rows.
        if len(row["sentence"].split()) > 5:
            add(row["sentence"])
    news = list(rows(data / "AG-News" / "train.tsv"))
    order = list(range(len(news)))
    random.Random(7).shuffle(order)
    held_out = set(order[:6000])
    for i, row in enumerate(news):
        if i not in held_out:
            for sentence in SENTENCE_ENDS.split(row["text"]):
                add(sentence)
            add(row["text"][:400])
    for row in rows(data / "IMDB" / "train.tsv"):
        for sentence in SENTENCE_ENDS.split(row["text"].replace("<br />", " "))[:6]:
            add(sentence)
    for task in ("MRPC", "RTE"):
        for row in rows(data / task / "train.tsv"):
            for column in ("sentence1", "sentence2", "#1 String", "#2 String"):
                add(row.get(column, ""))
    scored = {row[column] for row in rows(data / "STS-B" / "dev.tsv") for column in ("sentence1", "sentence2")}
    kept = [text for text in texts if text not in scored]
    random.Random(1).shuffle(kept)
    choice = random.Random(3)
    short = [text for text in kept if len(text.split()) <= 18 or choice.random() < 0.15]
    out.write_text("".join(text + "\n" for text in short), encoding="utf-8")
    print(f"{len(short):,} of {len(kept):,} texts")


main()
