"""The checks of the documents refuse what is broken, and nothing else: links (tools/docs) and blocks (run_blocks.py). What
the site's pages are made of is read as it is meant."""

import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import unittest.mock
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "tools/docs"))
import check_markdown  # noqa: E402
import check_site  # noqa: E402
import manual  # noqa: E402
import reference  # noqa: E402
import run_blocks  # noqa: E402


class FilesTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name).resolve()

    def write(self, name, text):
        file = self.root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


class Markdown(FilesTest):
    """Anchors are what GitHub makes of these headings."""

    def problems_of(self, line):
        subprocess.run(["git", "init", "-q", self.root], check=True)
        self.write("docs/other.md", "# Top\n\n## What it knows, and what it does not\n\n## `--shard` I/N\n\n## Twice\n\n## Twice\n")
        self.write("tools/run.sh", "true\n")
        self.write("page.md", f"# Page\n\n{line}\n")
        return [problem.split(": ", 2)[-1] for problem in check_markdown.problems(self.root)]

    def test_right(self):
        for line in (
            "[a](docs/other.md)",
            "[a](docs)",
            "[a](tools/run.sh)",
            "[a](#page)",
            "[a](docs/other.md#what-it-knows-and-what-it-does-not)",
            "[a](docs/other.md#--shard-in)",
            "[a](docs/other.md#twice-1)",
            "[a](https://example.org/x#y)",
            "`[a](none.md)`",
            "    [a](none.md)",
            "```\n[a](none.md)\n```",
            "<!-- [a](none.md)\n\n    [a](none.md) -->",
        ):
            with self.subTest(line):
                self.assertEqual(self.problems_of(line), [])

    def test_wrong(self):
        for line, problem in (
            ("[a](none.md)", "there is no such file in the repository"),
            ("![a](docs/none.png)", "there is no such file in the repository"),
            ("[a](docs/other.md#none)", "docs/other.md has no such heading"),
            ("[a](docs/other.md#twice-2)", "docs/other.md has no such heading"),
            ("[a](tools/run.sh#top)", "tools/run.sh has no such heading"),
            ("[a](/docs/other.md)", "a link within the repository is relative"),
            ("[a](../other.md)", "outside of the repository"),
            ("[a](http://nowhere)", "not an address"),
            ("```\ncode\n```\n[a](none.md)", "there is no such file in the repository"),
            ("```\ncode", "a code block without an end"),
        ):
            with self.subTest(line):
                self.assertEqual(self.problems_of(line), [problem])


class Site(FilesTest):
    def problems_of(self, html):
        self.write("sub/other.html", '<p id="here">')
        self.write("page.html", html)
        return [problem.split(": ", 2)[-1] for problem in check_site.problems(self.root)]

    def test_right(self):
        html = (
            '<a href="sub/other.html#here"></a><a href="#"></a><a href="https://example.org"></a>'
            '<p id="p"><a href="#p"></a><img src="data:image/png;base64,">'
        )
        self.assertEqual(self.problems_of(html), [])

    def test_wrong(self):
        for html, problem in (
            ('<a href="none.html">', "there is no such file"),
            ('<a href="sub">', "there is no such file"),
            ('<a href="sub/other.html#there">', "there is no such place on the page"),
            ('<a href="#there">', "there is no such place on the page"),
            ('<img src="sub/none.png">', "there is no such file"),
            ('<script src="https://example.org/x.js">', "fetched from elsewhere"),
            ('<link rel="stylesheet" href="//example.org/x.css">', "fetched from elsewhere"),
        ):
            with self.subTest(html):
                self.assertEqual(self.problems_of(html), [problem])

    def test_empty(self):
        self.assertEqual(len(list(check_site.problems(self.root))), 1)

    def test_every_page_can_be_searched(self):
        self.write("search/search_index.js", 'var __index = {"docs": [{"location": "a.html"}, {"location": "b/c.html#d"}]}')
        self.write("a.html", "")
        self.write("b/c.html", "")
        self.assertEqual(list(check_site.not_searched(self.root)), [])
        self.write("b/a.html", "")
        self.assertEqual(list(check_site.not_searched(self.root)), ["b/a.html: the search does not know this page"])


