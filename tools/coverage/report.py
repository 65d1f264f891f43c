#!/usr/bin/env python3
"""Sums up what llvm-cov exports: `report.py ROOT MISSED LINES BRANCHES [LEAST]`, LINES in lcov's format, BRANCHES as JSON.
Prints lines and branches of each file under ROOT/include, and of all; a template counts once, whatever it was made for.
Writes the lines that were never run to the file MISSED, as path:line: text. Files for instructions that this processor does
not have count apart. Exit status 1 if fewer than LEAST percent of the lines were run."""

import json
import os
import sys
from collections import defaultdict
from pathlib import Path


def other_processors():
    """The files whose lines cannot run here."""
    flags = Path("/proc/cpuinfo").read_text()
    return {f"include/camlite/kernels/simd_{isa}.inl" for isa, flag in (("avx2", "avx2"), ("avx512", "avx512f"))
            if f" {flag} " not in flags}  # fmt: skip


def lines_of(tracefile):
    """By path: how often each line was run."""
    lines = defaultdict(dict)
    for record in tracefile:
        kind, _, rest = record.strip().partition(":")
        if kind == "SF":
            path = os.path.normpath(rest)
        elif kind == "DA":
            line, count = map(int, rest.split(",")[:2])
            lines[path][line] = max(lines[path].get(line, 0), count)
    return lines


def branches_of(export):
    """By path: whether each condition, by its place, has been true and has been false."""
    branches = defaultdict(lambda: defaultdict(int))
    for file in export["data"][0]["files"]:
        here = branches[os.path.normpath(file["filename"])]
        for *place, true, false, _, _, _ in file["branches"]:
            here[(*place, True)] += true
            here[(*place, False)] += false
    return branches


def row(name, lines, branches):
    def share(counts):
        run = sum(count > 0 for count in counts)
        return f"{run:6} of {len(counts):6} {run / len(counts):7.1%}" if counts else f"{'':24}"

    print(f"{name:52} {share(lines)}  {share(branches)}".rstrip())


def main():
    root, missed = Path(sys.argv[1]), Path(sys.argv[2])
    with open(sys.argv[3]) as tracefile:
        lines = lines_of(tracefile)
    with open(sys.argv[4]) as export:
        branches = branches_of(json.load(export))
    not_here = other_processors()
    all_lines, all_branches = [], []
    print(f"{'':52} {'lines':>24}  {'branches':>24}")
    with missed.open("w") as out:
        for path in sorted(lines):
            name = os.path.relpath(path, root)
            if not name.startswith("include/"):
                continue
            row(name, list(lines[path].values()), list(branches[path].values()))
            if name in not_here:
                print(f"{'':4}not in the sum: this processor does not have the instructions")
                continue
            all_lines += lines[path].values()
            all_branches += branches[path].values()
            text = Path(path).read_text().splitlines()
            for line, count in sorted(lines[path].items()):
                if count == 0:
                    print(f"{name}:{line}: {text[line - 1]}", file=out)
    row("sum", all_lines, all_branches)
    print(f"lines that were not run: {missed}")
    least = float(sys.argv[5]) if len(sys.argv) > 5 else 0
    share = 100 * sum(count > 0 for count in all_lines) / max(len(all_lines), 1)
    if share < least:
        sys.exit(f"{share:.1f} % of the lines are fewer than {least:g} %")


if __name__ == "__main__":
    main()
