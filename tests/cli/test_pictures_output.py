"""--output, --resume and --force: whole files, and runs that go on after they were stopped or killed."""

import csv
import json
import os
import re
import signal
import subprocess
import unittest

from support import GREEN, PROGRAM, RED, ProgramTest


class Output(ProgramTest):
    def setUp(self):
        super().setUp()
        self.model = self.colours()
        for i in range(24):
            folder = "ab-"[i % 3]
            self.picture(f"f/{folder}/{i // 3}.png", ((0, 0, 1 + i, 10), RED), ((0, 10, 20, i % 7), GREEN))
        (self.here / "f/b/5.png").write_bytes(b"broken")

    def look(self, *arguments, status=1, command="classify", pictures="f"):
        """The exit status is 1 unless it is said: one picture is broken."""
        return self.camlite(command, pictures, "--model", self.model, *arguments, status=status)

    def files(self):
        return sorted(p.name for p in self.here.iterdir() if p.is_file() and p != self.model)

    def manifest(self, name="out.jsonl"):
        return json.loads((self.here / f"{name}.manifest.json").read_text())

    def counts(self, name="out.jsonl"):
        pictures = self.manifest(name)["pictures"]
        return {key: pictures[key] for key in ("done", "failed")}


class Whole(Output):
    def test_the_file_has_what_standard_output_has_sorted_by_path(self):
        for command, options in (("classify", ()), ("cam", ("--no-overlay", "--top", 2))):
            lines = self.run_program(command, "f", "--model", self.model, "--json", *options).stdout.splitlines(True)
            out, err = self.look("--output", "out.jsonl", "--force", *options, command=command)
            self.assertEqual(out, "")
            self.assertIn("1 of 24 pictures failed; out.jsonl says why", err)
            expected = sorted(lines, key=lambda line: os.fsencode(json.loads(line)["image"]))
            self.assertEqual((self.here / "out.jsonl").read_bytes(), b"".join(expected))
            self.assertEqual(self.files(), ["out.jsonl", "out.jsonl.manifest.json"])

    def test_sorted_bytewise(self):
        self.look("--output", "out.csv")
        raw = (self.here / "out.csv").read_bytes()
        self.assertEqual(raw.count(b"\r\n"), 25)
        rows = list(csv.DictReader(raw.decode().splitlines()))
        names = [row["image"] for row in rows]
        self.assertEqual(names, sorted(names, key=str.encode))
        self.assertEqual(names[0], "f/-/0.png")
        self.assertEqual([bool(row["error"]) for row in rows], [name == "f/b/5.png" for name in names])

    def test_the_manifest(self):
        self.look("--output", "out.jsonl", "--top", 2)
        first = self.manifest()
        self.assertEqual({key: first["pictures"][key] for key in ("listed", "done", "failed")}, {"listed": 24, "done": 24, "failed": 1})
        self.assertEqual((first["command"], first["model"], first["complete"]), ("classify", "colours", True))
        self.assertEqual(first["format"], "json")
        self.assertRegex(first["model_hash"], "^[0-9a-f]{16}$")
        self.assertEqual(
            first["options"],
            {"top": 2, "crops": 1, "size": 0, "whole": False, "max_pixels": 100000000, "max_memory": 16,
             "isa": self.camlite("--version")[0].split(", ")[1]},
        )
        self.assertIn(first["version"], self.camlite("--version")[0])
        self.look("--output", "cam.csv", "--no-overlay", "--class", "red", command="cam")
        second = self.manifest("cam.csv")
        self.assertEqual(second["model_hash"], first["model_hash"])
        self.assertEqual({k: second["options"][k] for k in ("class", "overlays")}, {"class": 0, "overlays": "none"})
        self.assertAlmostEqual(second["options"]["threshold"], 0.2)

    def test_what_is_there_is_not_overwritten(self):
        (self.here / "out.jsonl").write_text("mine\n")
        _, err = self.look("--output", "out.jsonl", status=2)
        self.assertIn("--resume", err)
        self.assertIn("--force", err)
        self.assertEqual((self.here / "out.jsonl").read_text(), "mine\n")
        _, err = self.look("--output", "out.jsonl", "--resume")
        self.assertIn("out.jsonl.manifest.json: is not there", err)
        self.assertEqual((self.here / "out.jsonl").read_text(), "mine\n")
        self.assertEqual(self.files(), ["out.jsonl"])
        self.look("--output", "out.jsonl", "--force")
        self.assertEqual(len((self.here / "out.jsonl").read_text().splitlines()), 24)

    def test_overlays_of_records_in_a_file_are_drawn_where_it_is_said(self):
        self.look("--output", "out.jsonl", command="cam")
        self.assertEqual(self.files(), ["out.jsonl", "out.jsonl.manifest.json"])
        for asked in ("--panel", "--plain", "--no-caption"):
            _, err = self.look("--output", "out.jsonl", "--force", asked, command="cam", status=2)
            self.assertIn("--out DIR/", err)
        self.look("--output", "out.jsonl", "--force", "--out", "maps/", "--panel", command="cam")
        self.assertTrue((self.here / "maps/a/0.cam.png").exists())

    def overlays_of(self, folder):
        """By picture; each is there, and no two are one."""
        self.camlite("cam", folder, "--model", self.model, "--out", "maps/", "--output", "o.jsonl", "--force", "--quiet")
        records = [json.loads(line) for line in (self.here / "o.jsonl").read_text().splitlines()]
        overlays = {record["image"]: record["overlay"] for record in records}
        self.assertEqual(len(set(overlays.values())), len(overlays))
        self.assertTrue(all((self.here / overlay).is_file() for overlay in overlays.values()))
        return overlays

    def test_overlays_of_names_that_leave_no_room_for_a_suffix(self):
        names = [240 * "x" + letter + ".png" for letter in "ab"] + [120 * "\u00e4" + ".png"]
        for name in names:
            self.picture(f"long/{name}", ((0, 0, 9, 10), RED))
        overlays = self.overlays_of("long")
        self.assertEqual(overlays[f"long/{names[0]}"], f"maps/{220 * 'x'}.cam.png")
        self.assertEqual(overlays[f"long/{names[1]}"], f"maps/{220 * 'x'}-2.cam.png")
        self.assertEqual(overlays[f"long/{names[2]}"], f"maps/{110 * chr(0xe4)}.cam.png")

    def test_an_overlay_takes_no_folders_name_and_follows_no_link(self):
        self.picture("g/a.png", ((0, 0, 9, 10), RED))
        self.picture("g/a.cam.png/b.png", ((0, 0, 9, 10), RED))
        self.assertEqual(self.overlays_of("g"), {"g/a.png": "maps/a-2.cam.png", "g/a.cam.png/b.png": "maps/a.cam.png/b.cam.png"})
        real = self.picture("h/real.png", ((0, 0, 9, 10), GREEN))
        self.picture("h/c.png", ((0, 0, 9, 10), RED))
        (self.here / "maps/c.cam.png").symlink_to(real)
        before = real.read_bytes()
        self.assertEqual(self.overlays_of("h")["h/c.png"], "maps/c-2.cam.png")
        self.assertEqual(real.read_bytes(), before)

    def test_a_part_that_waits_is_not_overwritten(self):
        (self.here / "out.jsonl.part").write_text("mine\n")
        _, err = self.look("--output", "out.jsonl", status=2)
        self.assertIn("out.jsonl.part", err)
        self.assertEqual((self.here / "out.jsonl.part").read_text(), "mine\n")
        self.assertEqual(self.files(), ["out.jsonl.part"])

    def test_options_that_cannot_be(self):
        for wrong in (("--output", "out.txt"), ("--output", "-", "--json"), ("--resume",), ("--force",), ("--output", "o.csv", "--resume", "--force")):
            self.look(*wrong, status=2)
        self.look("--output", "gone/out.csv", status=1)
        self.look("--output", "out.txt", "--csv")
        self.assertTrue((self.here / "out.txt").read_text().startswith("image,error,class_1,"))

    def test_what_cannot_be_written_ends_the_run_and_fails_no_picture(self):
        whole = ("--out", "maps/", "--output", "out.jsonl", "--resume")
        (self.here / "maps/a/3.cam.png").mkdir(parents=True)
        _, err = self.look(*whole, command="cam")
        self.assertIn("maps/a/3.cam.png: cannot write", err)
        self.assertFalse((self.here / "out.jsonl").exists())
        self.assertNotIn("f/a/3.png", (self.here / "out.jsonl.part").read_text())
        (self.here / "maps/a/3.cam.png").rmdir()
        self.look(*whole, command="cam")
        records = [json.loads(line) for line in (self.here / "out.jsonl").read_text().splitlines()]
        self.assertEqual(len(records), 24)
        self.assertEqual([r["image"] for r in records if "error" in r], ["f/b/5.png"])


