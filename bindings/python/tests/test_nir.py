"""Weights as NumPy reads them, and blocks of a model as NIR: both count what the model counts."""

import numpy as np
import pytest
from conftest import MODELS

import bitspike

TEXT = "a gripping , funny film that is dull from start to finish"


@pytest.fixture(scope="module")
def nir():
    return pytest.importorskip("nir")


@pytest.fixture(scope="module")
def recording(clf):
    from bitspike.nir import record

    return record(clf, TEXT)


@pytest.fixture(scope="module")
def written(clf, nir, tmp_path_factory):
    file = tmp_path_factory.mktemp("nir") / "blocks.nir"
    clf.to_nir(file)
    return file


@pytest.mark.parametrize("model", ["sst2-tiny", "sst2-binary"])
def test_weights_count_what_the_engine_counts(model):
    from bitspike.nir import record

    found = record(bitspike.load(MODELS / model), TEXT)
    weights = found.weights
    for layer in range(weights.config["layers"]):
        for kind in ("key", "value"):
            name = f"layer.{layer}.{kind}"
            read = found.counts(weights.maps[name].reads)
            counts = weights.counts(name, weights.currents(name, read))
            assert (counts == found.counts(name)).all(), name
            assert counts.any() and (counts.min() < 0 < counts.max())


def test_weights_are_what_the_model_says_they_are(clf):
    weights = clf.weights
    assert len(weights.populations) == 1 + 6 * weights.config["layers"]
    assert list(weights.maps)[:3] == ["layer.0.query", "layer.0.key", "layer.0.value"]
    for name in weights.maps:
        found = weights.maps[name]
        assert found.codes.shape == found.values.shape and found.values.dtype == np.float32
        assert set(np.unique(found.codes)) <= {-1, 0, 1} and found.bias.shape == (len(found.codes),)
        assert found.codes.shape[1] == weights.populations[found.reads].width
    words = weights.table("words")
    assert words.values.shape == (weights.config["vocab_size"], weights.hidden) and words.values.any()
    assert weights.norm("layer.0.attention_norm").gain.shape == (weights.hidden,)
    matrix, bias = weights.classifier
    assert matrix.shape == (2, weights.hidden) and bias.shape == (2,)
    assert set(np.unique(bitspike.load(MODELS / "sst2-binary").weights.maps["layer.0.key"].codes)) == {-1, 1}
    with pytest.raises(KeyError):
        weights.maps["layer.0.attention"]
    with pytest.raises(bitspike.OptionError):
        weights.norm("layer.0.no_norm")


def test_what_a_population_received_gives_what_it_sent(clf, recording):
    for name in ("embedding", "layer.0.context", "layer.1.feed_forward"):
        charges = recording.charges(name)
        steps = recording.timesteps
        assert np.allclose(charges, charges[0], atol=1e-3), "one charge for the whole window"
        rounded = np.clip(np.floor(charges.mean(0) + 0.5), -steps, steps)
        assert (rounded == recording.counts(name)).mean() > 0.9999
    with pytest.raises(bitspike.OptionError, match="population"):
        recording.spikes("layer.9.key")


def simulated(block, inputs, *, hard=False):
    """Counts of a graph as NIR defines it, but for the reset: soft, as ours, or to zero."""
    nodes = block.nodes
    potential = counts = 0
    for given in inputs:
        if "affine" in nodes:
            given = given @ nodes["affine"].weight.T.astype(float) + nodes["affine"].bias
        potential = potential + given
        fires = potential >= nodes["neurons"].v_threshold
        potential = np.where(fires, 0 if hard else potential - nodes["neurons"].v_threshold, potential)
        counts = counts + fires
    return counts


