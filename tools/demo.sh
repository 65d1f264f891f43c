#!/usr/bin/env bash
# From a fresh clone to a heatmap: installs what is missing (Debian), builds, looks at a photograph.
#
#   tools/demo.sh [PICTURE...]
set -euo pipefail
here=$(pwd)
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/tools/debian.sh"
install_missing "${build_packages[@]}"

build="$root/build"
[ -f "$build/build.ninja" ] || meson setup "$build" "$root" >"$root/build-setup.log" 2>&1 ||
  { cat "$root/build-setup.log"; exit 1; }
rm -f "$root/build-setup.log"
echo "Building the camlite program; the first time takes about a minute"
ninja -C "$build" --quiet tools/camlite/camlite

pictures=("$@")
[ ${#pictures[@]} -gt 0 ] || pictures=("$root/docs/pictures/coffee.jpg")
cd "$here"
"$build/tools/camlite/camlite" cam "${pictures[@]}"
