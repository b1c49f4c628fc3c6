"""What the heap walk sees, what it leaves alone, and what it says of objects that nobody holds."""

from __future__ import annotations

import collections
import ctypes
import gc
import operator
import sys
import threading
import unittest
import weakref
from typing import Any

import leakwatch
from heap_support import GARBAGE, OUTSIDE, STRONG, Graph
from leakwatch import _leakwatch

MISSING = 4  # LW_PROBLEM_MISSING: fewer edges than the stated references


class Plain:
    def __init__(self, value: object = None) -> None:
        self.value = value


class Node:
    __slots__ = ("next", "__weakref__")


class Touchy:
    """Everything that Python code could be run by."""

    calls: list[str] = []

    def __getattribute__(self, name: str) -> Any:
        Touchy.calls.append(name)
        return object.__getattribute__(self, name)

    def __hash__(self) -> int:
        Touchy.calls.append("__hash__")
        return 1

    def __eq__(self, other: object) -> bool:
        Touchy.calls.append("__eq__")
        return self is other

    def __sizeof__(self) -> int:
        Touchy.calls.append("__sizeof__")
        return 1

    def __repr__(self) -> str:
        Touchy.calls.append("__repr__")
        return ""

    def __bool__(self) -> bool:
        Touchy.calls.append("__bool__")
        return True

    def __iter__(self) -> Any:
        Touchy.calls.append("__iter__")
        return iter(())

    def __del__(self) -> None:
        Touchy.calls.append("__del__")


