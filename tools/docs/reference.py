#!/usr/bin/env python3
"""The API reference, from the headers' own comments: `reference.py XML_FOLDER PAGES_FOLDER` writes one page a group of
headers. Doxygen's XML says which public names there are, where, and how they are declared; the comment is the one that
stands above the declaration, or above the paragraph that it is in. A public function, type, alias, constant or macro
without one is an error, but for an operator's attributes beside its function; and so is a header that is in no group."""

import html
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2].resolve()
INCLUDE = ROOT / "include/camlite"

# Pages, and what is on them in which order; as the table in docs/hacking.md goes.
GROUPS = {
    "pictures": ("Pictures", "Image files, pixels, and what a network gets of them.",
                 "image.hpp box.hpp image_io.hpp image_format.hpp exif.hpp png.hpp deflate.hpp stb.hpp thumbnail.hpp "
                 "preprocess.hpp resize.hpp"),
    "network": ("Models and networks", "From a model file to a prediction.",
                "network.hpp prediction.hpp network/head.hpp network/layer_info.hpp network/workspace.hpp "
                "network/memory_plan.hpp network/lowering.hpp network/program.hpp network/placement.hpp "
                "model/model_file.hpp model/model.hpp model/preprocessing.hpp model/box_options.hpp limits.hpp model/architectures.hpp "
                "model/architectures/* model/random_model.hpp model/graph.hpp model/operators.hpp model/attributes.hpp model/fold.hpp "
                "model/safetensors.hpp model/safetensors_writer.hpp model/stored_tensor.hpp model/half.hpp "
                "model/mapped_file.hpp model/json.hpp model/json_text.hpp model/text.hpp"),
    "maps": ("Maps, heatmaps and boxes", "From a prediction to where it is in the picture.",
             "cam.hpp heatmap.hpp colormap.hpp normalize.hpp upsample.hpp boxes.hpp ten_crop.hpp authors_boxes.hpp "
             "cubic.hpp distance_transform.hpp contours.hpp union_find.hpp"),
    "drawing": ("Drawing", "Boxes and words on pictures.",
                "caption.hpp draw.hpp text.hpp panel.hpp bitmap_face.hpp"),
    "evaluate": ("Evaluation", "Answers held against the truth.",
                 "evaluate.hpp evaluate/truth.hpp evaluate/localization.hpp evaluate/max_box_acc.hpp "
                 "evaluate/score_map.hpp evaluate/baselines.hpp evaluate/bootstrap.hpp"),
    "operators": ("Operators", "Short templates, right for `float` and `double`, and what a graph's lines mean.",
                  "ops/*"),
    "basics": ("Tensors, errors, files", "What the others are made of.",
               "tensor.hpp error.hpp version.hpp finite.hpp parallel.hpp memory.hpp file.hpp output_file.hpp"),
}
NOT_LISTED = {
    "camlite.hpp": "includes the others",
    "camlite.h": "has a page of its own",
    "c_api.hpp": "defines what camlite.h declares",
}
TYPES = ("class", "struct", "union")
WITH_MACROS = ("version.hpp",)  # for callers; those of other headers are their own


@dataclass
class Name:
    """A public name: a function, type, alias, constant or macro."""

    name: str
    kind: str
    line: int
    end: int
    declaration: str
    comment: list = field(default_factory=list)


class Header:
    def __init__(self, path):
        self.path = path
        self.lines = [""] + (INCLUDE / path).read_text().splitlines()

    def about(self):
        """The comment at the top."""
        return uncommented(self.block_from(1))

    def block_from(self, first):
        last = first
        while last < len(self.lines) and is_comment(self.lines[last]):
            last += 1
        return self.lines[first:last]

    def comment_above(self, line):
        """The comment that opens the paragraph in which this line is."""
        at = line - 1
        while at > 0 and not is_comment(self.lines[at]):
            code = self.lines[at].split("//")[0].rstrip()
            if not code or code.endswith("{") or code.endswith("\\") or re.fullmatch(r"\s*(}.*|\w+:|#.*)", code):
                return []
            at -= 1
        last = at
        while at > 0 and is_comment(self.lines[at]):
            at -= 1
        return self.lines[at + 1:last + 1]

    def statement(self, line):
        """The lines of a variable's declaration, with the comment that stands behind it."""
        last = line
        while last < len(self.lines) - 1 and ";" not in self.lines[last].split("//")[0]:
            last += 1
        indent = len(self.lines[line]) - len(self.lines[line].lstrip())
        while last < len(self.lines) - 1 and re.match(r"\s{%d,}//" % (indent + 2), self.lines[last + 1]):
            last += 1
        return self.lines[line:last + 1]

    def comment_behind(self, line):
        match = re.search(r"[;{,]\s*//\s*(.*)", self.lines[line])
        return ["// " + match[1]] if match else []


