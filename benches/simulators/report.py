"""The tables of docs/simulators.md from what the drivers printed; ends with 1 where counts are not what the page says they are.

Usage: report.py OUT
"""

import json
import sys
from pathlib import Path

NEURONS = 10_000

#: Snippets whose neurons count as ours do, neuron by neuron.
EQUAL = {"snntorch", "spikingjelly", "sinabs", "spyx", "norse LIFBoxCell"}
#: Readers of NIR that can be repaired.
REPAIRED = {"snntorch", "spikingjelly", "sinabs", "spyx"}


def lines(file: Path) -> list[dict]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def main() -> None:
    out = Path(sys.argv[1])
    wrong = []
    print("\n| simulator, neuron | constant | recorded |\n|---|---|---|")
    for row in lines(out / "simulators.jsonl"):
        kind = row["title"].rpartition(", ")[2]
        print(f"| {row['simulator']} {row['version']} `{kind}` | {row['constant']:,} | {row['recorded']:,} |")
        found = (row["constant"], row["recorded"])
        can = row["simulator"] in EQUAL or f"{row['simulator']} {kind}" in EQUAL
        if can and found != (NEURONS, NEURONS):
            wrong.append(f"{row['title']}: {found} of {NEURONS} equal")
        if not can and min(found) == NEURONS:
            wrong.append(f"{row['title']}: equal, where the page says that it cannot be")
    print("\n| reader | block | dynamics | neurons | as read | repaired |\n|---|---|---|---|---|---|")
    for row in lines(out / "readers.jsonl"):
        repaired = "none possible" if row["repaired"] is None else f"{row['repaired']:,}"
        print(
            f"| {row['reader']} {row['version']} | `{row['block']}` | `{row['dynamics']}` | {row['neurons']:,} | {row['as_read']:,} | "
            f"{repaired} |"
        )
        if row["reader"] in REPAIRED and row["dynamics"] == "phased" and row["repaired"] != row["neurons"]:
            wrong.append(f"{row['reader']}, {row['block']}, {row['dynamics']}: {row['repaired']} of {row['neurons']} equal")
    counted = lines(out / "counters.jsonl")
    if counted:
        print("\n| counter | `[1, 0, 1, 1]` | `[1, 0, -1, 1]` | a real layer |\n|---|---|---|---|")
    for row in counted:
        print(f"| {row['counter']} {row['version']} | {row['positive']} | {row['signed']} | {row['layer']} |")
        if row.get("wrong"):
            wrong.append(f"{row['counter']}: {row['wrong']}")
    if wrong:
        sys.exit("\nnot as docs/simulators.md says:\n" + "\n".join(wrong))


if __name__ == "__main__":
    main()
