"""Sizes and types of the heap walk, against sys.getsizeof() for every type that is at hand."""

from __future__ import annotations

import array
import collections
import contextvars
import ctypes
import datetime
import decimal
import enum
import fractions
import functools
import gc
import hashlib
import io
import itertools
import mmap
import pickle
import queue
import random
import re
import struct
import sys
import threading
import types
import unittest
import weakref
import xml.etree.ElementTree as ElementTree
from typing import Any

from heap_support import Graph


class Plain:
    def __init__(self) -> None:
        self.value = 1


class Slots:
    __slots__ = ("one", "two")


class Int(int):
    pass


class IntSlots(int):
    __slots__ = ()


class Str(str):
    pass


class List(list):
    pass


class Tuple(tuple):
    pass


class Dict(dict):
    pass


class Bytes(bytes):
    pass


class Deque(collections.deque):
    pass


class Meta(type):
    pass


class WithMeta(metaclass=Meta):
    pass


class Colour(enum.Enum):
    RED = 1


class Liar:
    def __sizeof__(self) -> int:
        raise AssertionError("the walk ran code of a class")


def generate() -> Any:
    local = [1]
    yield local


async def wait() -> None:
    pass


async def agenerate() -> Any:
    yield 1


def make() -> list[object]:
    """An object or more of each type that has a size rule of its own, and of many that have not."""
    touched = Plain()
    touched.__dict__
    grown: list[object] = []
    for i in range(100):
        grown.append(i)
    utf8 = "\u00e9" * 10
    utf8.encode()
    ctypes.pythonapi.PyUnicode_AsUTF8.restype = ctypes.c_char_p
    ctypes.pythonapi.PyUnicode_AsUTF8(ctypes.py_object(utf8))  # leaves a copy in the string
    coroutine = wait()
    coroutine.close()
    ended = generate()
    list(ended)
    try:
        raise ValueError("caught")
    except ValueError as error:
        caught = error
    return [
        0, 1, -5, 10**9, 10**10, -(10**40), True, 1.5, 2j, None, ..., NotImplemented,
        "", "a", "text", "\u00e9", "\u20ac" * 3, "\U0001f600", utf8, b"", b"bytes", bytearray(b"xy"),
        (), (1, 2, 3), [], [1], grown, {}, {"a": 1}, {1: 2}, dict.fromkeys(range(1000)),
        set(), {1}, set(range(100)), frozenset(), frozenset(range(9)), range(10), slice(1, 2),
        Plain(), touched, Slots(), Int(0), Int(10**30), IntSlots(7), Str("s"), List([1]),
        Tuple((1, 2)), Dict(a=1), Bytes(b"b"), Deque([1]), WithMeta(), Colour.RED,
        int, type, Plain, Meta, WithMeta, Colour, generate, generate.__code__, make.__code__,
        lambda: 0, print, [].append, str.join, int.real, Plain().__init__, Plain.__init__, types,
        generate(), ended, coroutine, agenerate(), caught, caught.__traceback__,
        caught.__traceback__.tb_frame, sys._getframe(), sys._getframe().f_back,
        collections.deque(), collections.deque(range(1000)), collections.OrderedDict(),
        collections.OrderedDict(a=1, b=2), collections.defaultdict(list), collections.Counter("ab"),
        array.array("d", [1, 2]), memoryview(b"abc"), struct.Struct("ii"), random.Random(1),
        decimal.Decimal("1.5"), fractions.Fraction(1, 3), datetime.datetime.now(), re.compile("a"),
        io.BytesIO(b"x" * 1000), io.StringIO("text"), io.BufferedReader(io.BytesIO(b"x")),
        pickle.Pickler(io.BytesIO()), queue.SimpleQueue(), threading.local(), threading.Lock(),
        mmap.mmap(-1, 100), hashlib.sha256(), ElementTree.fromstring("<a b='c'><d/></a>"),
        itertools.permutations([1, 2]), itertools.combinations([1, 2], 1), itertools.product([1]),
        itertools.combinations_with_replacement([1], 1), itertools.count(), zip(), map(str, []),
        functools.partial(print, 1), functools.lru_cache(print), weakref.ref(Plain),
        contextvars.copy_context(), contextvars.ContextVar("variable"), types.SimpleNamespace(a=1),
        ctypes.c_int(5), (ctypes.c_int * 3)(), ctypes.c_int, types.MappingProxyType({}), list[int],
        sys.version_info, property(), staticmethod(print), classmethod(print), super(Plain, touched),
    ]  # fmt: skip


class Sizes(unittest.TestCase):
    def compare(self, graph: Graph, objects: dict[int, object]) -> None:
        wrong = []
        for key, obj in objects.items():
            node = graph.nodes.get(key)
            if node and node.size != sys.getsizeof(obj):
                wrong.append((type(obj), node.size, sys.getsizeof(obj)))
        self.assertEqual(wrong, [])

    def test_of_every_type_at_hand(self) -> None:
        objects = {id(obj): obj for obj in make()}
        graph = Graph(*objects.values())
        self.assertEqual(set(objects) - set(graph.nodes), set())
        self.compare(graph, objects)

    def test_of_everything_that_the_collector_knows(self) -> None:
        tracked = gc.get_objects()
        everything = {id(obj): obj for obj in [*tracked, *gc.get_referents(*tracked)]}
        del tracked
        ours = {id(everything)}
        graph = Graph()
        now = {key: obj for key, obj in everything.items() if key not in ours}
        own_size = {  # classes in Python whose __sizeof__ the walk does not ask
            key
            for key, obj in now.items()
            if isinstance(getattr(type(obj), "__sizeof__", None), types.FunctionType)
        }
        frames = {key for key, obj in now.items() if isinstance(obj, types.FrameType)}
        self.compare(graph, {k: o for k, o in now.items() if k not in own_size | frames})

    def test_code_of_a_class_is_not_run(self) -> None:
        liar, same = Liar(), Plain()
        graph = Graph(liar, same)
        self.assertEqual(graph.node(liar).size, graph.node(same).size)


class Names(unittest.TestCase):
    def test_of_types(self) -> None:
        def local() -> None:
            class Inner:
                pass

            self.inner = Inner()

        local()
        named = {
            f"{__name__}.Plain": Plain(),
            f"{__name__}.Names.test_of_types.<locals>.local.<locals>.Inner": self.inner,
            f"{__name__}.Meta": WithMeta,
            "dict": {"a": 1},
            "str": "text of its own",
            "int": 10**20,
            "type": Plain,
            "function": local,
            "module": sys,
            "collections.deque": collections.deque(),
            "functools.partial": functools.partial(print),
            "builtin_function_or_method": print,
            "ValueError": ValueError(),
            "datetime.date": datetime.date(2020, 1, 1),
        }
        graph = Graph(*named.values())
        for name, obj in named.items():
            self.assertEqual(graph.node(obj).type, name)


if __name__ == "__main__":
    unittest.main()
