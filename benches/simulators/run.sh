#!/usr/bin/env bash
# Our neuron in other people's simulators, and our operations in their counters: docs/simulators.md. Prints the tables of that page and ends
# with 1 where a simulator that is said to count as ours does not.
#
# Usage: benches/simulators/run.sh [MODEL]        (models/sst2-ternary unless given)
#
# Makes an environment for each group of simulators, with pinned versions, in target/simulators (PyTorch once, some 7 GB): the first run
# downloads 3 GB. BITSPIKE_WHEEL names a wheel of the Python package, else the one that .ci/check_python.sh left is taken, else one is built.
# Lava needs Python 3.10 (LAVA_PYTHON) and is left out, with a line that says so, where there is none. GROUPS_WANTED="torch lava" chooses groups.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
model=${1:-$root/models/sst2-ternary}
target=${CARGO_TARGET_DIR:-$root/target}/simulators
python=${PYTHON:-python3}
lava_python=${LAVA_PYTHON:-python3.10}
wanted=${GROUPS_WANTED:-torch sinabs bindsnet lava counters}
out=$target/out
mkdir -p "$out"

wheel=${BITSPIKE_WHEEL:-$(ls -t "${CARGO_TARGET_DIR:-$root/target}"/python/wheels/*.whl 2> /dev/null | head -1 || true)}
[ -n "$wheel" ] || wheel=$root/bindings/python

# environment NAME PYTHON: an environment with requirements-NAME.txt and, where it is not torch itself, what the one of torch has.
environment() {
    local folder=$target/$1
    [ -f "$folder/ready" ] && cmp -s "$folder/ready" "$here/requirements-$1.txt" && return
    "$2" -m venv --clear "$folder"
    case $1 in
        torch) "$folder/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements-torch.txt" ;;
        lava) "$folder/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements-lava.txt" ;;
        # Its own packages come first on the path: another nir than that of the other readers, another SpikingJelly.
        *)
            echo "$("$target/torch/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')" \
                > "$("$folder/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/torch-of-its-neighbour.pth"
            "$folder/bin/pip" install --quiet --disable-pip-version-check $( [ "$1" = bindsnet ] || echo --ignore-installed --no-deps ) -r "$here/requirements-$1.txt"
            ;;
    esac
    cp "$here/requirements-$1.txt" "$folder/ready"
}

environment torch "$python"
for group in $wanted; do
    case $group in
        torch) ;;
        lava)
            if "$lava_python" -c 'import sys, venv; sys.exit(sys.version_info[:2] != (3, 10))' 2> /dev/null; then
                environment lava "$lava_python"
            else
                echo "no Python 3.10 here (LAVA_PYTHON names one): Lava is left out"
                wanted=${wanted/lava/}
            fi
            ;;
        *) environment "$group" "$python" ;;
    esac
done
"$target/torch/bin/pip" install --quiet --disable-pip-version-check --force-reinstall --no-deps "$wheel"

export PYTHONWARNINGS=ignore JAX_PLATFORMS=cpu
"$target/torch/bin/python" "$here/record.py" "$model" "$out"
: > "$out/simulators.jsonl"
: > "$out/readers.jsonl"
: > "$out/counters.jsonl"
for group in $wanted; do
    case $group in
        torch)
            "$target/torch/bin/python" "$here/drive.py" "$out" snntorch spikingjelly spyx norse >> "$out/simulators.jsonl"
            "$target/torch/bin/python" "$here/readers.py" "$out" "$model" snntorch spikingjelly spyx norse >> "$out/readers.jsonl"
            ;;
        sinabs)
            "$target/sinabs/bin/python" "$here/drive.py" "$out" sinabs >> "$out/simulators.jsonl"
            "$target/sinabs/bin/python" "$here/readers.py" "$out" "$model" sinabs >> "$out/readers.jsonl"
            ;;
        bindsnet) "$target/bindsnet/bin/python" "$here/drive.py" "$out" bindsnet >> "$out/simulators.jsonl" ;;
        lava) "$target/lava/bin/python" "$here/drive.py" "$out" lava-nc >> "$out/simulators.jsonl" ;;
        counters)
            "$target/counters/bin/python" "$here/counters.py" "$out" neurobench syops >> "$out/counters.jsonl"
            "$target/torch/bin/python" "$here/counters.py" "$out" spikingjelly >> "$out/counters.jsonl"
            "$target/sinabs/bin/python" "$here/counters.py" "$out" sinabs >> "$out/counters.jsonl"
            ;;
    esac
done
"$python" "$here/report.py" "$out"
