"""The engines that data is in: the real ones, over one, two and four partitions."""

import hashlib

import pytest
from conftest import TEXTS

import bitspike

pyarrow = pytest.importorskip("pyarrow")

ROWS = [(number, TEXTS[number % len(TEXTS)] + f" {number}") for number in range(300)]


def table():
    numbers, texts = zip(*ROWS)
    return pyarrow.table({"id": numbers, "review": texts})


def digest(rows):
    """Of rows (id, label, probabilities), whatever their order."""
    return hashlib.sha256(repr(sorted(rows)).encode()).hexdigest()


@pytest.fixture(scope="module")
def expected(clf):
    texts = [text for _, text in ROWS]
    answers = zip(ROWS, clf.predict(texts), clf.predict_proba(texts).tolist())
    return digest((number, label, *values) for (number, _), label, values in answers)


def rows_of(answered):
    columns = ["id", "label", "probability_negative", "probability_positive"]
    return list(zip(*(answered[name].to_pylist() for name in columns)))


@pytest.mark.parametrize("chunk", [300, 150, 75])
def test_polars_eager_lazy_and_streaming(clf, expected, chunk):
    polars = pytest.importorskip("polars")
    import bitspike.polars

    frame = polars.concat(
        [polars.from_arrow(table().slice(start, chunk)) for start in range(0, 300, chunk)], rechunk=False
    )
    answers = bitspike.polars.classify("review", clf)
    for said in (
        frame.with_columns(answers),
        frame.lazy().with_columns(answers).collect(),
        frame.lazy().with_columns(answers).collect(engine="streaming"),
    ):
        said = said.unnest("answer")
        assert said.schema["probability_positive"] == polars.Float32
        assert digest(rows_of(said.to_arrow())) == expected


def test_polars_computes_what_is_asked_for(clf):
    polars = pytest.importorskip("polars")
    import bitspike.polars

    frame = polars.DataFrame({"t": ["fine", None, "dull"], "n": [1, 2, 3]})
    said = frame.select(bitspike.polars.classify("t", clf, errors="null")).unnest("answer")
    assert said["label"].to_list() == ["positive", None, "negative"] and said["error"][1].endswith("found null")
    with pytest.raises(Exception, match="row 1"):
        frame.select(bitspike.polars.classify(polars.col("t"), clf))
    with pytest.raises(Exception, match="Int64"):
        frame.select(bitspike.polars.classify("n", clf))
    assert frame.head(0).select(bitspike.polars.classify("t", clf)).unnest("answer").height == 0


def test_polars_takes_pairs(pairs):
    polars = pytest.importorskip("polars")
    import bitspike.polars

    frame = polars.DataFrame({"p": ["All birds sing."], "h": ["This bird sings."]})
    said = frame.select(bitspike.polars.classify("p", pairs, "h")).unnest("answer")
    assert said["label"][0] == pairs.predict([("All birds sing.", "This bird sings.")])[0]


@pytest.mark.parametrize("partitions", [1, 2, 4])
def test_datafusion_over_partitions(clf, partitions, tmp_path):
    datafusion = pytest.importorskip("datafusion")
    import pyarrow.parquet

    import bitspike.datafusion

    size = len(ROWS) // partitions
    for number in range(partitions):
        pyarrow.parquet.write_table(table().slice(number * size, size), tmp_path / f"{number}.parquet")
    context = datafusion.SessionContext()
    context.register_udf(bitspike.datafusion.udf(clf))
    context.register_parquet("reviews", str(tmp_path))
    said = context.sql("select id, classify(review) as label from reviews").to_pydict()
    assert dict(zip(said["id"], said["label"])) == dict(zip((n for n, _ in ROWS), clf.predict([t for _, t in ROWS])))
    kept = context.sql(
        "select count(*) as n from (select classify(review) as l from reviews) where l = 'positive'"
    ).to_pydict()
    assert kept["n"] == [said["label"].count("positive")]


def test_datafusion_answers_null_with_null(clf, pairs):
    datafusion = pytest.importorskip("datafusion")
    import bitspike.datafusion

    context = datafusion.SessionContext()
    context.register_udf(bitspike.datafusion.udf(clf))
    said = context.sql("select classify(t) as l from (values ('fine'), (null)) as v(t)").to_pydict()
    assert said["l"] == ["positive", None]
    with pytest.raises(bitspike.OptionError, match="pairs"):
        bitspike.datafusion.udf(pairs)


@pytest.fixture(scope="module")
def ray(tmp_path_factory):
    ray = pytest.importorskip("ray")
    import logging
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ray.init(num_cpus=4, include_dashboard=False, logging_level=logging.ERROR, log_to_driver=False)
        ray.data.DataContext.get_current().enable_progress_bars = False
        yield ray
        ray.shutdown()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("partitions", [1, 2, 4])
def test_ray_over_partitions_with_two_actors(ray, expected, partitions, tmp_path):
    import pyarrow.parquet

    import bitspike.ray

    size = len(ROWS) // partitions
    for number in range(partitions):
        pyarrow.parquet.write_table(table().slice(number * size, size), tmp_path / f"{number}.parquet")
    answered = ray.data.read_parquet(str(tmp_path)).map_batches(
        bitspike.ray.Classify, fn_constructor_kwargs={"text": "review"}, batch_format="pyarrow", concurrency=2
    )
    blocks = pyarrow.concat_tables(ray.get(answered.to_arrow_refs()))
    assert digest(rows_of(blocks)) == expected


@pytest.mark.filterwarnings("ignore")
def test_ray_says_how_many_threads(ray):
    def threads():
        return bitspike.load().threads

    assert ray.get(ray.remote(num_cpus=2)(threads).remote()) == 2
    assert ray.get(ray.remote(num_cpus=1)(threads).remote()) == 1
