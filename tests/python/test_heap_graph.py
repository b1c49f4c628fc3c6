"""The references that the heap walk finds, against gc.get_referents() and docs/cpython-graph.md."""

from __future__ import annotations

import array
import asyncio
import collections
import contextvars
import datetime
import functools
import gc
import importlib.util
import io
import itertools
import operator
import re
import sys
import threading
import types
import unittest
import weakref
from typing import Any

from leakwatch import _leakwatch

from heap_support import BORROWED, OUTSIDE, STRONG, WEAK, Graph, is_static_type

Ids = collections.Counter[int]


def ids(*objects: object) -> Ids:
    return collections.Counter(id(obj) for obj in objects)


def referents(obj: object) -> Ids:
    return collections.Counter(map(id, gc.get_referents(obj)))


class Plain:
    def __init__(self, value: object) -> None:
        self.first = value
        self.second = [value]


class Slots:
    __slots__ = ("one", "two", "__weakref__")


class SlotsAndDict(Slots):
    pass


class Dict(dict):
    pass


class List(list):
    __slots__ = ("mark",)


class Tuple(tuple):
    pass


class Int(int):
    pass


class Deque(collections.deque):
    pass


class Meta(type):
    pass


class WithMeta(metaclass=Meta):
    table: list[int] = []


class Error(Exception):
    pass


def generate() -> Any:
    local = [1, 2]
    for item in local:
        yield item


async def wait() -> None:
    await asyncio.sleep(1000)


def make_closure() -> Any:
    captured = ["captured"]

    def inner(default: object = ["default"], *, named: object = ["named"]) -> object:
        return captured, default, named

    return inner


