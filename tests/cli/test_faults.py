"""Every call of the operating system that concerns the program's files fails once, in turn: it says which file and why,
leaves nothing half written, harms nothing that was there, and the same command, run again, does all of it."""

import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
import unittest
from pathlib import Path

import numpy as np
import onnx
from PIL import Image

from caffe_files import RandomNet
from support import GREEN, PROGRAM, RED, ProgramTest

PRELOADED = os.environ.get("CAMLITE_FAILING_CALLS")  # tests/cli/failing_calls.cpp

REASONS = ("No space left on device", "Too many open files", "Input/output error", "Cannot allocate memory",
           "No locks available")


def files(folder):
    """Their contents; that of records.jsonl sorted, which has pictures as they came."""
    content = {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}
    if "records.jsonl" in content:
        content["records.jsonl"] = b"".join(sorted(content["records.jsonl"].splitlines(True)))
    return content


@unittest.skipUnless(PRELOADED, "needs CAMLITE_FAILING_CALLS, as meson sets it where no sanitizer is in the way")
class Faults(ProgramTest):
    def setUp(self):
        super().setUp()
        self.here = self.here.resolve()
        self.work = self.here / "work"
        self.log = self.here / "calls"
        self.given = self.here / "given"
        home, self.here = self.here, self.given
        self.given.mkdir()
        self.colours("m.safetensors")
        self.here = home

    def given_picture(self, name):
        home, self.here = self.here, self.given
        self.picture(name, ((0, 0, 9, 10), RED), ((0, 10, 20, 7), GREEN))
        self.here = home

    def run_in_work(self, arguments, fault=None, shortened=None, short=False):
        self.log.unlink(missing_ok=True)
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "LD_PRELOAD": PRELOADED,
                       "CAMLITE_FAULT_FOLDER": str(self.work), "CAMLITE_FAULT_LOG": str(self.log)}
        if fault is not None:
            environment["CAMLITE_FAULT_AT"] = str(fault)
        if short:
            environment["CAMLITE_FAULT_SHORT"] = "1"
        if shortened is not None:
            environment["CAMLITE_FAULT_SHORTEN"] = str(self.work / shortened)
        done = subprocess.run([PROGRAM, *map(str, arguments)], cwd=self.work, env=environment, capture_output=True,
                              timeout=60)
        return done.returncode, done.stderr.decode(errors="replace"), self.log.read_text().splitlines()

    def begin(self):
        shutil.rmtree(self.work, ignore_errors=True)
        shutil.copytree(self.given, self.work)

    def each_call_fails(self, arguments, again=(), least=5):
        """`again` is for the run after the fault, as --resume. `least` calls there are, so that it is known to be tried."""
        self.begin()
        status, errors, calls = self.run_in_work(arguments)
        self.assertEqual(status, 0, errors)
        expected = files(self.work)
        self.assertGreaterEqual(len(calls), least)
        harmless = 0
        for number in range(len(calls)):
            self.begin()
            status, errors, got = self.run_in_work(arguments, number)
            call = got[number]
            with self.subTest(number=number, call=call, errors=errors):
                self.assertIn(status, (0, 1))
                content = files(self.work)
                leftovers = [name for name in content if name.rpartition(".part")[2].isdigit()]
                self.assertEqual(leftovers, [])
                for name, data in files(self.given).items():
                    self.assertEqual(content[name], data)
                if status == 0:
                    self.assertEqual(content, expected)
                    harmless += 1
                    continue
                path = str(Path(call.split(" ", 1)[1]).relative_to(self.work))
                final = re.sub("[.]part[0-9]+$", "", path)  # the name that a temporary file is to have
                self.assertRegex(errors, f"(^|[ /]){re.escape(final)}/?: ")
                self.assertTrue(any(reason in errors for reason in REASONS))
                status, errors, _ = self.run_in_work([*arguments, *again])
                self.assertIn(status, (0, 1), errors)
                if status == 0:
                    self.assertEqual(files(self.work), expected)
                else:  # a picture that could not be read is recorded so, and not looked at again
                    self.assertIn("failed", errors)
                    status, errors, _ = self.run_in_work([*arguments, "--force"])
                    self.assertEqual(status, 0, errors)
                    self.assertEqual(files(self.work), expected)
        return len(calls), harmless

    def test_cam(self):
        for name in ("a.png", "f/b.png", "f/c.png"):
            self.given_picture(name)
        self.each_call_fails(["cam", ".", "--model", "m.safetensors", "--out", "maps/", "--output", "o.jsonl", "--jobs", 1],
                             again=["--resume"], least=40)

    def test_classify(self):
        for name in ("a.png", "b.png"):
            self.given_picture(name)
        self.each_call_fails(["classify", "a.png", "b.png", "--model", "m.safetensors", "--output", "o.csv", "--jobs", 1],
                             again=["--resume"], least=20)

    def test_cam_of_one_picture(self):
        self.given_picture("a.png")
        self.each_call_fails(["cam", "a.png", "--model", "m.safetensors"], least=10)

    def test_report(self):
        self.given_picture("a.png")
        self.each_call_fails(["cam", "a.png", "--model", "m.safetensors", "--no-overlay", "--report", "r"], least=10)

    def test_convert_and_export(self):
        self.each_call_fails(["convert", "m.safetensors", "n.safetensors"], least=8)
        self.each_call_fails(["export", "m.safetensors", "n.onnx"], least=7)

    def test_convert_what_others_wrote(self):
        (self.given / "labels.txt").write_text("red\ngreen\nblue\n")
        self.each_call_fails(["convert", "m.safetensors", "n.safetensors", "--labels", "labels.txt"], least=12)
        net = RandomNet((1, 3, 9, 9))
        net.conv_relu("conv1", "data", 4, 3, pad=1)
        net.same("Pooling", "pool", "conv1", pool="AVE", global_pooling=True)
        net.fc("fc", "pool", 5, 4)
        (self.given / "net.caffemodel").write_bytes(net.caffemodel())
        (self.given / "net.prototxt").write_text(net.prototxt())
        self.each_call_fails(["convert", "net.caffemodel", "n.safetensors", "--prototxt", "net.prototxt"], least=10)
        done = subprocess.run([PROGRAM, "export", "m.safetensors", "n.onnx"], cwd=self.given, capture_output=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        model = onnx.load(self.given / "n.onnx")
        onnx.save(model, self.given / "n.onnx", save_as_external_data=True, location="n.bin", size_threshold=0)
        self.assertGreater((self.given / "n.bin").stat().st_size, 0)
        self.each_call_fails(["convert", "n.onnx", "o.safetensors"], least=12)

    def test_merge(self):
        for i in range(6):
            self.given_picture(f"f/{i}.png")
        for shard in ("1/2", "2/2"):
            done = subprocess.run([PROGRAM, "classify", "f", "--model", "m.safetensors", "--output", "o.jsonl", "--shard", shard],
                                  cwd=self.given, capture_output=True, timeout=60)
            self.assertEqual(done.returncode, 0, done.stderr)
        self.each_call_fails(["merge", "o.jsonl"], least=10)

    def test_evaluate(self):
        for name in ("a.png", "b.png"):
            self.given_picture(name)
        (self.given / "truth.txt").write_text("a.png\t0\t0\t0\t8\t9\nb.png\t1\t0\t10\t19\t16\n")
        self.each_call_fails(["evaluate", "--images", ".", "--truth", "truth.txt", "--model", "m.safetensors", "--threads", 1,
                              "--records", "records.jsonl", "--report", "r", "--save-maps", "maps"], least=40)

        (self.given / "scores").mkdir()
        for name in ("a", "b"):
            np.save(self.given / f"scores/{name}.png.npy", np.random.default_rng(3).random((7, 7)).astype(np.float32))
        self.each_call_fails(["evaluate", "--images", ".", "--truth", "truth.txt", "--scoremaps", "scores", "--threads", 1,
                              "--records", "records.jsonl"], least=12)

    def test_reads_and_writes_of_one_byte(self):
        for name in ("a.png", "f/b.png"):
            self.given_picture(name)
        moved = 0
        for arguments in (["cam", ".", "--model", "m.safetensors", "--out", "maps/", "--output", "o.jsonl", "--jobs", 1],
                          ["classify", ".", "--model", "m.safetensors", "--output", "o.csv", "--jobs", 1],
                          ["convert", "m.safetensors", "n.safetensors"]):  # fmt: skip
            with self.subTest(arguments=arguments):
                self.begin()
                status, errors, _ = self.run_in_work(arguments)
                self.assertEqual(status, 0, errors)
                expected = files(self.work)
                self.begin()
                status, errors, calls = self.run_in_work(arguments, short=True)
                self.assertEqual(status, 0, errors)
                self.assertEqual(files(self.work), expected)
                moved += sum(call.startswith(("read ", "write ", "writev ")) for call in calls)
        self.assertGreater(moved, 1000)

    def test_run(self):
        np.save(self.given / "x.npy", np.zeros((1, 3, 4, 5), np.float32))
        self.each_call_fails(["run", "--model", "m.safetensors", "--input", "x.npy", "--logits", "l.npy", "--features", "f.npy"],
                             least=12)

    def test_files_that_are_shortened_while_they_are_mapped(self):
        np.save(self.given / "x.npy", np.zeros((1, 3, 4, 5), np.float32))
        for i in range(6):
            self.given_picture(f"f/{i}.png")
        (self.given / "labels.txt").write_text("red\ngreen\nblue\n")
        for arguments in (["export", "m.safetensors", "n.onnx"],
                          *(["classify", "f", "--model", "m.safetensors", "--output", "o.jsonl", "--shard", shard]
                            for shard in ("1/2", "2/2"))):  # fmt: skip
            done = subprocess.run([PROGRAM, *arguments], cwd=self.given, capture_output=True, timeout=60)
            self.assertEqual(done.returncode, 0, done.stderr)
        for name, *arguments in (
            ("m.safetensors", "convert", "m.safetensors", "new"),
            ("n.onnx", "convert", "n.onnx", "new"),
            ("labels.txt", "convert", "m.safetensors", "new", "--labels", "labels.txt"),
            ("x.npy", "run", "--model", "m.safetensors", "--input", "x.npy", "--logits", "new"),
            ("o.shard-1-of-2.jsonl", "merge", "o.jsonl"),
        ):
            with self.subTest(name=name):
                self.begin()
                status, errors, _ = self.run_in_work(arguments, shortened=name)
                self.assertEqual(status, 1, errors)
                self.assertRegex(errors, f"camlite: ([^ ]*/)?{name}: was (shortened|changed) while it was")
                self.assertEqual(files(self.work), {**files(self.given), name: b""})


@unittest.skipUnless(PRELOADED, "needs CAMLITE_FAILING_CALLS, as meson sets it where no sanitizer is in the way")
class LongRun(ProgramTest):
    def test_a_log_gets_a_line_every_half_minute(self):
        """By a clock that goes a hundred thousand times as fast."""
        count = 150
        self.picture("a.png", ((3, 4, 20, 10), RED))
        model = self.colours()
        (self.here / "set").mkdir()
        for i in range(count):
            os.link(self.here / "a.png", self.here / f"set/{i}.png")
        (self.here / "truth.tsv").write_text("".join(f"{i}.png\t0\t5\t5\t20\t20\n" for i in range(count)))
        environment = {**os.environ, "LD_PRELOAD": PRELOADED, "CAMLITE_FAULT_CLOCK": "100000"}
        for command, figures in (
            (["cam", "set", "--output", "all.jsonl"], r""),
            (["evaluate", "--images", "set", "--truth", "truth.tsv"], r"errors: top-1 [\d.]+%.*"),
        ):
            started = time.monotonic()
            done = subprocess.run([PROGRAM, *command, "--model", model], cwd=self.here, env=environment, check=True,
                                  capture_output=True, text=True, timeout=60)  # fmt: skip
            most = (time.monotonic() - started) * 100000 / 30
            *lines, last = done.stderr.splitlines()
            self.assertRegex(last, rf"^{count} pictures in [\d.]+ (s|min|h): [\d.]+ a second")
            self.assertTrue(2 <= len(lines) <= most, (lines, most))
            numbers = []
            for line in lines:
                self.assertRegex(line, rf"^\d+ of {count}  [\d.]+/s, [\d.]+ (s|min|h) left  {figures}$")
                numbers.append(int(line.split()[0]))
            self.assertEqual(numbers, sorted(set(numbers)))


@unittest.skipUnless(PRELOADED, "a sanitizer takes all addresses that there are, and keeps what was freed")
class LittleMemory(ProgramTest):
    def test_memory_does_not_grow_with_the_number_of_pictures(self):
        self.picture("a.png", ((3, 4, 20, 10), RED))
        model = self.colours()
        peaks = {}
        for count in (200, 5000):
            (self.here / f"{count}").mkdir()
            for i in range(count):
                os.link(self.here / "a.png", self.here / f"{count}/{i}.png")
            command = [PROGRAM, "cam", f"{count}", "--model", model, "--output", f"{count}.jsonl", "--jobs", "2", "--quiet"]
            process = subprocess.Popen(command, cwd=self.here)
            # Not what wait4 says of it, which counts this Python's memory, too, of which the process was a copy.
            while process.poll() is None:
                peak = re.search(r"VmHWM:\s*(\d+)", Path(f"/proc/{process.pid}/status").read_text())
                peaks[count] = int(peak[1]) if peak else peaks[count]
                time.sleep(0.002)
            self.assertEqual(process.returncode, 0)
            self.assertEqual((self.here / f"{count}.jsonl").read_bytes().count(b"\n"), count)
        # What is known of their paths is 2.6 MB; their results would be 3 MB, their pixels 17 MB.
        self.assertLess(peaks[5000] - peaks[200], 4000, peaks)

    def test_however_little_it_ends_and_says_so(self):
        self.colours("m.safetensors")
        self.picture("a.png", ((0, 0, 9, 10), RED))
        statuses = set()
        for megabytes in (40, 54, 60, 67, 80, 100, 140, 190, 250, 1000):
            limit = (megabytes << 20, megabytes << 20)
            done = subprocess.run([PROGRAM, "cam", "a.png", "--model", "m.safetensors"], cwd=self.here, capture_output=True,
                                  timeout=60, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, limit))  # fmt: skip
            if done.returncode == 127:  # not even the libraries have room
                self.assertIn(b"shared libraries", done.stderr)
                continue
            if done.returncode == -signal.SIGINT:  # nor OpenBLAS for its threads, which it makes before main
                self.assertIn(b"OpenBLAS blas_thread_init: pthread_create failed", done.stderr)
                continue
            self.assertIn(done.returncode, (0, 1), (megabytes, done.stderr))
            self.assertEqual(done.stderr == b"", done.returncode == 0)
            statuses.add(done.returncode)
        self.assertIn(0, statuses)


