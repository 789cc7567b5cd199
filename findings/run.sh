#!/usr/bin/env bash
# Runs the findings, all or those named, one after another, and says of each whether its behaviour was seen again.
#
#   findings/run.sh                          all of them
#   findings/run.sh openvino-topk-ties ...   those named, with or without .sh
#   findings/run.sh --newest NAME...         with the newest releases in place of the fixed versions: what an upgrade changes
#   findings/run.sh --table                  prints the table of README.md, from the heads of the files
#   findings/run.sh --check                  fails if README.md has another table, or docs/outside-software.md lacks a finding
#
# Exit status: 0 if each was seen again or cannot be shown on this processor, 1 if one has changed or failed.
set -euo pipefail
cd "$(dirname "$0")"

findings() { for file in *.sh; do [ "$file" = run.sh ] || echo "$file"; done; }

# One line of a finding's head. field FILE NAME
field() { sed -n "2,4s/^# $2: //p" "$1"; }

table() {
    echo '| file | software | expected | what happens |'
    echo '|---|---|---|---|'
    local file name
    for file in $(findings); do
        for name in software expected happens; do
            if [ -z "$(field "$file" "$name")" ]; then
                echo "$file: its second to fourth line must be \`# software:\`, \`# expected:\`, \`# happens:\`; no \`$name\`" >&2
                return 1
            fi
        done
        echo "| [\`${file%.sh}\`]($file) | $(field "$file" software) | $(field "$file" expected) | $(field "$file" happens) |"
    done
}

newest=0
case ${1:-} in
    --table)
        table
        exit
        ;;
    --check)
        wanted=$(table)
        if [ "$wanted" != "$(grep '^|' README.md)" ]; then
            diff <(grep '^|' README.md) <(echo "$wanted") || true
            echo "findings/README.md: its table is not that of the scripts; put there what \`findings/run.sh --table\` prints" >&2
            exit 1
        fi
        for file in $(findings); do
            if ! grep -qF "\`$file\`" ../docs/outside-software.md; then
                echo "docs/outside-software.md: no row names \`$file\`; say there what the project does about it" >&2
                exit 1
            fi
        done
        exit
        ;;
    --newest)
        newest=1
        shift
        ;;
    -*)
        sed -n '2,10p' run.sh >&2
        exit 2
        ;;
esac

files=()
for name in "$@"; do
    file=$(basename "$name" .sh).sh
    if [ ! -f "$file" ] || [ "$file" = run.sh ]; then
        echo "no finding \`$name\`; there are: $(findings | sed 's/\.sh$//' | tr '\n' ' ')" >&2
        exit 2
    fi
    files+=("$file")
done
[ "${#files[@]}" -gt 0 ] || mapfile -t files < <(findings)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
declare -A count=([seen]=0 [skipped]=0 [changed]=0 [failed]=0)
for file in "${files[@]}"; do
    script=$file
    if [ "$newest" = 1 ]; then
        # Versions stand as name==1.2 for pip and name@1.2 for npm, on the lines that install.
        script=$work/$file
        sed -E '/pip" install|npm install|^  torch==/ s/([a-z0-9_-])(==|@)[0-9][0-9a-zA-Z.]*/\1/g' "$file" > "$script"
    fi
    began=$SECONDS status=0
    bash "$script" > "$work/log" 2>&1 || status=$?
    case $status in
        0) result=seen ;;
        77) result=skipped ;;
        *) if grep -q 'the behaviour has changed' "$work/log"; then result=changed; else result=failed; fi ;;
    esac
    count[$result]=$((count[$result] + 1))
    printf '%-8s %-45s %4d s\n' "$result" "${file%.sh}" "$((SECONDS - began))"
    if [ "$result" != seen ]; then tail -n 20 "$work/log" | sed 's/^/    /'; fi
done
echo "${count[seen]} seen again, ${count[skipped]} not to be shown on this processor, ${count[changed]} changed, ${count[failed]} failed to install or run"
[ "$((count[changed] + count[failed]))" -eq 0 ]