class Alive(unittest.TestCase):
    def test_objects_that_the_collector_does_not_track(self) -> None:
        number, text, raw = 10**20, "a string of its own", b"bytes of their own"
        fraction, pair, table = 1.25, (1.5, "x"), {"a": 1.5}
        holder = [number, text, raw, fraction, pair, table]
        gc.collect()
        self.assertFalse(gc.is_tracked(pair) or gc.is_tracked(fraction))
        graph = Graph(*holder)
        for obj in holder:
            self.assertIn(id(obj), graph.nodes)
            self.assertIn((STRONG, holder.index(obj)), graph.labels(holder, obj))

    def test_what_only_a_stack_holds_and_the_collector_does_not_know(self) -> None:
        keys: list[int] = []
        graphs: list[Graph] = []

        def make() -> str:
            text = "made at run time, " * (2 + len(keys))
            keys.append(id(text))
            return text

        def look(unused: object) -> int:
            graphs.append(Graph())
            return 0

        (make(), look(None)), (make(), max([1, 2], key=look))
        for key, graph in zip(keys, graphs):
            self.assertEqual(graph.nodes[key].type, "str")
            self.assertEqual(graph.nodes[key].flags & (GARBAGE | OUTSIDE), 0)

    def test_frozen_objects(self) -> None:
        kept, cycle = Plain([1]), Plain()
        cycle.value = cycle
        key = id(cycle)
        gc.collect()
        gc.freeze()
        try:
            del cycle
            graph = Graph()
        finally:
            gc.unfreeze()
        self.assertEqual(graph.labels(kept, kept.value), [(STRONG, "value")])
        self.assertEqual(graph.nodes[key].flags & GARBAGE, GARBAGE)
        self.assertEqual(graph.node(kept).flags & (GARBAGE | OUTSIDE), 0)

    def test_garbage_is_garbage_and_stays(self) -> None:
        gc.collect()
        gc.disable()
        self.addCleanup(gc.enable)
        one, two = Plain(), Plain()
        one.value, two.value, two.more = two, one, ["held by garbage"]
        alive, keys = weakref.ref(one), [id(one), id(two), id(two.more)]
        del one, two
        graph = Graph()
        for key in keys:
            self.assertEqual(graph.nodes[key].flags & (GARBAGE | OUTSIDE), GARBAGE)
        self.assertIsNotNone(alive())
        self.assertGreaterEqual(graph.garbage, 3)

    def test_nothing_that_is_held_is_garbage(self) -> None:
        gc.collect()
        graph = Graph()
        garbage = collections.Counter(n.type for n in graph.nodes.values() if n.flags & GARBAGE)
        self.assertEqual(garbage, collections.Counter())

    def test_a_reference_leaked_by_c_holds_from_outside(self) -> None:
        obj = Plain()
        before = Graph(obj).node(obj)
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(obj))
        after = Graph(obj).node(obj)
        key = id(obj)
        del obj
        alone = Graph().nodes[key]
        ctypes.pythonapi.Py_DecRef(ctypes.cast(key, ctypes.py_object))
        self.assertEqual(before.flags & OUTSIDE, 0)
        self.assertEqual(after.flags & OUTSIDE, OUTSIDE)
        self.assertEqual(after.references, before.references + 1)
        self.assertEqual(alone.flags & (GARBAGE | OUTSIDE), OUTSIDE)

    def test_ordinary_objects_are_not_held_from_outside(self) -> None:
        def generate() -> Any:
            local = Plain("of a generator")
            yield local

        generator = generate()
        cases: list[Any] = [Plain(), generate, generator, next(generator), Plain([Plain()]).value[0]]
        cases += [weakref.ref(cases[0]), Plain(cases), {"a": cases}, self.id, iter(cases), Node()]
        try:
            raise LookupError(Plain())
        except LookupError as error:
            cases += [error, error.__traceback__, error.__traceback__.tb_frame, error.args[0]]
        graph = Graph(*cases)
        for obj in cases:
            with self.subTest(type=type(obj)):
                self.assertEqual(graph.node(obj).flags & (GARBAGE | OUTSIDE), 0)

    def test_frames_of_other_threads(self) -> None:
        ready, done = threading.Barrier(4), threading.Event()
        keys: list[int] = []

        def in_a_variable() -> None:
            mine = Plain()
            keys.append(id(mine))
            ready.wait()
            done.wait()

        def in_a_generator() -> None:
            def generate() -> Any:
                mine = Plain()
                keys.append(id(mine))
                ready.wait()
                done.wait()
                yield mine

            for _ in generate():
                pass

        def on_a_stack() -> None:
            def wait(item: object) -> int:
                del item
                if not keys_done:
                    keys_done.append(True)
                    ready.wait()
                    done.wait()
                return 0

            keys_done: list[bool] = []
            made = [Plain()]
            keys.append(id(made[0]))
            (made.pop(), max([1, 2], key=wait))

        targets = (in_a_variable, in_a_generator, on_a_stack)
        threads = [threading.Thread(target=target) for target in targets]
        for thread in threads:
            thread.start()
        ready.wait()
        graph = Graph()
        done.set()
        for thread in threads:
            thread.join()
        for key in keys:
            self.assertEqual(graph.nodes[key].type, f"{__name__}.Plain")
            self.assertEqual(graph.nodes[key].flags & (GARBAGE | OUTSIDE), 0)

    def test_what_is_ours_is_hidden(self) -> None:
        leakwatch.start()
        self.addCleanup(leakwatch.stop)
        shared = Plain()
        results: list[object] = [leakwatch.snapshot(), leakwatch.snapshot()]
        names = [name for name in leakwatch.snapshot().types if "leakwatch" in name]
        self.assertEqual(names, [])
        only_hidden, visible = Plain(), Plain(shared)
        only_hidden.value = [shared, ["held by what is hidden alone"]]
        key, inner = id(only_hidden), id(only_hidden.value[1])
        graph = Graph.__new__(Graph)
        hidden = [only_hidden]
        del only_hidden
        graph.read(_leakwatch._heap_graph(hidden))
        self.assertNotIn(key, graph.nodes)
        self.assertNotIn(inner, graph.nodes)
        # what is hidden holds `shared` too; that is no reference from C
        self.assertEqual(graph.node(shared).flags & OUTSIDE, 0)
        self.assertEqual(graph.labels(visible, shared), [(STRONG, "value")])
        self.assertEqual(graph.dangling, 0)
        self.assertTrue(results)


