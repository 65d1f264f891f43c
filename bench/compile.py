#!/usr/bin/env python3
"""What it costs to compile the program of README.md (its first C++ block) with -O2: user time and peak memory of the
compiler, and how large the program is when it is stripped. Prints the table of README.md, a line a compiler.

    bench/compile.py [COMPILER...]      g++ and clang++, where they are installed; some minutes each
    bench/compile.py --rounds 1 g++     once, instead of the medians of three

Let nothing else run meanwhile. Debian: g++, clang, libstb-dev, binutils.
"""

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

KERNELS = "#include <camlite/kernels/kernels.hpp>\n"


def program():
    """The source, as README.md has it."""
    return re.search(r"^```cpp\n(.*?)^```", (ROOT / "README.md").read_text(), re.DOTALL | re.MULTILINE)[1]


def measured(command, folder):
    """(user seconds, peak bytes) of a compiler with all that it starts."""
    process = subprocess.Popen(command, cwd=folder)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"failed: {' '.join(map(str, command))}")
    return used.ru_utime, used.ru_maxrss * 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("compilers", nargs="*", metavar="COMPILER", default=["g++", "clang++"])
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    print("| with -O2: seconds, memory | whole | without kernels | the kernels alone | single file | stripped |")
    print("| --- | --: | --: | --: | --: | --: |")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run([ROOT / "tools/amalgamate", "."], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        source = program()
        (folder / "app.cpp").write_text(source)
        (folder / "kernels.cpp").write_text(KERNELS)
        (folder / "single.cpp").write_text(source.replace("<camlite/camlite.hpp>", '"camlite.hpp"')
                                           .replace("<camlite/image_io.hpp>", '"camlite_image_io.hpp"'))  # fmt: skip
        include = f"-I{ROOT / 'include'}"
        ways = {
            "whole": [include, "app.cpp", "-o", "app"],
            "without kernels": [include, "-DCAMLITE_SEPARATE_KERNELS", "-c", "app.cpp"],
            "the kernels alone": [include, "-DCAMLITE_SEPARATE_KERNELS", "-c", "kernels.cpp"],
            "single file": ["single.cpp", "-o", "single"],
        }
        for compiler in filter(shutil.which, arguments.compilers):
            runs = {way: [] for way in ways}
            for _ in range(arguments.rounds):
                for way, options in ways.items():
                    runs[way].append(measured([compiler, "-std=c++20", "-O2", *options], folder))
            seconds = {way: statistics.median(run[0] for run in of_way) for way, of_way in runs.items()}
            memory = max(run[1] for run in runs["whole"])
            subprocess.run(["strip", "app"], cwd=folder, check=True)
            version = subprocess.check_output([compiler, "-dumpversion"], text=True).split(".")[0].strip()
            cells = [f"{seconds.pop('whole'):.0f}, {memory / 1e9:.1f} GB"]
            cells += [f"{each:.0f}" for each in seconds.values()]
            size = f"{(folder / 'app').stat().st_size / 1e6:.1f} MB"
            print(f"| {Path(compiler).name} {version} | {' | '.join(cells)} | {size} |", flush=True)


if __name__ == "__main__":
    main()
