"""Markdown files, read as code hosts read them: code blocks, comments, links and headings."""

import collections
import re
import subprocess
from pathlib import Path
from urllib.parse import unquote

FENCE = re.compile(r"( {0,3})(`{3,}|~{3,})\s*(\S*)")
LINK = re.compile(r"\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*#*$")

# Kind is code, comment or text; line is where it begins, first where what is in it does.
Piece = collections.namedtuple("Piece", "kind line first text language", defaults=("",))


def tracked(root, pattern):
    """Files of the repository, without those that git ignores."""
    command = ["git", "-C", str(root), "ls-files", "--cached", "--others", "--exclude-standard", pattern]
    return [Path(line) for line in subprocess.check_output(command, text=True).splitlines() if (root / line).exists()]


class Unclosed(Exception):
    """A code block without an end: the line at which it begins."""


def pieces(text):
    """The page as code blocks, comments that begin a line, and lines of text."""
    lines = text.splitlines()
    number, after_blank = 0, True
    while number < len(lines):
        line, first = lines[number], number + 1
        number += 1
        if fence := FENCE.match(line):
            indent, mark, language = fence.groups()
            body = []
            while number < len(lines) and not re.fullmatch(rf" {{0,3}}{mark}\s*", lines[number]):
                body.append(lines[number].removeprefix(indent))
                number += 1
            if number == len(lines):
                raise Unclosed(first)
            number += 1
            yield Piece("code", first, first + 1, "\n".join(body) + "\n", language)
        elif line.startswith("    ") and line.strip() and after_blank:
            body = [line[4:]]
            while number < len(lines) and (lines[number].startswith("    ") or not lines[number].strip()):
                body.append(lines[number][4:])
                number += 1
            yield Piece("code", first, first, "\n".join(body).rstrip("\n") + "\n")
        elif line.startswith("<!--"):
            while "-->" not in line and number < len(lines):
                line += "\n" + lines[number]
                number += 1
            yield Piece("comment", first, first, line)
        else:
            after_blank = not line.strip()
            yield Piece("text", first, first, line)
            continue
        after_blank = True


def prose(text):
    """(number, line) of the lines of text, code in lines blanked."""
    for piece in pieces(text):
        if piece.kind == "text":
            yield piece.line, re.sub(r"(`+).*?\1", lambda code: " " * len(code[0]), piece.text)


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
