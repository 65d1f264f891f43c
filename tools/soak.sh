#!/usr/bin/env bash
# Runs camlite for long, and prints what that did to it:
#
#   tools/soak.sh [PREDICTIONS [ROUNDS]]      without them 200000 and 25
#
# So many predictions of the default model in one process (tests/soak/soak.cpp: memory, open files, time of the processor),
# then so many rounds of a run over pictures that is stopped and killed at random moments and resumed until it is done, with
# results as JSON lines and as CSV (tests/soak/batches.py: byte for byte what an undisturbed run writes). Exit status 1 if
# anything grows or differs.
set -euo pipefail
cd "$(dirname "$0")/.."
. tools/debian.sh
predictions=${1:-200000} rounds=${2:-25}
install_missing "${build_packages[@]}" python3-numpy python3-pil

build=build
[ -f "$build/build.ninja" ] || meson setup "$build" >/dev/null
ninja -C "$build" tests/soak tools/camlite/camlite >/dev/null
status=0
GLIBC_TUNABLES=glibc.malloc.tcache_count=0 OMP_WAIT_POLICY=passive \
  "$build/tests/soak" "$predictions" weights/tiny_vgg_gap.safetensors || status=1
"$debian_python" tests/soak/batches.py "$build/tools/camlite/camlite" "$rounds" || status=1
exit $status
