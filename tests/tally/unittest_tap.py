"""Runs one file of unittest cases and prints TAP, one line per case.

Usage: unittest_tap.py FILE [unittest selection ...]
"""

from __future__ import annotations

import importlib
import os
import sys
import traceback
import unittest
from pathlib import Path
from typing import Any


class TapResult(unittest.TestResult):
    """Prints a line per case as it ends; a case with a failing subtest fails once."""

    def __init__(self) -> None:
        super().__init__()
        self.reported: set[str] = set()
        # What the cases print goes to stderr: stdout is for TAP alone.
        self.stream = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
        os.dup2(2, 1)
        self.stream.write("TAP version 13\n")

    def _line(self, ok: bool, test: unittest.TestCase, note: str = "") -> None:
        if test.id() not in self.reported:
            self.reported.add(test.id())
            # "setUpClass (module.Class)" stands for a whole class that was skipped or failed.
            name = test.id().split(".", 1)[-1].rstrip(")").replace("#", "")
            self.stream.write(f"{'ok' if ok else 'not ok'} - {name}{note}\n")

    def _bad(self, test: unittest.TestCase, error: Any) -> None:
        for line in "".join(traceback.format_exception(*error)).splitlines():
            self.stream.write(f"# {line}\n")
        self._line(False, test)

    def addSuccess(self, test: unittest.TestCase) -> None:
        self._line(True, test)

    def addError(self, test: unittest.TestCase, err: Any) -> None:
        super().addError(test, err)
        self._bad(test, err)

    def addFailure(self, test: unittest.TestCase, err: Any) -> None:
        super().addFailure(test, err)
        self._bad(test, err)

    def addSubTest(self, test: unittest.TestCase, subtest: unittest.TestCase, err: Any) -> None:
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.stream.write(f"# in {subtest}\n")
            self._bad(test, err)

    def addSkip(self, test: unittest.TestCase, reason: str) -> None:
        super().addSkip(test, reason)
        self._line(True, test, f" # SKIP {' '.join(reason.split())}")

    def addExpectedFailure(self, test: unittest.TestCase, err: Any) -> None:
        self._line(True, test)

    def addUnexpectedSuccess(self, test: unittest.TestCase) -> None:
        super().addUnexpectedSuccess(test)
        self._line(False, test)


def load(file: Path, names: list[str]) -> unittest.TestSuite:
    """The cases; no frame of ours goes on holding their module, for tests that ask who does."""
    sys.path.insert(0, str(file.parent))
    module = importlib.import_module(file.stem)
    loader = unittest.defaultTestLoader
    return loader.loadTestsFromNames(names, module) if names else loader.loadTestsFromModule(module)


def main(file: Path, names: list[str]) -> int:
    suite = load(file, names)
    result = TapResult()
    suite.run(result)
    result.stream.write(f"1..{len(result.reported)}\n")
    return 0 if result.wasSuccessful() and result.reported else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve(), sys.argv[2:]))
