"""`leakwatch run --mode`: what each mode tells of a program that leaves 20,000 blocks of 100 bytes."""

from __future__ import annotations

import unittest

from support import Victims

LINE = 9
BYTES, BLOCKS = 2_000_000, 20_000


class Modes(Victims):
    def setUp(self) -> None:
        super().setUp()
        self.program = self.victim("modes.c")

    def test_counts_are_exact(self) -> None:
        told, _ = self.report(self.program, status=3, options=("--mode", "counts"))
        self.assertEqual((told["report"], told["modes"]), ("totals", ["counts"]))
        self.assertEqual((told["bytes"], told["blocks"]), (BYTES, BLOCKS))
        self.assertEqual((told["bytes_margin"], told["dropped"]), (0, 0))
        self.assertEqual(told["stats"]["net_bytes"], BYTES)
        self.assertEqual(told["stats"]["net_peak_bytes"], BYTES + 100)
        self.assertIsNone(told["stats"]["current_bytes"])

    def test_counts_say_what_they_do_not_know(self) -> None:
        done = self.leakwatch("--mode=counts", "--", self.program)
        self.assertEqual(done.returncode, 3)
        self.assertIn("1.9 MiB in 20,000 blocks", done.stderr)
        self.assertIn("mode counts: not where it was allocated", done.stderr)
        self.assertNotIn("modes.c", done.stderr)

    def test_samples_are_near_the_truth_and_name_the_line(self) -> None:
        told, _ = self.report(self.program, status=3, options=("--mode", "sampled:8192"))
        self.assertEqual((told["modes"], told["interval"]), (["sampled"], 8192))
        margin = told["bytes_margin"]
        # 244 samples are due: 1.96 * sqrt(BYTES * 8192) = 251 kB. The same run takes the same samples.
        self.assertTrue(150_000 < margin < 350_000, margin)
        self.assertTrue(abs(told["bytes"] - BYTES) < 2 * margin, told["bytes"])
        self.assertEqual(told["dropped"], 0)
        row = told["survivors"][0]
        self.assertEqual([frame["line"] for frame in row["frames"]
                          if (frame["file"] or "").endswith("/modes.c")], [LINE])
        self.assertTrue(150 < row["samples"] < 350, row["samples"])

    def test_a_sampled_report_says_so(self) -> None:
        done = self.leakwatch("--mode", "sampled", "--", self.program)
        self.assertEqual(done.returncode, 3)
        self.assertIn("sampled: 1 in 512 KiB", done.stderr)

    def test_sites_are_what_there_is_otherwise(self) -> None:
        for options in ((), ("--mode", "sites")):
            with self.subTest(options):
                told, _ = self.report(self.program, status=3, options=options)
                self.assertEqual((told["report"], told["modes"]), ("region", ["sites"]))
                self.assertEqual((told["bytes"], told["blocks"]), (BYTES, BLOCKS))


if __name__ == "__main__":
    unittest.main()
