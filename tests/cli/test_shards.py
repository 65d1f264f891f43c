"""Runs dealt out to processes: --shard, what launchers say, camlite merge. Held against the run of one process, with the
real mpiruns, Slurm and GNU parallel where they are installed."""

import itertools
import json
import os
import shutil
import signal
import subprocess
import time
import unittest

import numpy as np
from PIL import Image

import slurm
from support import GREEN, PROGRAM, RED, ProgramTest

LAUNCHER_VARIABLES = ("OMPI_", "PMI_", "SLURM_", "PARALLEL_")


def path_hash(path):
    """FNV-1a, then SplitMix64's finalizer: docs/scale.md."""
    mask = (1 << 64) - 1
    h = 0xCBF29CE484222325
    for byte in os.fsencode(path):
        h = (h ^ byte) * 0x100000001B3 & mask
    h = (h ^ h >> 30) * 0xBF58476D1CE4E5B9 & mask
    h = (h ^ h >> 27) * 0x94D049BB133111EB & mask
    return h ^ h >> 31


def missing(*programs):
    gone = [name for name in programs if shutil.which(name) is None]
    return f"NOT TESTED: {' and '.join(gone)} not installed" if gone else None


class ShardTest(ProgramTest):
    def setUp(self):
        super().setUp()
        for name in [name for name in os.environ if name.startswith(LAUNCHER_VARIABLES)]:
            self.addCleanup(os.environ.__setitem__, name, os.environ.pop(name))
        self.model = self.colours()

    def pictures(self, count=40, broken=True):
        """In two folders, with names that are quoted in every format."""
        random = np.random.default_rng(7)
        for i in range(count):
            name = f"set/{i % 2}/{i}, \"a\" \u00fc.png"
            path = self.here / name
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(random.integers(0, 256, (24, 24, 3), dtype=np.uint8)).save(path)
        if broken:
            (self.here / "set/0/broken.png").write_bytes(b"no picture")

    def command(self, output, *more):
        return ["classify", "set", "--model", self.model, "--output", output, "--quiet", *more]

    def whole(self, output="whole.jsonl", status=1):
        self.camlite(*self.command(output), status=status)
        return (self.here / output).read_bytes()

    def merged(self, output="out.jsonl", status=1):
        self.camlite("merge", output, status=status)
        return (self.here / output).read_bytes()


