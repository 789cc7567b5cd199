"""Tables in and out through Arrow's C interface."""

import subprocess
import sys

import numpy
import pytest
from conftest import TEXTS

import bitspike

pyarrow = pytest.importorskip("pyarrow")


def probabilities(table):
    columns = [name for name in table.column_names if name.startswith("probability_")]
    return numpy.stack([table[name].to_numpy() for name in columns], axis=1)


def column(kind, texts=TEXTS):
    array = pyarrow.array(texts, pyarrow.string())
    if pyarrow.types.is_dictionary(kind):
        return (
            array.dictionary_encode().cast(kind)
            if kind.value_type == pyarrow.string()
            else pyarrow.DictionaryArray.from_arrays(
                pyarrow.array(range(len(texts)), kind.index_type), array.cast(kind.value_type)
            )
        )
    return array.cast(kind)


KINDS = [
    pyarrow.string(),
    pyarrow.large_string(),
    pyarrow.string_view(),
    pyarrow.dictionary(pyarrow.int32(), pyarrow.string()),
    *(
        pyarrow.dictionary(index, pyarrow.large_string())
        for index in (
            pyarrow.int8(),
            pyarrow.uint8(),
            pyarrow.int16(),
            pyarrow.uint16(),
            pyarrow.uint32(),
            pyarrow.int64(),
            pyarrow.uint64(),
        )
    ),
    pyarrow.dictionary(pyarrow.int32(), pyarrow.string_view()),
]


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_every_type_of_text(clf, kind):
    array = column(kind)
    expected = clf.predict_proba(TEXTS)
    table = pyarrow.table({"id": range(len(TEXTS)), "review": array})
    for rows in (table, pyarrow.concat_tables([table.slice(0, 5), table.slice(5)]), table.to_batches()[0]):
        said = pyarrow.table(clf.classify_arrow(rows, text="review"))
        assert said.column_names == ["id", "review", "label", "probability_negative", "probability_positive"]
        assert probabilities(said).tobytes() == expected.tobytes()
        assert said["label"].to_pylist() == list(clf.predict(TEXTS))
        assert said.select(["id", "review"]).equals(table)
        said.validate(full=True)
    # The column itself, as an array and as a stream, whole and with an offset.
    for rows in (array, pyarrow.chunked_array([array.slice(0, 4), array.slice(4)])):
        alone = pyarrow.table(clf.classify_arrow(rows, keep=False))
        assert probabilities(alone).tobytes() == expected.tobytes()
    cut = pyarrow.table(clf.classify_arrow(table.slice(3, 6), text="review"))
    assert probabilities(cut).tobytes() == expected[3:9].tobytes()
    assert cut["id"].to_pylist() == list(range(3, 9))


def test_the_column_is_found_by_the_tasks_name_or_as_the_only_text(clf):
    expected = clf.predict_proba(["fine"])
    for table in ({"x": [1], "anything": ["fine"]}, {"sentence": ["fine"], "other": ["dull"]}):
        assert probabilities(pyarrow.table(clf.classify_arrow(pyarrow.table(table)))).tobytes() == expected.tobytes()


def test_pairs_in_two_columns(pairs, scores):
    table = pyarrow.table({"p": ["All birds sing.", "It rained."], "h": ["This bird sings.", "It was dry."]})
    items = list(zip(table["p"].to_pylist(), table["h"].to_pylist()))
    said = pyarrow.table(pairs.classify_arrow(table, text="p", text_pair="h"))
    assert probabilities(said).tobytes() == pairs.predict_proba(items).tobytes()
    said = pyarrow.table(scores.classify_arrow(table, text="p", text_pair="h", keep=False))
    assert said.column_names == ["score"]
    assert said["score"].to_numpy().tobytes() == scores.predict(items).tobytes()


def test_names_that_the_table_has_are_preceded(clf):
    table = pyarrow.table({"text": ["fine"], "label": [1]})
    assert pyarrow.table(clf.classify_arrow(table, text="text")).column_names[:3] == [
        "text",
        "label",
        "predicted_label",
    ]


def test_empty_tables_and_streams_without_a_batch(clf):
    schema = pyarrow.schema({"text": pyarrow.string_view()})
    for table in (
        schema.empty_table(),
        pyarrow.Table.from_batches([], schema),
        pyarrow.RecordBatchReader.from_batches(schema, []),
    ):
        said = clf.classify_arrow(table)
        assert len(said) == 0 and said.column_names[-1] == "probability_positive"
        assert pyarrow.table(said).num_rows == 0


