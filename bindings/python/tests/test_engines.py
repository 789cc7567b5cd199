"""The engines that data is in: the real ones, over several partitions, and with workers that are killed.

The rows are the 67,349 sentences of SST-2's training split where BITSPIKE_SHARED names a folder with them, and else 301 made-up ones.
"""

import hashlib
import os
import signal
import sys
from pathlib import Path

import pytest
from conftest import TEXTS

import bitspike

pyarrow = pytest.importorskip("pyarrow")

PARTITIONS = [1, 2, 4, 7]


def read_rows():
    file = Path(os.environ.get("BITSPIKE_SHARED", "")) / "data" / "SST-2" / "train.tsv"
    if not file.is_file():
        return [(number, TEXTS[number % len(TEXTS)] + f" {number}") for number in range(301)]
    lines = file.read_text(encoding="utf-8").split("\n")[1:]
    return [(number, line.split("\t")[0]) for number, line in enumerate(lines) if line]


ROWS = read_rows()


def table():
    numbers, texts = zip(*ROWS)
    return pyarrow.table({"id": numbers, "review": texts})


def write_parts(folder, partitions):
    """The rows as so many Parquet files."""
    import pyarrow.parquet

    size = -(-len(ROWS) // partitions)
    for number in range(partitions):
        pyarrow.parquet.write_table(table().slice(number * size, size), folder / f"{number}.parquet")
    return str(folder)


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


@pytest.mark.parametrize("partitions", PARTITIONS)
def test_polars_eager_lazy_and_streaming(clf, expected, partitions):
    polars = pytest.importorskip("polars")
    import bitspike.polars

    size = -(-len(ROWS) // partitions)
    frame = polars.concat(
        [polars.from_arrow(table().slice(start, size)) for start in range(0, len(ROWS), size)], rechunk=False
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


@pytest.mark.parametrize("partitions", PARTITIONS)
def test_datafusion_over_partitions(clf, partitions, tmp_path):
    datafusion = pytest.importorskip("datafusion")
    import bitspike.datafusion

    write_parts(tmp_path, partitions)
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
@pytest.mark.parametrize("partitions", PARTITIONS)
def test_ray_over_partitions_with_two_actors(ray, expected, partitions, tmp_path):
    import bitspike.ray

    answered = ray.data.read_parquet(write_parts(tmp_path, partitions)).map_batches(
        bitspike.ray.Classify, fn_constructor_kwargs={"text": "review"}, batch_format="pyarrow", concurrency=2
    )
    blocks = pyarrow.concat_tables(ray.get(answered.to_arrow_refs()))
    assert digest(rows_of(blocks)) == expected


@pytest.mark.filterwarnings("ignore")
def test_ray_with_an_actor_that_is_killed(ray, expected, tmp_path):
    import bitspike.ray

    class Killed(bitspike.ray.Classify):
        def __call__(self, block):
            if len(ROWS) // 2 in block["id"].to_pylist() and not marker.exists():
                marker.touch()
                os.kill(os.getpid(), signal.SIGKILL)
            return super().__call__(block)

    marker = tmp_path / "killed"
    (tmp_path / "parts").mkdir()
    answered = ray.data.read_parquet(write_parts(tmp_path / "parts", 4)).map_batches(
        Killed, fn_constructor_kwargs={"text": "review"}, batch_format="pyarrow", concurrency=2
    )
    blocks = pyarrow.concat_tables(ray.get(answered.to_arrow_refs()))
    assert marker.exists()
    assert digest(rows_of(blocks)) == expected


@pytest.mark.filterwarnings("ignore")
def test_ray_says_how_many_threads(ray):
    def threads():
        return bitspike.load().threads

    assert ray.get(ray.remote(num_cpus=2)(threads).remote()) == 2
    assert ray.get(ray.remote(num_cpus=1)(threads).remote()) == 1


@pytest.fixture(scope="module")
def spark():
    pytest.importorskip("pyspark")
    import shutil
    import warnings

    if shutil.which("java") is None:
        pytest.skip("no Java here")
    os.environ["PYSPARK_PYTHON"] = sys.executable
    # Executors import what this process imports.
    os.environ["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pyspark.sql import SparkSession

        # Two executors, each a process of its own with one core.
        builder = SparkSession.builder.master("local-cluster[2,1,1024]")
        for name, value in {
            "spark.ui.enabled": "false",
            "spark.log.level": "FATAL",
            "spark.ui.showConsoleProgress": "false",
            "spark.sql.shuffle.partitions": "2",
        }.items():
            builder = builder.config(name, value)
        session = builder.getOrCreate()
        yield session
        session.stop()


def spark_rows(frame):
    return rows_of(frame.toArrow())


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("partitions", PARTITIONS)
def test_spark_over_partitions_with_two_executors(spark, expected, partitions, tmp_path):
    import bitspike.spark

    frame = spark.read.parquet(write_parts(tmp_path, partitions)).repartition(partitions)
    answered = bitspike.spark.classify(frame, text="review")
    assert answered.rdd.getNumPartitions() == partitions
    assert digest(spark_rows(answered)) == expected


@pytest.mark.filterwarnings("ignore")
def test_spark_with_an_executor_that_is_killed(spark, expected, tmp_path):
    import bitspike.spark

    marker = str(tmp_path / "killed")
    middle = len(ROWS) // 2

    def killed(batches):
        for batch in batches:
            if middle in batch["id"].to_pylist() and not os.path.exists(marker):
                open(marker, "w").close()
                # This process is forked from a daemon, which the executor has started.
                with open(f"/proc/{os.getppid()}/stat") as file:
                    executor = int(file.read().rsplit(")", 1)[1].split()[1])
                os.kill(executor, signal.SIGKILL)
            yield batch

    (tmp_path / "parts").mkdir()
    frame = spark.read.parquet(write_parts(tmp_path / "parts", 4)).repartition(4)
    answered = bitspike.spark.classify(frame, text="review").mapInArrow(
        killed, bitspike.spark.classify(frame, text="review").schema
    )
    assert digest(spark_rows(answered)) == expected
    assert os.path.exists(marker)


@pytest.mark.filterwarnings("ignore")
def test_spark_is_given_the_file(spark, ternary, tmp_path):
    import shutil

    import bitspike.spark

    place = tmp_path / "own.safetensors"
    shutil.copy(ternary.path, place)
    frame = spark.createDataFrame([(0, "fine"), (1, "dull"), (2, None)], "id int, review string")
    answered = bitspike.spark.classify(frame, str(place), text="review", errors="null", ship=True)
    place.unlink()
    assert [row.label for row in answered.orderBy("id").collect()] == ["positive", "negative", None]
    with pytest.raises(bitspike.OptionError, match="one file"):
        bitspike.spark.classify(frame, text="review", ship=True)
    with pytest.raises(bitspike.ColumnError, match="Int32"):
        bitspike.spark.classify(frame, text="id")
    with pytest.raises(Exception, match="row .*found null"):
        bitspike.spark.classify(frame, text="review").collect()


@pytest.mark.filterwarnings("ignore")
def test_spark_says_how_many_threads(spark):
    def threads(batches):
        for _ in batches:
            yield pyarrow.record_batch({"threads": [bitspike.load().threads]})

    assert {row.threads for row in spark.range(4).mapInArrow(threads, "threads long").collect()} == {1}


@pytest.mark.parametrize("partitions", PARTITIONS)
def test_daft_over_partitions(clf, expected, partitions, tmp_path):
    daft = pytest.importorskip("daft")
    import bitspike.daft

    frame = daft.read_parquet(write_parts(tmp_path, partitions) + "/*.parquet")
    said = frame.with_column("answer", bitspike.daft.classify("review", clf)).to_arrow()
    answer = said["answer"].combine_chunks()
    names = ("label", "probability_negative", "probability_positive")
    rows = zip(said["id"].to_pylist(), *(answer.field(name).to_pylist() for name in names))
    assert digest(rows) == expected


def test_daft_answers_null_with_null_and_takes_pairs(clf, pairs):
    daft = pytest.importorskip("daft")
    import bitspike.daft

    frame = daft.from_pydict({"t": ["fine", None, "dull"], "n": [1, 2, 3]})
    said = frame.with_column("answer", bitspike.daft.classify(daft.col("t"), clf, errors="null")).to_pydict()["answer"]
    assert [answer["label"] for answer in said] == ["positive", None, "negative"]
    assert said[1]["error"].endswith("found null")
    for column, says in (("t", "row 1"), ("n", "Int64")):
        with pytest.raises(Exception, match=says):
            frame.with_column("answer", bitspike.daft.classify(column, clf)).collect()
    frame = daft.from_pydict({"p": ["All birds sing."], "h": ["This bird sings."]})
    said = frame.with_column("answer", bitspike.daft.classify("p", pairs, "h")).to_pydict()["answer"]
    assert said[0]["label"] == pairs.predict([("All birds sing.", "This bird sings.")])[0]
