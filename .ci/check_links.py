"""Every relative link in the pages names a file that is there and, behind `#`, a heading of it.

With the folder of the built book as argument, every relative link of its pages, too, names a file of the book.
"""
import pathlib
import re
import sys
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGES = [
    *ROOT.glob("*.md"),
    *ROOT.glob("docs/**/*.md"),
    *ROOT.glob("models/**/*.md"),
    *ROOT.glob("recipes/**/*.md"),
    *ROOT.glob("benches/**/*.md"),
    *ROOT.glob("fuzz/*.md"),
]
FENCE = re.compile(r"^(```|~~~).*?^\1", re.M | re.S)
CODE = re.compile(r"`[^`\n]*`")
LINK = re.compile(r"!?\[(?:[^\]\[]|\[[^\]]*\])*\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)")
SOURCE = re.compile(r"(?:src|href)=\"([^\"]+)\"")


def prose(page):
    """The page without code."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    return "\n".join(line for line in text.splitlines() if not line.startswith("    "))


def anchors(page):
    """The headings as GitHub and mdbook name them."""
    found = set()
    for heading in re.findall(r"^#+ +(.+?) *#*$", FENCE.sub("", page.read_text(encoding="utf-8")), re.M):
        heading = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        name = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        count = sum(1 for known in found if known == name or re.fullmatch(re.escape(name) + r"-\d+", known))
        found.add(f"{name}-{count}" if count else name)
    return found


# Packages that a benchmark installed have pages of their own.
PAGES = [page for page in PAGES if "node_modules" not in page.parts]
wrong = []
checked = 0
for page in sorted(PAGES):
    text = CODE.sub("", prose(page))
    for target in LINK.findall(text) + SOURCE.findall(text):
        if re.match(r"[a-z][a-z0-9+.-]*:", target):
            continue
        checked += 1
        path, _, anchor = target.partition("#")
        file = (page.parent / urllib.parse.unquote(path)).resolve() if path else page
        place = f"{page.relative_to(ROOT)}: {target}"
        if not file.exists():
            wrong.append(f"{place}: no such file")
        elif not file.is_relative_to(ROOT):
            wrong.append(f"{place}: outside of the repository")
        elif anchor and file.suffix == ".md" and anchor not in anchors(file):
            wrong.append(f"{place}: no such heading")
if wrong or not checked:
    sys.exit("\n".join(wrong) or "no links were found, which cannot be")
print(f"{checked} links in {len(PAGES)} pages")

if len(sys.argv) > 1:
    book = pathlib.Path(sys.argv[1]).resolve()
    pages = list(book.glob("*.html"))
    for page in pages:
        for target in re.findall(r'(?:href|src)="([^"#?]+)', page.read_text(encoding="utf-8")):
            # The page of missing pages names the root of a host.
            if re.match(r"[a-z][a-z0-9+.-]*:", target) or page.name == "404.html":
                continue
            if not (page.parent / urllib.parse.unquote(target)).exists():
                wrong.append(f"book, {page.name}: {target}: no such file in the book")
    if wrong or not pages:
        sys.exit("\n".join(sorted(set(wrong))) or "the book has no pages")
    print(f"the book's {len(pages)} pages link to nothing outside of it")