def is_comment(line):
    return line.lstrip().startswith("//")


def uncommented(lines):
    return [re.sub(r"^\s*// ?", "", line) for line in lines]


def text_of(element):
    return "" if element is None else "".join(element.itertext()).strip()


def declaration_of(member, owner=""):
    """As Doxygen spells it; clang-format puts it right."""
    out = ""
    parameters = member.find("templateparamlist")
    if parameters is not None:
        each = []
        for parameter in parameters.findall("param"):
            words = [text_of(parameter.find(tag)) for tag in ("type", "declname")]
            default = text_of(parameter.find("defval"))
            each.append(" ".join(word for word in words if word) + (f" = {default}" if default else ""))
        out += f"template <{', '.join(each)}>\n"
    kind = member.get("kind")
    if kind in TYPES:
        return out + kind + " " + owner
    requires = text_of(member.find("requiresclause"))
    if requires:
        out += f"requires {requires}\n"
    type_name = text_of(member.find("type"))
    name = text_of(member.find("name"))
    if member.get("static") == "yes" and "static" not in type_name:
        out += "static "
    if member.get("explicit") == "yes" and "explicit" not in type_name:
        out += "explicit "
    if kind == "friend" and not type_name.startswith("friend"):
        type_name = "friend " + type_name
    return out + f"{type_name} {name}{text_of(member.find('argsstring'))};"


