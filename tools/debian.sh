# Sourced by the other scripts: Debian's packages, and its Python.

# Where there is one, it is the one that has Debian's numpy and PyTorch.
debian_python=/usr/bin/python3
[ -x "$debian_python" ] || debian_python=python3

# install_missing PACKAGE...
install_missing() {
  local missing=() package
  for package in "$@"; do
    dpkg-query -W -f '${Status}\n' "$package" 2>/dev/null | grep -q '^install ok installed$' || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return
  if ! command -v apt-get >/dev/null; then
    echo "This system has no apt-get. Install what these Debian packages hold, and run again: ${missing[*]}" >&2
    return 1
  fi
  local root=()
  [ "$(id -u)" -eq 0 ] || root=(sudo)
  echo "Installing ${missing[*]}"
  "${root[@]}" apt-get update -qq
  "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

build_packages=(g++ meson ninja-build pkg-config libopenblas-dev libstb-dev libcli11-dev nlohmann-json3-dev
  libprotobuf-dev protobuf-compiler)
test_packages=("${build_packages[@]}" catch2 cmake make libbenchmark-dev python3 python3-venv python3-numpy python3-pil
  python3-torch python3-torchvision python3-opencv parallel locales)
