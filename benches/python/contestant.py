"""Times one contestant of beside.py in Python, loaded and warm, from texts to labels.

    contestant.py bitspike MODEL --texts FILE --threads N --seconds S
    contestant.py transformers FOLDER --texts FILE --threads N --seconds S
    contestant.py first MODEL                                                    milliseconds from `import bitspike` to an answer

One JSON object is printed; times are in milliseconds.
"""

import json
import sys
import time


def first(model):
    began = time.perf_counter()
    import bitspike

    bitspike.load(model or None)("a gripping, funny film")
    return {"ms": 1e3 * (time.perf_counter() - began)}


def bitspike(model, texts, threads, seconds):
    import bitspike as package
    from measure import timed

    clf = package.load(model, threads=threads)
    labels = []

    def answer():
        labels[:] = [answer["label"] for answer in clf(texts)]

    return timed(answer, seconds) | {"labels": labels}


def transformers(folder, texts, threads, seconds):
    """The pipeline in float32, on the batch size that is fastest; in batches texts are sorted by length, so that little is padded."""
    import torch
    from measure import timed
    from transformers import pipeline

    torch.set_num_threads(threads)
    pipe = pipeline("text-classification", model=folder, dtype=torch.float32, device="cpu")
    order = sorted(range(len(texts)), key=lambda number: len(texts[number]))
    labels = [None] * len(texts)

    def answer(batch):
        given = [texts[number] for number in order]
        for number, said in zip(order, pipe(given, batch_size=batch, truncation=True, max_length=512)):
            labels[number] = said["label"]

    found = {}
    with torch.inference_mode():
        for batch in (1, 8, 32, 64):
            found[batch] = timed(lambda batch=batch: answer(batch), seconds)
    batch = min(found, key=lambda size: found[size]["p50_ms"])
    return found[batch] | {"batch": batch, "other": found, "labels": labels}


def main():
    import argparse
    from pathlib import Path

    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "compare"))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("bitspike", "transformers"))
    parser.add_argument("model")
    parser.add_argument("--texts", type=Path, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    flags = parser.parse_args()
    texts = flags.texts.read_text(encoding="utf-8").splitlines()
    run = {"bitspike": bitspike, "transformers": transformers}[flags.what]
    print(json.dumps(run(flags.model, texts, flags.threads, flags.seconds)))


if __name__ == "__main__":
    if sys.argv[1:2] == ["first"]:
        # Nothing but what an interpreter loads anyway comes before.
        print(json.dumps(first(sys.argv[2] if len(sys.argv) > 2 else "")))
    else:
        main()
