"""Leaks planted on purpose, each with a clean twin. The victim is an ordinary program that marks its
rounds as a region of the process's context, which is the one that the adapter records to."""

from __future__ import annotations

import json
import os
import re
import unittest

from support import BUILD, HERE, Victims

INCLUDE = HERE.parent.parent / "include"
ROUNDS = 8
LOADERS = re.compile("_dl_allocate_tls|dl_?open")  # what the loader keeps of threads and modules


class Planted(Victims):
    def test_every_leak_is_named_and_no_twin_is(self) -> None:
        libraries = BUILD / "lib"
        victim = self.victim("planted.c", "-I", INCLUDE, "-L", libraries, "-lleakwatch",
                             f"-Wl,-rpath,{libraries}", "-ldl")
        module = self.victim("plugin.c", "-shared", "-fPIC", output="plugin.so")
        env = {**os.environ, "PLANTED_MODULE": str(module)}
        kinds = self.plain(victim, env=env).stdout.split()
        self.assertGreaterEqual(len(kinds), 10)
        for kind in kinds:
            with self.subTest(kind):
                rows = self.rows(victim, kind, env)
                source = "plugin.c" if kind == "in_a_module" else "planted.c"
                text = (HERE / source).read_text().splitlines()
                mark = "/* leaks */" if kind == "in_a_module" else f"/* leaks: {kind} */"
                line = 1 + next(i for i, line in enumerate(text) if mark in line)
                self.assertGreaterEqual(sum(row["blocks"] for row in rows), ROUNDS // 2)
                self.assertEqual({self.own(row, source) for row in rows}, {line})
            with self.subTest(kind, twin=True):
                left = sum(row["blocks"] for row in self.rows(victim, "-" + kind, env))
                self.assertLessEqual(left, 1, "a cache of one entry may stay")

    def rows(self, victim: object, kind: str, env: dict[str, str]) -> list[dict]:
        done = self.leakwatch("--output", "at_exit.txt", "--", str(victim), kind, env=env)
        self.assertEqual(done.returncode, 0, done.stderr)
        return [row for row in json.loads(done.stdout)["survivors"]
                if not any(LOADERS.search(frame["function"] or "") for frame in row["frames"])]

    def own(self, row: dict, source: str) -> int:
        return next(frame["line"] for frame in row["frames"] if frame["file"].endswith(source))


if __name__ == "__main__":
    unittest.main()
