"""Times bitspike in Python beside transformers with PyTorch, ONNX Runtime int8 and OpenVINO int8 on the same texts and threads, in turns.

    python beside.py --teacher FOLDER --data DIR/SST-2 [--model NAME|FILE] [--threads 1,2] [--rounds 3] [--seconds 2] [--json OUT]

Each contestant is a process of its own with nothing beside it, loaded and warm but for the command line, whose process is timed whole.
Everything is from texts to labels: tokenisation is part of it. A figure is the median over rounds of the median call; a ratio is the
peer's figure to that of `clf(list)`.
"""

import argparse
import json
import os
import statistics
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "compare"))

from compare import CALIBRATION, ROOT, dev, export, processor, read_json, run  # noqa: E402

MEASURE = HERE.parent / "compare" / "measure.py"
#: Row, and what is measured.
CONTESTANTS = {
    "bitspike, `clf(list)`": ("bitspike",),
    "bitspike, command line": ("program",),
    "transformers, PyTorch f32": ("transformers",),
    "ONNX Runtime int8": ("peer", "int8.onnx", "f32"),
    "ONNX Runtime int8, a scale a row": ("peer", "int8-per-channel.onnx", "f32"),
    "OpenVINO static int8": ("peer", "openvino-int8.xml", "f32"),
    "OpenVINO static int8, default hint": ("peer", "openvino-int8.xml", "default"),
}
OURS = next(iter(CONTESTANTS))
STARTS = 15


def measured(flags, what, texts, threads):
    kind, *rest = what
    common = ["--texts", texts, "--threads", threads, "--seconds", flags.seconds]
    if kind == "program":
        return command_line(flags, texts, threads)
    if kind == "peer":
        file, hint = rest
        command = [MEASURE, "texts", flags.cache / "teacher" / file, "--tokenizer", flags.teacher / "tokenizer.json", "--precision", hint]
    else:
        command = [HERE / "contestant.py", kind, flags.model if kind == "bitspike" else flags.teacher]
    return read_json(run([sys.executable, *command, *common], kind, {"OMP_NUM_THREADS": str(threads)}), kind)


def command_line(flags, texts, threads):
    command = [*flags.program, "classify", "--model", flags.model, "--input", texts, "--threads", threads, "--json"]
    times, end = [], time.perf_counter() + flags.seconds
    while len(times) < 3 or time.perf_counter() < end:
        began = time.perf_counter()
        out = run(command, "bitspike classify")
        times.append(1e3 * (time.perf_counter() - began))
    return {"p50_ms": statistics.median(times), "best_ms": min(times), "labels": [json.loads(line)["label"] for line in out.splitlines()]}


def compare(flags, threads, texts, gold):
    rounds = {}
    for number in range(flags.rounds):
        for name, what in CONTESTANTS.items():
            print(f"{threads} threads, round {number + 1}: {name} ...", file=sys.stderr, flush=True)
            rounds.setdefault(name, []).append(measured(flags, what, texts, threads))
    figures = {}
    for name, found in rounds.items():
        answers = [label if isinstance(label, int) else flags.labels.index(label) for label in found[0]["labels"]]
        if len(answers) != len(gold):
            raise SystemExit(f"{name}: expected {len(gold)} answers, found {len(answers)}")
        figures[name] = {
            "p50_ms": statistics.median(one["p50_ms"] for one in found),
            "best_ms": min(one["best_ms"] for one in found),
            "batch": found[0].get("batch"),
            "accuracy": sum(a == b for a, b in zip(answers, gold)) / len(gold),
            "ratio": statistics.median(one["p50_ms"] / own["p50_ms"] for one, own in zip(found, rounds[OURS])),
        }
    return figures


def first_answers(flags):
    """Milliseconds from `import bitspike` to the first answer in a fresh interpreter: the model in the package, and that of the table."""
    found = {}
    for name, model in (("the model in the package", ""), (flags.model, flags.model)):
        command = [sys.executable, HERE / "contestant.py", "first", model]
        times = [read_json(run(command, "first"), "first")["ms"] for _ in range(STARTS + 2)][2:]
        found[name] = {"p50_ms": statistics.median(times), "best_ms": min(times)}
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    path = lambda p: Path(p).resolve()
    parser.add_argument("--teacher", type=path, required=True, metavar="FOLDER", help="BERT classifier of Hugging Face, with tokenizer.json")
    parser.add_argument("--data", type=path, required=True, metavar="DIR", help="SST-2 in GLUE's layout")
    parser.add_argument("--model", default=str(ROOT / "models" / "sst2-ternary"), help="student of the teacher's size (default sst2-ternary)")
    parser.add_argument("--threads", type=lambda text: [int(part) for part in text.split(",")], default=[1, 2], help="default 1,2")
    parser.add_argument("--rounds", type=int, default=3, help="default 3")
    parser.add_argument("--seconds", type=float, default=2.0, help="of one measurement (default 2)")
    parser.add_argument("--cache", type=path, default=ROOT / "target" / "compare", metavar="DIR", help="files of the peers (default target/compare)")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write all results here")
    flags = parser.parse_args()
    program = os.environ.get("BITSPIKE_PROGRAM")
    flags.program = [program] if program else [sys.executable, "-m", "bitspike"]
    config = json.loads((flags.teacher / "config.json").read_text(encoding="utf-8"))
    flags.labels = [config["id2label"][str(i)] for i in range(len(config["id2label"]))]
    flags.cache.mkdir(parents=True, exist_ok=True)
    known = export(flags, "teacher")
    texts, gold = dev(flags)
    summary = {"processor": processor(), "cpus": os.cpu_count(), "date": time.strftime("%Y-%m-%d"), "rounds": flags.rounds, "peers": known}
    print(f"{summary['processor']}, {summary['cpus']} CPUs, {summary['date']}; {len(gold)} sentences, {flags.rounds} rounds, "
          f"ranges of OpenVINO's activations from {CALIBRATION} sentences\n")
    print("| | threads | ms | sentences a second | ratio | accuracy |\n|---|---|---|---|---|---|")
    for threads in flags.threads:
        figures = summary[f"threads {threads}"] = compare(flags, threads, texts, gold)
        for name, found in figures.items():
            batch = f", batch {found['batch']}" if found["batch"] else ""
            print(f"| {name}{batch} | {threads} | {found['p50_ms']:.0f} | {len(gold) / found['p50_ms'] * 1e3:,.0f} | {found['ratio']:.2f} | "
                  f"{100 * found['accuracy']:.1f} % |", flush=True)
    summary["first"] = first_answers(flags)
    for name, found in summary["first"].items():
        print(f"\nfirst answer after `import bitspike`, {Path(name).name}: {found['p50_ms']:.0f} ms, best {found['best_ms']:.0f} ms")
    if flags.json:
        flags.json.write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