class Corrected(unittest.TestCase):
    """Each object of a kind: what tp_traverse lists, with the corrections of the documentation."""

    def check(self, obj: object, more: Ids = ids(), less: Ids = ids()) -> Graph:
        graph = Graph(obj)
        expected = referents(obj)
        expected.subtract(less)
        expected.update(more)
        self.assertEqual(graph.targets(obj), +expected)
        self.assertEqual((graph.dangling, graph.conflicts), (0, 0))
        return graph

    def test_sequences_and_sets(self) -> None:
        inner = ["x"]
        for obj in ([inner, inner, None, 1], (inner, 1), {"a", 5, (1, 2)}, frozenset([b"z", 7])):
            with self.subTest(type=type(obj)):
                self.check(obj)
        graph = self.check(obj := [inner, inner])
        self.assertEqual(graph.labels(obj, inner), [(STRONG, 0), (STRONG, 1)])

    def test_a_dict_shows_its_keys_too(self) -> None:
        value = [1]
        plain = {"name": value, "other": value}
        graph = self.check(plain, more=ids(*plain))
        self.assertEqual(graph.labels(plain, value), [(STRONG, "'name'"), (STRONG, "'other'")])
        # tp_traverse lists the keys of a dict unless all are strings
        mixed = {"name": value, 5: value, (1, "a"): value, b"b": value, 1.5: value, None: value}
        graph = self.check(mixed)
        names = ["'name'", "(1, 'a')", "1.5", "5", "None", "b'b'"]
        self.assertEqual(graph.labels(mixed, value), [(STRONG, name) for name in names])

    def test_an_instance_without_a_dict_yet(self) -> None:
        obj = Plain("value")
        graph = self.check(obj)
        self.assertEqual(graph.labels(obj, obj.second), [(STRONG, "second")])
        self.assertEqual(graph.labels(obj, Plain), [(STRONG, "type")])

    def test_an_instance_whose_dict_was_touched(self) -> None:
        obj = Plain("value")
        obj.__dict__
        holder = gc.get_referents(obj) if sys.version_info < (3, 13) else [obj.__dict__]
        namespace = next(item for item in holder if isinstance(item, dict))
        del holder
        if sys.version_info >= (3, 13):  # the values are the instance's, the dict shows them
            self.check(obj, more=ids(namespace))
            graph = Graph(obj, namespace)
            self.assertEqual(graph.labels(namespace, obj.second), [(BORROWED, "'second'")])
            self.assertEqual(graph.labels(obj, obj.second), [(STRONG, "second")])
        else:  # `namespace` holds it as well: it is a dict in its own right
            self.check(obj)
            graph = Graph(obj, namespace)
            self.assertEqual(graph.labels(namespace, obj.second), [(STRONG, "'second'")])
        self.assertEqual(graph.labels(obj, namespace), [(STRONG, "__dict__")])

    def test_a_dict_that_the_instance_alone_holds(self) -> None:
        obj = Plain("value")
        obj.__dict__
        values = [obj.first, obj.second]
        if sys.version_info >= (3, 13):
            graph = Graph(obj, *values)
            namespace = next(e.target for e in graph.outgoing[id(obj)] if e.label == "__dict__")
            expected = referents(obj) + collections.Counter([namespace])
            self.assertEqual(graph.targets(obj), expected)
        else:
            self.check(obj, more=ids(*values))
            graph = Graph(obj, *values)
            namespace = next(e.target for e in graph.outgoing[id(obj)] if e.label == "__dict__")
        found = [(e.kind, e.target) for e in graph.outgoing[namespace]]
        self.assertEqual(sorted(found), sorted((BORROWED, id(value)) for value in values))
        self.assertEqual(graph.labels(obj, values[1]), [(STRONG, "second")])

    def test_slots(self) -> None:
        obj = Slots()
        obj.one, obj.two = ["one"], None
        graph = self.check(obj)
        self.assertEqual(graph.labels(obj, obj.one), [(STRONG, "one")])
        self.check(Slots())
        both = SlotsAndDict()
        both.one = both.three = ["both"]
        # from 3.13 on its attributes are in a dict that it alone holds, and shown as its own
        graph = self.check(both, more=ids(both.one) if sys.version_info >= (3, 13) else ids())
        self.assertEqual(graph.labels(both, both.one), [(STRONG, "one"), (STRONG, "three")])

    def test_classes_over_builtin_types(self) -> None:
        obj = Dict(a=[1])
        self.check(obj, more=ids(*obj))
        item = List([["item"]])
        item.mark = ["mark"]
        self.check(item)
        for value in (Tuple(([1],)), Int(7), Deque([[1]])):
            with self.subTest(type=type(value)):
                value.attribute = ["attribute"]
                graph = Graph(value)
                self.assertIn((STRONG, "attribute"), graph.labels(value, value.attribute))
                self.assertEqual(graph.labels(value, type(value)), [(STRONG, "type")])

    def test_functions(self) -> None:
        function = make_closure()
        cells = function.__closure__
        # `cells` holds the tuple as well here, so that the cells are its own
        self.check(function)
        graph = Graph(cells)
        self.assertEqual(graph.labels(cells, cells[0]), [(STRONG, 0)])
        del cells
        cell = function.__closure__[0]
        graph = Graph(function, cell)
        self.assertEqual(graph.targets(function), referents(function) + ids(cell))
        self.assertEqual(graph.labels(function, cell), [(STRONG, "captured")])
        self.assertEqual(graph.labels(cell, cell.cell_contents), [(STRONG, "cell_contents")])
        self.check(types.MethodType(function, self))
        self.check([].append)

    def test_classes(self) -> None:
        names = ids("Plain", "Plain.__qualname__")
        for cls in (Plain, Slots, WithMeta, Error, collections.Counter):
            with self.subTest(cls=cls):
                graph = Graph(cls)
                found, listed = graph.targets(cls), referents(cls)
                self.assertEqual(+(listed - found), collections.Counter(), "left out")
                labels = {
                    edge.label
                    for edge in graph.outgoing[id(cls)]
                    if edge.kind == STRONG and found[edge.target] > listed[edge.target]
                }
                known = {"__name__", "__qualname__", "__slots__", "subclasses", "attribute name"}
                self.assertLessEqual(labels - set(cls.__dict__), known)
        self.assertTrue(names)

    def test_a_class_shows_the_entries_of_its_dict(self) -> None:
        graph = Graph(WithMeta)
        self.assertIn((STRONG, "table"), graph.labels(WithMeta, WithMeta.table))
        self.assertEqual(graph.labels(WithMeta, Meta), [(STRONG, "type")])

    def test_generators(self) -> None:
        created, suspended, ended = generate(), generate(), generate()
        next(suspended)
        list(ended)
        self.check(created)
        graph = self.check(suspended)
        local = suspended.gi_frame.f_locals["local"]
        self.assertEqual(graph.labels(suspended, local)[0], (STRONG, "local"))
        # a generator that has ended holds its code, which tp_traverse forgets from 3.12 on
        more = ids(ended.gi_code) if sys.version_info >= (3, 12) else ids()
        self.check(ended, more=more)

    def test_a_running_generator(self) -> None:
        graphs: list[Graph] = []

        def look(by_itself: bool) -> Any:
            local = ["local of a running generator"]
            if by_itself:  # then its variables are those of the code that asks: roots
                graphs.append(Graph.__new__(Graph))
                graphs[-1].read(_leakwatch._heap_graph(graphs[:], [local]))
            else:
                graphs.append(Graph(local))
            yield local

        for by_itself, kind in ((False, STRONG), (True, BORROWED)):
            with self.subTest(by_itself=by_itself):
                running = look(by_itself)
                local = next(running)
                labels = graphs[-1].labels(running, local)
                self.assertEqual([row for row in labels if row[1] == "local"], [(kind, "local")])
                self.assertFalse(graphs[-1].node(local).flags & OUTSIDE)

    def test_coroutines(self) -> None:
        coroutine = wait()
        self.addCleanup(coroutine.close)
        self.check(coroutine)

    def test_exceptions(self) -> None:
        try:
            try:
                raise KeyError("inner")
            except KeyError as error:
                raise Error("outer", ["argument"]) from error
        except Error as error:
            caught = error
        graph = self.check(caught)
        self.assertEqual(graph.labels(caught, caught.__traceback__), [(STRONG, "__traceback__")])
        cause = caught.__cause__
        labels = graph.labels(caught, cause)
        self.assertEqual(labels, [(STRONG, "__cause__"), (STRONG, "__context__")])
        self.check(caught.__traceback__)
        self.check(ExceptionGroup("group", [caught]))

    def test_caches(self) -> None:
        for maxsize in (None, 10):
            with self.subTest(maxsize=maxsize):

                @functools.lru_cache(maxsize)
                def cached(key: object, other: object = None) -> Plain:
                    return Plain(key)

                one, two = cached(1), cached("a", 2)
                graph = Graph(cached, one)
                self.assertEqual(graph.labels(cached, one), [(STRONG, "1")])
                self.assertEqual(graph.labels(cached, two), [(STRONG, "('a', 2)")])
                results = referents(cached) & ids(one, two)
                self.assertEqual(graph.targets(cached) & ids(one, two), results or ids(one, two))
                self.assertEqual(graph.node(one).flags, 0)

    def test_dicts_in_c(self) -> None:
        default = collections.defaultdict(list, key=[1])
        graph = self.check(default, more=ids("key"))
        self.assertEqual(graph.labels(default, list), [(STRONG, "default_factory")])
        ordered = collections.OrderedDict(key=[1])
        self.check(ordered, more=ids("key"))
        letters = collections.Counter("ab")
        self.check(letters, more=ids(*letters))

    def test_descriptors_hold_their_names(self) -> None:
        for descriptor in (str.join, str.__add__, int.real, Slots.one):
            with self.subTest(descriptor=descriptor):
                graph = Graph(descriptor)
                extra = graph.targets(descriptor) - referents(descriptor)
                names = {e.label for e in graph.outgoing[id(descriptor)] if e.target in extra}
                self.assertLessEqual(names, {"__name__", "__qualname__"})

    def test_what_has_no_namer_is_named_by_its_type(self) -> None:
        items: list[object] = [[1]]
        cases: list[object] = [
            iter(items), iter({1: items}), iter({1: items}.items()), zip(items), map(str, items),
            enumerate(items), reversed(items), itertools.chain(items), itertools.cycle(items),
            itertools.product(items), itertools.groupby(items), slice(items, 1), list[int],
            int | str, property(generate), memoryview(array.array("i", [1])),
            types.MappingProxyType({1: items}), re.compile("a(?P<n>b)"), operator.itemgetter(1),
            functools.partial(print, items), contextvars.copy_context(), collections.deque([items]),
        ]  # fmt: skip
        for obj in cases:
            with self.subTest(type=type(obj)):
                graph = self.check(obj)
                for edge in graph.outgoing[id(obj)]:
                    self.assertNotIn(edge.label, ("", "?", "??"))

    def test_references_that_the_collector_never_sees(self) -> None:
        zone = datetime.timezone(datetime.timedelta(hours=1), "name of a zone")
        moment = datetime.datetime(2020, 1, 1, tzinfo=zone)
        stream = io.BytesIO(b"x" * 100)
        numbers = range(10**30, 10**31)
        code = generate.__code__
        graph = Graph(zone, moment, stream, numbers, code)
        self.assertEqual(graph.labels(moment, zone), [(STRONG, "tzinfo")])
        labels = {edge.label for edge in graph.outgoing[id(zone)]}
        self.assertEqual(labels, {"offset", "__name__"})
        self.assertIn("buffer", {edge.label for edge in graph.outgoing[id(stream)]})
        self.assertEqual(graph.labels(numbers, numbers.start), [(STRONG, "start")])
        self.assertEqual(graph.labels(code, code.co_consts), [(STRONG, "co_consts")])

    def test_weak_references(self) -> None:
        obj, callback = Plain(1), lambda ref: None
        ref = weakref.ref(obj, callback)
        graph = self.check(ref)
        self.assertEqual(graph.labels(ref, obj), [(WEAK, "referent")])
        self.assertEqual(graph.labels(ref, callback), [(STRONG, "__callback__")])

    def test_context_variables(self) -> None:
        variables = [contextvars.ContextVar(f"variable{i}") for i in range(40)]
        values = [[i] for i in range(40)]
        context = contextvars.Context()
        for variable, value in zip(variables, values):
            context.run(variable.set, value)
        graph = Graph(*values)
        for i, value in enumerate(values):
            names = [e.label for e in graph.incoming[id(value)] if e.style == 2]
            self.assertEqual(names, [f"variable{i}"])


