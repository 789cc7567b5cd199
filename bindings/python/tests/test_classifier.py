"""Answers in the forms of transformers and scikit-learn."""

import json
import subprocess

import numpy
import pytest
from conftest import MODELS, TEXTS

import bitspike


def test_forms_are_those_of_the_pipeline(clf):
    one = clf("a gripping, funny film")
    assert isinstance(one, list) and len(one) == 1 and set(one[0]) == {"label", "score"}
    assert one[0]["label"] == "positive" and 0.9 < one[0]["score"] <= 1.0
    assert clf(["a gripping, funny film"]) == one
    assert clf({"text": "a gripping, funny film"}) == one[0]
    ranked = clf("fine", top_k=None)
    assert [entry["label"] for entry in ranked] == ["positive", "negative"]
    assert abs(sum(entry["score"] for entry in ranked) - 1) < 1e-6
    assert clf(["fine"], top_k=None) == [ranked]
    assert clf({"text": "fine"}, top_k=None) == ranked
    assert clf("fine", top_k=1) == ranked[:1]
    assert clf(["fine"], top_k=1) == [ranked[:1]]
    assert clf(["fine"], top_k=9) == [ranked]
    assert clf([]) == [] and clf([], top_k=None) == []


def test_pairs_are_tuples_dicts_or_two_arguments(pairs):
    premise, hypothesis = "All birds sing.", "This bird sings."
    by_name = pairs({"text": premise, "text_pair": hypothesis})
    assert by_name == pairs((premise, hypothesis)) == pairs([(premise, hypothesis)])[0]
    assert pairs(premise, text_pair=hypothesis) == [by_name]
    assert pairs([{"text": premise, "text_pair": hypothesis}]) == [by_name]


def test_a_score_is_a_number_without_a_class(scores):
    pair = ("A man plays a guitar.", "A man is playing music.")
    answer = scores(pair)
    assert answer["label"] == "score" and 2.0 < answer["score"] < 5.5
    assert scores([pair], top_k=None) == [[answer]]
    said = scores.predict([pair])
    assert said.dtype == numpy.float32 and said[0] == numpy.float32(answer["score"])
    assert not hasattr(scores, "classes_")
    with pytest.raises(bitspike.OptionError, match="use predict"):
        scores.predict_proba([pair])
    assert scores.score([pair, ("a", "b")], [4.0, 0.5]) <= 1.0


def test_a_generator_is_read_a_batch_at_a_time(clf):
    taken = []

    def texts():
        for number in range(10):
            taken.append(number)
            yield f"film number {number}"

    stream = clf(texts(), batch_size=3)
    assert taken == []
    first = next(stream)
    assert taken == [0, 1, 2]
    assert [first, *stream] == clf([f"film number {number}" for number in range(10)])


def test_batches_and_order_and_threads_change_no_bit(clf):
    whole = clf.predict_proba(TEXTS)
    alone = numpy.concatenate([clf.predict_proba([text]) for text in TEXTS])
    assert whole.tobytes() == alone.tobytes()
    assert clf.predict_proba(TEXTS[::-1])[::-1].tobytes() == whole.tobytes()
    for threads in (1, 2, 5):
        other = bitspike.load(threads=threads)
        assert other.threads == threads
        assert other.predict_proba(TEXTS * 20).tobytes() == numpy.concatenate([whole] * 20).tobytes()
    assert clf(TEXTS, batch_size=1) == clf(TEXTS)


@pytest.mark.parametrize("model", ["sst2-tiny", "sst2-ternary", "rte-ternary", "stsb-ternary"])
def test_bits_are_those_of_the_program(program, model, tmp_path):
    clf = bitspike.load(MODELS / model)
    texts = [text for text in TEXTS if text.strip() and "\x00" not in text]
    items = [(text, "It was fine.") for text in texts] if clf.takes_pairs else texts
    rows = [{"a": item[0], "b": item[1]} if clf.takes_pairs else {"a": item} for item in items]
    source = tmp_path / "texts.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    columns = ["--text", "a"] + (["--text2", "b"] if clf.takes_pairs else [])
    command = [program, "classify", "--model", str(MODELS / model / "model.safetensors"), "--input", str(source)]
    said = subprocess.run([*command, *columns, "--json"], check=True, capture_output=True, text=True).stdout
    answers = [json.loads(line) for line in said.splitlines()]
    if clf.labels:
        theirs = [[numpy.float32(answer["probabilities"][label]) for label in clf.labels] for answer in answers]
        assert [answer["label"] for answer in answers] == list(clf.predict(items))
    else:
        theirs = [[numpy.float32(answer["score"])] for answer in answers]
    assert numpy.array(theirs, numpy.float32).tobytes() == clf._values(items).tobytes()


def test_other_dynamics_and_steps(clf):
    other = bitspike.load(timesteps=48, dynamics="accumulated")
    assert (other.timesteps, other.dynamics) == (48, "accumulated")
    assert other("a gripping, funny film")[0]["label"] == "positive"


def test_names_files_folders(clf):
    for name in (MODELS / "sst2-tiny", MODELS / "sst2-tiny" / "model.safetensors", str(MODELS / "sst2-tiny")):
        found = bitspike.load(name)
        assert (found.name, found.sha256) == ("sst2-tiny", clf.sha256)
        assert found.path.endswith("model.safetensors")
    assert clf.path is None


def test_arrays_and_series(clf):
    pandas = pytest.importorskip("pandas")
    polars = pytest.importorskip("polars")
    texts = ["fine", "dull"]
    expected = clf(texts)
    for given in (
        numpy.array(texts),
        numpy.array(texts, object),
        pandas.Series(texts),
        polars.Series(texts),
        iter(texts),
    ):
        assert list(clf(given)) == expected
    with pytest.raises(bitspike.TextError, match="classify_arrow"):
        clf(pandas.DataFrame({"text": texts}))
    with pytest.raises(bitspike.TextError, match="text 1: expected a text"):
        clf(pandas.Series(["fine", None]))


def test_scikit_learn_takes_it(clf):
    pytest.importorskip("sklearn")
    from sklearn.base import clone, is_classifier
    from sklearn.model_selection import cross_val_score
    from sklearn.pipeline import Pipeline
    from sklearn.utils.validation import check_is_fitted

    texts = ["a gripping, funny film", "dull from start to finish"] * 6
    y = ["positive", "negative"] * 6
    assert list(clf.classes_) == ["negative", "positive"]
    assert list(clf.predict(texts)) == y and clf.score(texts, y) == 1.0
    assert clf.score(texts, y[::-1]) == 0.0
    assert clf.score(texts, ["positive"] * 12, sample_weight=[1, 0] * 6) == 1.0
    assert is_classifier(clf) and clone(clf) is clf
    check_is_fitted(clf)
    pipeline = Pipeline([("classify", clf)])
    assert pipeline.score(texts, y) == 1.0
    assert list(pipeline.fit(texts, y).predict(texts)) == y
    assert pipeline.predict_proba(texts).shape == (12, 2)
    assert list(cross_val_score(pipeline, texts, y, cv=3)) == [1.0] * 3
    with pytest.raises(bitspike.OptionError, match="names of classes"):
        clf.score(texts, [1, 0] * 6)
    with pytest.raises(bitspike.OptionError, match="shape"):
        clf.score(texts, ["positive"])


def test_it_never_changes(clf):
    with pytest.raises(AttributeError, match="never changes"):
        clf.threads = 3
    with pytest.raises(AttributeError, match="never changes"):
        clf.set_params(threads=3)
    assert clf.set_params() is clf
    assert clf.get_params() == {"model": None, "threads": None, "timesteps": None, "dynamics": None}
