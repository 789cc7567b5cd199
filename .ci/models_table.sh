#!/usr/bin/env bash
# Puts what `bitspike models --markdown` prints of models/ between the marks in docs/results.md; with --check, fails unless it is there
# already.
set -euo pipefail
cd "$(dirname "$0")/.."
text=$(mktemp)
trap 'rm -f "$text"' EXIT
# The repository's models only.
BITSPIKE_MODELS='' HF_HUB_CACHE=/nonexistent target/release/bitspike models --markdown > "$text"
python3 - "$text" "${1:-}" <<'PY'
import pathlib, sys
document = pathlib.Path("docs/results.md")
old, (begin, end) = document.read_text(), ("<!-- models: begin -->", "<!-- models: end -->")
before, _, rest = old.partition(begin)
_, found, after = rest.partition(end)
if not found:
    sys.exit(f"docs/results.md: the marks {begin} and {end} are missing")
new = f"{before}{begin}\n{pathlib.Path(sys.argv[1]).read_text()}{end}{after}"
if sys.argv[2] != "--check":
    document.write_text(new)
elif new != old:
    sys.exit("docs/results.md: the table of models is not what `bitspike models --markdown` prints; run .ci/models_table.sh")
PY