@pytest.mark.parametrize(
    "array",
    [
        pyarrow.array(["fine", None, "dull"]),
        pyarrow.array(["fine", None, "dull"], pyarrow.string_view()),
        pyarrow.array(["fine", None, "dull"]).dictionary_encode(),
        pyarrow.DictionaryArray.from_arrays(pyarrow.array([0, 1, 2]), pyarrow.array(["fine", None, "dull"])),
    ],
    ids=["utf8", "view", "dictionary", "null value of a dictionary"],
)
def test_nulls_are_refused_with_their_row_or_become_null(clf, array):
    table = pyarrow.table({"text": array})
    with pytest.raises(bitspike.TextError) as caught:
        clf.classify_arrow(table)
    assert caught.value.where == "column `text`, row 1" and caught.value.found == "null"
    said = pyarrow.table(clf.classify_arrow(table, errors="null"))
    assert said["label"].to_pylist() == ["positive", None, "negative"]
    assert said["probability_positive"].null_count == 1
    assert said["error"].to_pylist() == [None, "column `text`: expected a text, found null", None]


def test_rows_are_counted_over_batches(clf):
    table = pyarrow.table({"text": pyarrow.chunked_array([["a", "b"], ["c", None]])})
    with pytest.raises(bitspike.TextError, match="row 3"):
        clf.classify_arrow(table)


def test_a_column_of_nulls_alone(clf):
    table = pyarrow.table({"text": pyarrow.nulls(3)})
    with pytest.raises(bitspike.TextError, match="row 0"):
        clf.classify_arrow(table, text="text")
    said = pyarrow.table(clf.classify_arrow(table, text="text", errors="null"))
    assert said["label"].to_pylist() == [None] * 3


def test_bytes_that_are_not_utf8_are_a_fault_of_their_row(clf):
    binary = pyarrow.array([b"fine", b"\xff\xfe", b"dull"])
    broken = pyarrow.Array.from_buffers(pyarrow.string(), 3, binary.buffers())
    table = pyarrow.table({"text": broken})
    with pytest.raises(bitspike.TextError, match="row 1: expected a text.*not UTF-8"):
        clf.classify_arrow(table)
    said = pyarrow.table(clf.classify_arrow(table, errors="null"))
    assert said["label"].to_pylist() == ["positive", None, "negative"]


@pytest.mark.parametrize("offsets", [[-4, 2, 4], [0, 4, 2], [2, 1 << 30, 4], [0, -1, 4]])
@pytest.mark.parametrize("kind", [pyarrow.string(), pyarrow.large_string()], ids=str)
def test_offsets_are_checked_before_anything_is_read(clf, kind, offsets):
    width = numpy.int32 if kind == pyarrow.string() else numpy.int64
    memory = numpy.zeros(3, width)
    buffers = [None, pyarrow.py_buffer(memory), pyarrow.py_buffer(b"text")]
    table = pyarrow.table({"text": pyarrow.Array.from_buffers(kind, 2, buffers)})
    # pyarrow would refuse some of them at once.
    memory[:] = offsets
    with pytest.raises(bitspike.ColumnError):
        clf.classify_arrow(table, text="text", errors="null")


def test_keys_outside_of_a_dictionary(clf):
    array = pyarrow.DictionaryArray.from_arrays(pyarrow.array([0, 7, -1]), pyarrow.array(["a", "b"]), safe=False)
    with pytest.raises(bitspike.ColumnError, match="keys below 2"):
        clf.classify_arrow(pyarrow.table({"text": array}))


def test_a_view_outside_of_its_buffers(clf):
    view = numpy.array([20, 0, 9, 5], numpy.int32).tobytes()
    array = pyarrow.Array.from_buffers(
        pyarrow.string_view(), 1, [None, pyarrow.py_buffer(view), pyarrow.py_buffer(b"short")]
    )
    with pytest.raises(bitspike.ColumnError):
        clf.classify_arrow(pyarrow.table({"text": array}))