class Shards(ShardTest):
    def test_each_picture_is_in_the_shard_of_its_paths_hash(self):
        self.pictures(broken=False)
        for number in (1, 2, 3):
            self.camlite(*self.command("out.jsonl", "--shard", f"{number}/3"))
            lines = (self.here / f"out.shard-{number}-of-3.jsonl").read_text().splitlines()
            found = [json.loads(line)["image"] for line in lines]
            self.assertGreater(len(found), 0)
            self.assertTrue(all(path_hash(name) % 3 == number - 1 for name in found))

    def test_merged_shards_are_what_one_process_writes(self):
        self.pictures()
        for suffix in ("jsonl", "csv"):
            whole = self.whole(f"whole.{suffix}")
            for number in (3, 1, 2):
                self.camlite(*self.command(f"out.{suffix}", "--shard", f"{number}/3"))
            self.assertEqual(self.merged(f"out.{suffix}"), whole)
            manifests = [json.loads((self.here / f"{name}.{suffix}.manifest.json").read_text()) for name in ("whole", "out")]
            self.assertEqual(*manifests)

    def test_pictures_that_fail_are_told_by_merge(self):
        self.pictures(2)
        number = path_hash("set/0/broken.png") % 2 + 1
        _, err = self.camlite(*self.command("out.jsonl", "--shard", f"{number}/2"))  # or mpirun would kill the others
        self.assertIn("broken.png", err)
        self.camlite(*self.command("out.jsonl", "--shard", f"{3 - number}/2"))
        _, err = self.camlite("merge", "out.jsonl", status=1)
        self.assertIn("1 of them failed", err)
        # Without a file there is no merge that could.
        self.camlite("classify", "set", "--model", self.model, "--shard", f"{number}/2", status=1)

    def test_overlays_are_those_of_one_process(self):
        self.pictures(12, broken=False)
        for i in range(12):  # two pictures of one name
            picture = next((self.here / f"set/{i % 2}").glob(f"{i}, *.png"))
            shutil.copy(picture, picture.with_suffix(".bmp"))
        command = ["cam", "set", "--model", self.model, "--quiet"]
        self.camlite(*command, "--output", "whole.csv", "--out", "maps/")
        names = sorted(path.relative_to(self.here) for path in (self.here / "maps").rglob("*.png"))
        content = [(self.here / name).read_bytes() for name in names]
        shutil.rmtree(self.here / "maps")
        for number in (1, 2, 3, 4):
            self.camlite(*command, "--output", "out.csv", "--out", "maps/", "--shard", f"{number}/4")
        self.assertEqual(self.merged("out.csv", status=0), (self.here / "whole.csv").read_bytes())
        self.assertEqual(sorted(path.relative_to(self.here) for path in (self.here / "maps").rglob("*.png")), names)
        self.assertEqual([(self.here / name).read_bytes() for name in names], content)

    def more_of_one_name(self):
        """Two pictures of one name, one a shard, of which the second comes later."""
        for i in itertools.count():
            names = [f"set/{i}.png", f"set/{i}.bmp"]
            if path_hash(names[0]) % 2 == 0 and path_hash(names[1]) % 2 == 1:
                break
        self.picture(names[0], ((3, 4, 20, 10), RED))
        for number in (1, 2):
            self.camlite(*self.drawing(number))
        self.picture(names[1], ((3, 4, 20, 10), GREEN))
        return names

    def drawing(self, number, *more):
        return ["cam", "set", "--model", self.model, "--quiet", "--output", "out.jsonl", "--out", "maps/", "--shard", f"{number}/2", *more]

    def test_overlays_of_more_pictures_replace_none(self):
        names = self.more_of_one_name()
        for number in (1, 2):
            self.camlite(*self.drawing(number, "--resume"))
        self.camlite("merge", "out.jsonl")
        overlays = {r["image"]: r["overlay"] for r in map(json.loads, (self.here / "out.jsonl").read_text().splitlines())}
        self.assertEqual(len(set(overlays.values())), 2, overlays)
        self.assertEqual(set(overlays), set(names))
        self.assertTrue(all((self.here / overlay).exists() for overlay in overlays.values()))

    def test_two_pictures_with_one_overlay_are_not_merged(self):
        self.more_of_one_name()
        away = self.here / "away"
        away.mkdir()
        for path in list(self.here.glob("out.shard-1*")):  # on another machine
            path.rename(away / path.name)
        self.camlite(*self.drawing(2, "--resume"))
        for path in list(away.iterdir()):
            path.rename(self.here / path.name)
        self.camlite(*self.drawing(1, "--resume"))
        _, err = self.camlite("merge", "out.jsonl", status=1)
        self.assertIn("the overlay of both", err)
        for number in (1, 2):
            self.camlite(*self.drawing(number, "--force"))
        self.camlite("merge", "out.jsonl")

    def test_a_shard_is_not_replaced_by_the_whole(self):
        self.pictures(10, broken=False)
        for number in (1, 2):
            self.camlite(*self.command("out.jsonl", "--shard", f"{number}/2"))
        shards = ["out.shard-1-of-2.jsonl", "out.shard-2-of-2.jsonl"]
        before = (self.here / shards[0]).read_bytes()
        _, err = self.camlite("merge", shards[0], "--force", *shards, status=2)
        self.assertIn("is a shard", err)
        self.assertEqual((self.here / shards[0]).read_bytes(), before)

    def test_each_instruction_set_rounds_in_its_own_way(self):
        if self.camlite("--version")[0].split(", ")[1] == "portable":
            self.skipTest("this processor has one instruction set")
        self.pictures(10, broken=False)
        self.camlite(*self.command("out.jsonl", "--shard", "1/2"))
        self.camlite(*self.command("out.jsonl", "--shard", "2/2"), environment={"CAMLITE_ISA": "portable"})
        _, err = self.camlite("merge", "out.jsonl", status=1)
        self.assertIn('isa: "', err)

    def test_a_page_for_each_shard(self):
        self.pictures(10, broken=False)
        for number in (1, 2):
            self.camlite(*self.drawing(number, "--report", "page"))
            self.assertIn("<h1>", (self.here / f"page/shard-{number}-of-2/index.html").read_text())

    def test_a_page_of_a_shard_with_a_picture_that_failed(self):
        self.pictures(4)
        number = path_hash("set/0/broken.png") % 2 + 1
        for again in ((), ("--resume",)):
            _, err = self.camlite(*self.drawing(number, "--report", "page", *again))  # or mpirun would kill the others
            self.assertEqual(err.count("broken.png: "), 0 if again else 1, err)
        (self.here / "page").rename(self.here / "before")
        gone = next(p for p in sorted((self.here / "set").rglob("*.png")) if path_hash(str(p.relative_to(self.here))) % 2 == number - 1
                    and p.name != "broken.png")  # fmt: skip
        gone.write_bytes(b"now it is broken")
        _, err = self.camlite(*self.drawing(number, "--report", "page", "--resume"), status=1)
        self.assertIn(gone.name, err)
        self.assertNotIn("broken.png: ", err)

    def test_a_shard_says_nothing_of_the_pictures_of_others(self):
        self.pictures(4, broken=False)
        pictures = [str(p.relative_to(self.here)) for p in sorted((self.here / "set").rglob("*.png"))]
        mine = next(p for p in pictures if path_hash(p) % 2 == 0)
        precious = self.here / "precious.png"
        precious.write_bytes(b"mine")
        self.camlite(*self.drawing(2))
        part = self.here / "out.shard-2-of-2.jsonl"
        part.write_text(part.read_text() + json.dumps({"image": mine, "overlay": str(precious)}) + "\n")
        self.camlite(*self.drawing(1, "--resume"))
        self.assertEqual(precious.read_bytes(), b"mine")

    def test_what_a_single_process_has_begun_is_not_merged_into(self):
        self.pictures(10, broken=False)
        for number in (1, 2):
            self.camlite(*self.command("out.jsonl", "--shard", f"{number}/2"))
        part = self.here / "out.jsonl.part"
        part.write_text('{"image":"other.png"}\n')
        _, err = self.camlite("merge", "out.jsonl", status=2)
        self.assertIn("out.jsonl.part: is there", err)
        self.assertTrue(part.exists())
        self.camlite("merge", "out.jsonl", "--force")
        self.assertFalse(part.exists())
        self.assertEqual((self.here / "out.jsonl").read_bytes(), self.whole(status=0))

    def test_more_pictures_move_none(self):
        self.pictures(20, broken=False)
        for number in (1, 2):
            self.camlite(*self.command("out.jsonl", "--shard", f"{number}/2"))
        self.merged(status=0)
        self.pictures(40, broken=False)
        whole = self.whole(status=0)
        for number in (1, 2):
            self.camlite(*self.command("out.jsonl", "--shard", f"{number}/2", "--resume"))
        self.camlite("merge", "out.jsonl", "--force")
        self.assertEqual((self.here / "out.jsonl").read_bytes(), whole)

    def test_a_killed_shard_goes_on(self):
        self.pictures(400, broken=False)
        whole = self.whole(status=0)
        killed = 0
        for number in (1, 2):
            command = [PROGRAM, *map(str, self.command("out.jsonl", "--shard", f"{number}/2", "--jobs", 1, "--resume"))]
            while True:
                running = subprocess.Popen(command, cwd=self.here, stderr=subprocess.DEVNULL)
                part = self.here / f"out.shard-{number}-of-2.jsonl.part"
                size = part.stat().st_size if part.exists() else 0
                while running.poll() is None and (not part.exists() or part.stat().st_size < size + 4000):
                    time.sleep(0.001)
                if running.poll() is not None:
                    self.assertEqual(running.returncode, 0)
                    break
                running.send_signal(signal.SIGKILL)
                running.wait()
                killed += 1
        self.assertGreater(killed, 1)
        self.assertEqual(self.merged(status=0), whole)

    def test_what_cannot_be_merged(self):
        self.pictures(20, broken=False)
        self.camlite(*self.command("out.jsonl", "--shard", "1/2"))
        _, err = self.camlite("merge", "out.jsonl", status=1)
        self.assertIn("shard 2 of 2", err)
        self.camlite(*self.command("out.jsonl", "--shard", "2/2", "--top", 1))
        _, err = self.camlite("merge", "out.jsonl", status=1)
        self.assertIn("top: 5", err)
        self.assertIn("out.shard-2-of-2.jsonl", err)
        self.camlite(*self.command("out.jsonl", "--shard", "2/2", "--force"))

        manifest = self.here / "out.shard-2-of-2.jsonl.manifest.json"
        content = manifest.read_text()
        manifest.write_text(content.replace('"complete": true', '"complete": false'))
        _, err = self.camlite("merge", "out.jsonl", status=1)
        self.assertIn("not complete", err)
        manifest.write_text(content)

        shard = self.here / "out.shard-2-of-2.jsonl"
        lines = shard.read_bytes()
        first = (self.here / "out.shard-1-of-2.jsonl").read_bytes().splitlines(True)[0]
        shard.write_bytes(lines + first)
        _, err = self.camlite("merge", "out.jsonl", status=1)
        self.assertIn("out.shard-2-of-2.jsonl", err)
        shard.write_bytes(b"".join(lines.splitlines(True)[1:]))
        _, err = self.camlite("merge", "out.jsonl", status=1)
        self.assertIn("out.shard-2-of-2.jsonl", err)
        shard.write_bytes(lines)

        self.pictures(22, broken=False)
        self.camlite(*self.command("out.jsonl", "--shard", "2/2", "--resume"))
        _, err = self.camlite("merge", "out.jsonl", status=1)
        self.assertIn("22 pictures", err)
        self.assertFalse((self.here / "out.jsonl").exists())
        self.camlite(*self.command("out.jsonl", "--shard", "1/2", "--resume"))
        self.merged(status=0)
        _, err = self.camlite("merge", "out.jsonl", status=2)
        self.assertIn("--force", err)

    def test_shards_of_two_runs_are_told_apart(self):
        self.pictures(8, broken=False)
        for shard in ("1/2", "2/2", "1/3"):
            self.camlite(*self.command("out.jsonl", "--shard", shard))
        _, err = self.camlite("merge", "out.jsonl", status=1)
        self.assertIn("of 2", err)
        self.assertIn("of 3", err)

    def test_shards_that_make_no_sense(self):
        self.pictures(2, broken=False)
        for shard in ("0/2", "3/2", "1", "1/0", "a/b", "1/2/3", "-1/2"):
            _, err = self.camlite(*self.command("out.jsonl", "--shard", shard), status=2)
            self.assertIn("I/N", err)

    def test_what_launchers_say(self):
        self.pictures(8, broken=False)
        array = {"SLURM_ARRAY_TASK_COUNT": 4, "SLURM_ARRAY_TASK_MIN": 10, "SLURM_ARRAY_TASK_MAX": 16,
                 "SLURM_ARRAY_TASK_STEP": 2, "SLURM_ARRAY_TASK_ID": 14}  # fmt: skip
        step = {"SLURM_PROCID": 1, "SLURM_NTASKS": 2, "SLURM_STEP_NUM_TASKS": 2}
        for variables, shard in (
            ({"OMPI_COMM_WORLD_RANK": 2, "OMPI_COMM_WORLD_SIZE": 3}, "3-of-3"),
            ({"PMI_RANK": 0, "PMI_SIZE": 3}, "1-of-3"),
            (step, "2-of-2"),
            (array, "3-of-4"),
            (array | step, "6-of-8"),
            ({"OMPI_COMM_WORLD_RANK": 0, "OMPI_COMM_WORLD_SIZE": 2, **step}, "1-of-2"),
        ):
            environment = {name: str(value) for name, value in variables.items()}
            self.camlite(*self.command("env.jsonl", "--force"), environment=environment)
            self.assertTrue((self.here / f"env.shard-{shard}.jsonl").exists(), shard)
            # What is said on the command line is meant.
            self.camlite(*self.command("said.jsonl", "--force", "--shard", "1/1"), environment=environment)
            self.assertTrue((self.here / "said.jsonl").exists())
        # A job of an array that names its own picture has no share of it to find.
        picture = next((self.here / "set/0").glob("*.png"))
        for task in (10, 12, 14, 16):
            environment = {name: str(value) for name, value in array.items()} | {"SLURM_ARRAY_TASK_ID": str(task)}
            out, _ = self.camlite("classify", picture, "--model", self.model, "--json", environment=environment)
            self.assertEqual(len(out.splitlines()), 1)
        # A batch script runs once, though its job has two tasks.
        batch = {"SLURM_PROCID": "0", "SLURM_NTASKS": "2", "SLURM_JOB_ID": "5"}
        self.camlite(*self.command("batch.jsonl"), environment=batch)
        self.assertTrue((self.here / "batch.jsonl").exists())

    def test_what_launchers_cannot_mean(self):
        self.pictures(2, broken=False)
        gaps = {"SLURM_ARRAY_TASK_COUNT": "3", "SLURM_ARRAY_TASK_MIN": "1", "SLURM_ARRAY_TASK_MAX": "9",
                "SLURM_ARRAY_TASK_STEP": "1", "SLURM_ARRAY_TASK_ID": "4"}  # fmt: skip
        for variables, said in (
            ({"OMPI_COMM_WORLD_RANK": "3", "OMPI_COMM_WORLD_SIZE": "3"}, "OMPI_COMM_WORLD_RANK"),
            ({"PMI_RANK": "x", "PMI_SIZE": "3"}, "PMI_RANK"),
            (gaps, "gaps"),
            ({"SLURM_ARRAY_TASK_ID": "3", "SLURM_ARRAY_TASK_COUNT": "0"}, "gaps"),
            ({"SLURM_ARRAY_TASK_ID": "3"}, "SLURM_ARRAY_TASK_COUNT is not"),
            ({"OMPI_COMM_WORLD_RANK": "1"}, "OMPI_COMM_WORLD_SIZE is not"),
            ({"PMI_SIZE": "4"}, "PMI_RANK is not"),
            ({"SLURM_STEP_NUM_TASKS": "2"}, "SLURM_PROCID is not"),
        ):
            _, err = self.camlite(*self.command("out.jsonl"), environment=variables, status=2)
            self.assertIn(said, err)
            self.assertIn("--shard", err) if said != "OMPI_COMM_WORLD_RANK" else None


