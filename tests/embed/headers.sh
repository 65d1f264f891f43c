#!/usr/bin/env bash
# Every header by itself: it includes what it uses, without a warning.
#
#   tests/embed/headers.sh COMPILER
set -euo pipefail
export compiler=$1
cd "$(dirname "$0")/../../include"
alone() {
  echo "#include <$1>" |
    "$compiler" -std=c++20 -O2 -I. -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror -fsyntax-only -x c++ - ||
    { echo "$1 does not compile alone"; exit 1; }
}
export -f alone
find camlite -name '*.hpp' | sort | xargs -P "$(nproc)" -I HEADER bash -c 'alone HEADER'
