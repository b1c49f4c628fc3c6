"""Doxygen finds nothing undocumented, and every public function stands in the reference."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from xml.etree import ElementTree

SOURCE = Path(os.environ["LW_SOURCE"])
DOXYFILE = Path(os.environ["LW_DOXYFILE"]).read_text(encoding="utf-8")
sys.path.insert(0, str(SOURCE / "tests/abi"))
from test_exports import header_names  # noqa: E402


def doxygen(include: Path, output: Path) -> tuple[int, str]:
    """Runs Doxygen over `include` with the project's own configuration."""
    text = DOXYFILE + f'\nINPUT="{include}"\nOUTPUT_DIRECTORY="{output}"\n'
    run = subprocess.run([os.environ["LW_DOXYGEN"], "-"], input=text, capture_output=True, text=True)
    return run.returncode, run.stderr


def documented(output: Path) -> set[str]:
    """The functions that have an entry with a brief description."""
    names = set()
    for file in output.glob("xml/*.xml"):
        for member in ElementTree.parse(file).iter("memberdef"):
            brief = member.find("briefdescription")
            if member.get("kind") == "function" and brief is not None and len(brief):
                names.add(member.findtext("name", ""))
    return names


class Reference(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.output = Path(cls.folder.name)
        cls.status, cls.messages = doxygen(SOURCE / "include", cls.output)

    def test_no_warning(self) -> None:
        self.assertEqual((self.status, self.messages), (0, ""))

    def test_every_public_function_has_an_entry(self) -> None:
        self.assertEqual(header_names() - documented(self.output), set())

    def test_every_header_names_itself(self) -> None:
        silent = [h.name for h in SOURCE.glob("include/**/*.h")
                  if not re.search(rf"@file {re.escape(h.name)}\b", h.read_text(encoding="utf-8"))]
        self.assertEqual(silent, [])


class Gate(unittest.TestCase):
    GOOD = """/** @file a.h
 * A header. */
/** Adds one.
 * @param x a number
 * @return x + 1 */
int lw_add(int x);
"""

    def planted(self, text: str) -> tuple[int, set[str]]:
        with tempfile.TemporaryDirectory() as folder:
            include = Path(folder, "include")
            include.mkdir()
            (include / "a.h").write_text(text)
            status, _ = doxygen(include, Path(folder, "out"))
            return status, documented(Path(folder, "out"))

    def test_documented_passes(self) -> None:
        self.assertEqual(self.planted(self.GOOD), (0, {"lw_add"}))

    def test_undocumented_function_parameter_field_are_found(self) -> None:
        for text in (self.GOOD + "int lw_more(int x);\n",
                     self.GOOD.replace(" * @param x a number\n", ""),
                     self.GOOD + "/** A pair. */\nstruct pair {\n    int left;\n};\n"):
            with self.subTest(text=text):
                self.assertNotEqual(self.planted(text)[0], 0)

    def test_header_without_file_is_seen_by_its_missing_entry(self) -> None:
        text = "int lw_add(int x);\n"
        self.assertEqual(self.planted(text)[1], set())


if __name__ == "__main__":
    unittest.main()
