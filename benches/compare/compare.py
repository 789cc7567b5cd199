"""Times bitspike against ONNX Runtime and OpenVINO (f32 and int8) on the same architecture, token ids and threads, in one run.

    python compare.py --teacher FOLDER [--model FILE] [--data DIR/SST-2] [--bitspike FILE] [--rounds 3] [--seconds 2]
                      [--scenarios WORD,..] [--launcher "taskset -c 1"] [--json OUT]

The contestants of a scenario run in turn, each in a process of its own and with nothing beside it, and the turn is repeated
`--rounds` times (A B C A B C). A figure is the median over rounds of the median call, and the best call of all; the peer is
each runtime's variant with the lowest median. Without --model, `bitspike bench --random mini` stands for the student and the
scenarios that need a trained one are left out, as are those on sentences without --data. README.md tells what is compared.
"""

import argparse
import csv
import dataclasses
import json
import os
import platform
import random
import shlex
import statistics
import struct
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
ONNX_F32, ONNX_INT8 = ("f32", "f32 fused"), ("int8", "int8 per channel", "int8 unsigned", "int8 fused")
# The hint for what is not quantised says what a figure of OpenVINO is of: by default it is bf16 where the processor has it.
OPENVINO_F32 = ("openvino f32", "openvino f32, default hint")
OPENVINO_INT8 = ("openvino int8", "openvino int8, default hint")
KINDS = {"ONNX Runtime f32": ONNX_F32, "ONNX Runtime int8": ONNX_INT8, "OpenVINO f32": OPENVINO_F32, "OpenVINO int8": OPENVINO_INT8}
# Sentences of train that ranges of activations are taken from.
CALIBRATION = 300
SAMPLE = "one long string of cliches ."


@dataclasses.dataclass
class Scenario:
    """What is measured: `size` names the folder of ONNX files; `batch` and `length` are None where the sentences are dev's."""

    name: str
    size: str
    threads: int
    batch: int | None = None
    length: int | None = None
    dynamics: tuple = ()
    peers: tuple = ONNX_F32 + ONNX_INT8 + OPENVINO_F32 + OPENVINO_INT8


def scenarios(flags):
    found = []
    for batch in (1, 32):
        found += [Scenario(f"L=128, batch {batch}", "teacher", threads, batch, 128) for threads in (1, 2)]
    found += [Scenario("25 tokens", "teacher", threads, 1, 25) for threads in (1, 2)]
    found += [Scenario("BERT-base, 25 tokens", "base", threads, 1, 25) for threads in (1, 2)]
    if flags.model and flags.data:
        found += [Scenario("SST-2 dev, texts", "teacher", threads) for threads in (1, 2)]
    stepped = ("--dynamics", "accumulated", "--timesteps", "16")
    found += [Scenario(f"accumulated T=16, L=128, batch {batch}", "teacher", 1, batch, 128, stepped, ONNX_F32 + OPENVINO_F32) for batch in (1, 32)]
    words = flags.scenarios
    return [s for s in found if words is None or any(word in f"{s.name}, {s.threads} threads" for word in words)]


def run(command, what, env=None):
    """Standard output of the command."""
    command = [str(part) for part in command]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | (env or {}), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{what} failed with exit code {done.returncode}: {shlex.join(command)}\n{done.stderr[-2000:]}")
    return done.stdout


def read_json(text, what):
    try:
        return json.loads(text)
    except ValueError as error:
        raise SystemExit(f"{what} printed no JSON: {error}") from error


# ---- bitspike

def ours(flags, scenario, ids, texts):
    """{"p50_ms", "best_ms"} of bitspike."""
    if ids is None:
        return classify_file(flags, scenario, texts)
    model = ["--random", "base"] if scenario.size == "base" else [flags.model] if flags.model else ["--random", "mini"]
    command = [*flags.launcher, flags.bitspike, "bench", *model, "--ids", ids, "--threads", scenario.threads, "--seconds",
               flags.seconds, *scenario.dynamics, "--no-kernels", "--json"]
    found = read_json(run(command, "bitspike bench"), "bitspike bench")
    measured = found["scenarios"][0]
    if (measured["threads"], measured["batch"]) != (scenario.threads, scenario.batch):
        raise SystemExit(f"bitspike bench measured {measured['batch']} sentences on {measured['threads']} threads: no fair comparison")
    return {"p50_ms": measured["p50_ms"], "best_ms": measured["best_ms"], "isa": found["isa"]}


