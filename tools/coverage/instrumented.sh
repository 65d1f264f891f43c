# Sourced by tools/coverage.sh and tools/fuzz.sh: a build that counts what it runs, build-coverage/, and what it has counted.

coverage_packages=(clang llvm-14 libclang-rt-14-dev libomp-dev)

instrumented=$PWD/build-coverage

# Sets it up, where it is not; the rest is ninja's.
instrumented_build() {
  local python=$PWD/build-python/bin/python # tools/test.sh makes it, with what some tests compare with
  [ -x "$python" ] || python=$debian_python
  [ -f "$instrumented/build.ninja" ] || CXX=clang++ meson setup "$instrumented" -Db_lundef=false -Dbuildtype=debug \
    -Doptimization=1 -Dcpp_args='-g0 -fprofile-instr-generate -fcoverage-mapping -DCAMLITE_COUNTS_LINES=1' \
    -Dcpp_link_args=-fprofile-instr-generate -Dbench=disabled -Dtools=enabled -Dtests=enabled -Dtest_python="$python"
}

# coverage_report NAME PROGRAM...: what these have run of include/, by the profiles in build-coverage/NAME. Fails if it is less
# than $least percent of the lines, where that is set.
coverage_report() {
  local profiles=$instrumented/$1 first=$2 program objects=()
  shift 2
  for program in "$@"; do objects+=(-object "$program"); done
  llvm-profdata-14 merge -o "$profiles/all" "$profiles"/*.profraw
  # It warns of functions that are not the same in all programs, as those that ask for a macro: they count once.
  llvm-cov-14 export -format=lcov "$first" "${objects[@]}" -instr-profile="$profiles/all" \
    >"$profiles/lines" 2>"$profiles/warnings"
  llvm-cov-14 export -skip-functions "$first" "${objects[@]}" -instr-profile="$profiles/all" \
    >"$profiles/branches" 2>>"$profiles/warnings"
  "$debian_python" tools/coverage/report.py "$PWD" "$profiles/missed" "$profiles/lines" "$profiles/branches" ${least:+"$least"}
}
