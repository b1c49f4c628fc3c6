"""Meson knows every source and every test of the tree: a file that no list names never runs."""

from __future__ import annotations

import json
import os
import subprocess
import unittest
from pathlib import Path
from typing import Any

SOURCE = Path(os.environ["LW_SOURCE"])
BUILD = os.environ["LW_BUILD"]
# Compiled by tests of their own.
ELSEWHERE = ("tests/packaging/consumer.c", "tests/docs/reports.c", "tests/malloc/")


def introspect(what: str) -> list[dict[str, Any]]:
    run = subprocess.run(["meson", "introspect", what, BUILD], capture_output=True, check=True)
    found: list[dict[str, Any]] = json.loads(run.stdout)
    return found


def tree(*patterns: str) -> set[str]:
    files = (str(f.relative_to(SOURCE)) for p in patterns for f in SOURCE.glob(p))
    return {name for name in files if not name.startswith(ELSEWHERE)}


def relative(files: list[str]) -> set[str]:
    paths = (Path(file).resolve() for file in files)
    return {str(p.relative_to(SOURCE)) for p in paths if p.is_relative_to(SOURCE)}


@unittest.skipUnless(os.environ.get("LW_PYTHONPATH"), "this build has no CPython extension")
class Complete(unittest.TestCase):
    def test_every_c_file_is_built(self) -> None:
        groups = (group for t in introspect("--targets") for group in t["target_sources"])
        built = relative([file for group in groups for file in group.get("sources", [])])
        self.assertEqual(tree("lib/**/*.c", "tests/**/*.c", "examples/**/*.c") - built, set())

    def test_every_python_test_runs(self) -> None:
        commands = (part for test in introspect("--tests") for part in test["cmd"])
        run = relative([part for part in commands if part.endswith(".py")])
        self.assertEqual(tree("tests/**/test_*.py") - run, set())


if __name__ == "__main__":
    unittest.main()
