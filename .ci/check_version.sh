#!/usr/bin/env bash
# One version everywhere: of the crates, of what they ask of each other, of the Python package and of that for browsers; with an argument,
# that one, and a section of the changelog for it.
#
#   .ci/check_version.sh [VERSION]
set -euo pipefail
cd "$(dirname "$0")/.."
version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
wrong=0
same() { [ "$2" = "$version" ] || { echo "$1: version $2; the workspace has $version" >&2; wrong=1; }; }
for manifest in bindings/python/Cargo.toml bindings/web/Cargo.toml; do
    same "$manifest" "$(sed -n '/^\[package\]/,/^\[/s/^version = "\(.*\)"/\1/p' "$manifest")"
done
same bindings/web/npm/package.json "$(sed -n 's/^  "version": "\(.*\)",$/\1/p' bindings/web/npm/package.json)"
while IFS=: read -r manifest _ line; do
    same "$manifest, ${line%% *}" "$(sed 's/.*version = "\([^"]*\)".*/\1/' <<< "$line")"
done < <(grep -n '^bitspike[a-z-]* = {.*path = ' crates/*/Cargo.toml bindings/*/Cargo.toml)
if [ -n "${1:-}" ]; then
    same "the tag" "$1"
    grep -qF "## [$version]" CHANGELOG.md || { echo "CHANGELOG.md has no section [$version]" >&2; wrong=1; }
fi
exit $wrong
