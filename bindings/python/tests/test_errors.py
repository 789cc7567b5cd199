"""Whatever is wrong is an exception that says what was expected, what was found, and where."""

import os
import pickle
import subprocess
import sys

import pytest
from conftest import MODELS

import bitspike
from bitspike import errors


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        (["fine", None], "None"),
        ([float("nan")], "nan"),
        ([b"bytes"], "bytes"),
        ([3], "int"),
        (["\ud800"], "a lone surrogate"),
        ([["a", "b"]], "list"),
        ([("a", "b", "c")], "a tuple of 3"),
        ([("a", 3)], "int"),
        ([{}], "none"),
        ([{"text": "a", "label": "b"}], "the key `label`"),
        ([{"text": None}], "None"),
        ([("a", "b")], "a pair of texts"),
        (None, "None"),
        (3.5, "float"),
        (b"bytes", "bytes"),
        (object(), "object"),
    ],
)
def test_what_is_no_text(clf, texts, found):
    for ask in (clf, clf.predict, clf.predict_proba):
        with pytest.raises(bitspike.TextError) as caught:
            ask(texts)
        assert caught.value.found.startswith(found)
        assert caught.value.expected and caught.value.where.startswith("text")
        assert caught.value.expected in str(caught.value)


def test_a_place_in_a_stream_is_counted_from_its_start(clf):
    stream = clf((text for text in ["a"] * 7 + [None]), batch_size=3)
    assert len([next(stream) for _ in range(6)]) == 6
    with pytest.raises(bitspike.TextError, match="text 7: expected a text"):
        next(stream)


def test_a_text_where_pairs_are_taken(pairs):
    with pytest.raises(bitspike.TextError, match="a pair of texts"):
        pairs("one text")


@pytest.mark.parametrize(
    ("options", "kind", "says"),
    [
        ({"threads": 10_000}, "OptionError", "1 to 1024 threads"),
        ({"threads": 0}, "OptionError", "from 1 on"),
        ({"threads": True}, "OptionError", "from 1 on"),
        ({"threads": 1 << 70}, "OptionError", "from 1 on"),
        ({"timesteps": 0}, "OptionError", "from 1 on"),
        ({"timesteps": 100_000}, "OptionError", "65536"),
        ({"dynamics": "fast"}, "OptionError", "phased, accumulated or instantaneous"),
        ({"model": "no-such-model"}, "NotFoundError", "no-such-model"),
        ({"model": "/no/such/file"}, "NotFoundError", "/no/such/file"),
        ({"model": b"bytes"}, "OptionError", "bytes"),
        ({"model": 3}, "OptionError", "int"),
        ({"model": os.path.dirname(__file__)}, "ModelError", "found a folder"),
        ({"model": __file__}, "ModelError", "test_errors.py"),
    ],
)
def test_what_cannot_be_loaded(options, kind, says):
    with pytest.raises(bitspike.Error) as caught:
        bitspike.load(**options)
    assert type(caught.value) is getattr(errors, kind), repr(caught.value)
    assert says in str(caught.value)


def test_other_settings(clf):
    for call in (
        lambda: clf("a", top_k=0),
        lambda: clf(["a"], batch_size=0),
        lambda: clf.classify_arrow(None, errors="ignore"),
        lambda: clf.trace("a", timesteps=0),
        lambda: clf.cost(["a"], profile="no-such-profile"),
    ):
        with pytest.raises(bitspike.OptionError) as caught:
            call()
        assert caught.value.expected and caught.value.found
    with pytest.raises(TypeError):
        clf("a", truncation=True)


@pytest.mark.parametrize(("name", "value"), [("BITSPIKE_NUM_THREADS", "many"), ("OMP_NUM_THREADS", "0")])
def test_a_variable_that_is_no_number_is_refused_by_name(name, value):
    code = "import bitspike\ntry: bitspike.load()\nexcept bitspike.OptionError as e: print(e.where, e.found)"
    environment = {**os.environ, "BITSPIKE_NUM_THREADS": "", name: value}
    said = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert said.stdout.startswith(name) and value in said.stdout


@pytest.mark.parametrize(
    ("environment", "threads"),
    [
        ({"BITSPIKE_NUM_THREADS": "3", "OMP_NUM_THREADS": "2"}, 3),
        ({"BITSPIKE_NUM_THREADS": "", "OMP_NUM_THREADS": "2"}, 2),
        ({"BITSPIKE_NUM_THREADS": "", "OMP_NUM_THREADS": "2,1"}, 2),
    ],
)
def test_variables_say_how_many_threads(environment, threads):
    code = "import bitspike; print(bitspike.load().threads, bitspike.load(threads=1).threads)"
    said = subprocess.check_output([sys.executable, "-c", code], env={**os.environ, **environment}, text=True)
    assert said.split() == [str(threads), "1"]


def test_threads_are_those_that_the_process_may_use():
    code = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); import bitspike; print(bitspike.load().threads)"
    environment = {**os.environ, "BITSPIKE_NUM_THREADS": "", "OMP_NUM_THREADS": ""}
    assert subprocess.check_output([sys.executable, "-c", code], env=environment, text=True).split() == ["1"]


def test_a_million_characters(clf):
    text = "a fine film " * 90_000
    assert clf(text)[0]["label"] == clf(text[:4000])[0]["label"]
    assert clf("x" * 1_000_000)[0]["label"] in clf.labels


def test_every_kind_is_an_error_and_survives_pickling():
    kinds = [getattr(errors, name) for name in errors.__all__]
    assert len(kinds) == 9
    for kind in kinds:
        assert issubclass(kind, bitspike.Error)
        error = pickle.loads(pickle.dumps(kind("said", expected="a", found="b", where="c")))
        assert type(error) is kind
        assert (str(error), error.expected, error.found, error.where) == ("said", "a", "b", "c")


def test_data_says_file_and_line(clf, tmp_path):
    with pytest.raises(bitspike.Error, match="nowhere"):
        clf.eval(tmp_path / "nowhere")
    (tmp_path / "dev.tsv").write_text("sentence\tlabel\nfine\t1\ndull\tseven\n")
    with pytest.raises(bitspike.DataError) as caught:
        clf.eval(tmp_path)
    assert "line 3" in caught.value.where
    with pytest.raises(bitspike.OptionError):
        clf.eval(tmp_path, split="all")
    with pytest.raises(bitspike.Error, match="rte"):
        clf.eval(tmp_path, task="rte")


def test_a_damaged_file(tmp_path):
    whole = (MODELS / "sst2-tiny" / "model.safetensors").read_bytes()
    for name, content in {"cut": whole[:1000], "empty": b"", "noise": os.urandom(5000)}.items():
        path = tmp_path / f"{name}.safetensors"
        path.write_bytes(content)
        with pytest.raises(bitspike.ModelError) as caught:
            bitspike.load(path)
        assert caught.value.where == str(path)
