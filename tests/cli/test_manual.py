"""camlite manual and camlite completion: read by what reads them, held against --help."""

import html
import re
import shutil
import subprocess
import sys
import unittest
from pathlib import Path

from support import PROGRAM, ProgramTest

sys.path.insert(0, str(Path(__file__).parents[2] / "tools/docs"))
import manual  # noqa: E402

COMMANDS = ["cam", "classify", "run", "info", "convert", "export", "evaluate", "models", "bench", "merge", "completion",
            "manual"]  # fmt: skip


def needs(program):
    return unittest.skipUnless(shutil.which(program), f"NOT TESTED: {program} is not installed")


class Manual(ProgramTest):
    def test_every_command_and_option_of_the_help_is_there(self):
        page, _ = self.camlite("manual")
        page = page.replace("\\-", "-")
        for command in COMMANDS:
            self.assertIn(f"\n.SS camlite {command}\n", page)
            help_text, _ = self.camlite(command, "--help")
            section = page.split(f"\n.SS camlite {command}\n")[1].split("\n.SS ")[0]
            options = set(re.findall(r"^  (?:-\w,)?(--[\w-]+)", help_text, re.M)) - {"--help"}
            self.assertEqual(set(re.findall(r"^\.TP\n.*\\fB(--[\w-]+)", section, re.M)), options, command)

    def test_a_line_of_the_text_is_no_command(self):
        page, _ = self.camlite("manual")
        macros = set(re.findall(r"^[.'](\S*)", page, re.M))
        self.assertLessEqual(macros, {"TH", "SH", "SS", "TP", "PP", "nf", "fi", "br"})

    @needs("mandoc")
    def test_mandoc_finds_nothing_wrong(self):
        page, _ = self.camlite("manual")
        (self.here / "camlite.1").write_text(page)
        lint = subprocess.run(
            ["mandoc", "-T", "lint", "-W", "warning", "camlite.1"], cwd=self.here, capture_output=True, text=True
        )
        said = [line for line in lint.stdout.splitlines() if "missing date" not in line]
        self.assertEqual(said, [])
        read = subprocess.run(["mandoc", "camlite.1"], cwd=self.here, capture_output=True, text=True).stdout
        self.assertIn("camlite evaluate", re.sub(".\b", "", read))

    @needs("mandoc")
    def test_the_page_of_the_site_says_what_mandoc_shows(self):
        page, _ = self.camlite("manual")
        shown = subprocess.run(["mandoc", "-O", "width=1000"], input=page, capture_output=True, text=True, check=True).stdout
        head, *shown, foot = re.sub(".\b", "", shown).splitlines()
        self.assertIn("CAMLITE(1)", head)
        self.assertIn("CAMLITE(1)", foot)
        title, about, site = manual.page(page).split("\n\n", 2)
        self.assertEqual(title, "# camlite(1)")
        site = html.unescape(re.sub(r"</?(p|br|dl|dt|dd)>|^#+ |^```.*", " ", re.sub("</?(strong|em)>", "", site), flags=re.M))
        self.assertEqual(site.lower().split(), " ".join(shown).lower().split())


