#!/usr/bin/env bash
# software: transformers 5.24.0, tokenizers 0.23.3
# expected: the padding of one call is not saved
# happens: it is, with truncation; only other readers obey them
#
# Padding and truncation are arguments of a call, so one would expect a saved tokeniser to be as it was before it. In
# transformers 5.24.0 one call with max_length=8 leaves both in the tokeniser, and save_pretrained writes them into
# tokenizer.json. transformers ignores them on loading, so a round trip shows nothing, while the tokenizers library
# obeys them: a short text gets 8 ids, a long one is cut to 8. After an evaluation before the export, a BERT student in
# a runtime that reads tokenizer.json sees the first words of each text only.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet transformers==5.24.0 tokenizers==0.23.3

"$dir/venv/bin/python" - <<'PY'
import sys

import tokenizers
import transformers
from tokenizers import Tokenizer
from transformers import AutoTokenizer, BertTokenizer

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "film"]


def lengths():
    """Ids of a text of one word and of 300 words, in each library, from the saved folder."""
    plain = Tokenizer.from_file("model/tokenizer.json")
    loaded = AutoTokenizer.from_pretrained("model")
    texts = "good", "good " * 300
    return [len(plain.encode(t).ids) for t in texts], [len(loaded(t)["input_ids"]) for t in texts]


tokenizer = BertTokenizer(vocab={word: i for i, word in enumerate(WORDS)})
tokenizer.save_pretrained("model")
before = lengths()
tokenizer = AutoTokenizer.from_pretrained("model")
tokenizer("good film", padding="max_length", truncation=True, max_length=8)
tokenizer.save_pretrained("model")
after = lengths()

print(f"tokenizers {tokenizers.__version__}, transformers {transformers.__version__}; ids of 1 word and of 300 words")
for name, (plain, loaded) in {"saved unused": before, "saved after one call": after}.items():
    print(f"{name:22}tokenizers {plain}  transformers {loaded}")
if before != ([3, 302], [3, 302]) or after != ([8, 8], [3, 302]):
    sys.exit("the behaviour has changed")
PY
