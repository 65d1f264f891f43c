#!/usr/bin/env python3
"""The manual page as a page of the site: `camlite manual | manual.py PAGE`. Reads what tools/camlite/manual.cpp writes of
roff, and refuses what it does not know."""

import html
import re
import sys
from pathlib import Path

FONTS = {"B": "strong", "I": "em"}
CHARACTERS = {"-": "-", "e": "\\", "&": ""}


def plain(words):
    """The text of a line, without its fonts."""

    def character(escape):
        if escape[1] not in CHARACTERS:
            raise ValueError(f"an escape that is not known: {escape[0]}")
        return CHARACTERS[escape[1]]

    return re.sub(r"\\(.?)", character, words)


def marked(words):
    """The same as HTML: \\fBbold\\fR and \\fIitalic\\fR."""
    out, tag = "", None
    for part in re.split(r"(\\f[BIR])", words):
        font = FONTS.get(part[2:]) if part.startswith("\\f") else None
        if not part.startswith("\\f"):
            out += html.escape(plain(part), quote=False)
        elif bool(font) == bool(tag):
            raise ValueError(f"fonts within fonts: {words}")
        else:
            out += f"<{font}>" if font else f"</{tag}>"
            tag = font
    if tag:
        raise ValueError(f"a font to the end of the line: {words}")
    return out


def page(roff):
    """The page as Markdown: headings, and the rest in HTML or code blocks, where no character means anything."""
    out, text = [], []
    lines = roff.splitlines()

    def end_paragraph():
        if text:
            out.append(f"<p>{' '.join(text)}</p>")
        text.clear()

    def entries():
        """Tags and what stands below them: the first of a list has been taken."""
        found = []
        while True:
            tag, about = marked(lines.pop(0)), []
            while lines and not lines[0].startswith("."):
                about.append(marked(lines.pop(0)))
            found.append(f"<dt>{tag}</dt>\n<dd><p>{' '.join(about)}</p></dd>")
            if not lines or lines[0] != ".TP":
                return "\n".join(["<dl>", *found, "</dl>"])
            lines.pop(0)

    while lines:
        line = lines.pop(0)
        if not line.startswith("."):
            text.append(marked(line))
            continue
        macro, _, words = line[1:].partition(" ")
        if macro == "br":
            text.append("<br>")
            continue
        end_paragraph()
        if macro == "TH":
            name, section = words.split()[:2]
            out.append(f"# {name.lower()}({section})\n\nWhat `man {name.lower()}` shows.")
        elif macro == "SH":
            out.append(f"## {plain(words).capitalize()}")
        elif macro == "SS":
            out.append(f"### {plain(words)}")
        elif macro == "TP":
            out.append(entries())
        elif macro == "nf":
            end = lines.index(".fi")
            out.append("\n".join(["```text", *map(plain, lines[:end]), "```"]))
            del lines[:end + 1]
        elif macro != "PP":
            raise ValueError(f"a line that is not known: {line}")
    end_paragraph()
    return "\n\n".join(out) + "\n"


def main():
    Path(sys.argv[1]).write_text(page(sys.stdin.read()))


if __name__ == "__main__":
    main()