@unittest.skipUnless(importlib.util.find_spec("numpy"), "numpy is not installed")
class Arrays(unittest.TestCase):
    def test_elements_base_and_size(self) -> None:
        import numpy

        items = [Plain(1), Plain(2), [3]]
        array = numpy.array(items, dtype=object)
        view, numbers = array[1:], numpy.zeros((100, 10))
        graph = Graph(array, view, numbers)
        for i, item in enumerate(items):
            self.assertEqual(graph.labels(array, item), [(STRONG, i)])
            self.assertEqual(graph.labels(view, item), [])
        self.assertEqual(graph.labels(view, array), [(STRONG, "base")])
        for obj in (array, view, numbers):
            self.assertEqual(graph.node(obj).size, sys.getsizeof(obj))


class Everything(unittest.TestCase):
    def test_all_that_the_collector_lists_is_there(self) -> None:
        """Every reference of every object of this process, one way."""
        gc.collect()
        before = {id(obj): (obj, referents(obj)) for obj in gc.get_objects()}
        graph = Graph()
        cache = type(functools.lru_cache(print))  # its entries have references of their own here
        for key, (obj, listed) in before.items():
            if obj is before or isinstance(obj, (cache, types.FrameType)) or is_static_type(obj):
                continue
            left_out = (listed & referents(obj)) - graph.targets(obj)
            self.assertEqual(left_out, collections.Counter(), f"{type(obj)} at {key:#x}")

    def test_no_reference_is_found_twice(self) -> None:
        """Not more strong references than the object counts, other than through our tools."""
        gc.collect()
        graph = Graph()
        for key, node in graph.nodes.items():
            found = sum(1 for edge in graph.incoming[key] if edge.kind == STRONG)
            if node.references:
                self.assertLessEqual(found, node.references, f"{node} at {key:#x}")

    def test_objects_of_other_threads(self) -> None:
        ready, done = threading.Event(), threading.Event()
        seen: list[int] = []

        def work() -> None:
            mine = Plain("in a thread")
            seen.append(id(mine))
            ready.set()
            done.wait()

        thread = threading.Thread(target=work)
        thread.start()
        ready.wait()
        graph = Graph()
        done.set()
        thread.join()
        self.assertEqual(graph.nodes[seen[0]].flags, 0)


if __name__ == "__main__":
    unittest.main()
