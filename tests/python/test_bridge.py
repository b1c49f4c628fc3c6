"""Two runtimes in one process: a Python object owns a toy machine, whose extension knows nothing of
leakwatch's but the table that it publishes. One view of both, and both pass the checker."""

from __future__ import annotations

import gc
import unittest
from typing import Any

import leakwatch
import toyvm

MISSING, BRIDGE = 4, 9  # enum lw_problem_kind
INVALID, STATE, FAILED = -1, -3, -5  # enum lw_status


class Server:
    def __init__(self) -> None:
        self.machine = toyvm.Machine()
        self.orders = 0

    def handle(self) -> None:
        self.orders += 1
        self.machine.handle(self.orders)


class Quiet(Server):
    def handle(self) -> None:
        super().handle()
        self.machine.forget()


server: Any = None


def steps(path: leakwatch.Path) -> list[tuple[str, str]]:
    return [(step.label, step.type) for step in path.steps]


class Bridged(unittest.TestCase):
    def setUp(self) -> None:
        global server
        server = Server()
        self.addCleanup(self.forget)

    def forget(self) -> None:
        global server
        server = None

    def record(self) -> None:
        leakwatch.start()
        self.addCleanup(leakwatch.stop)


class Graph(Bridged):
    def test_a_path_crosses_from_one_to_the_other(self) -> None:
        self.record()
        server.handle()
        found = leakwatch.snapshot().paths_to(instances_of="closure")
        self.assertEqual(found[0].root, f"module {__name__}")
        self.assertEqual(steps(found[0]), [
            (".server", "Server" if __name__ == "__main__" else f"{__name__}.Server"),
            (".machine", "toyvm.Machine"),
            ("(globals)", "map"),
            ('["cache"]', "map"),
            ('["order 1"]', "list"),
            ("[0]", "closure"),
        ])
        for words in (".server", ".machine", "(globals)", '["order 1"]', "toyvm.Machine"):
            self.assertIn(words, found.text())

    def test_the_line_of_the_script_that_allocated_it(self) -> None:
        self.record()
        server.handle()
        allocated = leakwatch.snapshot().paths_to(instances_of="closure")[0].allocated
        self.assertEqual([(frame.function, frame.file, frame.line) for frame in allocated],
                         [("handle", "server.toy", 6)])

    def test_the_leak_is_found_behind_its_python_owner(self) -> None:
        self.record()
        found = leakwatch.find_leaks(server.handle)
        self.assertEqual(len(found), 1, found.text())
        worst = found[0]
        self.assertEqual(worst.holder, "map")
        self.assertGreaterEqual(worst.objects_per_round, 4)  # key, page, closure, title
        self.assertGreater(worst.freed, 0)
        labels = [label for label, _ in steps(worst.paths[0])]
        self.assertEqual(worst.paths[0].root, f"module {__name__}")
        self.assertEqual(labels[:4], [".server", ".machine", "(globals)", '["cache"]'])
        self.assertIn("server.toy", {frame.file for frame in worst.allocated})

    def test_a_cache_that_forgets_is_no_leak(self) -> None:
        global server
        server = None
        server = Quiet()
        self.record()
        found = leakwatch.find_leaks(server.handle)
        self.assertEqual(len(found), 0, found.text())

    def test_a_child_sees_both(self) -> None:
        self.record()
        server.handle()
        path = leakwatch.capture().wait().paths_to(instances_of="closure")[0]
        self.assertEqual([label for label, _ in steps(path)][:3],
                         [".server", ".machine", "(globals)"])

    def test_it_goes_with_its_python_owner(self) -> None:
        self.record()
        server.handle()
        self.assertEqual(leakwatch.snapshot().types["closure"].count, 1)
        self.forget()
        self.assertNotIn("closure", leakwatch.snapshot().types)


class Checker(Bridged):
    def expect_no_problem(self) -> None:
        gc.collect()
        problems = toyvm.check()
        self.assertEqual(problems["toyvm"], [])
        kinds = {kind for kind, *_ in problems["python"]}
        self.assertLessEqual(kinds, {MISSING}, problems)  # what C holds
        ours = [row for row in problems["python"] if row[2].startswith((__name__, "toyvm"))]
        self.assertEqual(ours, [])

    def test_both_pass(self) -> None:
        self.record()
        for _ in range(3):
            server.handle()
        self.expect_no_problem()

    def test_both_pass_without_a_recording(self) -> None:
        server.handle()
        leakwatch.snapshot()
        self.expect_no_problem()

    def test_an_owner_that_is_not_there_is_told(self) -> None:
        self.record()
        server.machine.held_by(4096)
        kinds = {kind for kind, *_ in toyvm.check()["toyvm"]}
        self.assertIn(BRIDGE, kinds)


class Contexts(Bridged):
    def closures(self) -> int:
        types = leakwatch.snapshot().types
        return types["closure"].count if "closure" in types else 0

    def test_it_is_plugged_into_each_that_comes(self) -> None:
        begun, ended = toyvm.contexts()
        leakwatch.snapshot()
        first = toyvm.contexts()[0]
        for i in range(1, 4):
            leakwatch.start()
            server.handle()
            self.assertEqual(self.closures(), i)
            self.assertEqual(toyvm.contexts()[0] - toyvm.contexts()[1], 1)
            leakwatch.stop()
            server.handle()  # with nobody listening
            self.assertEqual(toyvm.contexts()[0], toyvm.contexts()[1])
            server.machine.forget()
            for _ in range(i):
                server.handle()
        self.assertLessEqual(first - begun, 1)
        self.assertGreaterEqual(toyvm.contexts()[1] - ended, 3)

    def test_machines_come_and_go_in_one_context(self) -> None:
        global server
        self.record()
        for _ in range(3):
            server = None
            self.assertEqual(self.closures(), 0)
            server = Server()
            server.handle()
            self.assertEqual(self.closures(), 1)
        server.handle()
        self.assertEqual(self.closures(), 2)

    def test_unplugged_it_is_not_seen(self) -> None:
        leakwatch.start()
        server.handle()
        self.assertEqual(self.closures(), 1)
        toyvm.unplug()
        self.addCleanup(toyvm.plug)
        self.assertEqual(self.closures(), 0)
        server.handle()
        leakwatch.stop()
        self.record()
        self.assertEqual(self.closures(), 0)
        toyvm.plug()  # into the context that is there
        self.assertEqual(self.closures(), 2)

    def test_who_refuses_is_heard(self) -> None:
        leakwatch.start()
        leakwatch.stop()
        before = toyvm.contexts()
        toyvm.refuse(True)
        try:
            for call in (leakwatch.start, leakwatch.snapshot):
                with self.assertRaisesRegex(Exception, "does not want to be watched"):
                    call()
        finally:
            toyvm.refuse(False)
        self.assertEqual(toyvm.contexts(), before)
        self.record()
        server.handle()
        self.assertEqual(self.closures(), 1)


class Table(Bridged):
    def test_wrong_calls(self) -> None:
        self.record()
        answers = toyvm.wrong_calls()
        self.assertEqual([made for _, _, made in answers], [False] * 9)
        self.assertEqual([status for status, _, _ in answers],
                         [INVALID] * 6 + [STATE, FAILED, INVALID])
        said = ["size"] * 3 + ["begin and end"] * 3 + ["elsewhere", "refuses", "plug is NULL"]
        for words, (_, message, _) in zip(said, answers, strict=True):
            self.assertIn(words, message)


if __name__ == "__main__":
    unittest.main()
