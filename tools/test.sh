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
# Enabled, not auto: a folder that tools/demo.sh set up may have been without the tests' packages.
options=(-Dtools=enabled -Dtests=enabled -Dbench=enabled "$@")
if [ -f "$build/build.ninja" ]; then
  meson setup --reconfigure "$build" "${options[@]}"
else
  meson setup "$build" "${options[@]}"
fi
ninja -C "$build" all meson-test-prereq meson-benchmark-prereq
meson test -C "$build" --print-errorlogs
[ -d "${CAMLITE_SHARED:-../shared}/reference/cam2016" ] ||
  echo "NOT TESTED: the paper authors' data; there is no ${CAMLITE_SHARED:-../shared}/reference/cam2016"
