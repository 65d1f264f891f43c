#!/usr/bin/env bash
# cppcheck over the library, the program and the benchmarks; suppressions.txt says what is not heard, and why.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$here/../.."
cp -r include tools bench "$work"
cd "$work"
# Debian 12's cppcheck gives up a file at a lambda's template parameters; without them it reads on.
find . -name '*.hpp' -o -name '*.inl' -o -name '*.cpp' | xargs sed -i -E 's/(\[&?\])<[^(]*>\(/\1(/'
cppcheck --std=c++20 --language=c++ --enable=warning,performance,portability --error-exitcode=1 --quiet \
  --suppressions-list="$here/suppressions.txt" -j "$(nproc)" -Iinclude \
  -D__x86_64__ -D__linux__ -D__GNUC__=12 -D_OPENMP=201511 -D__BYTE_ORDER__=1234 -D__ORDER_LITTLE_ENDIAN__=1234 \
  include tools/camlite tools/kernels.cpp tools/c_api.cpp bench
