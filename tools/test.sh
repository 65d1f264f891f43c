#!/usr/bin/env bash
# Installs what is missing (Debian), builds everything, runs all tests.
#
#   tools/test.sh [BUILD_FOLDER [MESON_OPTION...]]      the folder is build unless said otherwise
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/tools/debian.sh"
install_missing "${test_packages[@]}"

cd "$root"
build=${1:-build}
shift || true
if [ -f "$build/build.ninja" ]; then
  [ $# -eq 0 ] || meson configure "$build" "$@"
else
  meson setup "$build" "$@"
fi
ninja -C "$build"
meson test -C "$build" --print-errorlogs