class Launchers(ShardTest):
    def setUp(self):
        super().setUp()
        self.pictures(160)
        self.expected = self.whole()

    def run_all(self, *command):
        done = subprocess.run([str(word) for word in command], cwd=self.here, capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, 0, done.stderr)

    def killing(self, rank, *more):
        """A command line for sh: the process whose rank is 1 is killed, by the kernel, in the middle of its 2049th byte."""
        line = " ".join(f"'{word}'" for word in (PROGRAM, *self.command("out.jsonl", "--resume", *more)))
        return f'[ "{rank}" = 1 ] && ulimit -c 0 && ulimit -f 4; {line}; true'

    def check_killed(self):
        """One shard lacks what the process that was killed had not written, and merging says so."""
        _, err = self.camlite("merge", "out.jsonl", status=1)
        self.assertIn("not complete", err)

    def mpirun(self, ranks, *command):
        root = ["--allow-run-as-root"] if os.getuid() == 0 else []
        self.run_all("mpirun.openmpi", *root, "--oversubscribe", "-n", ranks, *command)

    @unittest.skipIf(missing("mpirun.openmpi"), missing("mpirun.openmpi"))
    def test_open_mpi(self):
        for ranks in (2, 4):
            self.mpirun(ranks, PROGRAM, *self.command("out.jsonl"))
            self.assertEqual(self.merged(), self.expected)
            for path in self.here.glob("out.*"):
                path.unlink()

    @unittest.skipIf(missing("mpirun.openmpi"), missing("mpirun.openmpi"))
    def test_open_mpi_with_a_rank_killed_and_rerun(self):
        self.mpirun(4, "sh", "-c", self.killing("$OMPI_COMM_WORLD_RANK"))
        self.check_killed()
        self.mpirun(4, PROGRAM, *self.command("out.jsonl", "--resume"))
        self.assertEqual(self.merged(), self.expected)

    @unittest.skipIf(missing("mpirun.mpich"), missing("mpirun.mpich"))
    def test_mpich(self):
        self.run_all("mpirun.mpich", "-n", 2, PROGRAM, *self.command("out.jsonl"))
        self.assertEqual(self.merged(), self.expected)

    @unittest.skipIf(missing("parallel"), missing("parallel"))
    def test_gnu_parallel(self):
        line = " ".join(f"'{word}'" for word in (PROGRAM, *self.command("out.jsonl")))
        self.run_all("parallel", "--will-cite", "-j", 2, line + " --shard {}/3", ":::", 1, 2, 3)
        self.assertEqual(self.merged(), self.expected)

    @unittest.skipIf(missing("parallel"), missing("parallel"))
    def test_gnu_parallel_with_a_job_killed_and_rerun(self):
        jobs = ("parallel", "--will-cite", "-j", 2)
        self.run_all(*jobs, self.killing("{}", "--shard", "{}/3"), ":::", 1, 2, 3)
        self.check_killed()
        line = " ".join(f"'{word}'" for word in (PROGRAM, *self.command("out.jsonl", "--resume")))
        self.run_all(*jobs, line + " --shard {}/3", ":::", 1, 2, 3)
        self.assertEqual(self.merged(), self.expected)

    @unittest.skipIf(slurm.missing(), f"NOT TESTED: {slurm.missing()} not installed")
    def test_slurm(self):
        with slurm.Slurm() as cluster:
            cluster.run("srun", "-n", 2, PROGRAM, *self.command("step.jsonl"), cwd=self.here)
            self.assertEqual(self.merged("step.jsonl"), self.expected)
            line = " ".join(f"'{word}'" for word in (PROGRAM, *self.command("array.jsonl")))
            cluster.run(
                "sbatch", "--wait", "--array=0-2", "-o", "log.%a", "--wrap", line, cwd=self.here,
            )  # fmt: skip
            self.assertEqual(self.merged("array.jsonl"), self.expected)
            # One of the steps' tasks is killed, and the step is run again.
            cluster.run("srun", "-n", 4, "sh", "-c", self.killing("$SLURM_PROCID"), cwd=self.here)
            self.check_killed()
            cluster.run("srun", "-n", 4, PROGRAM, *self.command("out.jsonl", "--resume"), cwd=self.here)
            self.assertEqual(self.merged(), self.expected)


if __name__ == "__main__":
    unittest.main()
