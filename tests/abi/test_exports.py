"""What the shared library exports is what the headers declare and what the version script lists;
and a stripped release stays small and needs nothing but libc."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

SOURCE = Path(os.environ["LW_SOURCE"])
LIBRARY = Path(os.environ["LW_LIBRARY"])
NODE = "LEAKWATCH_0.1"
SONAME = "libleakwatch.so.0"
LARGEST = 476 * 1024
DECLARATION = re.compile(r"\bLW_API\b[^;{]*?\b(\w+)\s*\(")


def run(*command: str | Path) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def declared(text: str) -> set[str]:
    """The names a header declares with LW_API."""
    text = re.sub(r"/\*.*?\*/|//[^\n]*", " ", text.replace("\\\n", " "), flags=re.S)
    text = re.sub(r"^\s*#.*$", "", text, flags=re.M)
    return set(DECLARATION.findall(text))


def listed(text: str) -> set[str]:
    """The names in the `global:` part of a version script of one node."""
    node = re.fullmatch(r"\s*(\w[\w.]*)\s*\{\s*global:([^{}]*)local:\s*\*;\s*\};\s*", text, flags=re.S)
    if node is None or node[1] != NODE:
        raise AssertionError(f"expected the one node {NODE} {{ global: …; local: *; }};")
    return set(node[2].replace(";", " ").split())


def exported(library: Path) -> dict[str, str]:
    """Each exported name and its version."""
    lines = (line.split()[-1] for line in run("nm", "-D", "--defined-only", library).splitlines())
    names = (line.partition("@") for line in lines)
    return {name: version.lstrip("@") for name, _, version in names if name != NODE}


def header_names() -> set[str]:
    texts = (h.read_text(encoding="utf-8") for h in SOURCE.glob("include/**/*.h"))
    return set().union(*map(declared, texts))


class Exports(unittest.TestCase):
    def test_version_script_lists_what_headers_declare(self) -> None:
        script = listed(SOURCE.joinpath("lib/leakwatch.map").read_text(encoding="utf-8"))
        self.assertEqual(script, header_names())

    def test_library_exports_what_headers_declare(self) -> None:
        self.assertEqual(set(exported(LIBRARY)), header_names())

    def test_every_export_has_the_version(self) -> None:
        self.assertEqual(set(exported(LIBRARY).values()), {NODE})


class Release(unittest.TestCase):
    def setUp(self) -> None:
        self.dynamic = run("readelf", "-d", LIBRARY)

    def test_needs_only_libc(self) -> None:
        needed = re.findall(r"NEEDED.*\[(.*)\]", self.dynamic)
        self.assertEqual(needed, ["libc.so.6"])

    def test_soname(self) -> None:
        self.assertEqual(re.findall(r"SONAME.*\[(.*)\]", self.dynamic), [SONAME])

    def test_stripped_size(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            stripped = Path(folder, "lib.so")
            run("strip", "-o", stripped, LIBRARY)
            self.assertLessEqual(stripped.stat().st_size, LARGEST)


class Gate(unittest.TestCase):
    def test_declarations_are_found(self) -> None:
        text = """
            #define LW_API __attribute__((visibility("default")))
            #define LW_MACRO(x) \\
                LW_API int in_macro(x)
            /* LW_API int in_comment(void); */
            LW_API const char *lw_a(int (*f)(void *), int b); // LW_API int lw_no(void);
            LW_API lw_status
            lw_b(void);
            static inline int lw_c(void) { return 0; }
            """
        self.assertEqual(declared(text), {"lw_a", "lw_b"})

    def test_version_script_of_another_shape_is_refused(self) -> None:
        self.assertEqual(listed(f"{NODE} {{ global: lw_a; lw_b; local: *; }};\n"), {"lw_a", "lw_b"})
        for text in (f"{NODE} {{ global: lw_a; }};", "OTHER { global: lw_a; local: *; };",
                     f"{NODE} {{ global: a; local: *; }}; B {{ global: b; local: *; }};"):
            with self.subTest(text=text), self.assertRaises(AssertionError):
                listed(text)

    def test_a_stray_export_is_seen(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            library = Path(folder, "lib.so")
            subprocess.run([*os.environ["CC"].split(), "-shared", "-fPIC", "-x", "c", "-",
                            "-o", library], input="int lw_stray(void){return 0;}", text=True,
                           check=True)
            self.assertEqual(exported(library), {"lw_stray": ""})


if __name__ == "__main__":
    unittest.main()
