"""Follows a page of the documents as a reader does: copies every code block and runs it, in the order of the page.

    run_blocks.py BUILD_FOLDER PAGE...

Each page has a clean folder of its own, with empty places for the reader's settings, and in it `camlite`, which looks like
a fresh clone with BUILD_FOLDER as its `build`; the reader starts there. One shell goes through the whole page. A block is
commands unless an invisible comment in front of it says otherwise:

    <!-- file: NAME -->        it is a file, which the reader saves under this name
    <!-- output -->            it is what the last command printed: `...` stands for anything, as a line for any lines
    <!-- figures -->           the same, and every number stands for any number
    <!-- not run: REASON -->   it is left alone, but must still be shell, and name scripts and options that there are
    <!-- get_model -->         it is commands that need what tools/get_model fetches: run where CAMLITE_GOT_MODEL is the folder
                               that was its XDG_DATA_HOME, with its XDG_CACHE_HOME as cache/ in it; left alone elsewhere
    <!-- not code: REASON -->  it is no commands: a picture, a formula, a form
    <!-- run: COMMANDS -->     belongs to no block: commands that the page does not show (stand-ins for what is large or is
                               elsewhere; a check of what was just built)

Exit status 1 if a command failed or printed something else, with page, line, command and its output.
"""

import collections
import inspect
import os
import re
import select
import shlex
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "tools/docs"))
import markdown_pages  # noqa: E402

SECONDS = 300  # a command
GOT_MODEL = os.environ.get("CAMLITE_GOT_MODEL")
SHELL = ("", "sh", "bash", "console")
MARKER = re.compile(r"<!--\s*(file|output|figures|get_model|not run|not code|run)\s*(?::\s*(.*?))?\s*-->", re.DOTALL)
WITH_TEXT = ("file", "not run", "not code", "run")

Block = collections.namedtuple("Block", "line first language text kind argument")


class Wrong(Exception):
    """What is wrong with a page: the line, and what to say."""


def blocks_of(text):
    """The code blocks and hidden commands of a Markdown page, in order."""
    blocks, marker = [], None

    def add(code):
        nonlocal marker
        kind, argument = marker[1:] if marker else ("commands", "")
        if not kind:
            raise Wrong(code.line, f"the comment in front of this block is none of those of {Path(__file__).name}: {argument}")
        if kind == "commands" and code.language not in SHELL:
            raise Wrong(code.line, f"a block of {code.language}: say `file: NAME`, `output` or `not run: REASON` in front of it")
        blocks.append(Block(code.line, code.first, code.language, code.text, kind, argument))
        marker = None

    def unused():
        nonlocal marker
        if marker and marker[1]:
            raise Wrong(marker[0], f"`{marker[1]}` with no code block behind it")
        marker = None

    try:
        for piece in markdown_pages.pieces(text):
            if piece.kind == "code":
                add(piece)
            elif piece.kind == "text":
                if piece.text.strip():
                    unused()
            else:
                found = MARKER.fullmatch(piece.text.rstrip())
                if found and bool(found[2]) != (found[1] in WITH_TEXT):
                    raise Wrong(piece.line, f"`{found[1]}` needs something behind a colon, or nothing: {piece.text}")
                unused()
                if not found:  # somebody else's
                    marker = (piece.line, "", piece.text)
                elif found[1] == "run":
                    blocks.append(Block(piece.line, piece.line, "", inspect.cleandoc(found[2]) + "\n", "hidden", ""))
                else:
                    marker = (piece.line, found[1], found[2] or "")
    except markdown_pages.Unclosed as block:
        raise Wrong(block.args[0], "a code block without an end") from block
    unused()
    return blocks


def is_whole(command):
    """Whether this is what a shell would run, rather than wait for more lines."""
    if command.rstrip("\n").endswith("\\"):
        return False
    checked = subprocess.run(["bash", "-n"], input=command, capture_output=True, text=True)
    return checked.returncode == 0 and not checked.stderr


