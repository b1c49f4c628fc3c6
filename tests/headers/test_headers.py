"""Each public header stands alone, in C11 and in C++17, and stays short enough to read."""

from __future__ import annotations

import os
import subprocess
import tempfile
import unittest
from pathlib import Path

INCLUDE = Path(os.environ["LW_SOURCE"], "include")
STRICT = ["-Wall", "-Wextra", "-pedantic", "-Werror", "-fsyntax-only"]
LANGUAGES = {
    "c11": [*os.environ["CC"].split(), "-std=c11", "-x", "c"],
    "cxx17": [*os.environ.get("CXX", "c++").split(), "-std=c++17", "-x", "c++"],
}
LONGEST_HEADER = 350
LONGEST_SUM = 6000


def headers() -> list[Path]:
    return sorted(INCLUDE.rglob("*.h"))


def compile_alone(language: str, header: Path, root: Path = INCLUDE) -> str:
    """What the compiler says about a file that includes `header` twice, and nothing else."""
    line = f"#include <{header.relative_to(root)}>\n"
    run = subprocess.run([*LANGUAGES[language], *STRICT, f"-I{root}", "-"],
                         input=line * 2, capture_output=True, text=True)
    return run.stderr if run.returncode else ""


class Alone(unittest.TestCase):
    """One case per header and language, made below."""


def add_case(language: str, header: Path) -> None:
    def case(self: unittest.TestCase) -> None:
        self.assertEqual(compile_alone(language, header), "")

    name = str(header.relative_to(INCLUDE)).removesuffix(".h").replace("/", "_")
    setattr(Alone, f"test_{name}_{language}", case)


for _header in headers():
    for _language in LANGUAGES:
        add_case(_language, _header)


class Size(unittest.TestCase):
    def test_a_header_is_a_chapter(self) -> None:
        lengths = {h.name: len(h.read_text(encoding="utf-8").splitlines()) for h in headers()}
        self.assertEqual([n for n in lengths if lengths[n] > LONGEST_HEADER], [])
        self.assertLessEqual(sum(lengths.values()), LONGEST_SUM)
        self.assertGreater(len(lengths), 0)


class Gate(unittest.TestCase):
    """A header that needs another's includes, or is not C++, is found."""

    def planted(self, language: str, text: str) -> str:
        with tempfile.TemporaryDirectory() as folder:
            header = Path(folder, "planted.h")
            header.write_text(text)
            return compile_alone(language, header, Path(folder))

    def test_missing_include_is_found(self) -> None:
        for language in LANGUAGES:
            self.assertIn("uint32_t", self.planted(language, "#pragma once\nextern uint32_t x;\n"))

    def test_missing_guard_is_found(self) -> None:
        self.assertIn("redefinition", self.planted("c11", "struct a { int b; };\n"))

    def test_c_that_is_no_cxx_is_found(self) -> None:
        text = "#pragma once\nstatic inline int *f(void *p) { return p; }\n"
        self.assertEqual(self.planted("c11", text), "")
        self.assertNotEqual(self.planted("cxx17", text), "")

    def test_warning_is_found(self) -> None:
        text = "#pragma once\nstatic inline int f(int unused) { return 0; }\n"
        self.assertIn("unused", self.planted("c11", text))


if __name__ == "__main__":
    unittest.main()
