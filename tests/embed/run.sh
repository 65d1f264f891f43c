#!/usr/bin/env bash
# The headers alone, as a stranger compiles them: no build system, no BLAS, no OpenMP, all warnings as errors; and the
# README's own program with the README's own command.
#
#   tests/embed/run.sh COMPILER MODEL
set -euo pipefail
compiler=$1 model=$2
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
flags=(-std=c++20 -O2 "-I$root/include" -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror)

echo "two translation units"
for unit in main other; do
  "$compiler" "${flags[@]}" -c "$root/tests/embed/$unit.cpp" -o "$work/$unit.o" &
  units+=($!)
done
for unit in "${units[@]}"; do wait "$unit"; done
"$compiler" "$work/main.o" "$work/other.o" -o "$work/embed"
"$work/embed" "$model"

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
