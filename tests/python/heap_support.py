"""The graph of the heap walk, for the tests of it."""

from __future__ import annotations

import collections
import functools
import weakref
from typing import Any, NamedTuple

from leakwatch import _leakwatch

STRONG, BORROWED, WEAK = 0, 1, 2
GARBAGE, OUTSIDE = 1, 2
ATTRIBUTE, KEY, VARIABLE, INTERNAL, INDEX = 0, 1, 2, 3, -1
STATIC_TYPE = 1 << 9  # Py_TPFLAGS_HEAPTYPE is not set


class Node(NamedTuple):
    type: str
    size: int
    references: int
    flags: int


class Edge(NamedTuple):
    source: int
    target: int
    kind: int
    style: int
    label: str | int


class Graph:
    """A snapshot of the heap as it was when this was made, by address: all of it, or what touches
    some objects. Earlier graphs that are still there are hidden, since each would make the next
    one many times larger."""

    made: weakref.WeakSet[Graph] = weakref.WeakSet()

    def __init__(self, *wanted: object) -> None:
        made = list[object](self.made)
        self.read(_leakwatch._heap_graph(made, [*wanted]) if wanted else _leakwatch._heap_graph(made))

    def read(self, raw: dict[str, Any]) -> None:
        self.made.add(self)
        self.nodes = {key: Node._make(row) for key, row in raw["nodes"].items()}
        self.dangling: int = raw["dangling"]
        self.conflicts: int = raw["conflicts"]
        self.garbage: int = raw["garbage"]
        self.edges = list(map(Edge._make, raw["edges"]))

    @functools.cached_property
    def outgoing(self) -> dict[int, list[Edge]]:
        found = collections.defaultdict(list)
        for edge in self.edges:
            found[edge.source].append(edge)
        return found

    @functools.cached_property
    def incoming(self) -> dict[int, list[Edge]]:
        found = collections.defaultdict(list)
        for edge in self.edges:
            found[edge.target].append(edge)
        return found

    def node(self, obj: object) -> Node:
        return self.nodes[id(obj)]

    def targets(self, obj: object) -> collections.Counter[int]:
        """What an object refers to and how often, weak references aside."""
        return collections.Counter(e.target for e in self.outgoing[id(obj)] if e.kind != WEAK)

    def labels(self, source: object, target: object) -> list[tuple[int, str | int]]:
        """Kinds and names of the references between two objects."""
        return sorted((e.kind, e.label) for e in self.outgoing[id(source)] if e.target == id(target))


def is_static_type(obj: object) -> bool:
    return isinstance(obj, type) and not obj.__flags__ & STATIC_TYPE