class Resume(Output):
    def undisturbed(self, name, *options, command="cam"):
        self.look("--output", name, *options, command=command)
        return (self.here / name).read_bytes()

    def break_off(self, name, keep, tail=b""):
        """As if the run had been killed after `keep` records."""
        path = self.here / name
        header = 1 if name.endswith(".csv") else 0
        lines = path.read_bytes().splitlines(True)[header:]
        path.unlink()
        (self.here / f"{name}.part").write_bytes(b"".join(lines[-keep:] if keep else []) + tail)
        manifest = self.manifest(name)
        manifest["complete"] = False
        (self.here / f"{name}.manifest.json").write_text(json.dumps(manifest))

    def test_from_wherever_it_was(self):
        for name in ("out.jsonl", "out.csv"):
            whole = self.undisturbed(name, "--no-overlay")
            record = whole.splitlines(True)[-3]
            for keep in (0, 1, 23, 24):
                for tail in (b"", record[:1], record[:-1], record[: len(record) // 2]):
                    self.break_off(name, keep, tail)
                    self.look("--output", name, "--no-overlay", "--resume", command="cam")
                    self.assertEqual((self.here / name).read_bytes(), whole, (name, keep, tail))
                    self.assertFalse((self.here / f"{name}.part").exists())
                    self.assertEqual(self.counts(name), {"done": 24, "failed": 1})

    def test_what_is_recorded_is_not_looked_at_again(self):
        whole = self.undisturbed("out.jsonl", "--no-overlay")
        self.break_off("out.jsonl", 12)
        done = {json.loads(line)["image"] for line in (self.here / "out.jsonl.part").read_text().splitlines()}
        for name in done:
            (self.here / name).write_bytes(b"now it is broken")
        self.look("--output", "out.jsonl", "--no-overlay", "--resume", command="cam")
        self.assertEqual((self.here / "out.jsonl").read_bytes(), whole)

    def test_killed_before_the_part_was_removed(self):
        whole = self.undisturbed("out.jsonl", "--no-overlay")
        (self.here / "out.jsonl.part").write_bytes(whole)
        self.look("--output", "out.jsonl", "--no-overlay", "--resume", command="cam")
        self.assertEqual((self.here / "out.jsonl").read_bytes(), whole)
        self.assertEqual(self.counts(), {"done": 24, "failed": 1})

    def test_killed_while_it_wrote_a_file(self):
        whole = self.undisturbed("out.jsonl", "--out", "maps/")
        files = sorted(self.here.rglob("*"))
        self.break_off("out.jsonl", 12)
        left = json.loads(whole.splitlines()[0])["overlay"]
        for name in (left, "out.jsonl", "out.jsonl.manifest.json"):
            for number in (0, 1, 3):
                (self.here / f"{name}.part{number}").write_bytes(b"half of it")
        self.look("--output", "out.jsonl", "--out", "maps/", "--resume", command="cam")
        self.assertEqual((self.here / "out.jsonl").read_bytes(), whole)
        self.assertEqual(sorted(self.here.rglob("*")), files)

    def test_more_pictures_than_last_time(self):
        for name in ("out.jsonl", "out.csv"):
            whole = self.undisturbed(name, "--no-overlay")
            (self.here / name).unlink()
            self.look("--output", name, "--no-overlay", "--force", command="cam", pictures="f/b")
            few = (self.here / name).read_bytes()
            self.assertLess(len(few), len(whole))
            self.look("--output", name, "--no-overlay", "--resume", command="cam")
            self.assertEqual((self.here / name).read_bytes(), whole)
            self.assertEqual(self.counts(name), {"done": 24, "failed": 1})

    def test_a_run_that_was_not_begun_is_begun(self):
        self.look("--output", "out.jsonl", "--resume")
        self.assertEqual(len((self.here / "out.jsonl").read_text().splitlines()), 24)

    def test_of_another_model_or_other_options_it_is_refused(self):
        whole = self.undisturbed("out.jsonl", "--no-overlay")
        other = self.colours("other.safetensors", labels=["x", "y", "z"])
        for options, words in (
            (("--top", 2), "top: 5 there, 2 now"),
            (("--threshold", 0.3), "threshold: 0.2 there, 0.3 now"),
            (("--whole",), "whole: false there, true now"),
            (("--class", "red"), 'class: "most probable" there, 0 now'),
            (("--csv",), 'format: "json" there, "csv" now'),
        ):
            _, err = self.look("--output", "out.jsonl", "--no-overlay", "--resume", *options, command="cam")
            self.assertIn(words, err)
        _, err = self.look("--output", "out.jsonl", "--resume")
        self.assertIn('command: "cam" there, "classify" now', err)
        self.assertNotIn("model_hash", err)
        _, err = self.camlite("cam", "f", "--model", other, "--no-overlay", "--output", "out.jsonl", "--resume", status=1)
        self.assertRegex(err, 'model_hash: "[0-9a-f]+" there, "[0-9a-f]+" now')
        self.assertEqual((self.here / "out.jsonl").read_bytes(), whole)
        os.rename(self.model, self.here / "renamed.safetensors")
        self.camlite("cam", "f", "--model", "renamed.safetensors", "--no-overlay", "--output", "out.jsonl", "--resume", status=1)

    def test_files_that_are_something_else(self):
        self.undisturbed("out.jsonl", "--no-overlay")
        for garbage in (b"{}\n", b"[1]\n", b"\xff\n", b'{"image":3}\n', b'{"image_hex":"0g","error":""}\n', b"\n"):
            (self.here / "out.jsonl.part").write_bytes(garbage)
            _, err = self.look("--output", "out.jsonl", "--no-overlay", "--resume", command="cam")
            self.assertIn("out.jsonl.part: record 1", err)
        (self.here / "out.jsonl.part").unlink()
        manifest = self.here / "out.jsonl.manifest.json"
        whole = manifest.read_text()
        for version in ("7", "null", '"0.0.0"', "[]"):
            manifest.write_text(re.sub('"version": "[^"]*"', f'"version": {version}', whole))
            _, err = self.look("--output", "out.jsonl", "--no-overlay", "--resume", command="cam")
            self.assertIn("out.jsonl.manifest.json: of camlite ", err)
        for number in ("-1", "1e30", "1.5", '"1"'):
            manifest.write_text(re.sub('"done": [0-9]+', f'"done": {number}', whole))
            _, err = self.look("--output", "out.jsonl", "--no-overlay", "--resume", command="cam")
            self.assertIn('is not the manifest of a run: "done" is no whole number from 0', err)
        manifest.write_text(re.sub('"options"', '"shard": {"number": 1, "of": 0}, "options"', whole))
        _, err = self.look("--output", "out.jsonl", "--no-overlay", "--resume", command="cam")
        self.assertIn("is not the manifest of a run: there is no shard 1 of 0", err)
        manifest.write_text(whole.replace('"top": 5', '"top": ' + 200000 * "[" + 200000 * "]"))
        _, err = self.look("--output", "out.jsonl", "--no-overlay", "--resume", command="cam")
        self.assertIn("is not the manifest of a run", err)
        manifest.write_text("[]")
        _, err = self.look("--output", "out.jsonl", "--no-overlay", "--resume", command="cam")
        self.assertIn("is not the manifest of a run", err)

    def test_results_replace_no_picture(self):
        before = (self.here / "f/a/2.png").read_bytes()
        _, err = self.look("--output", "./f/a/2.png", "--json", "--force", status=2)
        self.assertIn("is one of the pictures", err)
        self.assertEqual((self.here / "f/a/2.png").read_bytes(), before)

    def test_names_of_all_kinds(self):
        for name in ("f/a, b.png", 'f/"q".png', "f/new\nline.png", "f/\u732b.png"):
            self.picture(name, ((0, 0, 9, 10), RED))
        self.picture(b"f/caf\xe9.png", ((0, 0, 9, 10), RED))
        self.picture(b"f/caf\xe8.png", ((0, 0, 9, 10), RED))
        for name in ("out.jsonl", "out.csv"):
            whole = self.undisturbed(name, "--out", "maps/")
            self.look("--output", name, "--out", "maps/", "--resume", command="cam")
            self.assertEqual((self.here / name).read_bytes(), whole)
            self.assertEqual(self.counts(name), {"done": 30, "failed": 1})

    def test_overlays_keep_their_names(self):
        names = [f"f/{folder}/{i}.png" for i in range(3) for folder in "ab"]
        look = lambda *more: self.camlite("cam", *more, "--model", self.model, "--out", "maps/", "--output", "out.jsonl", "--resume")
        look(names[0], names[1], names[3])
        overlays = lambda: {r["image"]: r["overlay"] for r in map(json.loads, (self.here / "out.jsonl").read_text().splitlines())}
        before = overlays()
        look(names[2], *names)
        after = overlays()
        self.assertEqual({name: after[name] for name in before}, before)
        self.assertEqual(len(set(after.values())), len(names))

    def test_two_runs_at_once_are_refused(self):
        import fcntl

        with open(self.here / "out.jsonl.part", "w") as part:
            fcntl.flock(part, fcntl.LOCK_EX)
            for option in ("--resume", "--force"):
                _, err = self.look("--output", "out.jsonl", option)
                self.assertIn("another run of camlite is writing to it", err)


class Killed(Output):
    def command(self, name, *options):
        return [PROGRAM, "cam", "f", "--model", self.model, "--out", f"{name}.maps/", "--output", name, *options]

    def finished(self, name, *options):
        done = subprocess.run(self.command(name, *options), cwd=self.here, capture_output=True, timeout=120)
        self.assertEqual(done.returncode, 1, done.stderr)  # one is broken
        return (self.here / name).read_bytes().replace(f"{name}.maps/".encode(), b"maps/")

    def begin(self, name, waits_for, *options):
        """A run that waits for that picture until the pipe is closed that it comes through: a link to one, since pipes
        themselves are not looked for in folders."""
        (self.here / waits_for).rename(self.here / "kept")
        os.mkfifo(self.here / "pipe")
        (self.here / waits_for).symlink_to(self.here / "pipe")
        # Who runs the tests in the background (nohup, &) has told them to ignore these, and they their programs.
        heard = lambda: [signal.signal(of, signal.SIG_DFL) for of in (signal.SIGINT, signal.SIGHUP)]
        run = subprocess.Popen(self.command(name, *options), cwd=self.here, stderr=subprocess.PIPE, preexec_fn=heard)
        pipe = open(self.here / waits_for, "wb")
        (self.here / "pipe").unlink()
        (self.here / waits_for).unlink()
        (self.here / "kept").rename(self.here / waits_for)
        return run, pipe

    def test_again_and_again_it_is_in_the_end_the_undisturbed_file(self):
        for name, jobs in (("out.jsonl", 1), ("out.csv", 3)):
            whole = self.finished(f"whole-{name}")
            for waits_for in ("f/-/3.png", "f/-/4.png", "f/a/0.png", "f/b/7.png"):
                run, pipe = self.begin(name, waits_for, "--resume", "--jobs", str(jobs))
                with pipe:
                    run.kill()
                    run.communicate(timeout=60)
                with open(self.here / f"{name}.part", "ab") as part:
                    part.write(b'{"ima' if jobs == 1 else b'"f/b')  # as a kill in the middle of writing leaves it
                self.assertFalse((self.here / name).exists())
            self.assertEqual(self.finished(name, "--resume"), whole)
            pictures = lambda folder: {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*.png")}
            self.assertEqual(pictures(self.here / f"{name}.maps"), pictures(self.here / f"whole-{name}.maps"))

    def test_ctrl_c_closes_the_files_and_says_how_to_go_on(self):
        whole = self.finished("whole.jsonl")
        run, pipe = self.begin("out.jsonl", "f/a/2.png", "--jobs", "1", "--threads", "1")
        with pipe:
            run.send_signal(signal.SIGINT)
            pipe.write((self.here / "f/a/2.png").read_bytes())
        _, err = run.communicate(timeout=60)
        self.assertEqual(run.returncode, 1)
        self.assertIn("stopped with 13 pictures to go; the same command with --resume goes on from there", err.decode())
        manifest = json.loads((self.here / "out.jsonl.manifest.json").read_text())
        self.assertEqual((manifest["complete"], self.counts()), (False, {"done": 11, "failed": 0}))
        part = (self.here / "out.jsonl.part").read_text().splitlines()
        self.assertEqual([json.loads(line)["image"] for line in part][-1], "f/a/2.png")
        self.assertFalse((self.here / "out.jsonl").exists())
        self.assertEqual(self.finished("out.jsonl", "--resume"), whole)

    def test_what_is_replaced_stays_until_all_is_there(self):
        before = self.finished("out.jsonl", "--top", "1")
        whole = self.finished("whole.jsonl")
        run, pipe = self.begin("out.jsonl", "f/a/2.png", "--force")
        with pipe:
            run.kill()
            run.communicate(timeout=60)
        self.assertEqual((self.here / "out.jsonl").read_bytes().replace(b"out.jsonl.maps/", b"maps/"), before)
        self.assertFalse(json.loads((self.here / "out.jsonl.manifest.json").read_text())["complete"])
        self.assertEqual(self.finished("out.jsonl", "--resume"), whole)
        self.assertNotIn("replaces", json.loads((self.here / "out.jsonl.manifest.json").read_text()))

    def test_ctrl_c_writes_no_page(self):
        run, pipe = self.begin("out.jsonl", "f/a/2.png", "--jobs", "1", "--threads", "1", "--report", "page")
        with pipe:
            run.send_signal(signal.SIGHUP)  # as a terminal that is closed does
            pipe.write((self.here / "f/a/2.png").read_bytes())
        _, err = run.communicate(timeout=60)
        self.assertEqual(run.returncode, 1)
        self.assertIn("report: not written", err.decode())
        self.assertFalse((self.here / "page/index.html").exists())


if __name__ == "__main__":
    unittest.main()
