"""Vectors: those of every other door, in the forms that sentence-transformers, LangChain and Chroma ask for."""

import concurrent.futures
import json
import multiprocessing
import pickle
from pathlib import Path

import numpy
import pytest

import bitspike

FIXTURE = Path(__file__).resolve().parents[3] / "fixtures" / "embedder"
GOLDEN = json.loads((FIXTURE / "vectors.json").read_text(encoding="utf-8"))
TEXTS = GOLDEN["texts"]
UNIT = numpy.array(GOLDEN["vectors"], "float32")
RAW = numpy.array(GOLDEN["raw"], "float32")


@pytest.fixture(scope="module")
def model():
    return bitspike.load(FIXTURE, threads=2)


def equal(found, expected):
    """To the bit."""
    assert found.dtype == expected.dtype and found.shape == expected.shape
    assert found.tobytes() == expected.tobytes()


def test_vectors_are_those_of_the_model(model):
    assert isinstance(model, bitspike.Embedder)
    equal(model.encode(TEXTS), UNIT)
    equal(model.encode(TEXTS, batch_size=1), UNIT)
    equal(model.encode(text for text in TEXTS), UNIT)
    equal(model.encode(numpy.array(TEXTS)), UNIT)
    equal(model.encode(TEXTS[0]), UNIT[0])
    equal(model.encode(TEXTS, normalize_embeddings=False), RAW)
    equal(model.encode(TEXTS, normalize_embeddings=True), UNIT)
    equal(model.encode_query(TEXTS), UNIT)
    equal(model.encode_document(TEXTS, truncate_dim=8, normalize_embeddings=False), RAW[:, :8])
    equal(model.encode([]), UNIT[:0])
    assert model.get_sentence_embedding_dimension() == 32 and model.dimensions == [32, 16, 8] and model.normalizes
    assert "32 values" in repr(model) and model.model_name == "embedder" and model.max_length == 64


def test_fewer_values_have_length_1_again(model):
    short = model.encode(TEXTS, truncate_dim=8)
    assert short.shape == (len(TEXTS), 8)
    expected = UNIT[:, :8] / numpy.linalg.norm(UNIT[:, :8].astype("float64"), axis=1, keepdims=True)
    numpy.testing.assert_allclose(short, expected, atol=1e-6)


def test_smaller_forms(model):
    bits = numpy.packbits(UNIT > 0, axis=1)
    equal(model.encode(TEXTS, precision="ubinary"), bits)
    equal(model.encode(TEXTS, precision="binary"), (bits.astype("int16") - 128).astype("int8"))
    equal(model.encode(TEXTS, precision="ubinary", truncate_dim=12), numpy.packbits(UNIT[:, :12] > 0, axis=1))
    least = model.encode(TEXTS, precision="ubinary", bit_order="least-first")
    equal(least, numpy.packbits(UNIT > 0, axis=1, bitorder="little"))
    codes = model.encode(TEXTS, precision="int8")
    assert codes.dtype == numpy.int8 and (abs(codes.astype("int16")).max(axis=1) == 127).all()
    scale = 127 / abs(UNIT.astype("float64")).max(axis=1, keepdims=True)
    assert abs(codes - UNIT * scale).max() <= 0.5 + 1e-6


def test_lists_of_numbers(model):
    found = model.encode(TEXTS, convert_to_numpy=False)
    assert found == UNIT.tolist() and model.encode(TEXTS[0], convert_to_numpy=False) == UNIT[0].tolist()
    assert model.embed_documents(TEXTS) == UNIT.tolist() and model.embed_query(TEXTS[1]) == UNIT[1].tolist()
    for vector, expected in zip(model(TEXTS), UNIT):
        equal(vector, expected)
    assert len(model("x")) == 1


def test_similarity(model):
    found = model.similarity(UNIT, UNIT[:2])
    numpy.testing.assert_allclose(found, UNIT @ UNIT[:2].T, atol=1e-6)
    assert model.similarity(UNIT[0], UNIT[0]).shape == (1, 1)
    assert model.similarity([[0.0] * 32], UNIT[:1]).tolist() == [[0.0]]


