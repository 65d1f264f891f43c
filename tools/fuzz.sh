#!/usr/bin/env bash
# Fuzzes for HOURS hours in all, each target (tests/fuzz/target.hpp lists them) for its share:
#
#   tools/fuzz.sh HOURS [TARGET...]
#   tools/fuzz.sh campaign [TARGET...]   each target until it has had ten million executions, or four hours, since its last
#                                        finding, earlier runs included; can be stopped and started again
#
#   FUZZ_SECONDS=20 tools/fuzz.sh     each target for so many seconds; without it 60
#   FUZZ_JOBS=2                       how many targets at a time; without it, as there are cores
#   FUZZ_COVERAGE=1                   without HOURS: print the coverage, too
#
# Prints executions and findings of each target, of this run and of all so far, and how many of the library's lines the
# inputs reach (which takes a build of its own). Builds into build-fuzz/. New inputs are kept in build-fuzz/corpus/TARGET
# and the next run starts with them; findings are in build-fuzz/findings/TARGET. What is found and fixed belongs into
# tests/fuzz/corpus/TARGET, which every build runs (meson test fuzz_replay). Exit status 1 if there were findings.
set -euo pipefail
cd "$(dirname "$0")/.."
. tools/debian.sh
. tools/coverage/instrumented.sh

hours=${1:-} campaign=
shift || true
[ "$hours" != campaign ] || hours='' campaign=1
[[ $hours =~ ^([0-9]+([.][0-9]*)?|[.][0-9]+)?$ ]] || { echo "tools/fuzz.sh: $hours: expected HOURS or campaign, then targets" >&2; exit 2; }
cores=$(nproc)
jobs=${FUZZ_JOBS:-$cores}
all=(safetensors graph model caffe onnx weights npy truth labels records picture map captions command_line)
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=("${all[@]}")
for target in "${targets[@]}"; do
  [[ " ${all[*]} " == *" $target "* ]] || { echo "tools/fuzz.sh: there is no target $target, only: ${all[*]}" >&2; exit 2; }
done
if [ -n "$hours" ]; then
  seconds=$(awk -v h="$hours" -v n=${#targets[@]} -v j="$jobs" 'BEGIN { s = h * 3600 * j / n; print int(s < 1 ? 1 : s) }')
else
  seconds=${FUZZ_SECONDS:-$((campaign ? 600 : 60))}
fi

memory=/dev/shm # for files of targets that need some
[ -w "$memory" ] || memory=${TMPDIR:-/tmp}

# fuzz TARGET: a line of what was done. Where memory came from is kept two calls deep, which saves up to a sixth of the time:
# a finding run by itself (CAMLITE_FUZZ=TARGET build-fuzz/tests/fuzz/fuzz FILE) tells all.
fuzz() {
  local target=$1 kept=$PWD/build-fuzz/corpus/$1 found=$PWD/build-fuzz/findings/$1 log=$PWD/build-fuzz/log/$1
  mkdir -p "$kept" "$found" build-fuzz/log
  local dictionary=tests/fuzz/dictionaries/$target
  local options=(-max_total_time="$seconds" -timeout=20 -rss_limit_mb=2500 -max_len=4096 -print_final_stats=1
    -close_fd_mask=1 -artifact_prefix="$found/")
  [ ! -f "$dictionary" ] || options+=(-dict="$PWD/$dictionary")
  local status=0 start=$SECONDS
  TMPDIR=$memory CAMLITE_FUZZ=$target OMP_NUM_THREADS=1 \
    ASAN_OPTIONS=allocator_may_return_null=1:detect_leaks=1:quarantine_size_mb=8:malloc_context_size=2 \
    nice -n 19 build-fuzz/tests/fuzz/fuzz "${options[@]}" "$kept" "$PWD/tests/fuzz/corpus/$target" >"$log" 2>&1 || status=$?
  [ "$status" -ne 72 ] || status=0  # stopped
  local runs inputs
  runs=$(awk '/number_of_executed_units/ { print $2 }' "$log" | tail -n 1)
  inputs=$(find "$kept" -type f | wc -l)
  echo "$target ${runs:-0} $((SECONDS - start)) $((status != 0))" >>build-fuzz/executions
  if [ "$status" -eq 0 ]; then
    echo "$target: ${runs:-0} executions in $seconds s, $inputs inputs kept, no finding"
  else
    echo "$target: ${runs:-0} executions, FINDING: $(grep -m 1 -E 'ERROR|BROKEN|runtime error|SUMMARY' "$log" || true)"
    echo "  $(find "$found" -type f -newer build-fuzz/started | tr '\n' ' ')see $log"
  fi
  return "$status"
}

# enough TARGET: whether the runs so far, since the last finding, will do.
enough() {
  [ -f build-fuzz/executions ] && awk -v target="$1" '
    $1 == target { runs = $4 ? 0 : runs + $2; seconds = $4 ? 0 : seconds + $3 }
    END { exit !(runs >= 10000000 || seconds >= 4 * 3600) }' build-fuzz/executions
}

# fuzz_until_enough TARGET: run after run, so that little is lost where it is stopped.
fuzz_until_enough() {
  until enough "$1"; do fuzz "$1"; done
}

# Lines of include/ that the kept inputs and the seeds reach.
coverage() {
  local target inputs=$instrumented/fuzz/inputs
  instrumented_build >/dev/null
  ninja -C "$instrumented" tests/fuzz/replay >/dev/null
  rm -rf "$instrumented/fuzz"
  for target in "${targets[@]}"; do
    mkdir -p "$inputs/$target"
    cp -r "tests/fuzz/corpus/$target/." "$inputs/$target"
    [ ! -d "build-fuzz/corpus/$target" ] || cp -r "build-fuzz/corpus/$target/." "$inputs/$target"
    LLVM_PROFILE_FILE=$instrumented/fuzz/$target.profraw "$instrumented/tests/fuzz/replay" "$inputs" "$target" >/dev/null 2>&1
  done
  coverage_report fuzz "$instrumented/tests/fuzz/replay"
}

# Of all runs in this folder.
all_runs() {
  echo "All runs in $PWD/build-fuzz:"
  awk '{ runs[$1] += $2; seconds[$1] += $3; findings[$1] += $4 }
    END { for (t in runs) printf "%s: %d executions in %.1f h, %d findings\n", t, runs[t], seconds[t] / 3600, findings[t] }' \
    build-fuzz/executions | sort
}

install_missing "${build_packages[@]}" "${coverage_packages[@]}"
[ -f build-fuzz/build.ninja ] ||
  CXX=clang++ meson setup build-fuzz -Dfuzz=true -Db_sanitize=address,undefined -Db_lundef=false -Dbuildtype=debug \
    -Doptimization=2 -Dcpp_args=-g1 -Dblas=disabled -Dbench=disabled -Dtools=enabled >/dev/null
ninja -C build-fuzz tests/fuzz/fuzz >/dev/null
touch build-fuzz/started
export -f fuzz enough fuzz_until_enough
export seconds memory
status=0
printf '%s\n' "${targets[@]}" | xargs -P "$jobs" -I{} bash -c "set -e; fuzz${campaign:+_until_enough} {}" || status=1
all_runs
[ -z "$hours$campaign${FUZZ_COVERAGE:-}" ] || coverage
exit "$status"
