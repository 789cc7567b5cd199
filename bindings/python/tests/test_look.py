"""Traces, costs and scores: the figures of the command line."""

import json
import subprocess
import xml.etree.ElementTree as xml

import pytest
from conftest import MODELS

import bitspike

DEV = "sentence\tlabel\n" + "".join(
    f"{text}\t{label}\n"
    for text, label in [("a gripping , funny film", 1), ("dull from start to finish", 0), ("fine", 1), ("fine", 0)]
)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "dev.tsv").write_text(DEV)
    return tmp_path


def said(program, *arguments):
    return json.loads(
        subprocess.run([program, *map(str, arguments)], check=True, capture_output=True, text=True).stdout
    )


def test_a_trace_is_three_tables_and_a_picture(clf):
    pyarrow = pytest.importorskip("pyarrow")
    trace = clf.trace("a fine film", timesteps=20)
    assert trace.tokens == ["[CLS]", "a", "fine", "film", "[SEP]"]
    assert trace.summary["time_steps"] == 20 and trace.summary["answer"]["label"] == "positive"
    rates, membranes, spikes = (pyarrow.table(table) for table in (trace.rates, trace.membranes, trace.spikes))
    assert rates.column_names == ["population", "t", "mean_absolute_rate", "mean_rate", "rms_distance", "max_distance"]
    assert rates.num_rows == 20 * len(trace.summary["populations"])
    assert membranes.num_rows % 20 == 0 and set(membranes["t"].to_pylist()) == set(range(1, 21))
    assert set(spikes["sign"].to_pylist()) <= {-1, 1} and spikes.num_rows > 0
    assert xml.fromstring(trace._repr_svg_()).tag.endswith("svg")
    chosen = pyarrow.table(clf.trace("a fine film", neurons=[("embedding", 0, 3)]).membranes)
    assert set(zip(chosen["token"].to_pylist(), chosen["neuron"].to_pylist())) == {(0, 3)}
    with pytest.raises(bitspike.TextError):
        clf.trace(None)
    with pytest.raises(bitspike.OptionError):
        clf.trace("fine", neurons=[("nowhere", 0, 0)])


def test_a_trace_is_plotted(clf, tmp_path):
    pytest.importorskip("matplotlib")
    figure = clf.trace("a fine film", timesteps=20).plot()
    figure.savefig(tmp_path / "trace.png")
    assert (tmp_path / "trace.png").stat().st_size > 10_000
    rates, _ = figure.axes
    assert len(rates.lines) == len(clf.trace("a fine film", timesteps=20).summary["populations"])


def test_columns_as_arrays(clf):
    pyarrow = pytest.importorskip("pyarrow")
    trace = clf.trace("a fine film", timesteps=20)
    for table in (trace.rates, trace.membranes, trace.spikes):
        for name in table.column_names:
            assert table.to_numpy(name).tolist() == pyarrow.table(table)[name].to_pylist(), name
    table = pyarrow.table({"t": ["fine", None], "n": [1, None], "b": [b"x", b"y"]})
    said = clf.classify_arrow(table, text="t", errors="null")
    assert said.to_numpy("label").tolist() == ["positive", None]
    assert str(said.to_numpy("probability_positive")[1]) == "nan"
    for name in ("n", "b", "nothing"):
        with pytest.raises(bitspike.ColumnError):
            said.to_numpy(name)


def test_a_cost_is_that_of_the_program(clf, program, folder):
    dataset = bitspike.data.load("sst2", folder)
    own = clf.cost(dataset.texts, profile="45nm-integer")
    model = MODELS / "sst2-tiny"
    theirs = said(program, "cost", model, "--data", folder, "--profile", "45nm-integer", "--json")
    for name in ("total", "populations", "energy", "tokens", "examples", "normalised_operations"):
        assert own[name] == theirs[name], name
    html = own._repr_html_()
    assert "spikes" in html and "45nm-integer" in html and html.count("<table>") == 1
    assert own.networks()[0][1] > 0


def test_a_score_is_that_of_the_program(clf, program, folder):
    own = clf.eval(folder)
    theirs = said(program, "eval", MODELS / "sst2-tiny", "--data", folder, "--json")[0]
    assert own.metrics == theirs["metrics"] and own.metrics["accuracy"] == 0.75
    assert own["rates"] == theirs["rates"]
    assert clf.eval(bitspike.data.load("sst2", folder)).metrics == own.metrics
    assert clf.eval(folder, limit=2).metrics["accuracy"] == 1.0
    assert "accuracy" in own._repr_html_()


def test_data_of_a_task(folder, clf):
    dataset = bitspike.data.load("sst2", folder)
    assert len(dataset) == 4 and dataset.texts[0] == "a gripping , funny film"
    assert dataset.targets == ["positive", "negative", "positive", "negative"]
    assert clf.score(dataset.texts, dataset.targets) == 0.75
    with pytest.raises(bitspike.Error, match="sst9"):
        bitspike.data.load("sst9", folder)
