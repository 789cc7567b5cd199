"""Answers of an engine over real data in 1, 2, 4 and 7 partitions, and with a worker that is killed, beside those of one process.

Usage: same.py ENGINE DATA SCRATCH        polars, datafusion, daft, ray, spark

Prints a JSON line a run, and ends with 1 where sorted tables do not hash alike.
"""

import json
import os
import signal
import sys
import time
import warnings
from importlib.metadata import version
from pathlib import Path

import pyarrow
from rows import SETS, digest, parts, table

import bitspike

PARTITIONS = (1, 2, 4, 7)
COLUMNS = ["id", "label", "probability_negative", "probability_positive", "error"]


class Polars:
    columns, kills = COLUMNS, False

    def __init__(self) -> None:
        self.model = bitspike.load()

    def answered(self, folder: str, partitions: int, marker: Path | None) -> pyarrow.Table:
        import polars

        import bitspike.polars

        frame = polars.scan_parquet(f"{folder}/*.parquet")
        answers = bitspike.polars.classify("review", self.model, errors="null")
        return frame.with_columns(answers).collect(engine="streaming").unnest("answer").to_arrow()


class DataFusion:
    #: Its function gives a label alone.
    columns, kills = ["id", "label"], False

    def __init__(self) -> None:
        self.model = bitspike.load()

    def answered(self, folder: str, partitions: int, marker: Path | None) -> pyarrow.Table:
        import datafusion

        import bitspike.datafusion

        context = datafusion.SessionContext()
        context.register_udf(bitspike.datafusion.udf(self.model))
        context.register_parquet("reviews", folder)
        return context.sql("select id, classify(review) as label from reviews").to_arrow_table()


class Daft:
    columns, kills = COLUMNS, False

    def __init__(self) -> None:
        self.model = bitspike.load()

    def answered(self, folder: str, partitions: int, marker: Path | None) -> pyarrow.Table:
        import daft

        import bitspike.daft

        frame = daft.read_parquet(f"{folder}/*.parquet")
        said = frame.with_column("answer", bitspike.daft.classify("review", self.model, errors="null")).to_arrow()
        answers = pyarrow.Table.from_struct_array(said["answer"].combine_chunks())
        return answers.append_column("id", said["id"])


class Ray:
    columns, kills = COLUMNS, True

    def __init__(self) -> None:
        import logging

        import ray

        ray.init(num_cpus=3, include_dashboard=False, logging_level=logging.ERROR, log_to_driver=False)
        ray.data.DataContext.get_current().enable_progress_bars = False

    def answered(self, folder: str, partitions: int, marker: Path | None) -> pyarrow.Table:
        import ray

        import bitspike.ray

        class Killed(bitspike.ray.Classify):
            def __call__(self, block):
                if marker is not None and middle in block["id"].to_pylist() and not marker.exists():
                    marker.touch()
                    os.kill(os.getpid(), signal.SIGKILL)
                return super().__call__(block)

        middle = _middle(folder)
        answered = ray.data.read_parquet(folder).map_batches(
            Killed,
            fn_constructor_kwargs={"text": "review", "errors": "null"},
            batch_format="pyarrow",
            concurrency=2,
        )
        return pyarrow.concat_tables(ray.get(answered.to_arrow_refs()))


class Spark:
    columns, kills = COLUMNS, True

    def __init__(self) -> None:
        from pyspark.sql import SparkSession

        os.environ["PYSPARK_PYTHON"] = sys.executable
        # Two executors, each a process of its own with one core.
        builder = SparkSession.builder.master("local-cluster[2,1,1024]")
        settings = {"spark.ui.enabled": "false", "spark.log.level": "FATAL", "spark.ui.showConsoleProgress": "false"}
        for name, value in settings.items():
            builder = builder.config(name, value)
        self.session = builder.getOrCreate()

    def answered(self, folder: str, partitions: int, marker: Path | None) -> pyarrow.Table:
        import bitspike.spark

        frame = self.session.read.parquet(folder).repartition(partitions)
        answered = bitspike.spark.classify(frame, text="review", errors="null")
        middle, killed = _middle(folder), marker

        def kill(batches):
            for batch in batches:
                if middle in batch["id"].to_pylist() and not killed.exists():
                    killed.touch()
                    # This process is forked from a daemon, which the executor has started.
                    with open(f"/proc/{os.getppid()}/stat") as file:
                        executor = int(file.read().rsplit(")", 1)[1].split()[1])
                    os.kill(executor, signal.SIGKILL)
                yield batch

        if marker is not None:
            answered = answered.mapInArrow(kill, answered.schema)
        return answered.toArrow()


def _middle(folder: str) -> int:
    import pyarrow.parquet

    return sum(pyarrow.parquet.read_metadata(file).num_rows for file in Path(folder).glob("*.parquet")) // 2


ENGINES = {"polars": Polars, "datafusion": DataFusion, "daft": Daft, "ray": Ray, "spark": Spark}
DISTRIBUTIONS = {"spark": "pyspark"}


def main() -> None:
    warnings.simplefilter("ignore")
    name, data, scratch = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    engine = ENGINES[name]()
    own = bitspike.load()
    wrong = 0
    for which in SETS:
        rows = table(data, which)
        expected = digest(pyarrow.table(own.classify_arrow(rows, text="review", errors="null")), engine.columns)
        runs = [(count, None) for count in PARTITIONS] + ([(4, scratch / f"killed-{name}-{which}")] if engine.kills else [])
        for partitions, marker in runs:
            if marker is not None:
                marker.unlink(missing_ok=True)
            folder = parts(rows, scratch / f"{which}-{partitions}", partitions)
            began = time.monotonic()
            answered = engine.answered(folder, partitions, marker)
            seconds = time.monotonic() - began
            equal = digest(answered, engine.columns) == expected
            if marker is not None:
                assert marker.exists(), "no worker was killed"
            wrong += not equal
            found = {
                "engine": name,
                "version": version(DISTRIBUTIONS.get(name, name)),
                "rows": which,
                "partitions": partitions,
                "killed": marker is not None,
                "answered": answered.num_rows,
                "unanswered": answered["label"].null_count,
                "equal": equal,
                "sha256": expected,
                "seconds": round(seconds, 1),
            }
            print(json.dumps(found), flush=True)
    sys.exit(wrong > 0)


if __name__ == "__main__":
    main()
