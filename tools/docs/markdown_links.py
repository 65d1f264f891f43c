"""Links and headings of markdown files, read as code hosts read them."""

import re
import subprocess
from pathlib import Path
from urllib.parse import unquote

FENCE = re.compile(r"^\s*(`{3,}|~{3,})")
LINK = re.compile(r"\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*#*$")


def tracked(root, pattern):
    """Files of the repository, without those that git ignores."""
    command = ["git", "-C", str(root), "ls-files", "--cached", "--others", "--exclude-standard", pattern]
    return [Path(line) for line in subprocess.check_output(command, text=True).splitlines() if (root / line).exists()]


def prose(text):
    """(number, line) of all lines outside of code blocks, code in lines blanked."""
    fence = None
    blank = True
    in_indented = False
    for number, line in enumerate(text.splitlines(), 1):
        match = FENCE.match(line)
        if fence:
            if match and match[1].startswith(fence):
                fence = None
            continue
        if match:
            fence = match[1]
            continue
        in_indented = line.startswith("    ") and (blank or in_indented)
        blank = not line.strip()
        if not in_indented:
            yield number, re.sub(r"(`+).*?\1", lambda code: " " * len(code[0]), line)


def links(text):
    """(number, target) of every link and picture."""
    return [(number, match[1]) for number, line in prose(text) for match in LINK.finditer(line)]


def anchors(text):
    """What a heading is called in an address: lower case, without punctuation, spaces as hyphens."""
    names = set()
    lines = dict(enumerate(text.splitlines(), 1))
    for number, line in prose(text):
        if HEADING.match(line):
            heading = HEADING.match(lines[number])[1].replace("`", "")
            heading = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
            name = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
            unique, count = name, 0
            while unique in names:
                count += 1
                unique = f"{name}-{count}"
            names.add(unique)
    return names


def is_external(target):
    return re.match(r"[a-z][a-z0-9+.-]*:", target) is not None


def split(target):
    """The file and the anchor of a relative link."""
    path, _, anchor = target.partition("#")
    return unquote(path), anchor
