"""Times the simulation of a student here and in PyTorch, on the same sentences and threads, in one run, and prints the ratios.

    python compare.py RUN --data DIR/SST-2 [--dynamics accumulated,instantaneous] [--timesteps 100] [--limit 100] [--threads 1]
                      [--rounds 1] [--bitspike FILE] [--json OUT]

The contestants run in turn, each in a process of its own and with nothing beside it, and the whole turn is repeated `--rounds`
times (A B C A B C), so that a machine that grows slower or faster meanwhile treats all alike. A contestant's figure is the median
over its rounds.

  bitspike      `bitspike eval RUN --dynamics ..`, built first unless --bitspike names the program
  torch         simulate.py, matrix products by PyTorch's choice (MKL)
  torch onednn  the same, matrix products by oneDNN

Both sides time the simulation alone, from token ids to answers.
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
TORCH = {"torch": [], "torch onednn": ["--matmul", "onednn"]}
# glibc gives large blocks back to the system and zeroes them anew at every step unless told to keep them.
KEEP_MEMORY = {"MALLOC_TRIM_THRESHOLD_": "4000000000", "MALLOC_MMAP_THRESHOLD_": "4000000000", "MALLOC_TOP_PAD_": "268435456"}
# Rounding flips a spike here and there, and thereby now and then an answer; the share of answers, or number, that may differ.
ALIKE, ALIKE_ANSWERS = 0.06, 3


def run(command, env, what):
    """Standard output of the command."""
    print(f"  {what} ...", file=sys.stderr, flush=True)
    done = subprocess.run([str(part) for part in command], cwd=ROOT, env=os.environ | env, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{what} failed with exit code {done.returncode}: {' '.join(map(str, command))}")
    try:
        return json.loads(done.stdout)
    except ValueError as error:
        raise SystemExit(f"{what} printed no JSON: {error}") from error


def read_ours(found, flags):
    """{dynamics: figures at the last step} of `bitspike eval --json`."""
    scores = found if isinstance(found, list) else [found]
    if len(scores) != 1 or scores[0].get("examples", flags.limit) != flags.limit:
        raise SystemExit(f"bitspike: expected one split of {flags.limit} examples, found {[s.get('examples') for s in scores]}")
    figures = {}
    for entry in scores[0].get("dynamics", []):
        if entry["time_steps"] != flags.timesteps:
            continue
        accuracy = entry.get("accuracy", entry.get("metrics", {}).get("accuracy"))
        seconds = entry.get("seconds", scores[0].get("seconds"))
        figures[entry["dynamics"]] = {"accuracy": accuracy, "agreement": entry.get("agreement"), "seconds": seconds,
                                      "mean_rate": entry.get("mean_rate"), "spikes_per_token": entry.get("spikes_per_token")}
    return checked(figures, flags, "bitspike")


def read_theirs(found, flags, name):
    if found["sentences"] != flags.limit or found["threads"] != flags.threads:
        raise SystemExit(f"{name}: {found['sentences']} sentences on {found['threads']} threads: no fair comparison")
    return checked({entry["dynamics"]: entry | {"tokens": found["tokens"]} for entry in found["dynamics"]}, flags, name)


def checked(figures, flags, name):
    for dynamics in flags.dynamics:
        missing = [key for key in ("accuracy", "agreement", "seconds") if figures.get(dynamics, {}).get(key) is None]
        if missing:
            raise SystemExit(f"{name}: its result for {dynamics} at T={flags.timesteps} lacks {', '.join(missing)}")
    return figures


def processor():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return next(line.split(":", 1)[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def contestants(flags):
    """name -> (command, environment, reader)"""
    threads = {"RAYON_NUM_THREADS": str(flags.threads), "OMP_NUM_THREADS": str(flags.threads)}
    common = [flags.run, "--data", flags.data, "--dynamics", ",".join(flags.dynamics), "--timesteps", flags.timesteps, "--limit",
              flags.limit, "--threads", flags.threads]
    found = {"bitspike": ([flags.bitspike, "eval", *common, "--json"], threads, read_ours)}
    for name, extra in TORCH.items():
        found[name] = ([sys.executable, HERE / "simulate.py", *common, *extra], threads | KEEP_MEMORY,
                       lambda result, flags, name=name: read_theirs(result, flags, name))
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    folder = lambda p: Path(p).resolve()
    parser.add_argument("run", type=folder, metavar="RUN", help="folder of a distilled student")
    parser.add_argument("--data", type=folder, required=True, metavar="DIR", help="SST-2 in GLUE's layout")
    parser.add_argument("--dynamics", type=lambda text: text.split(","), default=["accumulated", "instantaneous"], metavar="D,..")
    parser.add_argument("--timesteps", type=int, default=100, metavar="T", help="default 100")
    parser.add_argument("--limit", type=int, default=100, metavar="N", help="the first N sentences of dev (default 100)")
    parser.add_argument("--threads", type=int, default=1, help="default 1")
    parser.add_argument("--rounds", type=int, default=1, help="default 1")
    parser.add_argument("--bitspike", type=folder, metavar="FILE", help="the program; unless given, it is built")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write all results here")
    flags = parser.parse_args()
    if min(flags.timesteps, flags.limit, flags.threads, flags.rounds) < 1:
        parser.error("timesteps, limit, threads and rounds must be at least 1")
    if flags.bitspike is None:
        subprocess.run(["cargo", "build", "--release", "-p", "bitspike"], cwd=ROOT, check=True, stdout=sys.stderr)
        target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
        flags.bitspike = target / "release" / "bitspike"
    results = {}
    for round_number in range(flags.rounds):
        for name, (command, env, read) in contestants(flags).items():
            found = read(run(command, env, f"round {round_number + 1}: {name}"), flags)
            results.setdefault(name, []).append(found)
    print(f"{processor()}, {flags.threads} threads, {time.strftime('%Y-%m-%d')}, {flags.limit} sentences of dev, T = {flags.timesteps}, "
          f"{flags.rounds} rounds")
    summary = {"processor": processor(), "threads": flags.threads, "sentences": flags.limit, "time_steps": flags.timesteps,
               "results": results, "ratios": {}}
    for dynamics in flags.dynamics:
        summary["ratios"][dynamics] = table(dynamics, results, flags)
    if flags.json:
        flags.json.write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")


def table(dynamics, results, flags):
    """Prints the table of one of the dynamics; the ratio to the fastest PyTorch."""
    tokens = results["torch"][0][dynamics]["tokens"]
    seconds = {name: statistics.median(found[dynamics]["seconds"] for found in rounds) for name, rounds in results.items()}
    print(f"\n{dynamics}\n\n| | ms a sentence | tokens x steps a second | accuracy | agreement with phased | bitspike is faster by |")
    print("|---|---|---|---|---|---|")
    for name, rounds in results.items():
        took, first = seconds[name], rounds[0][dynamics]
        print(f"| {name} | {1e3 * took / flags.limit:.1f} | {tokens * flags.timesteps / took:,.0f} | {100 * first['accuracy']:.1f} % | "
              f"{100 * first['agreement']:.1f} % | {took / seconds['bitspike']:.2f}x |")
    ours, theirs = results["bitspike"][0][dynamics], results["torch"][0][dynamics]
    allowed = max(ALIKE, ALIKE_ANSWERS / flags.limit)
    for figure in ("accuracy", "agreement"):
        if abs(ours[figure] - theirs[figure]) > allowed:
            raise SystemExit(f"not the same simulation: {figure} of {dynamics} is {ours[figure]:.4f} here, {theirs[figure]:.4f} in torch")
    fastest = min((name for name in seconds if name != "bitspike"), key=seconds.get)
    ratio = seconds[fastest] / seconds["bitspike"]
    print(f"\nratio to the fastest PyTorch ({fastest}): {ratio:.2f}")
    return ratio


if __name__ == "__main__":
    main()
