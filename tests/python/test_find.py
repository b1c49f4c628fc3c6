"""find_leaks() and findings(): planted leaks with a known culprit, and clean twins of them."""

from __future__ import annotations

import ast
import collections
import functools
import gc
import json
import sys
import threading
import unittest
import weakref
from pathlib import Path
from typing import Any

import leakwatch

this = sys.modules[__name__]


class Value:
    def __init__(self, number: int) -> None:
        self.number = number
        self.payload = bytes(2000)


class Node:
    def __init__(self, next: Node | None) -> None:
        self.next = next
        self.payload = bytearray(500)


counter = 0


def fresh() -> int:
    global counter
    counter += 1
    return counter


@functools.lru_cache(maxsize=None)
def unbounded(number: int) -> Value:
    return Value(number)


@functools.lru_cache(maxsize=8)
def bounded(number: int) -> Value:
    return Value(number)


registry: dict[str, Value] = {}
nested: dict[str, dict[int, Value]] = {}
appended: list[Value] = []
queue: collections.deque[Value] = collections.deque()
window: collections.deque[Value] = collections.deque(maxlen=50)
looked_up: collections.defaultdict[int, list[int]] = collections.defaultdict(list)
head: Node | None = None
alive: weakref.WeakValueDictionary[int, Value] = weakref.WeakValueDictionary()


class Service:
    """A cache on a method: it holds every instance."""

    @functools.lru_cache(maxsize=None)
    def price(self, number: int) -> Value:
        return Value(number)


def keep_by_cache() -> None:
    for _ in range(10):
        unbounded(fresh())


def keep_by_method_cache() -> None:
    Service().price(fresh())


def keep_in_dict() -> None:
    for _ in range(5):
        number = fresh()
        registry[f"user {number}"] = Value(number)


def keep_in_dict_of_dicts() -> None:
    number = fresh()
    nested[f"user {number}"] = {i: Value(i) for i in range(4)}


def keep_in_list() -> None:
    appended.append(Value(fresh()))


def keep_in_queue() -> None:
    for _ in range(30):
        queue.append(Value(fresh()))
    for _ in range(20):
        queue.popleft()


def keep_in_linked_list() -> None:
    global head
    for _ in range(3):
        head = Node(head)


def keep_by_looking_up() -> None:
    for _ in range(8):
        looked_up[fresh()]


def keep_in_default() -> None:
    def collect(value: Value, into: list[Value] = keep_in_default.values) -> None:  # type: ignore
        into.append(value)

    collect(Value(fresh()))


keep_in_default.values = []  # type: ignore


def keep_in_closure() -> None:
    listeners.append(lambda value=Value(fresh()): value)


listeners: list[object] = []
written = bytearray()
seen: list[bool] = []


def keep_writing() -> None:
    written.extend(bytes(1000))


def keep_nothing_new() -> None:
    seen.extend([True] * 200)


# What is leaked, through what; and the name that the path must show.
LEAKS = [
    (keep_by_cache, "functools._lru_cache_wrapper", f"{__name__}.Value", ".unbounded"),
    (keep_by_method_cache, "functools._lru_cache_wrapper", None, ".price"),
    (keep_in_dict, "dict", f"{__name__}.Value", ".registry"),
    (keep_in_dict_of_dicts, "dict", "dict", ".nested"),
    (keep_in_list, "list", f"{__name__}.Value", ".appended"),
    (keep_in_queue, "collections.deque", f"{__name__}.Value", ".queue"),
    (keep_in_linked_list, None, f"{__name__}.Node", ".head"),
    (keep_by_looking_up, "collections.defaultdict", "list", ".looked_up"),
    (keep_in_default, "list", f"{__name__}.Value", ".values"),
    (keep_in_closure, "list", None, ".listeners"),
]


def bounded_cache() -> None:
    for _ in range(10):
        bounded(fresh())


def bounded_window() -> None:
    for _ in range(30):
        window.append(Value(fresh()))


def filled_once() -> None:
    for number in range(20):
        registry.setdefault(f"fixed {number}", Value(number))


def dict_that_is_emptied() -> None:
    for _ in range(5):
        registry[f"temporary {fresh()}"] = Value(0)
    for key in [key for key in registry if key.startswith("temporary")]:
        del registry[key]


def queue_that_is_drained() -> None:
    for _ in range(30):
        queue.append(Value(fresh()))
    for _ in range(30):
        queue.popleft()


def weakly_held() -> None:
    value = Value(fresh())
    alive[value.number] = value


def work_without_traces() -> None:
    rows = [{"id": i, "name": str(i)} for i in range(100)]
    json.loads(json.dumps(rows))


