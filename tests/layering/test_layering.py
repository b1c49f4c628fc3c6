"""Includes go one way: base <- platform <- record, platform <- snapshot, capture, analyze, report; what
lives in adapters/ and cli/ sees the public headers only, and public headers see nothing of lib/."""

from __future__ import annotations

import os
import re
import tempfile
import unittest
from pathlib import Path

# What a room may include besides itself; everything that those use is within reach too.
USES = {
    "base": set(),
    "platform": {"base"},
    "record": {"base", "platform"},
    "snapshot": {"base", "platform"},
    "capture": {"record", "snapshot"},
    "analyze": {"snapshot"},
    "report": {"analyze", "snapshot"},
    "hunt": {"record", "capture", "analyze"},
}
C11 = set(
    "assert complex ctype errno fenv float inttypes iso646 limits locale math setjmp signal stdalign"
    " stdarg stdatomic stdbool stddef stdint stdio stdlib stdnoreturn string tgmath threads time"
    " uchar wchar wctype".split()
)
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^">]+)[">]', re.M)


def within_reach(room: str) -> set[str]:
    return USES[room].union(*(within_reach(lower) for lower in USES[room]))


def is_portable(name: str) -> bool:
    return name.removesuffix(".h") in C11 or name.startswith("uthash") or is_public(name)


def is_public(name: str) -> bool:
    return name == "leakwatch.h" or name.startswith("leakwatch/")


def offence(root: Path, file: Path, system: bool, name: str) -> str | None:
    """Why `file` must not include `name`, or None."""
    if ".." in Path(name).parts:
        return "goes up with .."
    place = file.relative_to(root).parts
    if place[0] == "include":
        if not is_portable(name) or name.startswith("uthash"):
            return "a public header needs nothing but C11 and its sisters"
        return None
    if place[1] in ("adapters", "cli"):
        home = root.joinpath(*place[: 3 if place[1] == "adapters" else 2])
        inside = (file.parent / name).exists() or (home / name).exists()
        if system and (root / "lib" / name).exists():
            return "an adapter sees the public headers only"
        carried = name == "command.h"  # a package may bring the whole command along
        if not system and not is_public(name) and not inside and not carried:
            return "an adapter sees its own folder and the public headers only"
        return None
    room = place[1]
    if room not in USES:
        return f"lib/{room} is no room of the design"
    if system:
        if room != "platform" and not is_portable(name):
            return "only lib/platform talks to the system"
        return None
    target = name.split("/")[0]
    if target == room or target in within_reach(room) or is_public(name):
        return None
    return f"lib/{room} may use {', '.join(sorted(within_reach(room))) or 'nothing'}"


def offences(root: Path) -> list[str]:
    found = []
    for file in sorted([*root.glob("include/**/*.h"), *root.glob("lib/**/*.[ch]")]):
        for mark, name in INCLUDE.findall(file.read_text(encoding="utf-8")):
            why = offence(root, file, mark == "<", name)
            if why:
                found.append(f"{file.relative_to(root)} includes {name}: {why}")
    return found


class Tree(unittest.TestCase):
    def test_includes_go_one_way(self) -> None:
        self.assertEqual(offences(Path(os.environ["LW_SOURCE"])), [])


class Gate(unittest.TestCase):
    """Each offence, planted alone in a clean tree, is found."""

    def plant(self, file: str, include: str) -> list[str]:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            for path in ("lib/base/arena.h", "lib/analyze/diff.h", "lib/adapters/lua/lua.h",
                         "lib/adapters/cpython/state.h", file):
                root.joinpath(path).parent.mkdir(parents=True, exist_ok=True)
                root.joinpath(path).touch()
            root.joinpath(file).write_text(f"/* code */\n# include {include}\n")
            return offences(root)

    def test_lawful_includes_pass(self) -> None:
        for file, include in (
            ("lib/record/map.c", '"base/arena.h"'),
            ("lib/capture/sink.c", '"base/arena.h"'),
            ("lib/platform/posix.c", "<sys/mman.h>"),
            ("lib/record/sites.c", "<uthash.h>"),
            ("lib/adapters/cpython/hooks.c", '"state.h"'),
            ("lib/adapters/cpython/hooks.c", "<Python.h>"),
            ("lib/adapters/cpython/hooks.c", "<leakwatch/record.h>"),
            ("include/leakwatch/base.h", "<stdint.h>"),
        ):
            with self.subTest(file=file, include=include):
                self.assertEqual(self.plant(file, include), [])

    def test_unlawful_includes_are_found(self) -> None:
        for file, include in (
            ("lib/base/arena.c", '"platform/pages.h"'),
            ("lib/record/map.c", '"snapshot/graph.h"'),
            ("lib/snapshot/graph.c", '"record/map.h"'),
            ("lib/analyze/diff.c", '"record/map.h"'),
            ("lib/report/text.c", '"capture/sink.h"'),
            ("lib/record/map.c", '"../base/arena.h"'),
            ("lib/record/map.c", "<sys/mman.h>"),
            ("lib/adapters/cpython/hooks.c", '"base/arena.h"'),
            ("lib/adapters/cpython/hooks.c", "<base/arena.h>"),
            ("lib/adapters/cpython/hooks.c", '"../lua/lua.h"'),
            ("lib/cli/main.c", '"analyze/diff.h"'),
            ("lib/misc/tools.c", "<stdio.h>"),
            ("include/leakwatch/base.h", '"base/arena.h"'),
            ("include/leakwatch/base.h", "<pthread.h>"),
        ):
            with self.subTest(file=file, include=include):
                self.assertEqual(len(self.plant(file, include)), 1)


if __name__ == "__main__":
    unittest.main()
