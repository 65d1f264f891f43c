#!/usr/bin/env bash
# camlite as others get it: installed into an empty prefix and found by pkg-config, and as a meson subproject.
#
#   tests/install/run.sh BUILD_FOLDER COMPILER
set -euo pipefail
build=$1 compiler=$2
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

echo "installed, by pkg-config"
DESTDIR="$work/root" meson install -C "$build" --no-rebuild --quiet
prefix=$(find "$work/root" -name camlite.pc -printf '%h\n' | sed 's|/share/pkgconfig$||')
export PKG_CONFIG_PATH="$prefix/share/pkgconfig" PKG_CONFIG_SYSROOT_DIR="$work/root"
read -ra flags <<<"$(pkg-config --cflags camlite)"
"$compiler" "${flags[@]}" "$root/tests/embed/main.cpp" "$root/tests/embed/other.cpp" -o "$work/installed"
model="$prefix/share/camlite/tiny_vgg_gap.safetensors"
"$work/installed" "$model"
if [ -x "$prefix/bin/camlite" ]; then
  "$prefix/bin/camlite" info "$model" >/dev/null
fi

echo "as a meson subproject"
mkdir -p "$work/project/subprojects"
ln -s "$root" "$work/project/subprojects/camlite"
cp "$root/tests/embed/main.cpp" "$root/tests/embed/other.cpp" "$work/project"
cat >"$work/project/meson.build" <<'MESON'
project('consumer', 'cpp', default_options: ['cpp_std=c++20'])
executable('consumer', 'main.cpp', 'other.cpp', dependencies: dependency('camlite', fallback: 'camlite'))
MESON
CXX=$compiler meson setup "$work/project/build" "$work/project" >"$work/log" || { cat "$work/log"; exit 1; }
ninja -C "$work/project/build" >"$work/log" || { cat "$work/log"; exit 1; }
"$work/project/build/consumer" "$model"