class ManualPage(unittest.TestCase):
    """Of roff, what camlite manual writes."""

    def test_right(self):
        for roff, page in (
            ('.TH NAME 1 "" "x" "y"', "# name(1)\n\nWhat `man name` shows.\n"),
            (".SH THE TITLE\n.SS a\\-b", "## The title\n\n### a-b\n"),
            ("a \\fBb\\fR \\fI<c>\\fR\n.br\n\\&.d\n.PP\n\\ef", "<p>a <strong>b</strong> <em>&lt;c&gt;</em> <br> .d</p>\n\n<p>\\f</p>\n"),
            (".TP\n\\fB\\-a\\fR\nb\nc\n.TP\nd\ne\n.PP\nf",
             "<dl>\n<dt><strong>-a</strong></dt>\n<dd><p>b c</p></dd>\n<dt>d</dt>\n<dd><p>e</p></dd>\n</dl>\n\n<p>f</p>\n"),
            (".PP\n.nf\n  a <b>\n\n*c*\n.fi\nd", "```text\n  a <b>\n\n*c*\n```\n\n<p>d</p>\n"),
        ):  # fmt: skip
            with self.subTest(roff):
                self.assertEqual(manual.page(roff), page)

    def test_not_known(self):
        for roff in (".XX\na", "a\\(bub", "\\fBa", "\\fBa\\fIb\\fR", "a\\fR"):
            with self.subTest(roff), self.assertRaises(ValueError):
                manual.page(roff)


class Comments(FilesTest):
    """The comment of a line is the one above it, or the one that opens its paragraph."""

    def test_above(self):
        lines = ["// One.", "template <class T>", "T a(T x);", "T b(T x);", "", "int c();", "struct D {", "  int e;", "};"]
        self.write("x.hpp", "\n".join(lines) + "\n")
        with unittest.mock.patch.object(reference, "INCLUDE", self.root):
            header = reference.Header("x.hpp")
        self.assertEqual([header.comment_above(line) for line in (3, 4, 6, 8)], [["// One."], ["// One."], [], []])


class Names(FilesTest):
    """A name of the reference without a comment is an error, and so is a header in no group."""

    def problems_of(self, lines):
        self.write("include/a.hpp", "\n".join(lines) + "\n")
        self.write("Doxyfile", f"INPUT = {self.root}/include\nGENERATE_XML = YES\nGENERATE_HTML = NO\nGENERATE_LATEX = NO\n"
                               f"OUTPUT_DIRECTORY = {self.root}\nEXTRACT_ALL = YES\nQUIET = YES\n")  # fmt: skip
        subprocess.run(["doxygen", self.root / "Doxyfile"], check=True, capture_output=True)
        patched = {"INCLUDE": self.root / "include", "GROUPS": {"all": ("All", "", self.listed)}, "WITH_MACROS": ("a.hpp",)}
        with unittest.mock.patch.multiple(reference, **patched):
            return list(reference.Reference(self.root / "xml").problems())

    listed = "a.hpp"

    @unittest.skipIf(shutil.which("doxygen") is None, "NOT TESTED: doxygen not installed")
    def test_names(self):
        good = ["// A.", "#define A 1", "#define B \\", "  2", "", "namespace camlite {", "", "// C.", "int c();", "", "}"]
        self.assertEqual(self.problems_of(good), [])
        for line, name in ((8, "c"), (1, "A")):
            bad = good[: line - 1] + [""] + good[line:]
            self.assertTrue(any(f": {name} is public and has no comment" in one for one in self.problems_of(bad)), name)
        self.listed = "b.hpp"
        self.assertEqual(len(self.problems_of(good)), 2)


