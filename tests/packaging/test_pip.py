"""`pip install .` in a fresh virtual environment gives a working `import leakwatch`."""

from __future__ import annotations

import os
import subprocess
import tempfile
import unittest
import venv
from pathlib import Path

SOURCE = Path(os.environ["LW_SOURCE"])
VERSION = os.environ["LW_VERSION"]
IMPORT = """
import importlib.metadata, os, leakwatch
print(importlib.metadata.version("leakwatch"))
print(os.path.exists(os.path.join(os.path.dirname(leakwatch.__file__), "py.typed")))
leakwatch.start(frames=25)
with leakwatch.region("suspect") as region:
    kept = [bytearray(1000) for _ in range(10)]
print(region.blocks >= 20 and region.current >= 10_000)
leakwatch.stop()
"""


class Pip(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.home = Path(folder.name)
        venv.create(cls.home, with_pip=True)
        cls.bin = cls.home / "bin"
        install = cls.run_here(cls.bin / "pip", "install", SOURCE)
        if "No matching distribution found for meson-python" in install.stderr:
            raise unittest.SkipTest("pip reaches no package index, and building needs meson-python")
        if install.returncode:
            raise AssertionError(install.stdout + install.stderr)

    @classmethod
    def run_here(cls, *command: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, cwd=cls.home, capture_output=True, text=True)

    def test_import_works(self) -> None:
        done = self.run_here(self.bin / "python", "-c", IMPORT)
        self.assertEqual(done.stdout.split(), [VERSION, "True", "True"], done.stderr)

    def test_wheel_brings_nothing_but_the_package(self) -> None:
        done = self.run_here(self.bin / "pip", "show", "-f", "leakwatch")
        files = done.stdout.partition("Files:")[2].split()
        places = {name.partition("/")[0] for name in files if not name.startswith("../")}
        self.assertEqual(places, {"leakwatch", f"leakwatch-{VERSION}.dist-info"})

    def test_command(self) -> None:
        script = self.home / "script.py"
        script.write_text("import sys\nsys.exit(7)\n")
        for command in ([self.bin / "leakwatch"], [self.bin / "python", "-m", "leakwatch"]):
            done = self.run_here(*command, "run", script)
            self.assertEqual(done.returncode, 7, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
