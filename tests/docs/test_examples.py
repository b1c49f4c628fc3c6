"""The examples that open the public headers and stand in the README are whole programs: each is
taken out, compiled against the library and run; its exit status is 0."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

SOURCE = Path(os.environ["LW_SOURCE"])
LIBRARY = Path(os.environ["LW_LIBRARY"])
COMPILE = [*os.environ["CC"].split(), *os.environ.get("LW_CFLAGS", "").split(), "-std=c11", "-Wall",
           "-Wextra", "-pedantic", "-Werror", f"-I{SOURCE / 'include'}"]
LINK = [f"-L{LIBRARY.parent}", "-lleakwatch", f"-Wl,-rpath,{LIBRARY.parent}", "-pthread"]
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)


def opening_example(text: str) -> str | None:
    """The @code{.c} block of a header's first comment, without the comment's stars."""
    comment = re.match(r"\s*/\*\*(.*?)\*/", text, flags=re.S)
    block = comment and re.search(r"@code\{\.c\}\n(.*?)@endcode", comment[1], flags=re.S)
    if not block:
        return None
    return re.sub(r"^\s*\* ?", "", block[1], flags=re.M).rstrip() + "\n"


def fenced(text: str, language: str) -> list[str]:
    return [block for name, block in FENCE.findall(text) if name == language]


def run_c(code: str) -> str:
    """Why the program does not compile or run, or nothing."""
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder, "example")
        program.with_suffix(".c").write_text(code, encoding="utf-8")
        command = [*COMPILE, program.with_suffix(".c"), "-o", program, *LINK]
        return trouble(command, folder) or trouble([program], folder)


def run_python(code: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder, "example.py")
        program.write_text(code, encoding="utf-8")
        path = {"PYTHONPATH": os.environ["LW_PYTHONPATH"]}
        if os.environ.get("LW_PRELOAD"):
            path |= {"LD_PRELOAD": os.environ["LW_PRELOAD"], "ASAN_OPTIONS": "detect_leaks=0"}
        return trouble([os.environ["LW_PYTHON"], program], folder, path)


def trouble(command: list[str | Path], folder: str, env: dict[str, str] | None = None) -> str:
    run = subprocess.run(command, cwd=folder, env={**os.environ, **(env or {})}, timeout=120,
                         capture_output=True, text=True)
    if run.returncode == 0:
        return ""
    return f"{command[0]}: exit status {run.returncode}\n{run.stdout}{run.stderr}"


class Headers(unittest.TestCase):
    """One case per public header, made below."""


class Readme(unittest.TestCase):
    """One case per block of C or Python, made below."""


def add_header_case(header: Path) -> None:
    def case(self: unittest.TestCase) -> None:
        code = opening_example(header.read_text(encoding="utf-8"))
        self.assertIsNotNone(code, "no worked example in the first comment")
        self.assertEqual(run_c(code or ""), "")

    setattr(Headers, f"test_{header.stem}", case)


def add_readme_case(name: str, run: object, code: str) -> None:
    def case(self: unittest.TestCase) -> None:
        if run is run_python and not os.environ.get("LW_PYTHONPATH"):
            self.skipTest("this build has no CPython extension")
        self.assertEqual(run(code), "")  # type: ignore[operator]

    setattr(Readme, f"test_{name}", case)


for _header in sorted(SOURCE.glob("include/**/*.h")):
    add_header_case(_header)
_page = SOURCE / "README.md"
_readme = _page.read_text(encoding="utf-8") if _page.exists() else ""
for _language, _run in (("c", run_c), ("python", run_python)):
    for _number, _code in enumerate(fenced(_readme, _language), 1):
        add_readme_case(f"{_language}_{_number}", _run, _code)


class Gate(unittest.TestCase):
    def test_readme_has_both_quick_starts(self) -> None:
        self.assertTrue(fenced(_readme, "c") and fenced(_readme, "python"))

    def test_example_is_taken_from_the_first_comment_only(self) -> None:
        text = "/**\n * @file a.h\n * @code{.c}\n * int a;\n *\n *     x\n * @endcode\n */\n"
        self.assertEqual(opening_example(text), "int a;\n\n    x\n")
        self.assertIsNone(opening_example("/** @file */\n" + text))

    def test_example_that_does_not_compile_or_fails_is_found(self) -> None:
        self.assertEqual(run_c("int main(void) { return 0; }\n"), "")
        self.assertIn("exit status 3", run_c("int main(void) { return 3; }\n"))
        self.assertIn("error", run_c("int main(void) { return undeclared; }\n"))


if __name__ == "__main__":
    unittest.main()
