"""The total must never look better than the run was."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import textwrap
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
GOOD_TAP = "TAP version 13\n1..2\nok - a::one (0.00s)\nok - a::two # SKIP no second node\n"


class Tally(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def suite(self, *entries: dict[str, object], status: int = 0, name: str = "asan") -> None:
        lines = [json.dumps({"returncode": 0, "stdout": "", **entry}) for entry in entries]
        (self.folder / f"{name}.json").write_text("\n".join(lines) + "\n")
        (self.folder / f"{name}.status").write_text(f"{status}\n")

    def tally(self) -> tuple[int, list[str]]:
        run = subprocess.run(
            [sys.executable, HERE / "tally.py", self.folder], capture_output=True, text=True
        )
        return run.returncode, run.stdout.splitlines()

    def test_sums_cases_over_suites_and_names_each_skip(self) -> None:
        self.suite({"name": "unit", "result": "OK", "stdout": GOOD_TAP})
        self.suite({"name": "threads", "result": "OK"}, name="tsan")
        status, lines = self.tally()
        self.assertEqual(lines[-1], "2 passed, 0 failed, 1 skipped")
        self.assertIn("SKIP asan: unit: a::two: no second node", lines)
        self.assertEqual(status, 0)

    def test_failing_case_fails_the_run(self) -> None:
        output = "1..2\nok 1 - a\nnot ok 2 - b\n# why\n"
        self.suite({"name": "unit", "result": "FAIL", "stdout": output}, status=1)
        status, lines = self.tally()
        self.assertEqual(lines[-1], "1 passed, 1 failed, 0 skipped")
        self.assertIn("FAIL asan: unit: b", lines)
        self.assertIn("# why", lines)
        self.assertNotEqual(status, 0)

    def test_leak_after_the_last_good_case_fails_the_run(self) -> None:
        self.suite({"name": "u", "result": "ERROR", "stdout": "1..1\nok - a\n"}, status=1)
        status, lines = self.tally()
        self.assertEqual(lines[-1], "1 passed, 1 failed, 0 skipped")
        self.assertNotEqual(status, 0)

    def test_timeout_and_unexpected_pass_are_failures(self) -> None:
        late = {"name": "slow", "result": "TIMEOUT"}
        self.suite(late, {"name": "must fail", "result": "UNEXPECTEDPASS"}, status=2)
        status, lines = self.tally()
        self.assertEqual(lines[-1], "0 passed, 2 failed, 0 skipped")
        self.assertNotEqual(status, 0)

    def test_expected_failure_is_a_pass(self) -> None:
        self.suite({"name": "must fail", "result": "EXPECTEDFAIL", "returncode": -6})
        self.assertEqual(self.tally(), (0, ["1 passed, 0 failed, 0 skipped"]))

    def test_a_runner_that_died_is_a_failure(self) -> None:
        self.suite({"name": "unit", "result": "OK"}, status=130)
        status, lines = self.tally()
        self.assertEqual(lines[-1], "1 passed, 1 failed, 0 skipped")
        self.assertNotEqual(status, 0)

    def test_a_runner_that_left_no_log_is_a_failure(self) -> None:
        (self.folder / "asan.status").write_text("0\n")
        self.assertEqual(self.tally()[1][-1], "0 passed, 1 failed, 0 skipped")

    def test_program_without_a_case_is_a_failure(self) -> None:
        self.suite({"name": "unit", "result": "SKIP", "stdout": "1..0\n"})
        self.assertEqual(self.tally()[1][-1], "0 passed, 1 failed, 0 skipped")

    def test_events_count(self) -> None:
        self.suite({"name": "unit", "result": "OK"})
        (self.folder / "events").write_text("skip python 3.13: not here\nfail tsan: no build\n")
        status, lines = self.tally()
        self.assertEqual(lines[-1], "1 passed, 1 failed, 1 skipped")
        self.assertIn("SKIP python 3.13: not here", lines)
        self.assertNotEqual(status, 0)

    def test_nothing_ran_is_a_failure(self) -> None:
        self.assertEqual(
            self.tally(), (1, ["nothing ran", "0 passed, 0 failed, 0 skipped"])
        )


class UnittestTap(unittest.TestCase):
    def run_cases(self, body: str) -> tuple[int, list[str]]:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "sample.py")
            file.write_text("import sys, unittest\nclass T(unittest.TestCase):\n"
                            + textwrap.indent(textwrap.dedent(body), "    "))
            run = subprocess.run(
                [sys.executable, HERE / "unittest_tap.py", file], capture_output=True, text=True
            )
        return run.returncode, [x for x in run.stdout.splitlines() if not x.startswith("#")]

    def test_each_case_has_a_line(self) -> None:
        status, lines = self.run_cases("""
            def test_a(self): print("noise")
            def test_b(self): self.skipTest("no\\nreason")
            """)
        self.assertEqual(status, 0)
        self.assertEqual(lines, ["TAP version 13", "ok - T.test_a",
                                 "ok - T.test_b # SKIP no reason", "1..2"])

    def test_failure_error_and_failing_subtest_are_not_ok(self) -> None:
        status, lines = self.run_cases("""
            def test_a(self): self.fail()
            def test_b(self): raise ValueError
            def test_c(self):
                for i in range(3):
                    with self.subTest(i=i): self.assertEqual(i, 0)
            """)
        self.assertEqual(status, 1)
        self.assertEqual(sum(x.startswith("not ok") for x in lines), 3)
        self.assertEqual(lines[-1], "1..3")

    def test_file_without_cases_fails(self) -> None:
        self.assertEqual(self.run_cases("pass")[0], 1)


if __name__ == "__main__":
    unittest.main()
