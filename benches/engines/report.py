"""Tables and a picture from what the other scripts printed; ends with 1 where a bound is passed.

Usage: report.py OUT [PICTURE.svg]
"""

import json
import platform
import statistics
import sys
from pathlib import Path

#: k workers of a thread each beside one process of k threads, and Spark's whole job beside two threads.
MOST_TIMES, MOST_SPARK = 1.15, 1.4
#: Megabytes of a worker above Python with its engine, and of a million rows streamed.
MOST_WORKER, MOST_STREAM = 80, 50
WORKERS = {"threads": "threads of one process", "processes": "processes", "ray": "Ray actors", "spark": "Spark, local"}


def lines(file: Path) -> list[dict]:
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def processor() -> str:
    names = [line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return f"{names[0] if names else platform.processor()}, {len(names)} cores"


def same(out: Path) -> list[str]:
    rows = lines(out / "same.jsonl")
    print("| engine | rows | 1 | 2 | 4 | 7 | a worker killed |\n|---|---|---|---|---|---|---|")
    for engine, version, which in dict.fromkeys((row["engine"], row["version"], row["rows"]) for row in rows):
        own = [row for row in rows if (row["engine"], row["rows"]) == (engine, which)]
        cells = {(row["partitions"], row["killed"]): "equal" if row["equal"] else "**differs**" for row in own}
        found = [cells.get((count, False), "") for count in (1, 2, 4, 7)] + [cells.get((4, True), "")]
        print(f"| {engine} {version} | {which}, {own[0]['answered']:,} | {' | '.join(found)} |")
    return [f"{row['engine']}, {row['rows']}, {row['partitions']} partitions: another answer" for row in rows if not row["equal"]]


def speed(out: Path) -> tuple[dict, list[str]]:
    found: dict = {}
    for row in lines(out / "speed.jsonl"):
        found.setdefault((row["how"], row["workers"]), []).append(row)
    if not found:
        return {}, []
    middle = {key: statistics.median(row["seconds"] for row in rows) for key, rows in found.items()}
    whole = {key: statistics.median(row["whole_seconds"] for row in rows) for key, rows in found.items()}
    rows = next(iter(found.values()))[0]["answered"]
    counts = sorted({count for _, count in found})
    print(f"\n{processor()}; {rows:,} reviews, median of {len(next(iter(found.values())))}\n")
    print("| | workers | rows a second | against threads | seconds with the start |\n|---|---|---|---|---|")
    wrong = []
    for how, name in WORKERS.items():
        for count in counts:
            key = (how, count)
            if key in middle:
                # The median of what was measured in one turn, so that a machine that grows slower meanwhile treats both alike.
                ratio = statistics.median(
                    one["seconds"] / other["seconds"] for one, other in zip(found[key], found["threads", count])
                )
                print(f"| {name} | {count} | {rows / middle[key]:,.0f} | {ratio:.2f} | {whole[key]:.1f} |")
                most = {"processes": MOST_TIMES, "ray": MOST_TIMES, "spark": MOST_SPARK}.get(how)
                if most and count > 1 and ratio > most:
                    wrong.append(f"{name}, {count} workers: {ratio:.2f} of the time of as many threads, more than {most}")
    return {key: rows / seconds for key, seconds in middle.items()}, wrong


def memory(out: Path) -> list[str]:
    wrong = []
    rows = lines(out / "memory.jsonl")
    if rows:
        print("\n| worker | MB with its engine | MB added |\n|---|---|---|")
    for row in rows:
        print(f"| {row['how']} | {row['before_mb']:.0f} | {row['added_mb']:.0f} |")
        if row["added_mb"] > MOST_WORKER:
            wrong.append(f"{row['how']}: a worker takes {row['added_mb']} MB more, expected at most {MOST_WORKER}")
    for row in lines(out / "stream.jsonl"):
        print(f"\n| a million sentences, {row['threads']} threads | rows a second | MB before | MB added |\n|---|---|---|---|")
        for name in ("generator", "batches"):
            found = row[name]
            print(f"| {name} | {found['rows_a_second']:,} | {found['before_mb']:.0f} | {found['added_mb']:.0f} |")
            if found["added_mb"] > MOST_STREAM:
                wrong.append(f"stream of {name}: {found['added_mb']} MB more, expected at most {MOST_STREAM}")
    return wrong


def picture(rates: dict, file: Path) -> None:
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "bitspike", "font.family": "sans-serif", "font.size": 9})
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3.6), layout="constrained")
    axes = figure.subplots()
    one = rates["threads", 1]
    counts = [1, 2, 4, 10, 20, 40, 100]
    axes.plot(counts, [one * count for count in counts], color="#999999", linewidth=1, label="ideal")
    # A worker begins after it has started; the rest is the same work in as many parts.
    for rows, style in ((1e7, ":"), (1e9, "--")):
        reckoned = [rows / (START + rows / (count * rates["processes", 1])) for count in counts]
        label = f"reckoned, $10^{{{len(str(int(rows))) - 1}}}$ rows, {START:.0f} s to start a worker"
        axes.plot(counts, reckoned, color="#444444", linewidth=1, linestyle=style, label=label)
    marks = {"threads": ("o", "#222222"), "processes": ("s", "#1F77B4"), "ray": ("^", "#D62728"), "spark": ("v", "#2CA02C")}
    for how, (mark, colour) in marks.items():
        found = [(count, rate) for (kind, count), rate in sorted(rates.items()) if kind == how]
        if found:
            axes.plot(*zip(*found), linestyle="none", marker=mark, markersize=5, color=colour, markerfacecolor="none", label=f"measured, {WORKERS[how]}")
    axes.set(xscale="log", yscale="log", xlabel="workers of one thread", ylabel="reviews a second", xticks=counts, xticklabels=map(str, counts))
    axes.minorticks_off()
    axes.grid(color="#E4E4E4", linewidth=0.6)
    axes.legend(fontsize=7, frameon=False)
    figure.savefig(file, format="svg", metadata={"Date": None})


#: Seconds to start a worker of Ray or Spark in the reckoning: imports, and the model.
START = 5.0


def main() -> None:
    out = Path(sys.argv[1])
    wrong = same(out)
    rates, slow = speed(out)
    wrong += slow + memory(out)
    if len(sys.argv) > 2 and rates:
        picture(rates, Path(sys.argv[2]))
    if wrong:
        sys.exit("\nnot as it should be:\n" + "\n".join(wrong))


if __name__ == "__main__":
    main()
