"""tools/docs: the checks of links refuse what is broken, and nothing else."""

import subprocess
import sys
import tempfile
import unittest
import unittest.mock
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "tools/docs"))
import check_markdown  # noqa: E402
import check_site  # noqa: E402
import reference  # noqa: E402


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


class Comments(FilesTest):
    """The comment of a line is the one above it, or the one that opens its paragraph."""

    def test_above(self):
        lines = ["// One.", "template <class T>", "T a(T x);", "T b(T x);", "", "int c();", "struct D {", "  int e;", "};"]
        self.write("x.hpp", "\n".join(lines) + "\n")
        with unittest.mock.patch.object(reference, "INCLUDE", self.root):
            header = reference.Header("x.hpp")
        self.assertEqual([header.comment_above(line) for line in (3, 4, 6, 8)], [["// One."], ["// One."], [], []])


if __name__ == "__main__":
    unittest.main()
