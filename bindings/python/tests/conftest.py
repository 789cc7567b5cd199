"""What several tests need."""

import os
from pathlib import Path

import pytest

import bitspike

MODELS = Path(__file__).resolve().parents[3] / "models"

#: Sentences of every length, with words outside of the vocabulary and other scripts.
TEXTS = [
    "a gripping, funny film",
    "dull from start to finish",
    "",
    "   ",
    "x",
    "fine",
    "The acting is wooden, the plot absurd, and yet I could not look away for a second of its two hours.",
    "naïve café résumé",
    "这部电影很好看",
    "🙂🙃 so-so 🎬",
    "word " * 300,
    "tab\tand\nline",
    "[SEP] good [MASK]",
    "\x00nul",
]


@pytest.fixture(scope="session")
def clf():
    return bitspike.load()


@pytest.fixture(scope="session")
def ternary():
    return bitspike.load(MODELS / "sst2-ternary", threads=2)


@pytest.fixture(scope="session")
def pairs():
    return bitspike.load(MODELS / "rte-ternary")


@pytest.fixture(scope="session")
def scores():
    return bitspike.load(MODELS / "stsb-ternary")


@pytest.fixture(scope="session")
def program():
    """The command line program, where it was built."""
    places = [os.environ.get("BITSPIKE_PROGRAM"), MODELS.parent / "target" / "release" / "bitspike"]
    for place in places:
        if place and Path(place).is_file():
            return str(place)
    pytest.skip("the program is not built (BITSPIKE_PROGRAM names it)")