class FullDisk(ProgramTest):
    """A disk of its own that gets full: in a mount namespace, which goes with its last process."""

    def on_a_small_disk(self, script):
        """Runs the lines of shell in self.here, where disk/ has 128 kB."""
        script = "mount -t tmpfs -o size=128k none disk\n" + script
        return subprocess.run(["unshare", "--user", "--map-root-user", "--mount", "sh", "-euc", script], cwd=self.here,
                              env={**os.environ, "PROGRAM": PROGRAM, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True,
                              timeout=120)  # fmt: skip

    def setUp(self):
        super().setUp()
        (self.here / "disk").mkdir()
        done = self.on_a_small_disk("df disk")
        if done.returncode != 0:
            print(f"NOT TESTED: a full disk: {done.stderr}", file=sys.stderr)
            self.skipTest("no mount namespace")

    def test_what_is_written_until_then_is_whole_and_the_rest_follows_when_there_is_room(self):
        self.colours("m.safetensors")
        random = np.random.default_rng(4)
        for i in range(12):
            (self.here / "in").mkdir(exist_ok=True)
            Image.fromarray(random.integers(0, 256, (90, 80, 3), dtype=np.uint8)).save(self.here / f"in/{i}.png")
        self.camlite("cam", "in", "--model", "m.safetensors", "--out", "undisturbed/", "--output", "o.jsonl")
        done = self.on_a_small_disk("""
            cam() { "$PROGRAM" cam in --model m.safetensors --out disk/ --output disk/o.jsonl --jobs 1 "$@"; }
            cam 2>first.txt && exit 10
            cp -r disk full
            head -c 200000 /dev/zero >disk/rest 2>/dev/null && exit 12
            "$PROGRAM" convert m.safetensors disk/n.safetensors 2>convert.txt && exit 11
            ls disk >names.txt
            rm disk/rest
            mount -o remount,size=10m disk
            cam --resume
            cp -r disk after
            mount -o remount,ro disk
            "$PROGRAM" convert m.safetensors disk/n.safetensors 2>read_only.txt && exit 13
            cam --force 2>>read_only.txt && exit 14
            cmp disk/o.jsonl after/o.jsonl
        """)
        self.assertEqual(done.returncode, 0, done.stderr)
        said = (self.here / "first.txt").read_text()
        self.assertRegex(said, "disk/[^ ]+: .*No space left on device\n")
        self.assertIn("the same command with --resume goes on from there", said)
        self.assertRegex((self.here / "convert.txt").read_text(), "disk/n.safetensors: .*No space left on device")
        said = (self.here / "read_only.txt").read_text()
        self.assertRegex(said, "disk/n.safetensors: .*Read-only file system\n")
        self.assertRegex(said, "disk/o.jsonl[^ ]*: .*Read-only file system\n")
        undisturbed = files(self.here / "undisturbed")
        written = {name: data for name, data in files(self.here / "full").items() if name.endswith(".png")}
        self.assertGreater(len(written), 2)
        self.assertLess(len(written), 12)
        self.assertEqual(written, {name: undisturbed[name] for name in written})
        names = (self.here / "names.txt").read_text().split()
        self.assertEqual([name for name in names if re.search("[.]part[0-9]|n.safetensors", name)], [])
        after = files(self.here / "after")
        self.assertEqual({name: data for name, data in after.items() if name.endswith(".png")}, undisturbed)
        self.assertEqual(len(after["o.jsonl"].splitlines()), 12)


if __name__ == "__main__":
    unittest.main()
