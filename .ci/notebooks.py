"""Executes the notebooks of docs/notebooks and compares what they say with their pages in the book.

Usage: notebooks.py [--write]

A page is docs/NAME.md: the notebook's text, its code and what the code gave, pictures as files in docs/images. With --write pages and pictures are
made anew; else the script ends with 1 where one is another than what the notebook gives now. Outputs of cells with the tag `varies` (times, pictures
of matplotlib) are shown and not compared. Needs nbclient, nbformat, ipykernel, matplotlib and the package.
"""

import argparse
import re
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

DOCS = Path(__file__).resolve().parents[1] / "docs"
SECONDS = 900


def shown(data: dict, pictures: dict[str, str], name: str) -> str:
    """An output, by the richest of its forms that a page can have."""
    if "image/svg+xml" in data:
        file = f"notebook-{name}-{len(pictures) + 1}.svg"
        pictures[file] = re.sub(r"<\?xml.*?\?>\s*|<!DOCTYPE.*?>\s*", "", data["image/svg+xml"], flags=re.DOTALL)
        return f"![what the cell shows](images/{file})"
    if "text/html" in data:
        return data["text/html"].strip()
    return block(data["text/plain"])


def block(text: str) -> str:
    return f"```text\n{text.strip()}\n```"


def page(notebook, name: str) -> tuple[list[tuple[str, bool]], dict[str, str]]:
    """Parts of the page, each with whether it stays the same; pictures by file."""
    parts: list[tuple[str, bool]] = []
    pictures: dict[str, str] = {}
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            parts.append((cell.source.strip(), True))
            continue
        tags = cell.metadata.get("tags", [])
        if "hidden" not in tags:
            parts.append((f"```python\n{cell.source.strip()}\n```", True))
        for output in cell.outputs:
            if output.output_type == "stream":
                text = block(output.text)
            else:
                text = shown(output.data, pictures, name)
            parts.append((text, "varies" not in tags))
    return parts, pictures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true")
    write = parser.parse_args().write
    wrong = []
    for file in sorted((DOCS / "notebooks").glob("*.ipynb")):
        notebook = nbformat.read(file, as_version=4)
        with tempfile.TemporaryDirectory() as folder:
            NotebookClient(notebook, timeout=SECONDS, kernel_name="python3", resources={"metadata": {"path": folder}}).execute()
        parts, pictures = page(notebook, file.stem)
        own = DOCS / f"{file.stem}.md"
        if write:
            own.write_text("\n\n".join(text for text, _ in parts) + "\n", encoding="utf-8")
            for name, picture in pictures.items():
                (DOCS / "images" / name).write_text(picture, encoding="utf-8")
            print(f"{own.name}: {len(parts)} parts, {len(pictures)} pictures")
            continue
        there, at = own.read_text(encoding="utf-8"), 0
        for text, stays in parts:
            if stays:
                found = there.find(text, at)
                if found < 0:
                    wrong.append(f"{own.name}: the notebook gives now\n{text[:500]}")
                else:
                    at = found + len(text)
        steady = {name for text, stays in parts if stays for name in pictures if name in text}
        wrong += [f"{name}: another picture" for name in steady if (DOCS / "images" / name).read_text(encoding="utf-8") != pictures[name]]
        print(f"{file.name}: executed, {len(parts)} parts beside {own.name}")
    if wrong:
        sys.exit("\n".join([*wrong, "run .ci/check_notebooks.sh --write and look at what has changed"]))


if __name__ == "__main__":
    main()
