"""The OpenVINO files of compare.py's peers: a BERT classifier in f32, and in static int8 by NNCF.

    python openvino_peers.py FOLDER [--tokenizer tokenizer.json --texts FILE]

FOLDER holds `f32.onnx` of onnx_peers.py; `openvino-f32.xml` and `openvino-int8.xml` are written beside it. The ranges of activations
are taken from the sentences of FILE, a line each, or from random ids where there is none. What is known is printed as one JSON object.
"""

import argparse
import json
import random
import sys
from pathlib import Path

from measure import OpenVinoModel, feed, padded


def calibration(flags, names, vocabulary):
    """Inputs, a sentence each."""
    if flags.texts is None:
        rng = random.Random(42)
        sentences = [[rng.randrange(1, vocabulary) for _ in range(25)] for _ in range(20)]
    else:
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(flags.tokenizer))
        tokenizer.no_padding()
        tokenizer.enable_truncation(512)
        sentences = [encoding.ids for encoding in tokenizer.encode_batch(flags.texts.read_text(encoding="utf-8").splitlines())]
    return [feed(names, *padded([sentence])) for sentence in sentences]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--vocabulary", type=int, required=True)
    parser.add_argument("--tokenizer", type=Path)
    parser.add_argument("--texts", type=Path)
    flags = parser.parse_args()

    import nncf
    import numpy as np
    import openvino

    model = openvino.convert_model(flags.folder / "f32.onnx")
    openvino.save_model(model, flags.folder / "openvino-f32.xml", compress_to_fp16=False)
    inputs = calibration(flags, [wanted.get_any_name() for wanted in model.inputs], flags.vocabulary)
    quantised = nncf.quantize(model, nncf.Dataset(inputs), model_type=nncf.ModelType.TRANSFORMER, subset_size=len(inputs))
    openvino.save_model(quantised, flags.folder / "openvino-int8.xml", compress_to_fp16=False)
    # A mask that is not heeded shows: the same sentence, padded and not.
    ids, mask = padded([[7, 8, 9, 10], [7, 8, 9, 10, 11, 12, 13]])
    f32 = OpenVinoModel(flags.folder / "openvino-f32.xml", 1, "f32")
    together, alone = f32.logits(ids, mask)[0].copy(), f32.logits(ids[:1, :4], mask[:1, :4])[0].copy()
    if not np.abs(together - alone).max() <= 1e-3:
        raise SystemExit(f"openvino-f32.xml: padding moves logits from {alone} to {together}")
    files = [flags.folder / f"openvino-{kind}" for kind in ("f32", "int8")]
    print(json.dumps({"calibration_sentences": len(inputs), "openvino": openvino.__version__, "nncf": nncf.__version__,
                      "bytes": {file.name: file.with_suffix(".bin").stat().st_size for file in files}}))


if __name__ == "__main__":
    sys.exit(main())
