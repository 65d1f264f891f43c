#!/bin/sh
# run.sh PROGRAM LIBRARY: whether both are linked and compiled so that a mistake that writes where it must not is hard to
# make use of.
set -u
export LC_ALL=C
status=0

# holds FILE WHAT PATTERN COMMAND...: PATTERN is in what COMMAND FILE prints.
holds() {
  file=$1 what=$2 pattern=$3
  shift 3
  if ! "$@" "$file" | grep -Eq -e "$pattern"; then
    echo "$file: not $what"
    status=1
  fi
}

for file in "$@"; do
  holds "$file" "position independent" 'Type: +DYN' readelf -hW
  holds "$file" "read-only after relocation" GNU_RELRO readelf -lW
  holds "$file" "bound at the start" 'BIND_NOW|FLAGS.*NOW' readelf -dW
  holds "$file" "guarding its stack" '__stack_chk_fail' readelf --dyn-syms -W
  holds "$file" "checking copies of known size" '__[a-z]+_chk' readelf --dyn-syms -W
  if readelf -dW "$file" | grep -q 'libstdc++'; then
    holds "$file" "checking indices" '__glibcxx_assert_fail' readelf --dyn-syms -W
  fi
  if readelf -lW "$file" | grep -Eq 'GNU_STACK.*RWE'; then
    echo "$file: an executable stack"
    status=1
  fi
done
exit $status
