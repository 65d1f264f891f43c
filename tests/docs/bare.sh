#!/usr/bin/env bash
# The pages on a Debian that has nothing: README's first command, then page by page with the packages that each page names.
#
#   debootstrap --variant=minbase bookworm FOLDER && tests/docs/bare.sh FOLDER [PAGE...]      as root; pages: all of them
#
# Looks at the last commit. What needs a fetched network is left alone. Exit status 1 if a page fails.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
system=$(realpath "$1")
shift
pages=("$@")
[ ${#pages[@]} -gt 0 ] || mapfile -t pages < <(grep -oE "[A-Za-z/-]+\.md" "$root/tests/docs/meson.build")

mounted=()
trap 'for place in "${mounted[@]}"; do umount "$place"; done' EXIT
mkdir -p "$system/src"
for place in src proc dev; do
  case $place in
  src) mount --bind "$root" "$system/src" ;;
  proc) mount -t proc proc "$system/proc" ;;
  dev) mount --bind /dev "$system/dev" ;;
  esac
  mounted+=("$system/$place")
done
cp /etc/resolv.conf "$system/etc"

env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
  ${http_proxy:+"http_proxy=$http_proxy"} ${https_proxy:+"https_proxy=$https_proxy"} \
  chroot "$system" bash -euo pipefail -c '
    install() { apt-get install -y -qq --no-install-recommends "$@" >/dev/null; }
    cd
    apt-get update -qq
    install git ca-certificates
    git config --global --add safe.directory "*"
    rm -rf camlite
    git clone -q /src camlite
    cd camlite
    tools/demo.sh
    ninja -C build # what meson install installs
    install python3 python3-torchvision # for run_blocks.py, and what it puts in the place of files of a reader
    status=0
    for page; do
      # "Debian: a, b", "apt install a b"
      named=$(grep -oE "Debian: [a-z0-9 ,.+\`-]+|apt install [a-z0-9 .+-]+" "$page" | sed -E "s/^(Debian:|apt install)//; s/[,\`]/ /g" || true)
      echo "$page:" $named
      [ -z "$named" ] || install $named
      python3 tests/docs/run_blocks.py build "$page" || status=1
    done
    exit "$status"
  ' bare "${pages[@]}"
