#!/usr/bin/env bash
# The documents as a small site of plain files, every link checked.
#
#   tools/docs.sh [FOLDER]      the folder is build-docs/site unless said otherwise; it is made anew
#
# Installs what is missing (Debian, and PyPI into build-docs/python). The pages are the markdown files as
# they are, a reference made of the headers, and the manual page, for which the program is built (in build/)
# if it is not there.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
site=$(realpath -m "${1:-$root/build-docs/site}")
. "$root/tools/debian.sh"
. "$root/tools/program.sh"
install_missing git python3 python3-venv doxygen clang-format

cd "$root"
python=$root/build-docs/python/bin/python
[ -x "$python" ] || "$debian_python" -m venv build-docs/python
"$python" -m pip --disable-pip-version-check install --quiet --no-deps -r tools/docs/requirements.txt

"$python" tools/docs/check_markdown.py
"$python" tools/docs/pages.py build-docs/pages
rm -rf build-docs/xml
doxygen tools/docs/Doxyfile
"$python" tools/docs/reference.py build-docs/xml build-docs/pages/reference
build_program "$root"
build/tools/camlite/camlite manual | "$python" tools/docs/manual.py build-docs/pages/reference/camlite.1.md
NO_MKDOCS_2_WARNING=1 "$python" -m mkdocs build --quiet --strict --clean -f tools/docs/mkdocs.yml --site-dir "$site"
rm "$site/404.html" # it would be right at the root of a server only
"$python" tools/docs/check_site.py "$site"
echo "The documents are in $site/index.html"
