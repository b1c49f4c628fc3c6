"""What the report says is what a victim's own books say, to the byte and the block. Under the address
sanitizer there is nothing to test here: its malloc is the one that comes first."""

from __future__ import annotations

import json
import os
import unittest

from support import ADAPTER, HERE, Victims, expected, left_by_line


class Exact(Victims):
    def check(self, source: str, **more: str) -> None:
        victim = self.victim(source, **more)
        report, done = self.report(victim)
        self.assertGreater(len(expected(done.stdout)), 0)
        self.assertEqual(left_by_line(report, source), expected(done.stdout))
        self.assertEqual(report["dropped"], 0)
        self.assertEqual(done.stderr, "")

    def test_every_call_of_the_family(self) -> None:
        for optimize in ("-O0", "-O2"):
            with self.subTest(optimize):
                self.check("family.c", optimize=optimize)

    def test_new_and_delete(self) -> None:
        self.check("cplus.cc")

    def test_thirty_threads(self) -> None:
        self.check("threads.c")

    def test_before_main_and_after(self) -> None:
        victim = self.victim("early.c")
        report, done = self.report(victim)
        left = expected(done.stdout)
        line = 1 + (HERE / "early.c").read_text().splitlines().index(
            "    kept = malloc(66); /* left at exit */")
        left[line] = (66, 1)
        self.assertEqual(left_by_line(report, "early.c"), left)

    def test_forks_of_many_threads(self) -> None:
        victim = self.victim("forks.c")
        report, done = self.report(victim)
        self.assertEqual(left_by_line(report, "forks.c"), expected(done.stdout))

    def test_linked_instead_of_preloaded(self) -> None:
        victim = self.victim("family.c", f"-Wl,--no-as-needed,-rpath,{ADAPTER.parent}", ADAPTER)
        done = self.plain(victim, env={"LEAKWATCH_JSON": "1", "LEAKWATCH_OUTPUT": "out.json"})
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        report = json.loads((self.folder / "out.json").read_text())
        self.assertEqual(left_by_line(report, "family.c"), expected(done.stdout))

    def test_the_gate_itself(self) -> None:
        """Books that are wrong by one block are found."""
        victim = self.victim("family.c")
        report, done = self.report(victim)
        wrong = done.stdout.replace(" 101 1\n", " 102 1\n", 1)
        self.assertNotEqual(expected(wrong), expected(done.stdout))
        self.assertNotEqual(left_by_line(report, "family.c"), expected(wrong))


class Stacks(Victims):
    """Our walk of the stack says what libgcc's says, in code with and without frame pointers."""

    def stacks(self, victim: object, env: dict[str, str]) -> set[tuple[object, ...]]:
        report, _ = self.report(str(victim), env={**os.environ, **env})
        return {(row["bytes"], row["blocks"], row["truncated"],
                 tuple((frame["function"], frame["file"], frame["line"]) for frame in row["frames"]))
                for row in report["survivors"]}

    def test_the_same_as_libgcc(self) -> None:
        for optimize in ("-O0", "-O2", "-O2 -fno-omit-frame-pointer", "-O3 -mstackrealign"):
            for source in ("family.c", "early.c", "cplus.cc", "resized.c"):
                with self.subTest(optimize=optimize, source=source):
                    first, *rest = optimize.split()
                    victim = self.victim(source, *rest, optimize=first)
                    ours = self.stacks(victim, {})
                    self.assertEqual(ours, self.stacks(victim, {"LEAKWATCH_UNWIND": "libgcc"}))
                    self.assertGreater(len(ours), 1)


    def test_a_frame_that_only_its_registers_give_away(self) -> None:
        report, _ = self.report(self.victim("resized.c"))
        found = {}
        for row in report["survivors"]:
            names = [frame["function"] for frame in row["frames"]]
            if "leaf" in names:
                found[tuple(names[:names.index("main")])] = row["blocks"]
        self.assertEqual(found, {("leaf", "middle"): 256, ("leaf", "middle", "between"): 256})


if __name__ == "__main__":
    unittest.main()