def commands_of(block):
    """(line, command), each as a reader's shell takes them."""
    command, start = "", block.first
    for number, line in enumerate(block.text.split("\n"), block.first):
        if not command:
            start = number
            if not line.strip() or line.lstrip().startswith("#"):
                continue
        command += line + "\n"
        if is_whole(command):
            yield start, command
            command = ""
    if command.strip():
        raise Wrong(start, f"this is not shell:\n{command}")


class Reader:
    """A person's shell in a clean folder."""

    def __init__(self, folder, build):
        self.folder = folder
        home, clone, programs = folder / "home", folder / "work" / "camlite", folder / "bin"
        for made in (home, clone, programs, folder / "tmp"):
            made.mkdir(parents=True)
        for entry in REPOSITORY.iterdir():
            if not entry.name.startswith(("build", ".git")):
                (clone / entry.name).symlink_to(entry)
        (clone / "build").symlink_to(build)
        # Debian's, or the tests' own environment on it: the one that has numpy and PyTorch.
        self.put(programs / "python3", f'exec {shlex.quote(sys.executable)} "$@"')
        # A compiler in a hurry: with kernels that are there. tests/embed gives the README's command to the real one.
        self.put(programs / "g++", 'for a; do shift; case $a in -O*) a=-O0;; esac; set -- "$@" "$a"; done\n'
                                   f'exec /usr/bin/g++ -DCAMLITE_SEPARATE_KERNELS "$@" {shlex.quote(str(build))}/libkernels.a')
        environment = {
            "HOME": str(home),
            "PATH": f"{programs}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
            "LC_ALL": "C.UTF-8",
            "TMPDIR": str(folder / "tmp"),
            "PYTHONDONTWRITEBYTECODE": "1",
            "OMP_WAIT_POLICY": "passive",  # other tests run beside this one
        }
        for kind, place in (("DATA", ".local/share"), ("CACHE", ".cache"), ("CONFIG", ".config"), ("STATE", ".local/state")):
            environment[f"XDG_{kind}_HOME"] = str(home / place)
        if GOT_MODEL:
            (home / ".local/share").mkdir(parents=True)
            (home / ".local/share/camlite").symlink_to(Path(GOT_MODEL).resolve() / "camlite")
            (home / ".cache").symlink_to(Path(GOT_MODEL).resolve() / "cache")
        statuses, self.status_in = os.pipe()
        self.statuses = os.fdopen(statuses)
        self.shell = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            stdin=subprocess.PIPE, cwd=clone, env=environment, text=True, pass_fds=[self.status_in], start_new_session=True,
        )
        os.close(self.status_in)
        self.where = clone
        self.tell("set -o pipefail")

    @staticmethod
    def put(path, script):
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def tell(self, text):
        self.shell.stdin.write(text + "\n")
        self.shell.stdin.flush()

    def run(self, command):
        """(exit status, or None if it did not end; what it printed). The shell's folder is `where` then."""
        printed = self.folder / "printed"
        self.tell(f"{{ {command}\n}} >{printed} 2>&1 </dev/null; printf '%d %s\\n' $? \"$PWD\" >&{self.status_in}")
        ready, _, _ = select.select([self.statuses], [], [], SECONDS)
        answer = self.statuses.readline() if ready else ""
        text = printed.read_text(errors="replace") if printed.exists() else ""
        if not answer:
            return None, text
        status, where = answer.rstrip("\n").split(" ", 1)
        self.where = Path(where)
        return int(status), text

    def leave(self):
        os.killpg(self.shell.pid, signal.SIGKILL)
        self.shell.wait()
        self.shell.stdin.close()
        self.statuses.close()


def pattern_of(expected, any_figures):
    """A regular expression for what a page says that a command prints."""
    parts = []
    for line in expected.rstrip("\n").split("\n"):
        if line.strip() == "...":
            parts.append(r"(?:.*\n)*?")
            continue
        for word in re.split(r"(\.\.\.|-?\d+(?:\.\d+)?(?:e[-+]?\d+)?| +)", line.rstrip()):
            if word == "...":
                parts.append(".*")
            elif any_figures and re.fullmatch(r"-?\d.*", word):
                parts.append(r"-?\d+(?:\.\d+)?(?:e[-+]?\d+)?")
            elif any_figures and word.startswith(" "):
                parts.append(" +")  # columns move with their figures
            else:
                parts.append(re.escape(word))
        parts.append(r" *\n")
    return "".join(parts)


