#!/usr/bin/env python3
"""Checks a built site: `check_site.py FOLDER`. Every link leads to a file of the site and to an element of it, a browser
that shows a page fetches nothing from elsewhere, and the search knows every page."""

import json
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit, unquote

# What a browser fetches by itself, as opposed to what a reader follows.
FETCHED = {("link", "href"), ("script", "src"), ("img", "src"), ("source", "src"), ("iframe", "src"), ("object", "data")}


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.ids, self.fetched, self.followed = set(), [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        for name in ("id", "name"):
            if values.get(name):
                self.ids.add(values[name])
        for name in ("href", "src", "data"):
            if values.get(name):
                kind = self.fetched if (tag, name) in FETCHED else self.followed
                kind.append(values[name])


def problems(site):
    pages = {file: Page(file.read_text()) for file in sorted(site.rglob("*.html"))}
    if not pages:
        yield f"{site}: no pages"
    for file, page in pages.items():
        for target in page.fetched + page.followed:
            where = f"{file.relative_to(site)}: {target}: "
            parts = urlsplit(target)
            if parts.scheme == "data" or target.startswith("javascript:"):
                continue
            if parts.scheme or parts.netloc:
                if target in page.fetched:
                    yield where + "fetched from elsewhere"
                continue
            linked = (file.parent / unquote(parts.path)).resolve() if parts.path else file
            if linked.is_dir():
                linked /= "index.html"
            if not linked.is_relative_to(site) or not linked.is_file():
                yield where + "there is no such file"
            elif parts.fragment and linked in pages and unquote(parts.fragment) not in pages[linked].ids:
                yield where + "there is no such place on the page"


def not_searched(site):
    """Held against the index of the search as a page that lies in a folder reads it."""
    index = json.loads((site / "search/search_index.js").read_text().removeprefix("var __index = "))
    known = {entry["location"].split("#")[0] for entry in index["docs"]}
    for file in sorted(site.rglob("*.html")):
        if str(file.relative_to(site)) not in known:
            yield f"{file.relative_to(site)}: the search does not know this page"


def main():
    site = Path(sys.argv[1]).resolve()
    found = [*problems(site), *not_searched(site)]
    for problem in found:
        print(problem, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
