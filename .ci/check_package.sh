#!/usr/bin/env bash
# Builds the program from the crates as they would be published, outside of the repository: fails if a package lacks a file that its
# build reads. The light program alone, unless `--full`. Uses `target/package`.
set -euo pipefail
cd "$(dirname "$0")/.."

target=${CARGO_TARGET_DIR:-target}
features=(--no-default-features)
[ "${1:-}" = --full ] && features=()

cargo package --workspace --no-verify --allow-dirty --quiet --target-dir "$target"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
patches=()
for crate in "$target"/package/bitspike-*.crate; do
    tar -xzf "$crate" -C "$work"
    folder=$work/$(basename "$crate" .crate)
    name=$(sed -n 's/^name = "\(.*\)"/\1/p' "$folder/Cargo.toml" | head -1)
    # None of them has been published, so each is found where it was unpacked.
    patches+=(--config "patch.crates-io.$name.path='$folder'")
done

cargo install --path "$work"/bitspike-cli-* "${features[@]}" "${patches[@]}" --root "$work/root" --target-dir "$target/packaged" --quiet
answer=$(cd "$work" && root/bin/bitspike classify "a gripping, funny film")
echo "$answer"
case $answer in positive*) ;; *) echo "expected \`positive\`" >&2; exit 1 ;; esac
