"""Times one distillation step here and in PyTorch, on the same batches and threads, in one run, and prints the ratio.

    python compare.py --data DIR/SST-2 --teacher DIR [--steps 30] [--rounds 2] [--threads 2] [--with-compile] [--json OUT]

First the Rust bench is built and writes the batches. Then the contestants run in turn, each in a process of its own and with
nothing beside it, and the whole turn is repeated `--rounds` times (A B C A B C), so that a machine that grows slower or faster
meanwhile treats all alike. A contestant's figure is the median over its rounds of the median step.

Contestants besides `bitspike` (all of them step.py):
  torch             dense AdamW over the whole word table, matrix products by PyTorch's choice (MKL)
  torch lazy        only the word vectors of the batch are updated, as bitspike does
  torch lazy onednn besides, matrix products by oneDNN
  torch compile     `torch lazy` under torch.compile, with --with-compile
The last line gives the ratio to the fastest of them.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
TORCH = {"torch": [], "torch lazy": ["--words", "lazy"], "torch lazy onednn": ["--words", "lazy", "--matmul", "onednn"]}
COMPILED = {"torch compile": ["--words", "lazy", "--compile"]}
# glibc gives large blocks back to the system and zeroes them anew at every step unless told to keep them: 8-10 % of PyTorch's
# step.
KEEP_MEMORY = {"MALLOC_TRIM_THRESHOLD_": "4000000000", "MALLOC_MMAP_THRESHOLD_": "4000000000", "MALLOC_TOP_PAD_": "268435456"}
KEYS = ("ms_per_step", "mean", "p90", "loss", "threads", "peak_rss_mb")


class Failed(SystemExit):
    """A contestant did not run; its message ends the program unless the contestant is an optional one."""


def run(command, env, what):
    print(f"  {what} ...", file=sys.stderr, flush=True)
    done = subprocess.run([str(part) for part in command], cwd=ROOT, env=os.environ | env, stdout=sys.stderr)
    if done.returncode != 0:
        raise Failed(f"{what} failed with exit code {done.returncode}: {' '.join(map(str, command))}")


def read_result(path, what):
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SystemExit(f"{what} left no JSON result in {path}: {error}") from error
    missing = [key for key in KEYS if key not in result]
    if missing:
        raise SystemExit(f"{what}: its result lacks {', '.join(missing)}")
    return result


def processor():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return next(line.split(":", 1)[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def contestants(flags, folder):
    """name -> (command, environment); each command ends by writing its result where `{out}` stands."""
    bench = ["cargo", "bench", "-p", "bitspike-train", "--bench", "distil_step"]
    common = ["--teacher", flags.teacher, "--steps", flags.steps, "--json", "{out}"]
    threads = {"RAYON_NUM_THREADS": str(flags.threads), "OMP_NUM_THREADS": str(flags.threads)}
    batches = folder / "batches.json"
    found = {"bitspike": (bench + ["--", "--data", flags.data, *common, "--dump-batches", batches], threads)}
    for name, extra in (TORCH | (COMPILED if flags.with_compile else {})).items():
        command = [sys.executable, HERE / "step.py", "--batches", batches, "--threads", flags.threads, *common, *extra]
        found[name] = (command, threads | KEEP_MEMORY)
    return bench, found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=lambda p: Path(p).resolve(), required=True, metavar="DIR", help="SST-2 in GLUE's layout")
    parser.add_argument("--teacher", type=lambda p: Path(p).resolve(), required=True, metavar="DIR", help="fine-tuned BERT")
    parser.add_argument("--steps", type=int, default=30, help="timed steps a round (default 30)")
    parser.add_argument("--rounds", type=int, default=2, help="default 2")
    parser.add_argument("--threads", type=int, default=2, help="default 2")
    parser.add_argument("--with-compile", action="store_true", help="run torch.compile too (compiles for minutes)")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write all results here")
    flags = parser.parse_args()
    if flags.steps < 1 or flags.rounds < 1 or flags.threads < 1:
        parser.error("steps, rounds and threads must be at least 1")
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        bench, commands = contestants(flags, folder)
        run([*bench, "--no-run"], {}, "building the Rust bench")
        for round_number in range(flags.rounds):
            for name, (command, env) in list(commands.items()):
                out = folder / "result.json"
                out.unlink(missing_ok=True)
                try:
                    run([out if part == "{out}" else part for part in command], env, f"round {round_number + 1}: {name}")
                except Failed as failure:
                    if name not in COMPILED:
                        raise
                    print(f"  {failure}: left out", file=sys.stderr)
                    del commands[name]
                    results.pop(name, None)
                    continue
                results.setdefault(name, []).append(read_result(out, name))
            started_alike = check_start(results)
    wrong = [name for name, rounds in results.items() if any(r["threads"] != flags.threads for r in rounds)]
    if wrong:
        raise SystemExit(f"{', '.join(wrong)} did not run on {flags.threads} threads: no fair comparison")
    figures = {name: statistics.median(r["ms_per_step"] for r in rounds) for name, rounds in results.items()}
    ours = figures.pop("bitspike")
    fastest = min(figures, key=figures.get)
    print(f"{processor()}, {flags.threads} threads, {time.strftime('%Y-%m-%d')}, PyTorch {results['torch'][0]['torch']}, "
          f"{flags.rounds} rounds of {flags.steps} steps\n")
    print("| | ms a step | rounds | mean | p90 | peak MB | bitspike is faster by |\n|---|---|---|---|---|---|---|")
    for name, rounds in results.items():
        middle = lambda key: statistics.median(r[key] for r in rounds)
        median, each = middle("ms_per_step"), ", ".join(f"{r['ms_per_step']:.1f}" for r in rounds)
        print(f"| {name} | {median:.1f} | {each} | {middle('mean'):.1f} | "
              f"{middle('p90'):.1f} | {middle('peak_rss_mb'):.0f} | {median / ours:.2f}x |")
    if started_alike:
        print("\nThe first step's hidden and attention losses agree within 1 %.")
    print(f"\nratio to the fastest PyTorch ({fastest}): {figures[fastest] / ours:.3f}")
    if flags.json:
        summary = {"processor": processor(), "threads": flags.threads, "steps": flags.steps, "rounds": flags.rounds,
                   "ratios": {name: figure / ours for name, figure in figures.items()}, "fastest": fastest, "results": results}
        flags.json.write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")


def check_start(results):
    """Both sides begin from the same weights: where both say so, hidden and attention loss of the first step must agree."""
    starts = {name: rounds[0].get("first_step") for name, rounds in results.items() if rounds[0].get("first_step")}
    if "bitspike" not in starts:
        return False
    for name, start in starts.items():
        for part in ("hidden", "attention"):
            ours, theirs = starts["bitspike"][part], start[part]
            if abs(ours - theirs) > 0.01 * abs(theirs):
                raise SystemExit(f"not the same step: first {part} loss {ours:.5f} here, {theirs:.5f} in {name}")
    return True


if __name__ == "__main__":
    main()