def garbage_in_cycles() -> None:
    node = Node(None)
    node.next = node


def thread_that_ends() -> None:
    thread = threading.Thread(target=Value, args=(fresh(),))
    thread.start()
    thread.join()


CLEAN = [
    bounded_cache, bounded_window, filled_once, dict_that_is_emptied, queue_that_is_drained,
    weakly_held, work_without_traces, garbage_in_cycles, thread_that_ends,
]


class Find(unittest.TestCase):
    def setUp(self) -> None:
        leakwatch.start(frames=25)
        self.addCleanup(leakwatch.stop)

    def test_each_planted_leak_is_first_with_its_holder(self) -> None:
        for work, holder, type_name, label in LEAKS:
            with self.subTest(work.__name__):
                found = leakwatch.find_leaks(work)
                self.assertGreaterEqual(len(found), 1, found)
                worst = found[0]
                if holder is not None:
                    self.assertEqual(worst.holder, holder, found)
                if type_name is not None:
                    self.assertEqual(worst.type, type_name, found)
                self.assertEqual(worst.rounds, 5)
                steps = [step.label for step in worst.paths[0].steps]
                self.assertIn(label, [worst.paths[0].root, *steps], found)
                self.assertGreater(worst.freed, 0)
                self.assertEqual(len(found), 1, found)

    def test_what_becomes_larger_but_not_more(self) -> None:
        global written
        written = bytearray(b"made here")
        for work, holder, label in ((keep_writing, "bytearray", ".written"),
                                    (keep_nothing_new, "list", ".seen")):
            with self.subTest(work.__name__):
                found = leakwatch.find_leaks(work)
                self.assertEqual(len(found), 1, found)
                self.assertEqual((found[0].kind, found[0].holder, found[0].type, found[0].objects),
                                 ("bytes", holder, holder, 0))
                self.assertIn(label, [step.label for step in found[0].paths[0].steps])
                self.assertIn(f"{holder} becomes larger every round", found.text())
                self.assertEqual(json.loads(found.json())["findings"][0]["kind"], "bytes")
                created = [frame.function for frame in found[0].allocated]
                self.assertEqual("test_what_becomes_larger_but_not_more" in "".join(created),
                                 holder == "bytearray", created)
                self.assertEqual("  created  " in found.text(), holder == "bytearray")
                self.assertNotIn("allocated", found.text())
        self.assertGreaterEqual(found[0].bytes, 5 * 200 * 8 * 7 // 8)

    def test_no_clean_twin_is_called_a_leak(self) -> None:
        for work in CLEAN:
            with self.subTest(work.__name__):
                found = leakwatch.find_leaks(work)
                self.assertEqual(len(found), 0, found)

    def test_numbers_of_a_leak(self) -> None:
        found = leakwatch.find_leaks(keep_in_list, rounds=8, warm_up=3, calls=2)
        worst = found[0]
        # A Value, its int (some are small and shared), its payload; its attributes lie inside it.
        self.assertEqual(found.rounds, 8)
        self.assertGreaterEqual(worst.objects_per_round, 2 * 2)
        self.assertGreaterEqual(worst.bytes_per_round, 2 * 2000)
        self.assertLess(worst.bytes_per_round, 2 * 2400)
        self.assertEqual(worst.objects, round(worst.objects_per_round * 8))

    def test_the_line_that_allocated_it(self) -> None:
        worst = leakwatch.find_leaks(keep_in_dict)[0]
        lines = [f"{frame.function}:{frame.line}" for frame in worst.allocated]
        payload = Value.__init__.__code__.co_firstlineno + 2
        self.assertEqual(lines[0], f"Value.__init__:{payload}")
        self.assertTrue(any(line.startswith("keep_in_dict:") for line in lines), lines)

    def test_report_text_and_json(self) -> None:
        found = leakwatch.find_leaks(keep_by_cache)
        text = found.text(width=100)
        for words in ("1 leak in 5 rounds", "functools._lru_cache_wrapper gains", ".unbounded",
                      "cache_clear()", "Value.__init__", "verified", found[0].fingerprint):
            self.assertIn(words, text)
        whole = json.loads(found.json())
        self.assertEqual(whole["report"], "findings")
        self.assertEqual(len(whole["findings"]), 1)
        self.assertEqual(whole["findings"][0]["fingerprint"], found[0].fingerprint)
        self.assertEqual(json.loads(found[0].json())["holder"], "functools._lru_cache_wrapper")
        self.assertIn("functools._lru_cache_wrapper gains", str(found[0]))

    def test_accepted(self) -> None:
        found = leakwatch.find_leaks(keep_in_list)
        known = f"# known\n{found[0].fingerprint}  by design\n"
        again = leakwatch.find_leaks(keep_in_list, accepted=known)
        self.assertEqual(again.accepted, 1)
        self.assertTrue(again[0].accepted)
        self.assertEqual(again[0].fingerprint, found[0].fingerprint)

    def test_forecast(self) -> None:
        found = leakwatch.find_leaks(keep_in_list, memory_limit=1 << 40)
        self.assertIn("forecast", found.text())

    def test_snapshots_one_by_one(self) -> None:
        taken = []
        for _ in range(4):
            taken.append(leakwatch.snapshot())
            keep_in_dict()
        found = leakwatch.findings(taken, calls=5)
        self.assertEqual([finding.holder for finding in found], ["dict"])
        with self.assertRaises(ValueError):
            leakwatch.findings(taken[:2])
        with self.assertRaises(TypeError):
            leakwatch.findings([1, 2, 3])  # type: ignore

    def test_an_exception_of_the_work_comes_out(self) -> None:
        def fail() -> None:
            raise KeyError("mine")

        with self.assertRaisesRegex(KeyError, "mine"):
            leakwatch.find_leaks(fail)
        with leakwatch.region("after") as region:  # the hunt's own round has ended
            pass
        self.assertEqual(region.blocks, 0)

    def test_the_work_may_not_stop_the_recording_nor_hunt(self) -> None:
        with self.assertRaisesRegex(RuntimeError, "find_leaks"):
            leakwatch.find_leaks(leakwatch.stop)
        with self.assertRaisesRegex(RuntimeError, "find_leaks"):
            leakwatch.find_leaks(lambda: leakwatch.find_leaks(keep_in_list))
        leakwatch.find_leaks(lambda: leakwatch.snapshot())  # but it may do this

    def test_wrong_arguments(self) -> None:
        for arguments, error in (
            ({}, TypeError), ({"work": 1}, TypeError),
            ({"work": keep_in_list, "rounds": 1}, ValueError),
            ({"work": keep_in_list, "calls": 0}, ValueError),
            ({"work": keep_in_list, "accepted": 1}, TypeError),
            ({"work": keep_in_list, "memory_limit": -1}, ValueError),
        ):
            with self.subTest(arguments), self.assertRaises(error):
                leakwatch.find_leaks(**arguments)  # type: ignore


class Example(unittest.TestCase):
    """examples/lru_cache.py: what it defines, without what it does."""

    def setUp(self) -> None:
        path = Path(__file__).resolve().parents[2] / "examples" / "lru_cache.py"
        tree = ast.parse(path.read_text(encoding="utf-8"))
        kinds = (ast.Import, ast.ClassDef, ast.FunctionDef)
        tree.body = [node for node in tree.body if isinstance(node, kinds)]
        self.names: dict[str, Any] = {"__name__": "lru_cache_example"}
        exec(compile(tree, str(path), "exec"), self.names)
        leakwatch.start(frames=25)
        self.addCleanup(leakwatch.stop)

    def test_ten_values_fill_the_cache_once(self) -> None:
        self.assertEqual(len(leakwatch.find_leaks(self.names["code_suspected_of_leak"])), 0)

    def test_values_that_are_always_new_are_its_leak(self) -> None:
        found = leakwatch.find_leaks(lambda: self.names["get_value"](1000 + fresh()))
        worst = json.loads(found[0].json())
        self.assertEqual(len(found), 1, found)
        self.assertEqual(worst["holder"], "functools._lru_cache_wrapper")
        self.assertEqual(worst["type"], "lru_cache_example.Value")
        self.assertGreaterEqual(worst["bytes"], 5 * 10_000)
        self.assertEqual(worst["cut"]["freed_leaked_bytes"], worst["cut"]["leaked_bytes"])
        self.assertEqual(worst["frames"][0]["function"], "Value.__init__")


class Unrecorded(unittest.TestCase):
    def test_without_a_recording_it_knows_no_lines(self) -> None:
        found = leakwatch.find_leaks(keep_in_list)
        self.assertEqual(found[0].allocated, [])
        self.assertIn("not recorded", found.text())

    def test_nothing_of_ours_is_found(self) -> None:
        gc.collect()
        kept: list[object] = []
        found = leakwatch.find_leaks(lambda: kept.append(leakwatch.snapshot()))
        self.assertEqual([f.type for f in found if "leakwatch" in f.type], [])


if __name__ == "__main__":
    unittest.main()