@pytest.mark.parametrize("start", ["state", "first-current"])
def test_blocks_count_what_the_model_counts(clf, nir, recording, tmp_path, start):
    clf.to_nir(tmp_path / "blocks.nir", start=start)
    graph = nir.read(tmp_path / "blocks.nir")
    block = graph.nodes["layer_1_key"]
    said = block.metadata
    spikes = recording.spikes(said["reads"])
    mean = spikes.mean(0)[None].repeat(said["steps"], axis=0)
    column = np.zeros((*mean.shape[:2], 1))
    column[0] = 1
    given = np.concatenate([mean, column], axis=2)
    if start == "state":
        weight = block.nodes["affine"].weight
        start_column = np.full((len(weight), 1), said["initial_potential"], np.float32)
        block.nodes["affine"].weight = np.concatenate([weight, start_column], axis=1)
    counts = simulated(block, given) - said["minus"]
    assert (counts == recording.counts(said["population"])).all()


def test_the_file_is_what_readers_read_alike(clf, nir, written):
    h5py = pytest.importorskip("h5py")
    names = []
    with h5py.File(written) as file:
        file.visit(names.append)
    assert names and not [name for name in names if name.endswith("v_reset") or "." in name]
    graph = nir.read(written)
    assert graph.metadata["sha256"] == clf.sha256
    blocks = {name: node for name, node in graph.nodes.items() if isinstance(node, nir.NIRGraph)}
    weights = clf.weights
    assert {block.metadata["population"] for block in blocks.values()} >= set(weights.populations)
    for name, block in blocks.items():
        kinds = [type(node).__name__ for node in block.nodes.values()]
        assert set(kinds) <= {"Affine", "IF", "Input", "Output"} and kinds.count("Input") == 1
        assert all(len([edge for edge in block.edges if edge[1] == node]) <= 1 for node in block.nodes)
        affine, neurons = block.nodes.get("affine"), block.nodes.get("neurons")
        if affine is not None:
            assert affine.weight.dtype == affine.bias.dtype == np.float32
        if neurons is not None:
            assert (neurons.v_threshold == clf.timesteps).all() and (neurons.r == 1).all()
            assert neurons.v_threshold.shape == neurons.r.shape == (weights.populations[block.metadata["population"]].width,)
        assert block.nodes["input"].input_type["input"].tolist() == block.input_type["input"].tolist()


def test_files_and_models_that_cannot_be(clf, nir, written, tmp_path):
    with pytest.raises(bitspike.OptionError, match="force=True"):
        clf.to_nir(written)
    clf.to_nir(written, force=True)
    with pytest.raises(bitspike.OptionError, match="first-current"):
        clf.to_nir(tmp_path / "other.nir", start="later")
    with pytest.raises(bitspike.OptionError, match="single"):
        bitspike.load(MODELS / "sst2-sparse").to_nir(tmp_path / "sparse.nir")
    with pytest.raises(FileNotFoundError):
        clf.to_nir(tmp_path / "nowhere" / "blocks.nir")
    assert not list(tmp_path.iterdir()), "nothing is left of what was not written"


class Simulated:
    """A reader whose neurons are ours once repaired, or reset to zero."""

    name, version, strict, repairs = "simulated", "1", False, True

    def counts(self, graph, inputs, repaired):
        return simulated(graph, inputs, hard=not repaired)


def test_a_reader_is_compared_neuron_by_neuron(clf, written, recording, monkeypatch):
    from bitspike.nir import _readers, check

    monkeypatch.setitem(_readers._READERS, "simulated", Simulated)
    for found in [*check(written, "simulated", blocks=["layer_0_value", "layer_0_context"]), *check(written, "simulated", recording)]:
        assert found and found.equal == found.neurons, found
        assert found.equal_as_read < 0.9 * found.neurons, found
        assert f"{found.equal:,} repaired" in repr(found)
    monkeypatch.setattr(Simulated, "repairs", False)
    (found,) = check(written, "simulated", blocks=["layer_0_key"])
    assert not found and found.repaired is None and found.equal == found.equal_as_read


def test_what_cannot_be_compared_is_refused(clf, written, ternary, tmp_path):
    from bitspike.nir import check, record

    with pytest.raises(bitspike.OptionError, match="snntorch, spikingjelly"):
        check(written, "brian")
    with pytest.raises(bitspike.NotFoundError):
        check(tmp_path / "none.nir", "norse")