class Harmless(unittest.TestCase):
    def test_no_python_code_runs(self) -> None:
        objects = [Touchy(), Touchy()]
        table = {objects[0]: objects[1], (objects[1],): "pair"}
        weak = [weakref.ref(objects[0], lambda ref: Touchy.calls.append("callback"))]
        events: list[tuple[str, str]] = []

        def watch(frame: Any, event: str, argument: object) -> None:
            events.append((event, frame.f_code.co_name))

        Touchy.calls.clear()
        sys.setprofile(watch)
        _leakwatch._heap_graph([], objects)
        sys.setprofile(None)
        self.assertEqual(Touchy.calls, [])
        calls = [name for event, name in events if event == "call"]
        self.assertEqual(calls, [])
        self.assertEqual((len(table), len(weak)), (2, 1))

    def test_nothing_changes(self) -> None:
        instances = [Plain([i]) for i in range(10)]
        objects = [*instances, Plain, [1], {"a": [1]}, "text of its own", 10**30, self]
        gc.collect()
        gc.disable()
        self.addCleanup(gc.enable)
        _leakwatch._heap_graph([], [None])
        dicts = sum(type(obj) is dict for obj in gc.get_objects())
        counts, stats = [sys.getrefcount(obj) for obj in objects], gc.get_stats()
        _leakwatch._heap_graph([], [None])
        after = [sys.getrefcount(obj) for obj in objects]
        self.assertEqual(after, counts)
        self.assertEqual(gc.get_stats(), stats)
        self.assertEqual(sum(type(obj) is dict for obj in gc.get_objects()), dicts)
        self.assertFalse(gc.isenabled())

    def test_two_walks_agree_and_miss_only_what_c_holds(self) -> None:
        gc.collect()
        problems = _leakwatch._heap_check()
        kinds = {kind for kind, *_ in problems}
        self.assertLessEqual(kinds, {MISSING}, problems)
        ours = [row for row in problems if row[3].startswith((__name__, "__main__"))]
        self.assertEqual(ours, [])

    def test_a_long_chain_on_a_small_stack(self) -> None:
        first = node = Node()
        for _ in range(200_000):
            node.next = Node()
            node = node.next
        last = id(node)
        del node
        found: list[bool] = []

        def walk() -> None:
            graph = _leakwatch._heap_graph([], [first])
            found.append(id(first) in graph["nodes"])

        before = threading.stack_size(256 * 1024)
        try:
            thread = threading.Thread(target=walk)
            thread.start()
            thread.join()
        finally:
            threading.stack_size(before)
        self.assertEqual(found, [True])
        node = first  # without recursion on the way out
        while id(node) != last:
            node = node.next
        chain: list[Node] = []
        while first is not None:
            chain.append(first)
            first = getattr(first, "next", None)
        while chain:
            item = chain.pop()
            if hasattr(item, "next"):
                del item.next

    def test_an_object_that_is_being_destroyed(self) -> None:
        seen: list[bool] = []
        dead: list[int] = []
        found: list[str] = []

        class Last:
            def __init__(self) -> None:
                if id(self) in dead:
                    dead.remove(id(self))

            def __del__(self) -> None:
                nodes = _leakwatch._heap_graph([])["nodes"]
                seen.append(id(self) in nodes)
                # the slot of an argument that is already gone still has its address
                found.extend(nodes[key][0] for key in dead if key in nodes)
                dead.append(id(self))

        def take(*arguments: object) -> None:
            pass

        take(Last(), [Last()], Last())
        operator.is_(Last(), Last())
        values = [Last() for _ in range(3)]
        values.clear()
        self.assertEqual(len(seen), 8)
        self.assertEqual([name for name in found if name.endswith("Last")], [])

    def test_inside_a_collection(self) -> None:
        seen: list[int] = []

        class Cyclic:
            def __init__(self) -> None:
                self.me = self

            def __del__(self) -> None:
                seen.append(len(Graph().nodes))

        Cyclic()
        gc.collect()
        self.assertEqual(len(seen), 1)
        self.assertGreater(seen[0], 1000)


if __name__ == "__main__":
    unittest.main()
