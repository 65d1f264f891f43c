#!/usr/bin/env python3
"""Checks every link of the repository's markdown files as a code host follows them: that the file is in the
repository, and the heading in the file. Addresses elsewhere are checked for their form only."""

import sys
from pathlib import Path
from urllib.parse import urlsplit

from markdown_pages import Unclosed, anchors, is_external, links, split, tracked


def problems(root):
    files = set(tracked(root, "*"))
    folders = {folder for file in files for folder in file.parents}
    for page in tracked(root, "*.md"):
        try:
            found = links((root / page).read_text())
        except Unclosed as block:
            yield f"{page}:{block}: a code block without an end"
            continue
        for number, target in found:
            where = f"{page}:{number}: {target}: "
            if is_external(target):
                parts = urlsplit(target)
                if parts.scheme not in ("http", "https") or "." not in parts.netloc:
                    yield where + "not an address"
                continue
            path, anchor = split(target)
            if path.startswith("/"):
                yield where + "a link within the repository is relative"
                continue
            resolved = (root / page.parent / path).resolve() if path else (root / page).resolve()
            if not resolved.is_relative_to(root):
                yield where + "outside of the repository"
                continue
            file = resolved.relative_to(root)
            if file not in files and file not in folders:
                yield where + "there is no such file in the repository"
            elif anchor and (file.suffix != ".md" or anchor not in anchors(resolved.read_text())):
                yield where + f"{file} has no such heading"


def main():
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[2]).resolve()
    found = list(problems(root))
    for problem in found:
        print(problem, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