def classify_file(flags, scenario, texts):
    """All texts through `bitspike classify`, from the start of its process to its end."""
    command = [*flags.launcher, flags.bitspike, "classify", "--model", flags.model, "--input", texts, "--threads", scenario.threads, "--json"]
    times, labels, end = [], None, time.perf_counter() + flags.seconds
    while len(times) < 3 or time.perf_counter() < end:
        began = time.perf_counter()
        out = run(command, "bitspike classify")
        times.append(1e3 * (time.perf_counter() - began))
        labels = [json.loads(line)["label"] for line in out.splitlines()]
    return {"p50_ms": statistics.median(times), "best_ms": min(times), "labels": labels}


def start_up(flags):
    """Milliseconds from process to first answer, and the largest resident set while one is given; the file in the page cache."""
    times = []
    for _ in range(flags.starts + 3):
        began = time.perf_counter()
        run([*flags.launcher, flags.bitspike, "classify", "--model", flags.model, SAMPLE], "bitspike classify")
        times.append(1e3 * (time.perf_counter() - began))
    times = times[3:]
    # VmHWM rather than ru_maxrss: the latter counts the parent's pages until exec. The answer is read while the process waits.
    with subprocess.Popen([str(flags.bitspike), "classify", "--model", str(flags.model), "--json"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True) as child:
        child.stdin.write(SAMPLE + "\n")
        child.stdin.flush()
        if not child.stdout.readline():
            raise SystemExit("bitspike classify: expected an answer to a line of standard input, found none")
        status = Path(f"/proc/{child.pid}/status").read_text(encoding="utf-8")
        child.stdin.close()
    peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:"))
    return {"p50_ms": statistics.median(times), "best_ms": min(times), "peak_mb": peak / 1024, "file_mb": flags.model.stat().st_size / 2**20}


# ---- Peers

def export(flags, size):
    """Makes the peers' files once; what is known of them."""
    folder = flags.cache / size
    report = folder / "report.json"
    source = "base" if size == "base" else str(flags.teacher)
    calibrated = [] if size == "base" or not flags.data else ["--tokenizer", flags.teacher / "tokenizer.json", "--texts", calibration(flags)]
    if report.exists():
        found = json.loads(report.read_text(encoding="utf-8"))
        if (found["source"], found.get("calibrated")) == (source, bool(calibrated)):
            return found
    print(f"exporting {source} ...", file=sys.stderr, flush=True)
    found = read_json(run([sys.executable, HERE / "onnx_peers.py", folder, "--teacher", source], "export"), "export")
    command = [sys.executable, HERE / "openvino_peers.py", folder, "--vocabulary", found["vocabulary"], *calibrated]
    # NNCF writes of its progress before the answer.
    found["openvino"] = read_json(run(command, "export to OpenVINO").strip().splitlines()[-1], "export to OpenVINO")
    found["source"], found["calibrated"] = source, bool(calibrated)
    report.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return found


def calibration(flags):
    """File with sentences of train, one a line."""
    with open(flags.data / "train.tsv", encoding="utf-8", newline="") as file:
        sentences = [row["sentence"].strip() for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)]
    path = flags.cache / "calibration.txt"
    chosen = random.Random(42).sample(sentences, min(CALIBRATION, len(sentences)))
    path.write_text("".join(sentence + "\n" for sentence in chosen), encoding="utf-8")
    return path


