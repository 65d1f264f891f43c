#!/usr/bin/env bash
# camlite as others get it: the four projects beside this file, each built against an installation in an empty prefix, or
# without one, and run. What they print must agree to the last bit.
#
#   tests/install/run.sh BUILD_FOLDER COMPILER
set -euo pipefail
build=$(realpath "$1")
export CXX=$2
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

DESTDIR="$work/root" meson install -C "$build" --no-rebuild --quiet
prefix=$(find "$work/root" -name camlite.pc -printf '%h\n' | sed 's|/share/pkgconfig$||')
model="$prefix/share/camlite/tiny_vgg_gap.safetensors"
export PKG_CONFIG_PATH="$prefix/share/pkgconfig"
for project in single_file pkg_config cmake meson; do
  cp -r "$here/$project" "$work/$project"
  cp "$here/app.cpp" "$work/$project"
done

single_file() {
  "$root/tools/amalgamate" .
  local flags libs
  # As the installation, but for camlite's own folder.
  flags=$(pkg-config --cflags camlite | xargs -n 1 | grep -v "^-I$prefix" | xargs)
  libs=$(pkg-config --libs camlite)
  make FLAGS="$flags" LIBS="$libs"
  ./app "$model" >output
}
pkg_config() {
  make
  ./app "$model" >output
}
cmake() {
  command cmake -S . -B build -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_BUILD_TYPE=None
  command cmake --build build
  build/app "$model" >output
}
meson() {
  # By the wrap file as a reader has it, but for the address; what is built then is this tree as it is.
  if git -C "$root" rev-parse --verify --quiet HEAD; then
    sed -i "s|^url = .*|url = file://$root|" subprojects/camlite.wrap
    command meson subprojects download
    test -f subprojects/camlite/include/camlite/camlite.hpp
    rm -rf subprojects/camlite
  else
    echo "NOT TESTED: the wrap file: $root is no repository of git"
  fi
  ln -s "$root" subprojects/camlite
  # Not the installation, which pkg-config finds, but with the same options.
  local flags blas=disabled openmp=disabled
  flags=$(pkg-config --cflags camlite)
  [[ $flags != *-DCAMLITE_BLAS=1* ]] || blas=enabled
  [[ $flags != *-fopenmp* ]] || openmp=enabled
  command meson setup build --force-fallback-for=camlite -Dcamlite:blas=$blas -Dcamlite:openmp=$openmp
  ninja -C build app
  build/app "$model" >output
}

for project in single_file pkg_config cmake meson; do
  (cd "$work/$project" && "$project") >"$work/$project/log" 2>&1 &
  projects+=("$project:$!")
done
for project in "${projects[@]}"; do
  wait "${project#*:}" || { cat "$work/${project%:*}/log"; echo "FAILED: ${project%:*}"; exit 1; }
done
for project in pkg_config cmake meson; do cmp "$work/single_file/output" "$work/$project/output"; done
head -1 "$work/cmake/output"

echo "the single file with OpenMP or BLAS alone: the same bits"
# As the one above, which has what the build has; tests/embed has neither. Quickly: not optimized, the build's kernels.
# single_file_with NAME FLAG...
single_file_with() {
  local app=$work/single_file/app_$1
  shift
  "$CXX" -std=c++20 -O0 -DCAMLITE_SEPARATE_KERNELS "$work/single_file/app.cpp" "$@" "$build/libkernels.a" -o "$app"
  "$app" "$model" >"$app.output"
  cmp "$work/single_file/output" "$app.output"
}
runs=()
if [[ $(pkg-config --cflags camlite) == *-fopenmp* ]]; then
  single_file_with openmp -fopenmp & runs+=($!)
else
  echo "NOT TESTED: OpenMP, which this build has not"
fi
if [[ $(pkg-config --cflags camlite) == *-DCAMLITE_BLAS=1* ]]; then
  # shellcheck disable=SC2046  # flags are words
  single_file_with blas -DCAMLITE_BLAS=1 $(pkg-config --cflags --libs openblas) & runs+=($!)
else
  echo "NOT TESTED: BLAS, which this build has not"
fi
for run in "${runs[@]}"; do wait "$run"; done

echo "one version everywhere"
version=$(pkg-config --modversion camlite)
grep -qF "camlite $version:" "$work/cmake/output"
grep -qF "\"$version\"" "$prefix/share/cmake/camlite/camlite-config-version.cmake"
if [ -x "$prefix/bin/camlite" ]; then
  "$prefix/bin/camlite" --version | grep -qF "camlite $version,"
  "$prefix/bin/camlite" info "$model" >/dev/null
  # Unless it is part of the program: the one beside it, not that of the source tree.
  "$prefix/bin/camlite" models | grep -qE "^Without --model: ($model |.*part of the program)"
  echo "the manual page and the completions are installed"
  for file in man/man1/camlite.1 bash-completion/completions/camlite.bash zsh/site-functions/_camlite \
    fish/vendor_completions.d/camlite.fish; do
    grep -q camlite "$prefix/share/$file"
  done
fi

echo "a version that it is not"
for other in 99.0 0.0.1; do
  sed -i "s/find_package(camlite [0-9.]*/find_package(camlite $other/" "$work/cmake/CMakeLists.txt"
  if command cmake -S "$work/cmake" -B "$work/cmake/other" -DCMAKE_PREFIX_PATH="$prefix" >"$work/log" 2>&1; then
    echo "find_package(camlite $other) takes $version"
    exit 1
  fi
  grep -qF "version: $version" "$work/log"
done
