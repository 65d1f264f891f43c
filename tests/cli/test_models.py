"""Models by name: camlite models, and --model NAME."""

import json
import shutil
import unittest

from support import DEFAULT_MODEL, ProgramTest


class Models(ProgramTest):
    def setUp(self):
        super().setUp()
        self.home = {"HOME": str(self.here), "XDG_DATA_HOME": "", "CAMLITE_MODELS": ""}

    def listed(self, environment):
        out, _ = self.camlite("models", "--json", environment=environment)
        return {m["name"]: m for m in map(json.loads, out.splitlines())}

    def place(self, folder, name):
        path = self.here / folder / f"{name}.safetensors"
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(DEFAULT_MODEL, path)
        return path

    def test_a_model_in_the_personal_folder_has_a_name(self):
        path = self.place(".local/share/camlite/models", "mine")
        model = self.listed(self.home)["mine"]
        self.assertEqual((model["path"], model["classes"], model["input"]), (str(path), 200, [3, 64, 64]))
        self.picture("a.png")
        self.camlite("classify", "a.png", "--model", "mine", environment=self.home)

    def test_the_environment_names_the_folder(self):
        self.place("data/camlite/models", "first")
        self.place("elsewhere", "second")
        xdg = {**self.home, "XDG_DATA_HOME": str(self.here / "data")}
        self.assertIn("first", self.listed(xdg))
        both = {**xdg, "CAMLITE_MODELS": str(self.here / "elsewhere")}
        self.assertIn("second", self.listed(both))
        self.assertNotIn("first", self.listed(both))

    def test_the_default_model_may_be_a_name(self):
        self.place("elsewhere", "mine.v2")
        named = {**self.home, "CAMLITE_MODELS": str(self.here / "elsewhere"), "CAMLITE_MODEL": "mine.v2"}
        self.picture("a.png")
        self.camlite("classify", "a.png", "--output", "out.jsonl", environment=named)
        self.assertEqual(json.loads((self.here / "out.jsonl.manifest.json").read_text())["model"], "mine.v2")
        _, err = self.camlite("classify", "a.png", environment={**named, "CAMLITE_MODEL": "other"}, status=1)
        self.assertIn("other: there is no such file, and no model of this name", err)
        self.assertIn("CAMLITE_MODEL", err)

    def test_a_file_comes_before_a_name(self):
        self.place(".local/share/camlite/models", "mine")
        (self.here / "mine").write_bytes(b"no model")
        _, err = self.camlite("info", "--model", "mine", status=1, environment=self.home)
        self.assertIn("mine: ", err)

    def test_an_unknown_name_says_where_it_was_looked_for(self):
        _, err = self.camlite("info", "--model", "unknown", status=1, environment=self.home)
        self.assertIn(str(self.here / ".local/share/camlite/models"), err)

    def test_a_broken_model_is_named_and_the_others_are_listed(self):
        path = self.place(".local/share/camlite/models", "good")
        (path.parent / "bad.safetensors").write_bytes(b"12345")
        out, err = self.camlite("models", status=1, environment=self.home)
        self.assertIn("good", out)
        self.assertIn("bad.safetensors", err)

    def test_a_folder_that_cannot_be_listed_is_named(self):
        (self.here / "file").write_bytes(b"")
        out, err = self.camlite("models", environment={**self.home, "CAMLITE_MODELS": str(self.here / "file")})
        self.assertIn("tiny_vgg_gap", out)
        self.assertIn(f"{self.here}/file: cannot list: Not a directory", err)


if __name__ == "__main__":
    unittest.main()
