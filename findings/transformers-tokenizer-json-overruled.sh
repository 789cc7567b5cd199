#!/usr/bin/env bash
# software: transformers 5.24.0, tokenizers 0.23.3
# expected: tokenizer.json decides whether letters are lower-cased
# happens: tokenizer_config.json does, or a default
#
# tokenizer.json says how a text is split, letter case included, and the tokenizers library obeys it; one would expect
# transformers to do so too. For a BERT folder transformers 5.24.0 takes the vocabulary from that file and builds the
# normaliser anew, by do_lower_case of tokenizer_config.json or its default of true. A cased tokenizer.json without that
# entry is lower-cased, and an entry that contradicts the file wins, without a warning. A student distilled through one
# library and served through the other gets other tokens for one folder and one text.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet transformers==5.24.0 tokenizers==0.23.3

"$dir/venv/bin/python" - <<'PY'
import json
import sys
from pathlib import Path

import tokenizers
import transformers
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "film", "Good", "Film"]
TEXT = "Good Film"


def tokens(lowercase, settings):
    """The tokens of TEXT in tokenizers and in transformers, from one folder."""
    folder = Path("model")
    folder.mkdir(exist_ok=True)
    tokenizer = Tokenizer(models.WordPiece({w: i for i, w in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    tokenizer.add_special_tokens(WORDS[:5])
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "BertTokenizer", **settings}))
    (folder / "config.json").write_text(json.dumps({"model_type": "bert"}))
    loaded = transformers.AutoTokenizer.from_pretrained(folder)
    plain = Tokenizer.from_file(str(folder / "tokenizer.json"))
    return plain.encode(TEXT).tokens[1:-1], loaded.convert_ids_to_tokens(loaded(TEXT)["input_ids"])[1:-1]


print(f"tokenizers {tokenizers.__version__}, transformers {transformers.__version__}")
cased, lowered = ["Good", "Film"], ["good", "film"]
same = True
for lowercase, settings, expected in (
    (False, {}, (cased, lowered)),
    (False, {"do_lower_case": True}, (cased, lowered)),
    (True, {"do_lower_case": False}, (lowered, cased)),
    (False, {"do_lower_case": False}, (cased, cased)),
):
    found = tokens(lowercase, settings)
    same &= found == expected
    print(f"tokenizer.json lowercase {lowercase!s:5}  config {settings}: tokenizers {found[0]}, transformers {found[1]}")
if not same:
    sys.exit("the behaviour has changed")
PY
