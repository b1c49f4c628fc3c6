"""The outputs that README.md shows are what its programs print, but for the numbers."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

SOURCE = Path(os.environ["LW_SOURCE"])
BUILD = Path(os.environ["LW_BUILD"])
LIBRARY = Path(os.environ["LW_LIBRARY"])
BLOCK = re.compile(r"^<!-- (\w+) -->\n```text\n(.*?)^```$", re.M | re.S)
QUICK_START = re.compile(r"^```c\n(.*?)^```$", re.M | re.S)
NUMBER = re.compile(r"\d[\d,.]*( (?:B|[KMG]iB)\b)?")


def shape(text: str) -> str:
    """Without what may vary: numbers and the widths of columns, where the build lies, what else in
    a process is garbage, and a name that the interpreter's caches drop meanwhile."""
    shapes = []
    for line in text.splitlines():
        line = re.sub(r"[^ ]*/examples/", "examples/", line)
        line = re.sub(r" +", " ", NUMBER.sub("#", line)).strip()
        line = re.sub(r"^(diff .*);.* (grew|shrank)$", r"\1", line)
        varies = "collectable garbage" in line or re.fullmatch(r"[-+]# [-+]# ~?str", line)
        if line and not varies:
            shapes.append(line)
    return "\n".join(shapes)


def run(*command: str | Path, **env: str) -> str:
    return subprocess.run(command, cwd=SOURCE, env={**os.environ, "COLUMNS": "100", **env},
                          check=True, capture_output=True, encoding="utf-8").stdout


def demo(program: str) -> str:
    env = {"PYTHONPATH": os.environ["LW_PYTHONPATH"], "PYTHONUTF8": "1", "PYTHONUNBUFFERED": "1"}
    if os.environ.get("LW_PRELOAD"):
        env |= {"LD_PRELOAD": os.environ["LW_PRELOAD"], "ASAN_OPTIONS": "detect_leaks=0"}
    return run(os.environ["LW_PYTHON"], f"examples/{program}.py", **env)


def quick_start(readme: str) -> str:
    code = QUICK_START.search(readme)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "example.c")
        file.write_text(code[1] if code else "", encoding="utf-8")
        subprocess.run([*os.environ["CC"].split(), *os.environ.get("LW_CFLAGS", "").split(),
                        f"-I{SOURCE / 'include'}", file.name, "-o", "example",
                        f"-L{LIBRARY.parent}", "-lleakwatch", f"-Wl,-rpath,{LIBRARY.parent}",
                        "-pthread"], cwd=folder, check=True)
        return run(Path(folder, "example"))


class Outputs(unittest.TestCase):
    maxDiff = None
    readme = SOURCE.joinpath("README.md").read_text(encoding="utf-8")
    blocks = dict(BLOCK.findall(readme))

    def check(self, name: str, printed: str) -> None:
        self.assertEqual(shape(self.blocks[name]), shape(printed))

    def test_demo(self) -> None:
        if not os.environ.get("LW_PYTHONPATH"):
            self.skipTest("this build has no CPython extension")
        version = run(os.environ["LW_PYTHON"], "--version")
        if not version.startswith("Python 3.11."):
            self.skipTest(f"README.md shows Debian 12's Python 3.11, and this is {version.strip()}")
        self.check("find", demo("find_leaks"))
        self.check("demo", demo("lru_cache"))

    def test_region_example(self) -> None:
        if not BUILD.joinpath("examples/region").exists():
            self.skipTest("this build has no examples")
        self.check("region", run(BUILD / "examples/region"))

    def test_c_quick_start(self) -> None:
        self.check("c", quick_start(self.readme))

    def test_no_block_is_left_out(self) -> None:
        self.assertEqual(set(self.blocks), {"find", "demo", "region", "c"})


class Gate(unittest.TestCase):
    def test_shape(self) -> None:
        one = """a  1,234 B in 3 blocks

  ../../examples/f.py:12 g     1.5 KiB
  collectable garbage: 3 objects
diff a → b   +3 objects, +1.5 KiB; 1 type grew
  +3  +1.5 KiB  ~list"""
        two = """a  9 B in 12 blocks
  examples/f.py:7 g  20 B
diff a → b   +2 objects, +2 B; 1 type grew, 1 shrank
  +3  +55 B  ~list
  -1  -53 B  str
"""
        self.assertEqual(shape(one), shape(two))
        self.assertNotEqual(shape(one), shape(two.replace("g  20", "h  20")))
        self.assertNotEqual(shape(one), shape(two.replace("~list", "list")))


if __name__ == "__main__":
    unittest.main()
