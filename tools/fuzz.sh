#!/usr/bin/env bash
# Fuzzes for HOURS hours in all, each target (tests/fuzz/target.hpp lists them) for its share:
#
#   tools/fuzz.sh HOURS [TARGET...]
#
#   FUZZ_SECONDS=20 tools/fuzz.sh     each target for so many seconds; without it 60
#   FUZZ_JOBS=2                       how many targets at a time; without it, as there are cores
#   FUZZ_COVERAGE=1                   how many of the library's lines the inputs reach, with a build of its own
#
# Builds into build-fuzz/. New inputs are kept in build-fuzz/corpus/TARGET and the next run starts with them;
# findings are in build-fuzz/findings/TARGET. What is found and fixed belongs into tests/fuzz/corpus/TARGET, which
# every build runs (meson test fuzz_replay). Exit status 1 if there were findings.
set -euo pipefail
cd "$(dirname "$0")/.."
. tools/debian.sh

hours=${1:-}
shift || true
cores=$(nproc)
jobs=${FUZZ_JOBS:-$cores}
all=(safetensors graph model caffe onnx npy truth picture map command_line)
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=("${all[@]}")
for target in "${targets[@]}"; do
  [[ " ${all[*]} " == *" $target "* ]] || { echo "tools/fuzz.sh: there is no target $target, only: ${all[*]}" >&2; exit 2; }
done
if [ -n "$hours" ]; then
  seconds=$(awk -v h="$hours" -v n=${#targets[@]} -v j="$jobs" 'BEGIN { s = h * 3600 * j / n; print int(s < 1 ? 1 : s) }')
else
  seconds=${FUZZ_SECONDS:-60}
fi

# clang_build FOLDER CPP_ARGUMENTS MESON_OPTION...
clang_build() {
  local build=$1 arguments=$2
  shift 2
  [ -f "$build/build.ninja" ] ||
    CXX=clang++ meson setup "$build" -Db_lundef=false -Dbuildtype=debug -Doptimization=1 -Dcpp_args="$arguments" \
      -Dblas=disabled -Dbench=disabled -Dtools=enabled "$@" >/dev/null
}

# fuzz TARGET: a line of what was done.
fuzz() {
  local target=$1 kept=$PWD/build-fuzz/corpus/$1 found=$PWD/build-fuzz/findings/$1 log=$PWD/build-fuzz/log/$1
  mkdir -p "$kept" "$found" build-fuzz/log
  local dictionary=tests/fuzz/dictionaries/$target
  local options=(-max_total_time="$seconds" -timeout=20 -rss_limit_mb=2500 -max_len=4096 -print_final_stats=1
    -use_value_profile=1 -close_fd_mask=1 -artifact_prefix="$found/")
  [ ! -f "$dictionary" ] || options+=(-dict="$PWD/$dictionary")
  local status=0
  CAMLITE_FUZZ=$target OMP_NUM_THREADS=1 ASAN_OPTIONS=allocator_may_return_null=1:detect_leaks=1 \
    nice -n 19 build-fuzz/tests/fuzz/fuzz "${options[@]}" "$kept" "$PWD/tests/fuzz/corpus/$target" >"$log" 2>&1 || status=$?
  local runs inputs
  runs=$(awk '/number_of_executed_units/ { print $2 }' "$log" | tail -n 1)
  inputs=$(find "$kept" -type f | wc -l)
  if [ "$status" -eq 0 ]; then
    echo "$target: ${runs:-0} executions in $seconds s, $inputs inputs kept, no finding"
  else
    echo "$target: ${runs:-0} executions, FINDING: $(grep -m 1 -E 'ERROR|BROKEN|runtime error|SUMMARY' "$log" || true)"
    echo "  $(find "$found" -type f -newer build-fuzz/started | tr '\n' ' ')see $log"
  fi
  return "$status"
}

# Lines of include/ that the kept inputs and the seeds reach.
coverage() {
  clang_build build-fuzz-coverage '-fprofile-instr-generate -fcoverage-mapping' \
    -Dcpp_link_args=-fprofile-instr-generate
  ninja -C build-fuzz-coverage tests/fuzz/replay >/dev/null
  rm -rf build-fuzz-coverage/inputs build-fuzz-coverage/*.profraw
  for target in "${targets[@]}"; do
    mkdir -p "build-fuzz-coverage/inputs/$target"
    cp -r "tests/fuzz/corpus/$target/." "build-fuzz-coverage/inputs/$target"
    [ ! -d "build-fuzz/corpus/$target" ] || cp -r "build-fuzz/corpus/$target/." "build-fuzz-coverage/inputs/$target"
    LLVM_PROFILE_FILE=$PWD/build-fuzz-coverage/$target.profraw \
      build-fuzz-coverage/tests/fuzz/replay build-fuzz-coverage/inputs "$target" >/dev/null 2>&1
  done
  llvm-profdata-14 merge -o build-fuzz-coverage/all.profdata build-fuzz-coverage/*.profraw
  llvm-cov-14 report build-fuzz-coverage/tests/fuzz/replay -instr-profile=build-fuzz-coverage/all.profdata \
    -show-region-summary=0 -show-branch-summary=0 include >build-fuzz-coverage/report
  cat build-fuzz-coverage/report
}

install_missing "${build_packages[@]}" clang llvm-14 libclang-rt-14-dev libomp-dev
clang_build build-fuzz -g1 -Dfuzz=true -Db_sanitize=address,undefined
ninja -C build-fuzz tests/fuzz/fuzz >/dev/null
touch build-fuzz/started
export -f fuzz
export seconds
status=0
printf '%s\n' "${targets[@]}" | xargs -P "$jobs" -I{} bash -c 'fuzz {}' || status=1
[ -z "${FUZZ_COVERAGE:-}" ] || coverage
exit "$status"