class Reference:
    def __init__(self, xml):
        self.xml = Path(xml)
        self.headers = {}
        self.names = {}  # by header
        self.by_position = {}
        self.read()

    def parse(self, refid):
        return ElementTree.parse(self.xml / f"{refid}.xml").getroot().find("compounddef")

    def position(self, element):
        location = element.find("location")
        path = Path(location.get("file")).resolve().relative_to(INCLUDE)
        line = int(location.get("line"))
        return str(path), line, max(line, int(location.get("bodyend") or line))

    def header(self, path):
        return self.headers.setdefault(path, Header(path))

    def read(self):
        compounds = ElementTree.parse(self.xml / "index.xml").getroot()
        for compound in compounds:
            kind, refid, name = compound.get("kind"), compound.get("refid"), compound.findtext("name")
            if kind == "namespace" and name == "camlite":
                for member in self.parse(refid).iter("memberdef"):
                    self.add(member, text_of(member.find("name")))
            elif kind == "file" and name in WITH_MACROS:
                for member in self.parse(refid).iter("memberdef"):
                    if not text_of(member.find("name")).endswith("_"):
                        self.add(member, text_of(member.find("name")))
            elif kind in TYPES and name.startswith("camlite::") and "detail" not in name.split("::"):
                self.add_type(self.parse(refid))
        for names in self.names.values():
            names.sort(key=lambda name: name.line)
            for before, name in zip(names, names[1:]):
                if not name.comment and before.end + 1 == name.line - name.declaration.count("\n"):
                    name.comment = before.comment  # one below the other
            functions = {name.name for name in names if name.kind == "function"}
            for name in names:
                operator = re.search(r'std::string_view type = "(\w+)"', name.declaration)
                if not name.comment and operator and operator[1] in functions:
                    name.comment = [f"// The operator `{operator[1]}` of a graph: the function below says what it computes."]

    def put(self, path, name):
        if not (name.line, name.name) in self.by_position.setdefault(path, set()):
            self.by_position[path].add((name.line, name.name))
            self.names.setdefault(path, []).append(name)

    def add(self, member, name):
        path, line, end = self.position(member)
        header = self.header(path)
        kind = member.get("kind")
        above = line
        if kind == "define":
            while header.lines[end].endswith("\\"):
                end += 1
            declaration = "\n".join(header.lines[line:end + 1])
            while header.lines[above - 1].startswith("#define"):
                above -= 1
        elif kind in ("variable", "typedef"):
            declaration = "\n".join(header.statement(line))
        elif kind == "enum":
            declaration = "\n".join(header.lines[line:end + 1])
        else:
            declaration = declaration_of(member)
        comment = header.comment_above(above) or header.comment_behind(line)
        self.put(path, Name(name, kind, line, end, declaration, comment))

    def add_type(self, compound):
        full = compound.findtext("compoundname").removeprefix("camlite::")
        if compound.get("prot", "public") != "public" or "::" in full or "<" in full:
            return  # what is inside of a type is shown with it
        path, line, end = self.position(compound)
        header = self.header(path)
        bases = ", ".join(f"{base.get('prot')} {base.text}" for base in compound.findall("basecompoundref"))
        head = declaration_of(compound, full + (f" : {bases}" if bases else ""))
        comment = header.comment_above(line) or header.comment_behind(line)
        body = self.synopsis(compound, header)
        self.put(path, Name(full, compound.get("kind"), line, end, f"{head} {{\n{body}\n}};", comment))

    def synopsis(self, compound, header):
        """The public members, with their comments, in the order of the header."""
        parts = {}
        for member in compound.iter("memberdef"):
            if member.get("prot") != "public":
                continue
            _, line, end = self.position(member)
            kind = member.get("kind")
            if kind in ("variable", "typedef"):
                text = header.statement(line)
            elif kind == "enum":
                text = header.lines[line:end + 1]
            else:
                behind = header.comment_behind(line) or self.behind_body(header, line)
                text = [declaration_of(member) + (f"  {behind[0]}" if behind else "")]
            parts[line] = text, end
        for inner in compound.findall("innerclass"):
            if inner.get("prot") == "public":
                nested = self.parse(inner.get("refid"))
                _, line, end = self.position(nested)
                name = nested.findtext("compoundname").rsplit("::", 1)[-1]
                parts[line] = [f"{nested.get('kind')} {name} {{", self.synopsis(nested, header), "};"], end
        out, seen = [], None
        previous_end = None
        for line, (text, end) in sorted(parts.items()):
            comment = header.comment_above(line)
            if out and (comment != seen or not comment) and self.blank_between(header, previous_end, line):
                out.append("")
            if comment and comment != seen:
                out += comment
            seen, previous_end = comment, end
            out += text
        return "\n".join(out)

    @staticmethod
    def behind_body(header, line):
        match = re.search(r"}\s+// (.*)$", header.lines[line])
        return ["// " + match[1]] if match else []

    @staticmethod
    def blank_between(header, first, last):
        return any(not header.lines[at].strip() for at in range(first, last))

    def problems(self):
        groups = listed_headers()
        for file in sorted(INCLUDE.rglob("*.hpp")):
            path = str(file.relative_to(INCLUDE))
            if path not in groups and path not in NOT_LISTED and not path.startswith("kernels/"):
                yield f"include/camlite/{path}: no group of tools/docs/reference.py has it"
        for path in groups:
            if not (INCLUDE / path).is_file():
                yield f"tools/docs/reference.py lists {path}, which is not there"
        for path, names in sorted(self.names.items()):
            for name in names:
                if not name.comment:
                    yield f"include/camlite/{path}:{name.line}: {name.name} is public and has no comment"


def listed_headers():
    out = {}
    for page, (_, _, paths) in GROUPS.items():
        for pattern in paths.split():
            found = sorted(INCLUDE.glob(pattern)) if "*" in pattern else [INCLUDE / pattern]
            for file in found:
                out[str(file.relative_to(INCLUDE))] = page
    return out


def formatted(declarations):
    """All of them by one run of clang-format, as the sources are."""
    mark = "// ---- declaration ----\n"
    source = mark.join(text + "\n" for text in declarations)
    style = "{BasedOnStyle: InheritParentConfig, DerivePointerAlignment: false, PointerAlignment: Left}"
    command = ["clang-format", "--style", style, "--assume-filename", str(INCLUDE / "reference.hpp")]
    out = subprocess.run(command, input=source, text=True, capture_output=True, check=True).stdout
    return [text.strip("\n") for text in out.split(mark.strip())]


