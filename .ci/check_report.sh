#!/usr/bin/env bash
# Opens a report in headless Chromium: no console message, no request, every chart drawn; screenshots at two widths, in light and dark,
# stay in the folder given. Where there is no Chromium (Debian: `apt install chromium`) it does nothing and says so, unless
# BITSPIKE_CI_CHROMIUM=1 says that there is one: then it fails.
#
#   .ci/check_report.sh PAGE.html FOLDER
set -euo pipefail
page=$(realpath "$1")
folder=$2
mkdir -p "$folder"
chromium=$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)
if [ -z "$chromium" ]; then
    if [ "${BITSPIKE_CI_CHROMIUM:-0}" != 0 ]; then
        echo "BITSPIKE_CI_CHROMIUM is set, and there is no Chromium: the report was not opened" >&2
        exit 1
    fi
    echo "no Chromium here: the report was not opened"
    exit 0
fi
profile=$(mktemp -d)
trap 'rm -rf "$profile"' EXIT
open=("$chromium" --headless --no-sandbox --disable-gpu --no-first-run --hide-scrollbars --user-data-dir="$profile"
    --disable-background-networking --enable-logging=stderr)

timeout 60 "${open[@]}" --dump-dom "file://$page" > "$folder/dom.html" 2> "$folder/console.log"
if grep -E 'CONSOLE' "$folder/console.log"; then
    echo "the page writes to the console" >&2
    exit 1
fi
python3 - "$folder/dom.html" <<'PY'
import sys
from html.parser import HTMLParser

class Figures(HTMLParser):
    """Counts figures, and in each the marks that a drawing or a table has."""
    marks = {"path", "polyline", "rect", "circle", "line", "polygon", "td"}
    def __init__(self):
        super().__init__()
        self.inside, self.found = False, []
    def handle_starttag(self, tag, attributes):
        if tag == "figure":
            self.inside = True
            self.found.append(0)
        elif self.inside and tag in self.marks:
            self.found[-1] += 1
    def handle_endtag(self, tag):
        if tag == "figure":
            self.inside = False

figures = Figures()
figures.feed(open(sys.argv[1], encoding="utf-8").read())
empty = sum(marks < 3 for marks in figures.found)
print(f"{len(figures.found)} figures, {empty} empty")
if empty or not figures.found:
    sys.exit("a chart was not drawn")
PY
for width in 390 1280; do
    for scheme in light dark; do
        dark=()
        [ "$scheme" = dark ] && dark=(--force-dark-mode --blink-settings=preferredColorScheme=0)
        timeout 60 "${open[@]}" "${dark[@]}" --window-size="$width,4000" --screenshot="$folder/report-$width-$scheme.png" "file://$page" \
            2>> "$folder/console.log"
        [ -s "$folder/report-$width-$scheme.png" ] || { echo "no screenshot at $width" >&2; exit 1; }
    done
done
echo "opened in Chromium; screenshots in $folder"
