#!/usr/bin/env bash
# The headers alone, as a stranger compiles them: no build system, no BLAS, no OpenMP, all warnings as errors; the same
# as a single file; and the README's own program with the README's own command.
#
#   tests/embed/run.sh COMPILER MODEL
set -euo pipefail
compiler=$1 model=$2
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
flags=(-std=c++20 -O2 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror)

# both_units FOLDER: compiles $work/FOLDER/{main,other}.cpp with the flags main_flags and other_flags, and runs them.
both_units() {
  local folder=$work/$1 main other
  "$compiler" "${flags[@]}" "${main_flags[@]}" -c "$folder/main.cpp" -o "$folder/main.o" & main=$!
  "$compiler" "${flags[@]}" "${other_flags[@]}" -c "$folder/other.cpp" -o "$folder/other.o" & other=$!
  wait "$main"
  wait "$other"
  "$compiler" "$folder/main.o" "$folder/other.o" -o "$folder/embed"
  "$folder/embed" "$model" >"$folder/output" || { cat "$folder/output"; exit 1; }
}

echo "two translation units"
mkdir "$work/folder"
cp "$root"/tests/embed/{main,other}.cpp "$work/folder"
main_flags=("-I$root/include") other_flags=("-I$root/include")
both_units folder

echo "the single file in two translation units, one of which compiles the kernels: the same bits"
SOURCE_DATE_EPOCH=1700000000 "$root/tools/amalgamate" "$work/single"
version=$(sed -n 's/^#define CAMLITE_VERSION_[A-Z]* //p' "$root/include/camlite/version.hpp" | paste -sd .)
for file in camlite.hpp camlite_image_io.hpp camlite.h camlite_c_api.hpp; do
  grep -qF "camlite $version (2023-11-14)" <(head -1 "$work/single/$file")
  grep -q '^\(// \)\?MIT License' "$work/single/$file"
done
for unit in main other; do
  sed 's|<camlite/camlite.hpp>|"camlite.hpp"|; s|<camlite/image_io.hpp>|"camlite_image_io.hpp"|' \
    "$root/tests/embed/$unit.cpp" >"$work/single/$unit.cpp"
done
main_flags=(-DCAMLITE_SEPARATE_KERNELS) other_flags=(-DCAMLITE_SEPARATE_KERNELS -DCAMLITE_COMPILE_KERNELS)
both_units single
cmp "$work/folder/output" "$work/single/output"

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
