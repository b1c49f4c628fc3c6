"""What each path of recording costs in instructions, beside the recorded budget: callgrind counts them,
the same ones each time, however busy the machine is. More than 3 % worse fails.

The counts belong to one compiler and processor; budget.json has an entry for each that was recorded.
`LW_RECORD_INSTRUCTIONS=1` before the tests' command writes what is counted there."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

PROGRAM = os.environ["LW_PATHS"]
BUDGETS = Path(os.environ["LW_SOURCE"]) / "tests/instructions/budget.json"
BUILD = os.environ["LW_COMPILED_BY"]  # compiler-major-processor-buildtype
TOLERANCE = 0.03
HOW = "LW_RECORD_INSTRUCTIONS=1 meson test -C BUILD test_instructions"


def count() -> dict[str, float]:
    """Instructions per event, or pair, of each path."""
    with tempfile.TemporaryDirectory() as folder:
        words = ["valgrind", "--tool=callgrind", "--collect-atstart=no", "--toggle-collect=counted",
                 "--dump-after=counted", f"--callgrind-out-file={folder}/out", PROGRAM]
        done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=120)
        figures: dict[str, float] = {}
        for number, line in enumerate(done.stdout.splitlines(), 1):
            name, events = line.split()
            dump = Path(folder, f"out.{number}").read_text(encoding="utf-8")
            total = re.search(r"^(?:totals|summary): (\d+)", dump, re.M)
            if total is None:
                raise AssertionError(f"callgrind wrote no total for {name}")
            figures[name] = round(int(total[1]) / int(events), 1)
        return figures


def compare(counted: dict[str, float], budget: dict[str, float]) -> tuple[list[str], list[str]]:
    """What is wrong, and what has become so much better that the budget should follow."""
    wrong = [f"{name}: {'no budget' if name in counted else 'not counted'}; to record: {HOW}"
             for name in sorted(counted.keys() ^ budget.keys())]
    better = []
    for name in counted.keys() & budget.keys():
        now, was = counted[name], budget[name]
        if now > was * (1 + TOLERANCE):
            wrong.append(f"{name}: {now} instructions, {now / was - 1:+.1%} over its budget of {was}. If "
                         f"that is worth it, record it: {HOW}")
        elif now < was * (1 - TOLERANCE):
            better.append(f"{name}: {now} instructions, its budget is {was}: lower it by {HOW}")
    return sorted(wrong), sorted(better)


def reason_to_skip() -> str:
    if not shutil.which("valgrind"):
        return "valgrind is missing"
    if not BUILD.endswith("-release"):
        return f"budgets are those of a release, not of {BUILD}"
    known = json.loads(BUDGETS.read_text(encoding="utf-8"))
    if BUILD not in known and not os.environ.get("LW_RECORD_INSTRUCTIONS"):
        return f"no budget was recorded for {BUILD}, but for {', '.join(known)}"
    return ""


class Instructions(unittest.TestCase):
    def test_within_budget(self) -> None:
        reason = reason_to_skip()
        if reason:
            self.skipTest(reason)
        counted = count()
        known = json.loads(BUDGETS.read_text(encoding="utf-8"))
        if os.environ.get("LW_RECORD_INSTRUCTIONS"):
            known[BUILD] = counted
            BUDGETS.write_text(json.dumps(known, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        wrong, better = compare(counted, known[BUILD])
        for line in better:
            print(f"# {line}")
        self.assertEqual(wrong, [])

    def test_worse_is_told(self) -> None:
        wrong, better = compare({"a": 103.1, "b": 102.9, "c": 90.0, "d": 1.0},
                                {"a": 100.0, "b": 100.0, "c": 100.0, "e": 1.0})
        self.assertEqual([line.split(":")[0] for line in wrong], ["a", "d", "e"])
        self.assertIn("+3.1% over its budget of 100.0", wrong[0])
        self.assertEqual([line.split(":")[0] for line in better], ["c"])


if __name__ == "__main__":
    unittest.main()
