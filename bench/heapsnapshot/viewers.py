"""Chrome's DevTools and memlab, without a window: fetched from npm once, kept in a build folder."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
NAMES = ("devtools", "memlab")
OFFLINE = re.compile(r"ENOTFOUND|EAI_AGAIN|ETIMEDOUT|ECONNREFUSED|ECONNRESET|ENETUNREACH|E407")


class Missing(Exception):
    """What is not on this machine and cannot be fetched, and what to do about it."""


class Viewers:
    """Both loaders in a folder of their own, installed if they are not there yet and may be."""

    def __init__(self, folder: Path, fetch: bool = True) -> None:
        self.folder = folder
        if not fetch and not self._installed():
            raise Missing(f"they are not installed in {folder}, and nothing shall be fetched")
        node = shutil.which("node")
        if not node or not shutil.which("npm"):
            raise Missing("node and npm run the viewers (Debian: apt-get install nodejs npm)")
        self.node = node
        self.version = self._run([node, "--version"]).strip()
        if int(self.version.lstrip("v").partition(".")[0]) < 18:
            raise Missing(f"node {self.version} is too old: 18 is the first that will do")
        self._install()
        self.packages: dict[str, str] = self._wanted()["dependencies"]

    def _wanted(self) -> dict[str, Any]:
        wanted: dict[str, Any] = json.loads((HERE / "package.json").read_text())
        return wanted

    def _installed(self) -> bool:
        done = self.folder / "installed.json"
        return done.exists() and json.loads(done.read_text()) == self._wanted()

    def _install(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        for script in HERE.glob("*.mjs"):
            shutil.copy(script, self.folder)
        if self._installed():
            return
        shutil.copy(HERE / "package.json", self.folder)
        # No scripts: one of memlab's dependencies would download a browser.
        self._run(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts",
                   "--no-package-lock", "--loglevel=error"])
        self._run([self.node, "bundle.mjs", "devtools-loader.mjs"])
        shutil.copy(HERE / "package.json", self.folder / "installed.json")

    def _run(self, command: Sequence[str | Path]) -> str:
        quiet = {**os.environ, "npm_config_update_notifier": "false"}
        run = subprocess.run(command, cwd=self.folder if self.folder.exists() else None,
                             capture_output=True, text=True, env=quiet)
        if run.returncode and command[0] == "npm" and OFFLINE.search(run.stderr):
            raise Missing("npm reaches no registry: " + run.stderr.strip().splitlines()[0])
        if run.returncode:
            raise RuntimeError(f"{' '.join(map(str, command[:4]))}:\n{run.stdout}{run.stderr}")
        return run.stdout

    def load(self, viewer: str, files: Sequence[Path], nodes: bool) -> list[dict[str, Any]]:
        """Per file: CPU and wall time in seconds, the CPU time of parsing alone, peak of memory in
        bytes and, if wanted, the nodes as [id, retained size, self size, type, name]."""
        # A file of ten million nodes needs more than node's own limit.
        command = [self.node, "--max-old-space-size=16384", f"{viewer}.mjs",
                   "nodes" if nodes else "time", *(file.resolve() for file in files)]
        return [json.loads(line) for line in self._run(command).splitlines() if line[:1] == "{"]
