#!/usr/bin/env bash
# Real clients against a real server: each at a fixed version in an environment of its own, its answers compared bit for bit with those of
# `bitspike classify`, vectors with those of `fixtures/embedder`. Not a part of CI: it installs some gigabyte of packages from PyPI and npm.
#
#     crates/server/tests/clients/run.sh [NAME ...]        all of them, or those whose names are given, such as `triton` or `openai`
#
# BITSPIKE names the program (target/release/bitspike); environments stay in CLIENTS_CACHE (target/clients) for the next time. Needs Python
# from 3.10 on with venv, and Node from 20 on with npm; uv makes the environments faster where it is installed.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../../.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
bitspike=$(realpath "${BITSPIKE:-$target/release/bitspike}")
cache=${CLIENTS_CACHE:-$target/clients}
mkdir -p "$cache"
work=$(mktemp -d)
started=()
finish() {
    for pid in "${started[@]}"; do kill "$pid" 2> /dev/null || true; done
    rm -rf "$work"
}
trap finish EXIT

# environment NAME: a Python of its own with the packages of environments/NAME.txt.
environment() {
    local folder=$cache/$1 list=$here/environments/$1.txt
    cmp -s "$list" "$folder/installed.txt" && return
    rm -rf "$folder"
    if command -v uv > /dev/null; then
        uv venv --quiet --python python3 "$folder"
        uv pip install --quiet --python "$folder/bin/python" -r "$list"
    else
        python3 -m venv "$folder"
        "$folder/bin/python" -m pip install --quiet --disable-pip-version-check -r "$list"
    fi
    cp "$list" "$folder/installed.txt"
}

# node_environment: the packages of javascript/package.json, and the tests beside them.
node_environment() {
    mkdir -p "$cache/node"
    if ! cmp -s "$here/javascript/package.json" "$cache/node/installed.json"; then
        cp "$here/javascript/package.json" "$cache/node/"
        (cd "$cache/node" && npm install --no-audit --no-fund --no-package-lock --silent)
        cp "$here/javascript/package.json" "$cache/node/installed.json"
    fi
    cp "$here"/javascript/*.mjs "$cache/node/"
}

# serve LOG ARGUMENTS..: starts a server on a free port and prints its address.
serve() {
    local log=$1
    shift
    "$bitspike" serve --port 0 --log-level warn "$@" 2> "$log" &
    started+=($!)
    while ! grep -qs 'http://' "$log"; do
        kill -0 $! || { cat "$log" >&2; exit 1; }
        sleep 0.05
    done
    address=$(sed -n 's|.* at \(http://[^;]*\);.*|\1|p' "$log")
}

# What the program says of the texts.
"$bitspike" classify --model "$root/models/sst2-tiny" --json --input "$here/texts.txt" > "$work/texts.jsonl"
"$bitspike" classify --model "$root/models/rte-ternary" --json --input "$here/pairs.tsv" --format text > "$work/pairs.jsonl"
python3 - "$here" "$work" <<'PY'
import json, sys
here, work = sys.argv[1:]
def read(texts, answers):
    texts, answers = (open(name, encoding="utf-8").read().splitlines() for name in (texts, answers))
    assert len(texts) == len(answers) > 0
    return [(text, json.loads(answer)["probabilities"]) for text, answer in zip(texts, answers)]
pairs = [(text.split("\t"), told) for text, told in read(f"{here}/pairs.tsv", f"{work}/pairs.jsonl")]
told = json.load(open(f"{here}/../../../../fixtures/embedder/vectors.json", encoding="utf-8"))
vectors = {text: {"unit": unit, "raw": raw} for text, unit, raw in zip(told["texts"], told["vectors"], told["raw"])}
expected = {"texts": dict(read(f"{here}/texts.txt", f"{work}/texts.jsonl")), "pairs": pairs, "vectors": vectors}
json.dump(expected, open(f"{work}/expected.json", "w"))
PY

models=("$root/models/sst2-tiny" "$root/models/rte-ternary" "$root/fixtures/embedder")
serve "$work/log" "${models[@]}" --threads 1 --deadline-seconds 600
url=$address
serve "$work/busy" "$root/models/sst2-ternary" --threads 1 --max-queue-tokens 1 --deadline-seconds 3600
busy=$address
serve "$work/alone" "$root/models/sst2-tiny" --threads 1
classifies=$address
mkfifo "$work/open"
python3 "$here/busy.py" "$busy" < "$work/open" &
started+=($!)
exec 9> "$work/open"

failed=()
ran=0
# client NAME ENVIRONMENT COMMAND..
client() {
    local name=$1 kind=$2
    shift 2
    [ ${#chosen[@]} -eq 0 ] || [[ " ${chosen[*]} " == *" $name "* ]] || return 0
    case $kind in
        node) node_environment ;;
        none) ;;
        *) environment "$kind" ;;
    esac
    ran=$((ran + 1))
    if ! timeout "${CLIENTS_TIMEOUT:-300}" "$@" "$url" "$busy" "$work/expected.json" "$classifies" > "$work/said" 2>&1; then
        failed+=("$name")
        echo "FAILED  $name"
        tail -25 "$work/said"
        return 0
    fi
    grep '^ok' "$work/said"
}
python() { client "$1" "$2" "$cache/$2/bin/python" -W ignore "$here/python/$3.py"; }
node_client() { client "$1" node node "$cache/node/$2.mjs"; }

chosen=("$@")
client curl none sh "$here/curl.sh"
python requests plain plain
node_client fetch fetch
python hub-2 huggingface-hub-2 hub
python hub-1 huggingface-hub-1 hub
node_client inference inference
python triton triton triton_client
python kserve kserve kserve_client
python mlserver mlserver mlserver_client
python openai openai openai_client
node_client openai-npm openai
node_client ai-sdk ai-sdk
python litellm litellm litellm_client
python langchain langchain langchain_client
node_client langchain-npm langchain
python haystack haystack haystack_client
python llama-index llama-index llama_index_client
python chroma chroma chroma_client

for log in log busy alone; do
    if grep -i panic "$work/$log"; then failed+=("the server: a panic"); fi
done
[ "$ran" -gt 0 ] || { echo "no client is called ${chosen[*]}" >&2; exit 2; }
[ ${#failed[@]} -eq 0 ] || { echo "failed: ${failed[*]}" >&2; exit 1; }
echo "$ran clients passed"