class Completion(ProgramTest):
    def script(self, shell):
        out, _ = self.camlite("completion", shell)
        path = self.here / f"camlite.{shell}"
        path.write_text(out)
        return path

    def bash(self, *words):
        """What bash offers for the last word."""
        line = " ".join(f"'{word}'" for word in ("camlite", *words))
        asked = (
            f"source {self.script('bash')}; COMP_WORDS=({line}); COMP_CWORD={len(words)}; _camlite; "
            'printf "%s\\n" "${COMPREPLY[@]}"'
        )
        out = subprocess.run(["bash", "-c", asked], cwd=self.here, capture_output=True, text=True, check=True)
        self.assertEqual(out.stderr, "")
        return out.stdout.split("\n")[:-1]

    def fish(self, line):
        asked = f"source {self.script('fish')}; complete -C '{line}'"
        out = subprocess.run(
            ["fish", "--no-config", "-c", asked], cwd=self.here, capture_output=True, text=True, check=True,
            env={"HOME": str(self.here), "PATH": f"{self.here}:/usr/bin:/bin"},
        )  # fmt: skip
        return [offer.split("\t")[0] for offer in out.stdout.splitlines()]

    def test_bash(self):
        self.assertEqual(set(self.bash("")), {*COMMANDS, "--help", "--version"})
        self.assertEqual(self.bash("ev"), ["evaluate"])
        self.assertEqual(self.bash("evaluate", "--tr"), ["--truth"])
        self.assertEqual(self.bash("evaluate", "--rule", ""), ["paper", "authors", "authors-largest"])
        self.assertEqual(self.bash("convert", "--dtype", "f"), ["f32", "f16"])
        (self.here / "a photo.jpg").touch()
        (self.here / "a folder").mkdir()
        self.assertEqual(set(self.bash("cam", "a")), {"a photo.jpg", "a folder"})
        self.assertEqual(self.bash("evaluate", "--images", "a"), ["a folder"])

    def test_bash_knows_every_choice_of_the_help(self):
        known = {}
        for command in COMMANDS:
            text, _ = self.camlite(command, "--help")
            for option, about in re.findall(r"^  (?:-\w,)?(--[\w-]+|[A-Z]+) (.*(?:\n {10}.*)*)", text, re.M):
                if choices := re.search(r"; one of (.*)", " ".join(about.split())):
                    known[command, option] = choices[1].split(", ")
        for option, choices in known.items():
            words = option if option[1].startswith("-") else option[:1]
            self.assertEqual(self.bash(*words, ""), choices, option)
        self.assertEqual(known["cam", "--colormap"], ["jet", "turbo", "viridis", "gray"])
        self.assertEqual(known["completion", "SHELL"], ["bash", "zsh", "fish"])
        for option in ("--arch", "--channels", "--dtype", "--preprocess"):
            self.assertIn(("convert", option), known)
        for command in ("cam", "classify", "evaluate"):
            self.assertEqual(known[command, "--crops"], ["1", "10"])
            self.assertIn("vgg16-gap", known[command, "--arch"])

    @needs("fish")
    def test_fish(self):
        (self.here / "camlite").symlink_to(PROGRAM)
        self.assertEqual(self.fish("camlite ev"), ["evaluate"])
        self.assertIn("--truth", self.fish("camlite evaluate --tr"))
        self.assertEqual(set(self.fish("camlite evaluate --rule ")), {"paper", "authors", "authors-largest"})
        self.assertEqual(set(self.fish("camlite cam --colormap ")), {"jet", "turbo", "viridis", "gray"})
        self.assertEqual(self.fish("camlite completion f"), ["fish"])

    @needs("zsh")
    def test_zsh(self):
        # Completion as it happens, in a zsh on a pseudo-terminal of its own.
        script = self.script("zsh")
        (self.here / "ask.zsh").write_text(
            "zmodload zsh/zpty\n"
            "zpty z zsh -f -i\n"
            "zpty -w z 'PS1=; autoload -U compinit; compinit -D -u; source " + str(script) + "'\n"
            "zpty -w z \"zstyle ':completion:*' list-prompt ''; unsetopt zle_bracketed_paste; LISTMAX=0\"\n"
            "zpty -w z 'print READY'\n"
            "zpty -r z got '*READY*READY*'\n"
            "zpty -n -w z \"$1\"$'\\t'\n"
            "sleep 1\n"
            "zpty -r -t z got && print -r -- $got\n"
            "while zpty -r -t z got; do print -r -- $got; done\n"
        )
        subprocess.run(["zsh", "-n", script], check=True)

        def offers(line):
            out = subprocess.run(
                ["zsh", "-f", "ask.zsh", line], cwd=self.here, capture_output=True, text=True, timeout=30
            )
            return re.sub(r"\x1b\[[\d;?]*[A-Za-z]|[\x07\x08\r]", "", out.stdout)

        self.assertIn("camlite evaluate", offers("camlite ev"))
        self.assertIn("--truth", offers("camlite evaluate --tr"))
        asked = offers("camlite evaluate --rule ")
        for choice in ("paper", "authors-largest"):
            self.assertIn(choice, asked)
        self.assertIn("--colormap viridis", offers("camlite cam --colormap v"))
        self.assertIn("completion fish", offers("camlite completion f"))

    def test_another_shell_is_refused(self):
        _, err = self.camlite("completion", "tcsh", status=2)
        self.assertIn("tcsh", err)
        self.assertIn("zsh", err)


if __name__ == "__main__":
    unittest.main()