def theirs(flags, scenario, variant, ids, texts):
    name, _, hint = variant.partition(", ")
    suffix = ".xml" if name.startswith("openvino") else ".onnx"
    model = flags.cache / scenario.size / (name.replace(" ", "-") + suffix)
    what = ["ids", model, "--ids", ids] if ids else ["texts", model, "--tokenizer", flags.teacher / "tokenizer.json", "--texts", texts]
    command = [*flags.launcher, sys.executable, HERE / "measure.py", *what, "--threads", scenario.threads, "--seconds", flags.seconds,
               "--precision", "default" if hint else "f32"]
    return read_json(run(command, variant), variant)


# ---- The comparison

def token_ids(flags, scenario, vocabulary):
    """File with one batch of seeded random ids."""
    rng = random.Random(42)
    path = flags.cache / f"ids-{scenario.batch}x{scenario.length}.json"
    ids = [[rng.randrange(min(1000, vocabulary - 1), vocabulary) for _ in range(scenario.length)] for _ in range(scenario.batch)]
    path.write_text(json.dumps(ids), encoding="utf-8")
    return path


def dev(flags):
    """File with a sentence a line; the labels."""
    with open(flags.data / "dev.tsv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    path = flags.cache / "dev.txt"
    path.write_text("".join(row["sentence"].strip() + "\n" for row in rows), encoding="utf-8")
    return path, [int(row["label"]) for row in rows]


def compare(flags, scenario, known):
    ids = texts = gold = None
    if scenario.batch:
        ids = token_ids(flags, scenario, known[scenario.size]["vocabulary"])
    else:
        texts, gold = dev(flags)
    rounds = {}
    for number in range(flags.rounds):
        for name in ("bitspike", *scenario.peers):
            print(f"{scenario.name}, {scenario.threads} threads, round {number + 1}: {name} ...", file=sys.stderr, flush=True)
            found = ours(flags, scenario, ids, texts) if name == "bitspike" else theirs(flags, scenario, name, ids, texts)
            if gold and len(found["labels"]) != len(gold):
                raise SystemExit(f"{name}: expected {len(gold)} answers, found {len(found['labels'])}")
            rounds.setdefault(name, []).append(found)
    figures = {}
    for name, found in rounds.items():
        figures[name] = {"p50_ms": statistics.median(f["p50_ms"] for f in found), "best_ms": min(f["best_ms"] for f in found),
                         "rounds": [{key: value for key, value in f.items() if key != "labels"} for f in found]}
        if gold:
            answers = [index_of(label, flags.labels) for label in found[0]["labels"]]
            figures[name]["accuracy"] = sum(a == b for a, b in zip(answers, gold)) / len(gold)
    ratios = {}
    for kind, variants in KINDS.items():
        raced = [name for name in variants if name in figures]
        if raced:
            peer = min(raced, key=lambda name: figures[name]["p50_ms"])
            ratios[kind] = {"peer": peer} | {key: figures[peer][key] / figures["bitspike"][key] for key in ("p50_ms", "best_ms")}
    return {"name": scenario.name, "threads": scenario.threads, "figures": figures, "ratios": ratios}


def index_of(label, names):
    if isinstance(label, int):
        return label
    if label not in names:
        raise SystemExit(f"bitspike classify: expected one of the teacher's labels {names}, found {label!r}")
    return names.index(label)


def f32_bytes(checkpoint):
    """Size of a safetensors file with every tensor in f32."""
    with open(checkpoint, "rb") as file:
        length = struct.unpack("<Q", file.read(8))[0]
        header = json.loads(file.read(length))
    count = 0
    for name, tensor in header.items():
        if name != "__metadata__" and tensor["dtype"] in ("F16", "BF16", "F32"):
            elements = 1
            for extent in tensor["shape"]:
                elements *= extent
            count += elements
    return 8 + length + 4 * count


def processor():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return next(line.split(":", 1)[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def heading(summary):
    flags = summary["settings"]
    return (f"{summary['processor']}, {summary['cpus']} CPUs, {summary['date']}; {flags['rounds']} rounds of {flags['seconds']} s; "
            f"`{flags['command']}`\n\n"
            "| median ms (best ms) | threads | bitspike | " + " | ".join(f"{kind} | ratio" for kind in KINDS) + " |\n" + "|---" * (3 + 2 * len(KINDS)) + "|")


def row(result):
    shown = lambda f: f"{f['p50_ms']:.2f} ({f['best_ms']:.2f})" + (f", {100 * f['accuracy']:.1f} %" if "accuracy" in f else "")
    cells = [result["name"], str(result["threads"]), shown(result["figures"]["bitspike"])]
    for kind in KINDS:
        ratio = result["ratios"].get(kind)
        cells += [f"{shown(result['figures'][ratio['peer']])} [{ratio['peer']}]", f"{ratio['p50_ms']:.2f}x"] if ratio else ["", ""]
    return "| " + " | ".join(cells) + " |"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    path = lambda p: Path(p).resolve()
    parser.add_argument("--teacher", type=path, required=True, metavar="FOLDER", help="BERT classifier of Hugging Face, with tokenizer.json")
    parser.add_argument("--model", type=path, metavar="FILE", help="packed student of the teacher's size")
    parser.add_argument("--data", type=path, metavar="DIR", help="SST-2 in GLUE's layout")
    parser.add_argument("--bitspike", type=path, metavar="FILE", help="the program; unless given, it is built")
    parser.add_argument("--rounds", type=int, default=3, help="default 3")
    parser.add_argument("--seconds", type=float, default=2.0, help="of one measurement (default 2)")
    parser.add_argument("--starts", type=int, default=30, metavar="N", help="processes started to measure start-up (default 30)")
    parser.add_argument("--scenarios", type=lambda text: text.split(","), metavar="WORD,..", help="only those whose name has one of these words")
    parser.add_argument("--launcher", type=shlex.split, default=[], metavar="COMMAND", help="put before every measured command")
    parser.add_argument("--cache", type=path, default=ROOT / "target" / "compare", metavar="DIR", help="files of the peers (default target/compare)")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write all results here")
    flags = parser.parse_args()
    if flags.rounds < 1 or flags.starts < 1 or not flags.seconds > 0:
        parser.error("rounds and starts must be at least 1, seconds above 0")
    chosen = scenarios(flags)
    if not chosen:
        parser.error("--scenarios: no scenario has one of these words")
    flags.cache.mkdir(parents=True, exist_ok=True)
    if flags.bitspike is None:
        subprocess.run(["cargo", "build", "--release", "-p", "bitspike-cli"], cwd=ROOT, check=True, stdout=sys.stderr)
        flags.bitspike = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release" / "bitspike"
    config = json.loads((flags.teacher / "config.json").read_text(encoding="utf-8"))
    flags.labels = [config.get("id2label", {}).get(str(i), str(i)) for i in range(len(config.get("id2label", {})) or 2)]
    known = {size: export(flags, size) for size in sorted({scenario.size for scenario in chosen})}
    summary = {"processor": processor(), "cpus": os.cpu_count(), "date": time.strftime("%Y-%m-%d"), "peers": known,
               "settings": {"rounds": flags.rounds, "seconds": flags.seconds, "command": shlex.join(["compare.py", *sys.argv[1:]])},
               "scenarios": []}
    print(heading(summary))
    for scenario in chosen:
        summary["scenarios"].append(compare(flags, scenario, known))
        print(row(summary["scenarios"][-1]), flush=True)
    if flags.model and flags.scenarios is None:
        started = summary["start_up"] = start_up(flags)
        print(f"\nstart-up to first answer: {started['p50_ms']:.1f} ms, best {started['best_ms']:.1f} ms; "
              f"peak resident memory {started['peak_mb']:.1f} MB, file {started['file_mb']:.2f} MB: file + {started['peak_mb'] - started['file_mb']:.1f} MB")
    checkpoint = flags.teacher / "model.safetensors"
    if flags.model and checkpoint.exists():
        size, teacher = flags.model.stat().st_size, f32_bytes(checkpoint)
        summary["file"] = {"bytes": size, "teacher_f32_bytes": teacher}
        print(f"file: {size:,} bytes, the teacher's checkpoint in f32 {teacher:,}: 1/{teacher / size:.1f}")
    if flags.json:
        flags.json.write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
