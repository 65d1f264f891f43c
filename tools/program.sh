# Sourced by the other scripts: builds the camlite program.

# build_program ROOT: into ROOT/build, with what it needs installed first.
build_program() {
  local root=$1 build=$1/build log
  install_missing "${build_packages[@]}"
  if [ ! -f "$build/build.ninja" ]; then
    log=$(meson setup "$build" "$root" 2>&1) || { echo "$log" >&2; return 1; }
  fi
  ninja -C "$build" -n program | grep -q 'no work to do' && return
  echo "Building the camlite program; the first time takes a few minutes" >&2
  ninja -C "$build" program >&2
}