class Listed(unittest.TestCase):
    """Every page with code is followed, and every test that a page names is there."""

    ROOT = Path(__file__).parents[2]

    def pages(self):
        names = subprocess.run(["git", "ls-files", "*.md"], cwd=self.ROOT, capture_output=True, text=True).stdout.split()
        if not names:
            self.skipTest("NOT TESTED: these files are in no repository of git")
        return {name: (self.ROOT / name).read_text() for name in names}

    def test_pages_are_followed(self):
        kinds = {name: {block.kind for block in run_blocks.blocks_of(text)} for name, text in self.pages().items()}
        listed = (self.ROOT / "tests/docs/meson.build").read_text()
        for name in (name for name, blocks in kinds.items() if blocks):
            self.assertIn(f"'{name}'", listed)
        of_the_model = re.search(r"pages_with_the_model\(\) {.*?\n}", (self.ROOT / ".ci/run").read_text(), re.DOTALL)[0].split()
        for name in (name for name, blocks in kinds.items() if "get_model" in blocks):
            self.assertIn(name, of_the_model)

    def test_tests_have_these_names(self):
        built = "\n".join(file.read_text() for file in self.ROOT.glob("tests/**/meson.build"))
        there = {name.removesuffix("_") for name in re.findall(r"'(\w+)'", built)}
        prefixes = tuple(re.findall(r"test\('(\w+_)' \+", built))
        for page, text in self.pages().items():
            for command in re.findall(r"`meson test -C build([^`]*)`", " ".join(text.split())):
                for name in (word for word in command.split() if not word.startswith("-")):
                    known = name in there or name.startswith(prefixes)
                    self.assertTrue(known, f"{page}: meson test -C build{command}")


class Blocks(FilesTest):
    def follow(self, page):
        """How many blocks of each kind; raises run_blocks.Wrong."""
        self.write("page.md", page)
        with unittest.mock.patch.object(run_blocks, "REPOSITORY", self.root):
            reader = run_blocks.Reader(self.root / "reader", self.root / "build")
            self.addCleanup(reader.leave)
            return run_blocks.follow(self.root / "page.md", reader, lambda line: None)

    def test_a_page_that_is_true(self):
        page = (
            "<!-- file: a.txt -->\n\n```text\none\n```\n\n    cat a.txt     # what is in it\n    echo 2 \\\n      3\n\n"
            "<!-- output -->\n\n    ...\n    2 3\n\n<!-- run: test -s a.txt -->\n\n<!-- not code: a form -->\n\n    a b...\n"
        )
        self.assertEqual(
            self.follow(page),
            {"saved as files": 1, "ran": 1, "outputs compared": 1, "hidden commands": 1, "not code": 1},
        )
        with unittest.mock.patch.object(run_blocks, "GOT_MODEL", None):
            self.folder_of_the_next()
            page = "<!-- get_model -->\n\n    false\n\n<!-- output -->\n\n    a\n\nThen\n\n    echo b\n\n<!-- output -->\n\n    b\n"
            self.assertEqual(self.follow(page), {"not run": 2, "ran": 1, "outputs compared": 1})

    def test_pages_that_are_not(self):
        for page, line, problem in (
            ("# A\n\n    true\n    false\n", 4, "exit status 1"),
            ("    false | true\n", 1, "exit status 1"),
            ("    echo a\n\n<!-- output -->\n\n    b\n", 5, "not what the command printed"),
            ("<!-- run: false -->\n", 1, "exit status 1"),
            ("<!-- output -->\n\n    a\n", 3, "no command before it"),
            ("<!-- not run -->\n\n    a\n", 1, "needs something behind a colon"),
            ("<!-- a remark -->\n\n    a\n", 3, "none of those"),
            ("<!-- output -->\n\nWords.\n", 1, "no code block behind it"),
            ("```cpp\nint a;\n```\n", 1, "a block of cpp"),
            ("```\ntrue\n", 1, "without an end"),
            ("    echo (\n", 1, "not shell"),
            ("<!-- not run: long -->\n\n    tools/none.sh\n", 3, "there is no tools/none.sh"),
        ):
            with self.subTest(page), self.assertRaises(run_blocks.Wrong) as raised:
                self.folder_of_the_next()
                self.follow(page)
            self.assertEqual(raised.exception.args[0], line, page)
            self.assertIn(problem, raised.exception.args[1])

    def folder_of_the_next(self):
        self.root = Path(tempfile.mkdtemp(dir=self.root)).resolve()

    def test_figures(self):
        for expected, printed, same in (
            ("a 0.5  b", "a 12 b", True), ("a -1e-3", "a 7", True), ("a 1", "b 1", False), ("a 1 x", "a 1", False),
            ("a\n...\nz 1", "a\nb\nc\nz 2", True), ("a\n...", "b", False),
        ):  # fmt: skip
            matched = re.fullmatch(run_blocks.pattern_of(expected, any_figures=True), printed + "\n")
            self.assertEqual(matched is not None, same, (expected, printed))
        self.assertIsNone(re.fullmatch(run_blocks.pattern_of("a 1", any_figures=False), "a 2\n"))


if __name__ == "__main__":
    unittest.main()
