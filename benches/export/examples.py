"""Runs the Python examples of a page, each in a process of its own, in the folder of the exports.

    python examples.py PAGE FOLDER
"""

import re
import subprocess
import sys
from pathlib import Path

page, folder = Path(sys.argv[1]).read_text(encoding="utf-8"), Path(sys.argv[2])
for kind, code in re.findall(r"```(python|js)\n(.*?)```", page, re.S):
    command = [sys.executable, "-c", code] if kind == "python" else ["node", "--input-type=module", "-e", code]
    found = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    answer = found.stdout.strip().splitlines()[-1:] or [""]
    print(f"docs/export.md, {code.splitlines()[0].lstrip('#/ ')}: {answer[0]}")
    if found.returncode or "positive" not in answer[0]:
        sys.exit(found.stderr or found.stdout)
