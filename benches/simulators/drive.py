"""Runs the snippets of docs/simulators.md that are for simulators of this environment, on the charges of a real layer.

Usage: drive.py OUT SIMULATOR...

OUT is the folder of record.py. A snippet is a block of Python whose first line is `# SIMULATOR VERSION, ...`; the version must be the
installed one. Prints a JSON line a simulator: neurons of 10,000 that count as ours do, of constant and of recorded charges.
"""

import json
import re
import sys
import warnings
from importlib.metadata import version
from pathlib import Path

import numpy as np

PAGE = Path(__file__).resolve().parents[2] / "docs" / "simulators.md"


def snippets() -> tuple[str, dict[str, tuple[str, str, str]]]:
    """What all start from, and by title the distribution, its version and the code."""
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    titled = {}
    for block in blocks:
        title = block.partition("\n")[0].removeprefix("# ")
        name, _, rest = title.partition(" ")
        titled[title] = (name, rest.partition(",")[0], block)
    start = next(block for title, (_, _, block) in titled.items() if title.startswith("every snippet"))
    return start, titled


def main() -> None:
    warnings.simplefilter("ignore")
    layer = np.load(Path(sys.argv[1]) / "layer.npz")
    start, titled = snippets()
    steps = int(layer["T"])
    for wanted in sys.argv[2:]:
        found = [(title, entry) for title, entry in titled.items() if entry[0] == wanted]
        if not found:
            sys.exit(f"{PAGE.name} has no snippet for {wanted}")
        for title, (name, pinned, code) in found:
            installed = version(name)
            if installed != pinned:
                sys.exit(f"the snippet `{title}` is for {pinned}; {installed} is installed")
            equal = {}
            for kind in ("constant", "recorded"):
                scope = {"charges": layer[kind], "T": steps, "__name__": "snippet"}
                exec(start, scope)
                exec(code, scope)
                counts = np.asarray(scope["counts"]).ravel().round().astype(int) - steps
                equal[kind] = int((counts == layer[f"{kind}_counts"]).sum())
            print(json.dumps({"title": title, "simulator": name, "version": installed, **equal}), flush=True)


if __name__ == "__main__":
    main()
