"""Victims: compiled here, run as they are and under `leakwatch run`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import unittest
from collections import defaultdict
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
BUILD = Path(os.environ["LW_BUILD"])
COMMAND = BUILD / "lib/cli/leakwatch"
ADAPTER = BUILD / "lib/adapters/malloc/libleakwatch-malloc.so.0"
CC = os.environ.get("CC", "cc").split()
CXX = os.environ.get("CXX", shutil.which("c++") or "").split()
PATIENCE = 120

Left = dict[int, tuple[int, int]]


def compile_with(compiler: list[str], output: Path, *words: str | Path) -> Path:
    done = subprocess.run([*compiler, "-g", "-Wall", "-I", HERE, "-o", output, *words],
                          capture_output=True, text=True, timeout=PATIENCE)
    if done.returncode:
        raise AssertionError(done.stderr)
    return output


class Victims(unittest.TestCase):
    """Each case has a folder of its own."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name).resolve()

    def victim(self, name: str, *words: str | Path, optimize: str = "-O0", output: str = "") -> Path:
        source = HERE / name
        compiler = CXX if source.suffix == ".cc" else CC
        if not compiler:
            raise AssertionError("there is no C++ compiler: apt-get install g++")
        return compile_with([*compiler, optimize], self.folder / (output or source.stem),
                            "-fno-builtin", source, *words, "-pthread")

    def plain(self, *words: str | Path, **more: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.run(list(map(str, words)), capture_output=True, text=True,
                              timeout=PATIENCE, cwd=self.folder, **more)

    def leakwatch(self, *words: str | Path, **more: Any) -> subprocess.CompletedProcess[str]:
        return self.plain(COMMAND, "run", *words, **more)

    def report(self, *words: str | Path, status: int = 0, options: tuple[str, ...] = (),
               **more: Any) -> tuple[dict[str, Any], subprocess.CompletedProcess[str]]:
        """Runs a program and returns its report."""
        file = self.folder / "report.json"
        done = self.leakwatch("--json", "--frames", "128", "--output", file, *options, "--", *words,
                              **more)
        self.assertEqual(done.returncode, status, done.stderr)
        return json.loads(file.read_text()), done


def expected(text: str) -> Left:
    lines = [line.split() for line in text.splitlines() if line.startswith("left ")]
    return {int(line): (int(size), int(blocks)) for _, line, size, blocks in lines}


def left_by_line(report: dict[str, Any], source: str) -> Left:
    """What is live, by the innermost line of a source; not what libc keeps of threads."""
    sums: dict[int, list[int]] = defaultdict(lambda: [0, 0])
    for row in report["survivors"]:
        if any("_dl_allocate_tls" in (frame["function"] or "") for frame in row["frames"]):
            continue
        for frame in row["frames"]:
            if frame["file"].endswith("/" + source):
                sums[frame["line"]][0] += row["bytes"]
                sums[frame["line"]][1] += row["blocks"]
                break
    return {line: (size, blocks) for line, (size, blocks) in sums.items()}
