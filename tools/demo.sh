#!/usr/bin/env bash
# From a fresh clone to a heatmap: installs what is missing (Debian), builds, looks at a photograph.
#
#   tools/demo.sh [PICTURE...]
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/tools/debian.sh"
. "$root/tools/program.sh"
build_program "$root"

pictures=("$@")
[ ${#pictures[@]} -gt 0 ] || pictures=("$root/docs/pictures/coffee.jpg")
"$root/build/tools/camlite/camlite" cam "${pictures[@]}"
