#!/usr/bin/env bash
# The headers alone, as a stranger compiles them: no build system, no BLAS, no OpenMP, all warnings as errors; every
# header by itself; and the README's own program with the README's own command.
#
#   tests/embed/run.sh COMPILER MODEL
set -euo pipefail
compiler=$1 model=$2
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
flags=(-std=c++20 -O2 "-I$root/include" -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror)

echo "two translation units"
"$compiler" "${flags[@]}" "$root/tests/embed/main.cpp" "$root/tests/embed/other.cpp" -o "$work/embed"
"$work/embed" "$model"

echo "every header alone"
cd "$root/include"
alone() {
  echo "#include <$1>" | "$compiler" "${@:2}" -fsyntax-only -x c++ - || { echo "$1 does not compile alone"; exit 1; }
}
export -f alone
export compiler
find camlite -name '*.hpp' | sort | xargs -P "$(nproc)" -I HEADER bash -c 'alone "$@"' alone HEADER "${flags[@]}"

echo "the README's program"
mkdir "$work/readme"
cd "$work/readme"
ln -s "$root" camlite
awk '/^```cpp/ { inside = 1; next } /^```/ { if (inside) exit } inside' "$root/README.md" >app.cpp
cp "$root/docs/pictures/coffee.jpg" photo.jpg
command=$(grep -m 1 -o 'g++ -std=c++20 .*-o app' "$root/README.md")
eval "${command/g++/$compiler}"
./app cat.jpg | tee output
grep -q '%' output
test -s heat.png