def test_progress_is_shown(model, capsys):
    model.encode(TEXTS, batch_size=4, show_progress_bar=True)
    assert f"{len(TEXTS)} of {len(TEXTS)} texts" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda model: model.encode(["a", None]), bitspike.TextError, "text 1: expected a text"),
        (lambda model: model.encode(["a", ("b", "c")]), bitspike.TextError, "text 1: expected one text"),
        (lambda model: model.encode(("a", "b")), bitspike.TextError, "sentences: expected a text or a list"),
        (lambda model: model.encode(7), bitspike.TextError, "texts: expected"),
        (lambda model: model.encode("a", truncate_dim=33), bitspike.OptionError, "truncate_dim: expected 1 to 32"),
        (lambda model: model.encode("a", truncate_dim=0), bitspike.OptionError, "truncate_dim: expected a number"),
        (lambda model: model.encode("a", precision="int4"), bitspike.OptionError, "precision: expected float32, int8"),
        (lambda model: model.encode("a", precision="binary", bit_order="big"), bitspike.OptionError, "least-first or most-first"),
        (lambda model: model.encode("a", batch_size=0), bitspike.OptionError, "batch_size"),
        (lambda model: model.embed_query(["a"]), bitspike.TextError, "text: expected one text"),
        (lambda model: bitspike.Classifier(FIXTURE), bitspike.OptionError, "`embedder`, which embeds"),
        (lambda model: bitspike.Embedder(FIXTURE.parents[1] / "models" / "sst2-tiny"), bitspike.OptionError, "which classifies"),
        (lambda model: bitspike.Embedder(FIXTURE.parents[1] / "models" / "stsb-ternary"), bitspike.OptionError, "which gives scores"),
        (lambda model: model._native.classify(["a"], 0), bitspike.OptionError, "one that embeds"),
        (lambda model: setattr(model, "threads", 3), AttributeError, "never changes"),
    ],
)
def test_what_is_wrong_is_said(model, call, error, says):
    with pytest.raises(error) as caught:
        call(model)
    assert says in str(caught.value)


def test_tables(model):
    pyarrow = pytest.importorskip("pyarrow")
    table = pyarrow.table({"id": range(len(TEXTS)), "text": TEXTS})
    found = pyarrow.table(model.embed_arrow(table, text="text"))
    assert found.column_names == ["id", "text", "embedding"]
    assert found.schema.field("embedding").type.list_size == 32
    vectors = numpy.array(found["embedding"].to_pylist(), "float32")
    equal(vectors, UNIT)
    short = pyarrow.table(model.embed_arrow(table, truncate_dim=8, normalize_embeddings=False, keep=False))
    equal(numpy.array(short["embedding"].to_pylist(), "float32"), RAW[:, :8])
    broken = pyarrow.table({"text": ["x", None, "x"], "embedding": [1, 2, 3]})
    found = model.embed_arrow(broken, text="text", errors="null")
    assert pyarrow.table(found)["predicted_embedding"].null_count == 1
    rows = found.to_numpy("predicted_embedding")
    assert rows.shape == (3, 32) and numpy.isnan(rows[1]).all() and (rows[0] == rows[2]).all()
    with pytest.raises(bitspike.TextError, match="row 1"):
        model.embed_arrow(broken, text="text")


def test_threads_share_a_model(model):
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: model.encode(TEXTS), range(16)):
            equal(found, UNIT)


def _child(model, queue):
    queue.put(model.encode(TEXTS).tobytes())


def test_a_fork_has_vectors_of_its_own(model):
    model.encode(TEXTS)
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=_child, args=(model, queue))
    child.start()
    assert queue.get(timeout=60) == UNIT.tobytes()
    child.join(60)
    assert child.exitcode == 0


def test_a_pickle_is_the_same_model(model):
    again = pickle.loads(pickle.dumps(model))
    assert isinstance(again, bitspike.Embedder) and again.sha256 == model.sha256
    equal(again.encode(TEXTS), UNIT)


def test_looking_inside(model):
    assert model.trace("a fine film", timesteps=8).tokens[0] == "[CLS]"
    assert model.cost(["a fine film"])["examples"] == 1
    assert "layer.0.key" in model.weights.maps


def test_adapters(model):
    pyarrow = pytest.importorskip("pyarrow")
    from bitspike.ray import Embed

    found = Embed(model, text="text", truncate_dim=16)(pyarrow.table({"text": TEXTS}))
    assert found.schema.field("embedding").type.list_size == 16


def test_chroma_takes_it_as_an_embedding_function(model, tmp_path):
    chromadb = pytest.importorskip("chromadb")
    client = chromadb.PersistentClient(str(tmp_path))
    collection = client.create_collection("texts", embedding_function=model)
    texts = [text for text in TEXTS if text]
    collection.add(ids=[str(i) for i in range(len(texts))], documents=texts)
    stored = numpy.array(collection.get(include=["embeddings"])["embeddings"], "float32")
    # It brings vectors to length 1 itself, where it measures by cosine.
    numpy.testing.assert_allclose(stored, UNIT[[TEXTS.index(text) for text in texts]], atol=1e-6)
    # Found again by whoever opens the folder, from the collection's own account of its function.
    again = chromadb.PersistentClient(str(tmp_path)).get_collection("texts")
    assert again.query(query_texts=[texts[1]], n_results=1)["documents"] == [[texts[1]]]
    with pytest.raises(bitspike.OptionError, match="embed the documents anew"):
        model.validate_config_update(model.get_config(), {**model.get_config(), "model": "other"})
    model.validate_config(model.get_config())
    with pytest.raises(bitspike.OptionError, match="config"):
        model.validate_config({})


def test_langchain_takes_it_for_its_embeddings(model):
    stores = pytest.importorskip("langchain_core.vectorstores")
    store = stores.InMemoryVectorStore(embedding=model)
    texts = [text for text in TEXTS if text]
    store.add_texts(texts)
    assert store.similarity_search(texts[2], k=1)[0].page_content == texts[2]
