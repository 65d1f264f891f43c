#!/bin/sh
# openmp.sh CXX: networks in a process where somebody has brought another OpenMP library than the one that camlite was
# compiled for, as plugins, Python packages and libraries of others do: beside it, and in front of it (both have the
# names of GNU's functions, and then the first is taken for both).
set -eu
cxx=$1
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export OMP_WAIT_POLICY=passive

echo 'int main() {}' >"$work/empty.cpp"
if ! $cxx -fopenmp "$work/empty.cpp" -o "$work/empty" 2>/dev/null; then
  echo "NOT TESTED: $cxx has no OpenMP"
  exit 77
fi
$cxx -std=c++20 -O1 -fopenmp -I"$here/../../include" "$here/openmp.cpp" -o "$work/app" -ldl
case $(ldd "$work/app") in
  *libgomp*) other=libomp.so.5 ;;
  *) other=libgomp.so.1 ;;
esac

status=0
timeout 120 "$work/app" "$other" || status=$?
if [ "$status" -eq 77 ]; then
  echo "NOT TESTED: there is no $other"
  exit 77
elif [ "$status" -ne 0 ]; then
  echo "with $other beside: status $status"
  exit 1
fi
LD_PRELOAD=$other timeout 120 "$work/app"
