#!/usr/bin/env bash
# How many lines and branches of include/ the test suite runs.
#
#   tools/coverage.sh [TEST...]      all tests, or these, as `meson test` names them
#
# Builds into build-coverage/ with clang++ and its instrumentation. What tests compile by themselves (the suites embed and
# docs) does not count and is left out. Prints a line for each file, and the sum; the lines that no test
# runs are in build-coverage/suite/missed. Exit status 1 if a test fails, or all of them run fewer than 95 % of the lines.
set -euo pipefail
cd "$(dirname "$0")/.."
. tools/debian.sh
. tools/coverage/instrumented.sh

install_missing "${test_packages[@]}" "${coverage_packages[@]}"
instrumented_build
LLVM_PROFILE_FILE=/dev/null ninja -C "$instrumented" all meson-test-prereq # which runs some
profiles=$instrumented/suite
rm -rf "$profiles"
status=0
# %m: one file for each program, which all of its processes add to.
LLVM_PROFILE_FILE=$profiles/%m.profraw \
  meson test -C "$instrumented" --no-suite embed --no-suite docs --print-errorlogs "$@" || status=$?
mapfile -t programs < <(find "$instrumented" -type f -perm -u+x \
  \( -name 'test_*' -o -name camlite -o -name soak -o -name replay -o -name 'libcamlite.so*' \))
[ $# -gt 0 ] || least=95
coverage_report suite "${programs[@]}" || status=1
exit "$status"
