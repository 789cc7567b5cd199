#!/usr/bin/env bash
# software: model2vec 0.10.0
# expected: max_length=512 keeps the first 512 tokens of a text
# happens: of 300 long words 209 are read, a text behind 3,000 blanks is a vector of zeros, and the last word can become another one
#
# The document of max_length says that tokens beyond this length are truncated, and 512 is the default. model2vec 0.10.0 first cuts each text to
# 512 times the median length of the tokens of the vocabulary, in characters, whatever these characters are. Words longer than the median, blanks
# and indented lines use that room up: a text of fewer than 512 tokens is not read to its end, though the tokeniser would keep it whole. The cut
# goes through a word, and what is left of it is read as the word that it now is: with max_length=2 "boring carpenter" is "boring car".
# max_length=None reads the whole text. Nothing warns.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet model2vec==0.10.0 tokenizers==0.23.3 numpy==2.4.6

"$dir/venv/bin/python" - <<'PY'
import sys
from importlib.metadata import version

import numpy as np
from model2vec import StaticModel
from tokenizers import Tokenizer, models, pre_tokenizers

words = "[UNK] the of and was not very film actor story comedy boring quantum car carpenter thermodynamics entanglement".split()
tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="[UNK]"))
tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
model = StaticModel(np.eye(len(words), dtype=np.float32), tokenizer)
print(f"model2vec {version('model2vec')}; median length of a token {model.median_token_length}, max_length {model.max_length}")


def read(text, max_length=512):
    """How many tokens are read, of how many there are."""
    cut, whole = (len(model.encode_as_sequence(text, max_length=length)) for length in (max_length, None))
    return cut, whole


found = {}
for name, text in (
    ("300 words", "the film was not very boring " * 50),
    ("300 long words", "quantum thermodynamics and the entanglement of " * 10 + "thermodynamics entanglement " * 120),
    ("3 words behind 3,000 blanks", " " * 3000 + "very boring film"),
):
    same = bool(np.allclose(model.encode(text), model.encode(text, max_length=None), atol=1e-6))
    found[name] = (*read(text), same, bool(model.encode(text).any()))
    print(f"{name:28} {found[name][0]} of {found[name][1]} tokens read, the vector is {'that of the whole text' if same else 'another one' if found[name][3] else 'zeros'}")
for text in ("quantum entanglement", "boring carpenter"):
    tokens = [words[i] for i in model.encode_as_sequence(text, max_length=2).argmax(1)]
    found[text] = tokens
    print(f"{text!r} with max_length=2 is read as {tokens}")
expected = {
    "300 words": (300, 300, True, True),
    "300 long words": (209, 300, False, True),
    "3 words behind 3,000 blanks": (0, 3, False, False),
    "quantum entanglement": ["quantum"],
    "boring carpenter": ["boring", "car"],
}
if found != expected:
    sys.exit(f"the behaviour has changed; it was {expected}")
PY
