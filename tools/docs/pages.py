#!/usr/bin/env python3
"""Lays out the site's pages in a folder: `pages.py FOLDER`. They are the repository's markdown files and whatever these
link to, at the paths that they have there."""

import shutil
import sys
from pathlib import Path

from markdown_pages import is_external, links, split, tracked

TOOLS = Path(__file__).parent
ROOT = TOOLS.parents[1].resolve()


def with_what_they_link_to(pages):
    """The pages, and the files that they show and link to."""
    files = set(pages)
    for page in pages:
        for _, target in links((ROOT / page).read_text()):
            path = split(target)[0]
            if path and not is_external(target):
                file = (ROOT / page.parent / path).resolve().relative_to(ROOT)
                if (ROOT / file).is_file():
                    files.add(file)
    return files


def main():
    out = Path(sys.argv[1])
    shutil.rmtree(out, ignore_errors=True)
    for file in with_what_they_link_to(tracked(ROOT, "*.md")):
        (out / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / file, out / file)
    for file in ("site.css", "iframe-worker.js"):
        shutil.copyfile(TOOLS / file, out / file)


if __name__ == "__main__":
    main()