def prose(comment):
    """A comment as markdown: paragraphs and lists as they are, what is indented is a formula or code."""
    out, in_code = [], False
    for line in uncommented(comment):
        if line.startswith("  ") and line.strip() and (in_code or not out or not out[-1].strip()):
            out.append("    " + line.strip("\n")[2:])
            in_code = True
            continue
        if line.strip() and in_code:
            out.append("")
        in_code = in_code and not line.strip()
        if line.startswith("- ") and out and out[-1].strip() and not out[-1].startswith(("- ", "  ")):
            out.append("")
        out.append(escaped(line))
    return "\n".join(out)


def escaped(line):
    parts = re.split(r"(`[^`]*`)", line)
    return "".join(part if part.startswith("`") else re.sub(r"([*_\[\]#|])", r"\\\1", html.escape(part, quote=False))
                   for part in parts)


def page_of(title, about, paths, reference, declarations):
    out = [f"# {title}", "", about, ""]
    for path in paths:
        names = reference.names.get(path)
        if not names:
            continue
        out += [f"## {path}", "", f"`#include <camlite/{path}>`", "", prose(reference.header(path).about()), ""]
        previous = None
        for at, name in enumerate(names):
            if previous is None or name.name != previous.name:
                out += [f"### {name.name}", ""]
            out += ["```cpp", declarations[path, name.line, name.name], "```", ""]
            below = names[at + 1] if at + 1 < len(names) else None
            if below is None or below.comment is not name.comment or below.name != name.name:
                out += [prose(name.comment), ""]
            previous = name
    return "\n".join(out) + "\n"


def index_page(groups, reference):
    out = ["# API reference", "",
           "Every public name of the library, with what its header says of it. Made from the headers, so it is what is "
           "in the sources. `#include <camlite/camlite.hpp>` has them all but those of `image_io.hpp`; a header may be "
           "included alone as well. What is in namespace `camlite::detail` and in `kernels/` is not for callers. "
           "[What is stable](../docs/embedding.md) and what may change is said there.", "",
           "| page | what is there |", "| --- | --- |"]
    for page, (title, about, _) in GROUPS.items():
        out.append(f"| [{title}]({page}.md) | {about} |")
    out.append("| [The C interface](c.md) | `camlite.h`, for C and every language that calls C. |")
    out += ["", "| name | header | |", "| --- | --- | --- |"]
    rows = {}
    for path, page in groups.items():
        for name in reference.names.get(path, []):
            anchor = name.name.lower()
            anchor = re.sub(r"[^\w\- ]", "", anchor).replace(" ", "-")
            rows.setdefault((name.name, path), (page, anchor, first_sentence(name.comment)))
    for (name, path), (page, anchor, what) in sorted(rows.items(), key=lambda row: row[0][0].lower()):
        out.append(f"| [{escaped(name)}]({page}.md#{anchor}) | `{path}` | {what} |")
    return "\n".join(out) + "\n"


def first_sentence(comment):
    text = " ".join(uncommented(comment)).strip()
    return escaped(re.split(r"(?<=[.:;])\s", text)[0].rstrip(":;."))


def main():
    xml, pages = Path(sys.argv[1]), Path(sys.argv[2])
    reference = Reference(xml)
    found = list(reference.problems())
    for problem in found:
        print(problem, file=sys.stderr)
    if found:
        return 1
    groups = listed_headers()
    keys = [(path, name.line, name.name) for path in groups for name in reference.names.get(path, [])]
    texts = [name.declaration for path in groups for name in reference.names.get(path, [])]
    declarations = dict(zip(keys, formatted(texts), strict=True))
    pages.mkdir(parents=True, exist_ok=True)
    for page, (title, about, _) in GROUPS.items():
        paths = [path for path, of in groups.items() if of == page]
        (pages / f"{page}.md").write_text(page_of(title, about, paths, reference, declarations))
    (pages / "index.md").write_text(index_page(groups, reference))
    header = (INCLUDE / "camlite.h").read_text()
    (pages / "c.md").write_text(f"# The C interface\n\n[Embedding](../docs/embedding.md) shows how it is built and used. "
                                f"This is `camlite/camlite.h`, whole:\n\n```c\n{header}```\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
