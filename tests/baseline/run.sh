#!/bin/sh
# run.sh PROGRAM: whether the program runs on every x86-64 processor. Instructions of AVX and later, whose names begin
# with a v, may be in the kernels for AVX2 and AVX-512 alone: a function that is compiled for them by mistake, and that
# the linker then takes for the one of the same name elsewhere, would end the program on other processors.
set -eu
objdump -d -C --no-show-raw-insn "$1" | awk '
  /^[0-9a-f]+ <.*>:$/ {
    kernel = /camlite::kernels::avx(2|512)::/
    kernels += kernel
    name = $0
    next
  }
  !kernel && $2 ~ /^v[a-z]/ && $2 !~ /^ver[rw]$/ && !seen[name]++ {
    print name, $0
    ++others
  }
  END {
    print kernels + 0, "functions for AVX2 and AVX-512,", others + 0, "others that need AVX"
    exit kernels == 0 || others > 0
  }
'