@pytest.mark.parametrize(
    ("table", "options", "says"),
    [
        (pyarrow.table({"n": [1, 2]}), {"text": "n"}, "found Int64"),
        (pyarrow.table({"b": [b"x"]}), {"text": "b"}, "found Binary"),
        (pyarrow.table({"a": ["x"], "b": ["y"]}), {}, "`a`, `b`"),
        (pyarrow.table({"a": ["x"]}), {"text": "c"}, "`c`"),
        (pyarrow.Table.from_arrays([pyarrow.array(["x"])] * 2, ["a", "a"]), {"text": "a"}, "several"),
        (pyarrow.array([1, 2]), {}, "found Int64"),
        (["a", "list"], {}, "__arrow_c_stream__"),
        (None, {}, "__arrow_c_stream__"),
    ],
)
def test_what_is_no_table_of_texts(clf, table, options, says):
    with pytest.raises(bitspike.ColumnError) as caught:
        clf.classify_arrow(table, **options)
    assert says in str(caught.value) and caught.value.expected and caught.value.where


def test_objects_that_only_say_that_they_are_tables(clf):
    class Liar:
        def __arrow_c_stream__(self, requested_schema=None):
            return "no capsule"

    class Broken:
        def __arrow_c_stream__(self, requested_schema=None):
            raise RuntimeError("not today")

    with pytest.raises(bitspike.ColumnError, match="capsule"):
        clf.classify_arrow(Liar())
    with pytest.raises(RuntimeError, match="not today"):
        clf.classify_arrow(Broken())
    table = pyarrow.table({"a": ["x"]})
    reader = table.to_reader()
    clf.classify_arrow(reader)
    with pytest.raises(Exception):
        # It was read to its end, or cannot be read twice: an exception and no crash.
        capsule = table.__arrow_c_stream__()
        once = type("Once", (), {"__arrow_c_stream__": lambda self, requested_schema=None: capsule})()
        clf.classify_arrow(once)
        clf.classify_arrow(once)


def test_a_stream_that_fails_in_the_middle(clf):
    schema = pyarrow.schema({"text": pyarrow.string()})

    def batches():
        yield pyarrow.record_batch({"text": ["fine"]})
        raise RuntimeError("the source went away")

    with pytest.raises(Exception, match="the source went away"):
        clf.classify_arrow(pyarrow.RecordBatchReader.from_batches(schema, batches()))


def test_read_only_memory(clf):
    data = b"finedull"
    offsets = numpy.array([0, 4, 8], numpy.int32)
    offsets.flags.writeable = False
    array = pyarrow.Array.from_buffers(pyarrow.string(), 2, [None, pyarrow.py_buffer(offsets), pyarrow.py_buffer(data)])
    assert pyarrow.table(clf.classify_arrow(array)).column("label").to_pylist() == ["positive", "negative"]


def test_polars_pandas_and_duckdb_both_ways(clf):
    polars = pytest.importorskip("polars")
    pandas = pytest.importorskip("pandas")
    texts = ["fine", "dull"] * 3
    expected = clf.predict_proba(texts).tobytes()
    frame = polars.DataFrame({"n": range(6), "t": texts})
    for given in (
        frame,
        frame.with_columns(polars.col("t").cast(polars.Categorical)),
        frame.with_columns(polars.col("t").cast(polars.Enum(["dull", "fine"]))),
        pandas.DataFrame({"n": range(6), "t": texts}),
        pandas.DataFrame({"n": range(6), "t": pandas.Categorical(texts)}).iloc[[0, 1, 2, 3, 4, 5]],
    ):
        table = clf.classify_arrow(given, text="t")
        assert probabilities(pyarrow.table(table)).tobytes() == expected
        assert polars.DataFrame(table)["label"].to_list() == ["positive", "negative"] * 3
    assert (
        probabilities(pyarrow.table(clf.classify_arrow(frame["t"].slice(2, 2)))).tobytes()
        == clf.predict_proba(texts[2:4]).tobytes()
    )
    duckdb = pytest.importorskip("duckdb")
    said = clf.classify_arrow(duckdb.sql("select unnest(['fine', 'dull', 'fine', 'dull', 'fine', 'dull']) as t"))
    assert probabilities(pyarrow.table(said)).tobytes() == expected


def test_pyarrow_is_never_loaded():
    code = "import sys, bitspike, bitspike.polars; clf = bitspike.load(); clf('fine'); assert not {'pyarrow', 'numpy', 'polars'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
