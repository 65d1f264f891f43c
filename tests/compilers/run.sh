#!/usr/bin/env bash
# The same results, but for rounding, of every compiler at every level of optimization, and where the caller compiles with
# -ffast-math.
#
#   tests/compilers/run.sh COMPILER...                  a few levels
#   EVERY_LEVEL=1 tests/compilers/run.sh COMPILER...    all of them, with OpenMP, too
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
export include=$here/../../include source=$here/results.cpp
work=$(mktemp -d)
export work
trap 'rm -rf "$work"' EXIT
levels=("-O2" "-O0" "-O3 -ffast-math")
[ -z "${EVERY_LEVEL:-}" ] || levels=("-O2" "-O0" "-O1" "-O3" "-Os" "-O2 -fopenmp" "-O2 -ffast-math" "-O3 -ffast-math")

export isas=portable
grep -qw fma /proc/cpuinfo && isas="$isas avx2"
grep -qw avx512f /proc/cpuinfo && isas="$isas avx512"

# results NUMBER COMPILER FLAGS
results() {
  # shellcheck disable=SC2086  # flags are words
  $2 -std=c++20 $3 "-I$include" "$source" -o "$work/program-$1" || { echo "$2 $3: does not compile"; return 1; }
  for isa in $isas; do
    CAMLITE_ISA=$isa "$work/program-$1" >"$work/results-$1-$isa" || { echo "$2 $3, $isa: status $?"; return 1; }
  done
}
export -f results

number=0
for compiler in "$@"; do
  for flags in "${levels[@]}"; do
    printf '%s\0%s\0%s\0' "$number" "$compiler" "$flags"
    echo "$compiler $flags" >"$work/name-$number"
    number=$((number + 1))
  done
done >"$work/jobs"
xargs -0 -a "$work/jobs" -P "$(nproc)" -n 3 bash -c 'results "$@"' results

# Each result within 1e-5 of the largest number of its line; boxes exactly, colours within 1.
status=0
for ((i = 0; i < $(find "$work" -name 'name-*' | wc -l); i++)); do
  for isa in $isas; do
    awk -v name="$(cat "$work/name-$i"), $isa" '
      NR == FNR { line[FNR] = $0; lines = FNR; next }
      {
        n = split(line[FNR], expected, " ")
        largest = 0
        for (k = 2; k <= n; k++) if (expected[k] < 0 ? -expected[k] > largest : expected[k] > largest)
          largest = expected[k] < 0 ? -expected[k] : expected[k]
        if (n != NF || $1 != expected[1]) { print name ": line " FNR " is another one"; bad = 1; next }
        allowed = $1 ~ /^(boxes|alpha|order)/ ? 0 : $1 == "overlay" ? 1 : 1e-5 * largest
        for (k = 2; k <= n; k++) {
          difference = $k - expected[k]
          if (difference < 0) difference = -difference
          if (!(difference <= allowed)) { print name ": " $1 "[" k - 2 "] is " $k ", expected " expected[k]; bad = 1; next }
          if ($1 != "overlay" && largest > 0 && difference / largest > worst) worst = difference / largest
        }
      }
      END {
        if (FNR != lines) { print name ": " FNR " results instead of " lines; bad = 1 }
        if (!bad) printf "%s: %d results, largest difference %.1e\n", name, lines, worst
        exit bad
      }' "$work/results-0-portable" "$work/results-$i-$isa" || status=1
  done
done
[ "$(grep '^alpha=' "$work/results-0-portable" | tr '\n' ' ')" = "alpha=nan 0 alpha=inf 0 alpha=1e999 0 alpha=0.5 1 " ] || {
  echo "numbers that are none are read"
  status=1
}
exit $status
