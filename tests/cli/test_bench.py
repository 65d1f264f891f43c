"""camlite bench: the fields that other people's scripts read."""

import unittest

from support import ProgramTest


class Bench(ProgramTest):
    def test_json(self):
        (r,) = self.json("bench", "--model", self.colours(), "--runs", 4, "--threads", 1, "--batch", 2)
        names = ["network", "threads", "batch", "isa", "median_ms", "best_ms", "gflops", "peak_rss_mb"]
        self.assertEqual(list(r)[: len(names)], names)
        self.assertEqual((r["network"], r["threads"], r["batch"], r["runs"]), ("colours", 1, 2, 4))
        self.assertIn(r["isa"], ("portable", "openblas", "avx2", "avx512"))
        self.assertLessEqual(r["best_ms"], r["median_ms"])
        self.assertGreater(r["peak_rss_mb"], 1)

    def test_gflops_are_at_the_median(self):
        (r,) = self.json("bench", "--arch", "vgg16-gap", "--size", 32, "--runs", 3, "--threads", 2)
        self.assertEqual((r["network"], r["height"], r["width"]), ("vgg16-gap", 32, 32))
        (info,) = self.json("info", "--arch", "vgg16-gap", "--size", 32)
        self.assertAlmostEqual(r["gflops"] * r["median_ms"] * 1e6 / (2 * info["multiply_adds"]), 1, delta=0.01)
        (r,) = self.json("bench", "--arch", "vgg16-gap", "--groups", 2, "--size", 32, "--runs", 1)
        self.assertEqual(r["network"], "vgg16-gap groups=2")

    def test_text(self):
        out, _ = self.camlite("bench", "--model", self.colours(), "--seconds", "0.01")
        self.assertRegex(out, r"^colours, input \(1, 16, 16, 3\), \d+ threads?, \w+\n  median \d+\.\d\d ms, best ")

    def test_memory_is_this_programs(self):
        hoard = bytearray(400 << 20)  # a process is born with the size of its parent
        (r,) = self.json("bench", "--model", self.colours(), "--runs", 1)
        self.assertLess(r["peak_rss_mb"], 200)
        del hoard

    def test_wrong_usage(self):
        for arguments in (["--runs", "0"], ["--batch", "0"], ["--threads", "0"], ["--batch", "x"], ["--size", "-3"],
                          ["--runs", "3", "--seconds", "1"], ["--seconds", "-1"], ["extra"], ["--arch", "nothing"],
                          ["--groups", "2"], ["--batch", "99999999999999999999"]):  # fmt: skip
            self.camlite("bench", *arguments, status=2)


if __name__ == "__main__":
    unittest.main()
