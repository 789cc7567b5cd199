"""Rows a second against workers, and the memory of one: threads of one process, processes, Ray's actors and Spark's workers.

Usage: scale.py speed HOW WORKERS DATA SCRATCH        threads, processes, ray, spark
       scale.py memory HOW DATA SCRATCH               process, ray, spark
       scale.py stream DATA                           a million rows through a generator, and as batches of a table

Prints one JSON object. Rows are IMDB's 25,000 reviews, the model is the one in the package, a worker has one thread.

`seconds` are of a job whose workers are there already and have loaded the model: of threads and processes from the first row to the last; of
Spark the whole second job of a session, Parquet read and answers dropped; of Ray from the first row that an actor is given to the last that
one answers, since actors live no longer than a job. `whole_seconds` is all of a job, the start of its workers included.
"""

import json
import multiprocessing
import os
import sys
import time
import warnings
from pathlib import Path

import pyarrow
import pyarrow.parquet
from rows import parts, table

#: Files that the rows are in: enough that workers end together.
FILES = 16
#: Rows of a block whose memory is measured.
BLOCK = 10_000


def resident() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


def most_resident() -> int:
    """Most bytes of this process in memory since `forget`."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def forget() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def by_threads(workers: int, data: Path, scratch: Path) -> dict:
    import bitspike

    folder = parts(table(data, "imdb"), scratch / f"imdb-{FILES}", FILES)
    whole = time.monotonic()
    clf = bitspike.load(threads=workers)
    clf.classify_arrow(pyarrow.table({"review": ["fine"] * 64}))
    began = time.monotonic()
    rows = pyarrow.parquet.read_table(folder)
    answered = clf.classify_arrow(rows, text="review", errors="null")
    ended = time.monotonic()
    return {"answered": len(answered), "seconds": ended - began, "whole_seconds": ended - whole}


def _process(folder: str, files: list[int], ready, ends) -> None:
    import bitspike

    clf = bitspike.load(threads=1)
    clf.classify_arrow(pyarrow.table({"review": ["fine"] * 64}))
    ready.wait()
    answered = 0
    for number in files:
        rows = pyarrow.parquet.read_table(Path(folder) / f"{number}.parquet")
        answered += len(clf.classify_arrow(rows, text="review", errors="null"))
    ends.put((answered, time.monotonic()))


def by_processes(workers: int, data: Path, scratch: Path) -> dict:
    folder = parts(table(data, "imdb"), scratch / f"imdb-{FILES}", FILES)
    context = multiprocessing.get_context("spawn")
    ready, ends = context.Barrier(workers + 1), context.Queue()
    whole = time.monotonic()
    # Reviews are sorted by label, not by length: any split is even.
    shares = [list(range(FILES))[number::workers] for number in range(workers)]
    processes = [context.Process(target=_process, args=(folder, share, ready, ends)) for share in shares]
    for process in processes:
        process.start()
    ready.wait()
    began = time.monotonic()
    found = [ends.get() for _ in processes]
    for process in processes:
        process.join()
    ended = max(end for _, end in found)
    return {"answered": sum(rows for rows, _ in found), "seconds": ended - began, "whole_seconds": ended - whole}


def _ray(cpus: int):
    import logging

    import ray

    ray.init(num_cpus=cpus, include_dashboard=False, logging_level=logging.ERROR, log_to_driver=False)
    ray.data.DataContext.get_current().enable_progress_bars = False
    return ray


def by_ray(workers: int, data: Path, scratch: Path) -> dict:
    import bitspike.ray

    class Timed(bitspike.ray.Classify):
        def __call__(self, block):
            began = time.monotonic()
            answered = super().__call__(block)
            for name, value in (("began", began), ("ended", time.monotonic())):
                answered = answered.append_column(name, pyarrow.array([value] * answered.num_rows))
            return answered

    folder = parts(table(data, "imdb"), scratch / f"imdb-{FILES}", FILES)
    # A CPU more for reading.
    ray = _ray(workers + 1)
    whole = time.monotonic()
    answered = ray.data.read_parquet(folder, override_num_blocks=FILES).map_batches(
        Timed, fn_constructor_kwargs={"text": "review", "errors": "null"}, batch_format="pyarrow", concurrency=workers
    )
    rows = pyarrow.concat_tables(ray.get(answered.to_arrow_refs()))
    ended = time.monotonic()
    seconds = max(rows["ended"].to_pylist()) - min(rows["began"].to_pylist())
    return {"answered": rows.num_rows, "seconds": seconds, "whole_seconds": ended - whole}


def _spark(cores: int):
    from pyspark.sql import SparkSession

    os.environ["PYSPARK_PYTHON"] = sys.executable
    builder = SparkSession.builder.master(f"local[{cores}]")
    settings = {"spark.ui.enabled": "false", "spark.log.level": "FATAL", "spark.ui.showConsoleProgress": "false"}
    for name, value in settings.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def by_spark(workers: int, data: Path, scratch: Path) -> dict:
    import bitspike.spark

    folder = parts(table(data, "imdb"), scratch / f"imdb-{FILES}", FILES)
    whole = time.monotonic()
    session = _spark(workers)
    # A task a file.
    session.conf.set("spark.sql.files.maxPartitionBytes", "4m")
    frame = session.read.parquet(folder)
    answered = bitspike.spark.classify(frame, text="review", errors="null")
    few = frame.where("id % 500 = 0")
    bitspike.spark.classify(few, text="review", errors="null").write.format("noop").mode("overwrite").save()
    began = time.monotonic()
    answered.write.format("noop").mode("overwrite").save()
    ended = time.monotonic()
    return {"answered": frame.count(), "seconds": ended - began, "whole_seconds": ended - whole}


def _memory_of(block: pyarrow.Table) -> tuple[int, int]:
    """Bytes of this process before a model is loaded, and the most while it answers a block."""
    before = resident()
    forget()
    import bitspike

    bitspike.load(threads=1).classify_arrow(block, text="review", errors="null")
    return before, most_resident()


def memory(how: str, data: Path, scratch: Path) -> dict:
    block = table(data, "imdb").slice(0, BLOCK).combine_chunks()
    if how == "process":
        found = [_memory_of(block)]
    elif how == "ray":
        ray = _ray(2)
        found = [ray.get(ray.remote(num_cpus=1)(_memory_of).remote(block))]
    else:
        folder = parts(block, scratch / "imdb-block", 1)

        def measure(batches):
            for batch in batches:
                before, most = _memory_of(pyarrow.table(batch))
                yield pyarrow.record_batch({"before": [before], "most": [most]})

        frame = _spark(1).read.parquet(folder).mapInArrow(measure, "before long, most long")
        found = [(row.before, row.most) for row in frame.collect()]
    added = max(most - before for before, most in found)
    return {"before_mb": round(found[0][0] / 1e6, 1), "added_mb": round(added / 1e6, 1)}


def stream(data: Path) -> dict:
    import itertools

    import bitspike

    rows = 1_000_000
    texts = [text for text in table(data, "sst2")["review"].to_pylist() if text is not None]
    clf = bitspike.load()
    clf("fine")

    def batches():
        given = itertools.cycle(texts)
        for _ in range(rows // BLOCK):
            yield pyarrow.table({"review": list(itertools.islice(given, BLOCK))})

    found = {"threads": clf.threads}
    for name, answered in (
        ("generator", lambda: sum(1 for _ in clf(itertools.islice(itertools.cycle(texts), rows)))),
        ("batches", lambda: sum(len(clf.classify_arrow(batch)) for batch in batches())),
    ):
        before = resident()
        forget()
        began = time.monotonic()
        assert answered() == rows
        found[name] = {
            "rows": rows,
            "rows_a_second": round(rows / (time.monotonic() - began)),
            "before_mb": round(before / 1e6, 1),
            "added_mb": round((most_resident() - before) / 1e6, 1),
        }
    return found


HOW = {"threads": by_threads, "processes": by_processes, "ray": by_ray, "spark": by_spark}


def main() -> None:
    warnings.simplefilter("ignore")
    what, *rest = sys.argv[1:]
    if what == "speed":
        how, workers, data, scratch = rest
        found = {"how": how, "workers": int(workers), **HOW[how](int(workers), Path(data), Path(scratch))}
        found |= {name: round(found[name], 2) for name in ("seconds", "whole_seconds")}
        found["rows_a_second"] = round(found["answered"] / found["seconds"])
    elif what == "memory":
        how, data, scratch = rest
        found = {"how": how, **memory(how, Path(data), Path(scratch))}
    else:
        found = stream(Path(rest[0]))
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
