"""What every test asks, and what `bitspike classify` says of it. Called as SCRIPT URL BUSY EXPECTED CLASSIFIES: a server that
answers, one whose queue is full, the file that run.sh writes, and a server without a model that embeds."""

import json
import struct
import sys

URL, BUSY, _, CLASSIFIES = sys.argv[1:]
with open(sys.argv[3], encoding="utf-8") as file:
    EXPECTED = json.load(file)
# Of a model that takes one text: texts, and of each its probabilities by label.
MODEL, TEXTS = "sst2-tiny", EXPECTED["texts"]
# Of one that takes two.
PAIR_MODEL, PAIRS = "rte-ternary", EXPECTED["pairs"]

# Of one that embeds: texts, and of each its vector, of length 1 ("unit") and as the layers give it ("raw").
EMBEDDER, VECTORS = "embedder", EXPECTED["vectors"]

NO_EMBEDDINGS = "classifies, it gives no embeddings"
NO_RANKING = "no model here ranks texts"
BUSY_SAYS = "too many tokens are waiting for an answer"


def single(number):
    """A number as 32 bits hold it, which is all that the program prints."""
    return struct.unpack("f", struct.pack("f", number))[0]


def check(found, expected):
    """Labels with their scores must be those of the program, bit for bit, in any order."""
    found = {label: single(score) for label, score in found}
    assert found == {label: single(score) for label, score in expected.items()}, (found, expected)


def check_vectors(found, texts, form="unit"):
    """Vectors must be those of the model, bit for bit, in the order of the texts."""
    found = [[single(float(x)) for x in vector] for vector in found]
    assert found == [[single(x) for x in VECTORS[text][form]] for text in texts], (found, texts)


def near(found, expected):
    """The same of one vector that a client computed further with."""
    assert len(found) == len(expected) and all(abs(a - b) < 1e-6 for a, b in zip(found, expected)), (found, expected)


def shortened(text, dimensions):
    """The first values of a vector, at length 1 again."""
    values = VECTORS[text]["unit"][:dimensions]
    length = sum(x * x for x in values) ** 0.5
    return [x / length for x in values]


def best(expected):
    return max(expected, key=expected.get)


def many(count=1000):
    """Texts, and what is expected of each."""
    rows = list(TEXTS.items())
    rows = [rows[i % len(rows)] for i in range(count)]
    return [text for text, _ in rows], [expected for _, expected in rows]


def fails(call, *says, of=Exception):
    """The error of `call`, which must hold these words."""
    try:
        found = call()
    except of as error:
        told = f"{type(error).__name__}: {error}"
        response = getattr(error, "response", None)
        text = getattr(response, "text", "")
        told += f" {text}" if isinstance(text, str) else ""
        for word in says:
            assert word in told, (word, told)
        return error
    raise AssertionError(f"expected an error with {says}, found {found}")


def refused(call, *says, of=Exception):
    """The same of a full queue. Between two of the requests that fill it there may be room for a moment."""
    for _ in range(100):
        try:
            call()
        except of as error:
            return fails(lambda: (_ for _ in ()).throw(error), *says)
    raise AssertionError("the full queue took a hundred requests")


def passed(name, version, *what):
    print(f"ok  {name} {version}: {', '.join(what)}")
