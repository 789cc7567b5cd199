"""The examples in docs/clients.md are those of the tests, word for word: `snippets.py` writes them into the page, `snippets.py --check` fails
where they differ. A block of the page that stands below `<!-- FILE NAME -->` is what FILE has between `snippet NAME` and `end`."""

import re
import sys
import textwrap
from pathlib import Path

HERE = Path(__file__).resolve().parent
PAGE = HERE.parents[3] / "docs" / "clients.md"
LANGUAGES = {".py": "python", ".mjs": "js", ".sh": "sh"}


def snippet(file, name):
    lines = (HERE / file).read_text(encoding="utf-8").splitlines()
    marks = [i for i, line in enumerate(lines) if line.split() in (["#", "snippet", *name], ["//", "snippet", *name])]
    if len(marks) != 1:
        sys.exit(f"{file}: expected one snippet {' '.join(name)}, found {len(marks)}")
    rest = lines[marks[0] + 1 :]
    end = next(i for i, line in enumerate(rest) if line.split() in (["#", "end"], ["//", "end"]))
    return textwrap.dedent("\n".join(rest[:end]) + "\n")


def block(match):
    file, *name = match[1].split()
    return f"<!-- {match[1]} -->\n```{LANGUAGES[Path(file).suffix]}\n{snippet(file, name)}```\n"


page = PAGE.read_text(encoding="utf-8")
pattern = re.compile(r"<!-- (\S+\.(?:py|mjs|sh)(?: \w+)?) -->\n```\w+\n.*?```\n", re.DOTALL)
if len(pattern.findall(page)) != page.count("```") // 2:
    sys.exit("docs/clients.md: an example that names no test")
renewed = pattern.sub(block, page)
if "--check" not in sys.argv:
    PAGE.write_text(renewed, encoding="utf-8")
elif renewed != page:
    sys.exit("docs/clients.md: the examples are not those of the tests; run crates/server/tests/clients/snippets.py")
