#!/usr/bin/env bash
# Installs what is missing (Debian), builds everything, runs all tests.
#
#   tools/test.sh [BUILD_FOLDER [MESON_OPTION...]]      the folder is build unless said otherwise
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/tools/debian.sh"
install_missing "${test_packages[@]}"

cd "$root"
# Debian's Python, and over it what only PyPI has.
python=$root/build-python/bin/python
python_packages() {
  [ -x "$python" ] || "$debian_python" -m venv --system-site-packages build-python
  "$python" -m pip --disable-pip-version-check install --quiet --no-deps -r tests/cli/requirements.txt
}
not_tested=()
python_packages || {
  python=
  not_tested+=("other engines beside camlite: PyPI did not give what tests/cli/requirements.txt lists")
}
build=${1:-build}
shift || true
# Enabled, not auto: a folder that tools/demo.sh set up may have been without the tests' packages.
options=(-Dtools=enabled -Dtests=enabled -Dbench=enabled -Dtest_python="$python" "$@")
if [ -f "$build/build.ninja" ]; then
  meson setup --reconfigure "$build" "${options[@]}"
else
  meson setup "$build" "${options[@]}"
fi
ninja -C "$build" all meson-test-prereq meson-benchmark-prereq
meson test -C "$build" --print-errorlogs
[ -d "${CAMLITE_SHARED:-../shared}/reference/cam2016" ] ||
  not_tested+=("the paper authors' data: there is no ${CAMLITE_SHARED:-../shared}/reference/cam2016")
for what in "${not_tested[@]}"; do echo "NOT TESTED: $what"; done