def check_unrun(block, reader):
    """What is not run is at least shell, and scripts and options of camlite that it names are there."""
    for line, command in commands_of(block):
        try:
            words = shlex.split(command, comments=True)
        except ValueError as error:
            raise Wrong(line, f"{error}:\n{command}") from error
        for word in words:
            if re.match(r"(camlite/)?(tools|bench|tests|\.ci)/", word):
                clone = reader.folder / "work" / ("" if word.startswith("camlite/") else "camlite")
                if not (clone / word).exists():
                    raise Wrong(line, f"there is no {word}:\n{command}")
        program = reader.folder / "work/camlite/build/tools/camlite/camlite"
        for at, word in enumerate(words[:-1]):
            if Path(word).name != "camlite":
                continue
            shown = subprocess.run([program, words[at + 1], "--help"], capture_output=True, text=True)
            if shown.returncode:
                raise Wrong(line, f"camlite {words[at + 1]} --help fails:\n{command}\n{shown.stdout}{shown.stderr}")
            for option in (other for other in words[at:] if other.startswith("--")):
                if not re.search(rf"{re.escape(option.split('=')[0])}\b", shown.stdout):
                    raise Wrong(line, f"camlite {words[at + 1]} --help does not know {option}:\n{command}")


def follow(page, reader, told):
    """Goes through a page; `told` gets a line for each block."""
    counts = collections.Counter()
    printed, last = None, ""
    unseen = False  # whether the last commands were left alone
    for block in blocks_of(page.read_text()):
        at = f"{page.relative_to(REPOSITORY)}:{block.line}"
        if block.kind == "file":
            path = reader.where / block.argument
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text)
            told(f"{at}: saved as {block.argument}")
            counts["saved as files"] += 1
        elif block.kind in ("output", "figures") and unseen:
            told(f"{at}: not compared: its command was not run")
            counts["not run"] += 1
        elif block.kind in ("output", "figures"):
            if printed is None:
                raise Wrong(block.line, "an output with no command before it")
            if not re.fullmatch(pattern_of(block.text, block.kind == "figures"), printed.rstrip("\n") + "\n"):
                raise Wrong(block.line, f"this is not what the command printed:\n{last}--- the page:\n{block.text}"
                                        f"--- printed:\n{printed}")
            told(f"{at}: as printed")
            counts["outputs compared"] += 1
        elif block.kind == "get_model" and not GOT_MODEL:
            check_unrun(block, reader)
            told(f"{at}: not run: CAMLITE_GOT_MODEL is not set")
            counts["not run"] += 1
            unseen = True
        elif block.kind in ("not run", "not code"):
            if block.kind == "not run" and block.language in SHELL:
                check_unrun(block, reader)
            told(f"{at}: {block.kind}: {' '.join(block.argument.split())}")
            counts[block.kind] += 1
        else:
            printed, last, unseen = "", "", False
            for line, command in commands_of(block):
                status, text = reader.run(command)
                if status not in (0, 128 + signal.SIGPIPE):  # `| head` reads no more than it needs
                    ended = f"did not end within {SECONDS} s" if status is None else f"exit status {status}"
                    raise Wrong(line, f"{ended}:\n{command}--- printed:\n{text}")
                printed, last = printed + text, last + command
            if block.kind == "hidden":
                counts["hidden commands"] += 1
            else:
                told(f"{at}: ran")
                counts["ran"] += 1
    return counts


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # by way of `finally`: the shell ends, and its folder goes
    build = Path(sys.argv[1]).resolve()
    failed = 0
    for name in sys.argv[2:]:
        page = REPOSITORY / name
        with tempfile.TemporaryDirectory() as folder:
            reader = Reader(Path(folder), build)
            try:
                counts = follow(page, reader, print)
                print(f"{name}: " + ", ".join(f"{count} {what}" for what, count in sorted(counts.items())))
            except Wrong as wrong:
                line, what = wrong.args
                print(f"{name}:{line}: {what}")
                print(f"FAILED: {name}")
                failed += 1
            finally:
                reader.leave()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
