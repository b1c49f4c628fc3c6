"""Programs of others build and run against an installed copy (pkg-config, shared and static) and
against leakwatch as a Meson subproject, which then brings nothing but the library, as does a
cross build."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

SOURCE = Path(os.environ["LW_SOURCE"])
BUILD = Path(os.environ["LW_BUILD"])
VERSION = os.environ["LW_VERSION"]
CC = os.environ["CC"].split()
MESON = ["meson"]
CONSUMER = SOURCE / "tests/packaging/consumer.c"
LIBRARY = {"leakwatch", "leakwatch_core", "leakwatch_cold"}
CROSS_FILE = """[host_machine]
system = 'linux'
cpu_family = 'aarch64'
cpu = 'aarch64'
endian = 'little'
[properties]
needs_exe_wrapper = true
"""
SUBPROJECT_USER = """project('consumer', 'c')
leakwatch = dependency('leakwatch', version: '>=0.1', fallback: 'leakwatch')
consumer = executable('consumer', 'consumer.c', dependencies: leakwatch)
test('consumer', consumer, args: meson.project_version())
"""


def run(*command: str | Path, **more: str) -> str:
    done = subprocess.run(command, env={**os.environ, **more}, capture_output=True, text=True)
    if done.returncode:
        raise AssertionError(f"{command}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


class Installed(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.root = Path(folder.name)
        run(*MESON, "install", "-C", BUILD, "--no-rebuild", "--destdir", cls.root)
        cls.pc = next(cls.root.rglob("leakwatch.pc")).parent

    def pkg_config(self, *options: str) -> list[str]:
        return run("pkg-config", *options, "leakwatch", PKG_CONFIG_PATH=str(self.pc),
                   PKG_CONFIG_SYSROOT_DIR=str(self.root)).split()

    def test_pkg_config_knows_the_version(self) -> None:
        self.assertEqual(self.pkg_config("--modversion"), [VERSION])

    def test_headers_state_the_version(self) -> None:
        text = next(self.root.rglob("base.h")).read_text(encoding="utf-8")
        parts = re.findall(r"#define LW_VERSION_(?:MAJOR|MINOR|PATCH) (\d+)", text)
        self.assertEqual(".".join(parts), VERSION)

    def test_shared_consumer(self) -> None:
        program = self.root / "shared"
        run(*CC, CONSUMER, "-o", program, *self.pkg_config("--cflags", "--libs"))
        self.assertIn("libleakwatch.so.0", run("readelf", "-d", program))
        run(program, VERSION, LD_LIBRARY_PATH=str(self.pc.parent))

    def test_static_consumer(self) -> None:
        program = self.root / "static"
        run(*CC, "-static", CONSUMER, "-o", program,
            *self.pkg_config("--static", "--cflags", "--libs"))
        run(program, VERSION)

    def test_all_public_headers_are_installed(self) -> None:
        def below(root: Path) -> set[str]:
            return {str(h.relative_to(root)) for h in root.rglob("*.h")}

        include = next(self.root.rglob("leakwatch.h")).parent
        self.assertEqual(below(include), below(SOURCE / "include"))

    def test_consumer_that_expects_another_version_is_refused(self) -> None:
        program = self.root / "other"
        run(*CC, CONSUMER, "-o", program, *self.pkg_config("--cflags", "--libs"))
        with self.assertRaises(AssertionError):
            run(program, "9.9.9", LD_LIBRARY_PATH=str(self.pc.parent))


def targets(build: Path) -> set[str]:
    """What a build makes of ours."""
    found = json.loads(run(*MESON, "introspect", "--targets", build))
    return {t["name"] for t in found if str(SOURCE) in t["defined_in"] or t["subproject"]}


class LibraryOnly(unittest.TestCase):
    def test_cross_build(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            cross = Path(folder, "cross.ini")
            cross.write_text(CROSS_FILE + f"[binaries]\nc = {CC}\nar = 'ar'\n")
            build = Path(folder, "build")
            run(*MESON, "setup", "--cross-file", cross, build, SOURCE)
            self.assertEqual(targets(build), LIBRARY)

    def test_subproject(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder, "source")
            (root / "subprojects").mkdir(parents=True)
            (root / "subprojects/leakwatch").symlink_to(SOURCE)
            user = SUBPROJECT_USER.replace("meson.project_version()", f"'{VERSION}'")
            (root / "meson.build").write_text(user)
            shutil.copy(CONSUMER, root)
            build = Path(folder, "build")
            run(*MESON, "setup", build, root)
            self.assertEqual(targets(build), LIBRARY)
            run(*MESON, "test", "-C", build)


if __name__ == "__main__":
    unittest.main()
