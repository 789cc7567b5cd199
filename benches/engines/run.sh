#!/usr/bin/env bash
# Answers through Ray, Spark, Daft, DataFusion and polars on real data, beside those of one process. Ends with 1 where
# an answer is another, or a bound of report.py is passed.
#
# Usage: benches/engines/run.sh DATA [OUT.svg]
#
# DATA has IMDB/train.tsv and SST-2/train.tsv. Makes an environment with pinned versions in target/engines on the first call (some 2 GB);
# Spark takes a Java of 17 or newer. BITSPIKE_WHEEL names a wheel of the Python package, else the one that .ci/check_python.sh left is taken,
# else one is built. PARTS="same speed memory stream" chooses parts, ENGINES="ray spark" engines of `same`; ROUNDS is how often each speed is
# taken, in turns. What was found stays in target/engines/out, and a part that is left out is reported as it was found before.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
data=$(cd "${1:?usage: run.sh DATA [OUT.svg]}" && pwd)
target=${CARGO_TARGET_DIR:-$root/target}/engines
out=$target/out
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir -p "$out"

python=$target/venv/bin/python
if ! cmp -s "$target/ready" "$here/requirements.txt"; then
    "${PYTHON:-python3}" -m venv --clear "$target/venv"
    "$python" -m pip install --quiet --disable-pip-version-check -r "$here/requirements.txt"
    cp "$here/requirements.txt" "$target/ready"
fi
wheel=${BITSPIKE_WHEEL:-$(ls -t "${CARGO_TARGET_DIR:-$root/target}"/python/wheels/*.whl 2> /dev/null | head -1 || true)}
"$python" -m pip install --quiet --disable-pip-version-check --force-reinstall --no-deps "${wheel:-$root/bindings/python}"

export PYTHONWARNINGS=ignore RAY_DEDUP_LOGS=0
failed=0
for part in ${PARTS:-same speed memory stream}; do
    : > "$out/$part.jsonl"
    case $part in
        same)
            for engine in ${ENGINES:-polars datafusion daft ray spark}; do
                "$python" "$here/same.py" "$engine" "$data" "$scratch" | tee -a "$out/same.jsonl" || failed=1
            done
            ;;
        speed)
            for _ in $(seq "${ROUNDS:-3}"); do
                for workers in 1 2; do
                    for how in threads processes ray spark; do
                        "$python" "$here/scale.py" speed $how $workers "$data" "$scratch" | tee -a "$out/speed.jsonl"
                    done
                done
            done
            ;;
        memory)
            for how in process ray spark; do
                "$python" "$here/scale.py" memory $how "$data" "$scratch" | tee -a "$out/memory.jsonl"
            done
            ;;
        stream) "$python" "$here/scale.py" stream "$data" | tee -a "$out/stream.jsonl" ;;
    esac
done
"$python" "$here/report.py" "$out" ${2:+"$2"}
exit $failed
