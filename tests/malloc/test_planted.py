"""Leaks planted on purpose, each with a clean twin, and programs that look like one that leaks. The
victim is an ordinary program that marks its rounds as a region of the process's context, which is the
one that the adapter records to. What it leaves in each round it knows by its own books: planted.h."""

from __future__ import annotations

import json
import os
import unittest
from typing import Any, Iterator, NamedTuple

from support import BUILD, HERE, Victims

INCLUDE = HERE.parent.parent / "include"
LIBRARIES = BUILD / "lib"
BUILDS = {"with frame pointers": ("-O0", "-fno-omit-frame-pointer"),
          "without": ("-O2", "-fomit-frame-pointer")}
PLANTS = {"planted.c": 30, "planted.cc": 18, "flat.c": 10}  # at least


class Told(NamedTuple):
    name: str
    books: dict[str, Any]   # of the plant
    region: dict[str, Any]  # the report on its region
    text: list[str]         # the same for people


def place(row: dict[str, Any]) -> tuple[str, int, str] | None:
    """The line that a row is grouped by."""
    if row["own_frame"] is None:
        return None
    frame = row["frames"][row["own_frame"]]
    function = frame["function"].split("(")[0].split("::")[-1]
    return os.path.basename(frame["file"]), frame["line"], function


class Planted(Victims):
    def each(self, source: str, kind: str = "leak") -> Iterator[Told]:
        """Every plant, or every twin, of a source in every build."""
        module = self.victim("plugin.c", "-shared", "-fPIC", output="plugin.so")
        env = {**os.environ, "PLANTED_MODULE": str(module)}
        for how, (optimize, *words) in BUILDS.items():
            victim = self.victim(source, "-I", INCLUDE, "-L", LIBRARIES, "-lleakwatch", "-ldl",
                                 f"-Wl,-rpath,{LIBRARIES}", *words, optimize=optimize)
            done = self.leakwatch("--output", "at_exit.txt", "--", victim, kind, env=env)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            parts = done.stdout.split("== ")[1:]
            self.assertGreaterEqual(len(parts), PLANTS[source])
            for name, books, region, *text in map(str.splitlines, parts):
                yield Told(f"{name}, {how}", json.loads(books), json.loads(region), text)

    def leaks(self, source: str) -> None:
        for told in self.each(source):
            with self.subTest(told.name):
                self.check(told)

    def check(self, told: Told) -> None:
        books, region = told.books, told.region
        line = books["file"], books["line"], books["function"]
        rows = [row for row in region["survivors"] if place(row) == line]
        grow = [row for row in region["survivors"] if row["verdict"]["kind"] == "grows"]
        self.assertEqual({place(row) for row in grow}, {line}, "this grows, and nothing else does")
        self.assertRegex(told.text[2], rf"{line[0]}:{line[1]} \S*{line[2]}.* grows: ", "named first")
        left = {number: [0, 0] for number in range(1, len(books["left"]) + 1)}
        for row in rows:
            for entry in row["verdict"]["left"]:
                left[entry["round"]][0] += entry["bytes"]
                left[entry["round"]][1] += entry["blocks"]
        said = list(left.values())
        if not any(size for size, _ in books["left"]):  # only libc knows
            self.assertTrue(all(size > 0 for size, _ in said))
            books["left"] = [[ours[0], blocks] for ours, (_, blocks) in zip(said, books["left"])]
        self.assertEqual(said, books["left"])
        rounds = [number for number, (_, blocks) in enumerate(books["left"], 1) if blocks]
        verdict = region["verdict"]
        self.assertEqual((verdict["kind"], verdict["grew"], verdict["since"], verdict["span"]),
                         ("grows", len(rounds), rounds[0], len(said) - rounds[0] + 1))
        self.assertEqual([verdict["growth_bytes"], verdict["growth_blocks"]],
                         [sum(column) for column in zip(*said)])

    def twins(self, source: str) -> None:
        for told in self.each(source, "clean"):
            with self.subTest(told.name):
                self.assertNotIn(told.region["verdict"]["kind"], ("grows", "cannot tell yet"))
                own = [row for row in told.region["survivors"] if place(row) and
                       row["verdict"]["kind"] != "warm-up"]  # as the loader's tables are
                self.assertLessEqual(sum(row["blocks"] for row in own), 1, "one that is in use")

    def test_leaks_of_c(self) -> None:
        self.leaks("planted.c")

    def test_leaks_of_cplusplus(self) -> None:
        self.leaks("planted.cc")

    def test_twins_of_c(self) -> None:
        self.twins("planted.c")

    def test_twins_of_cplusplus(self) -> None:
        self.twins("planted.cc")

    def test_what_is_no_leak(self) -> None:
        for told in self.each("flat.c"):
            with self.subTest(told.name):
                kind = told.name.partition(":")[2].partition(",")[0]
                own = {row["verdict"]["kind"] for row in told.region["survivors"]
                       if (place(row) or [""])[0] == "flat.c" and "create" not in str(row["frames"])}
                self.assertEqual(own, {kind} - {""})
                self.assertNotIn(told.region["verdict"]["kind"], ("grows", "cannot tell yet"))


if __name__ == "__main__":
    unittest.main()
