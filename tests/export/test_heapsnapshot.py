"""Exported heaps against what the model says is in them, by a reader that takes nothing on trust.
The viewers themselves are asked by test_viewers.py."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import unittest
from collections import Counter
from pathlib import Path
from typing import Any, Callable

import reader

HEAPS = os.environ["LW_EXPORT_HEAPS"]
COUNT = 1000 if os.environ.get("LW_TEST_ALL") else 150


class Expected:
    """What export_heaps wrote beside a heap."""

    def __init__(self, path: Path) -> None:
        self.nodes: dict[int, tuple[int, int, int, str]] = {}
        self.edges: Counter[tuple[str, ...]] = Counter()
        for line in path.read_text().splitlines():
            what, *words = line.split(" ")
            if what == "nodes":
                self.count = int(words[0])
            elif what == "node":
                size, external, retained = map(int, words[1:4])
                self.nodes[int(words[0])] = size, external, retained, words[4]
            elif what == "outside":
                self.edges["(held from outside)", words[0], "hidden", ""] += 1
            elif what == "root":
                self.edges[f"({words[0]})".replace("_", " "), *words[1:]] += 1
            else:
                self.edges[tuple(words)] += 1


def edges_between(nodes: list[reader.Node], count: int) -> Counter[tuple[str, ...]]:
    """The references of nodes and of roots, without those to parts of nodes."""
    found: Counter[tuple[str, ...]] = Counter()
    for node in nodes[1:]:
        source = node.name if node.kind == "synthetic" else str(node.id)
        for kind, name, to in node.edges:
            if nodes[to].id < 2 + count:
                words = "" if kind == "hidden" else str(name)
                found[source, str(nodes[to].id), kind, words] += 1
    return found


class Heaps(unittest.TestCase):
    folder: Path

    @classmethod
    def setUpClass(cls) -> None:
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = Path(folder.name)
        subprocess.run([HEAPS, folder.name, str(COUNT)], check=True)

    def each(self, compare: Callable[[list[reader.Node], Expected], None]) -> None:
        for number in range(COUNT):
            with self.subTest(heap=number):
                nodes = reader.read(self.folder / f"{number}.heapsnapshot")
                compare(nodes, Expected(self.folder / f"{number}.expected"))

    def test_nodes(self) -> None:
        def compare(nodes: list[reader.Node], expected: Expected) -> None:
            found = {}
            for node in nodes:
                if node.kind == "synthetic" or node.id >= 2 + expected.count:
                    continue
                parts = [nodes[to] for to in node.held() if nodes[to].id >= 2 + expected.count]
                self.assertNotIn(0, [part.size for part in parts], "an empty part")
                more = sum(part.size for part in parts if part.kind == "synthetic")
                external = sum(part.size for part in parts if part.kind == "native")
                found[node.id] = node.size + more, external, node.name
            self.assertEqual(found, {number: (size, external, name) for
                                     number, (size, external, _, name) in expected.nodes.items()})

        self.each(compare)

    def test_references_and_roots(self) -> None:
        def compare(nodes: list[reader.Node], expected: Expected) -> None:
            self.assertEqual(edges_between(nodes, expected.count), expected.edges)

        self.each(compare)

    def test_retained(self) -> None:
        def compare(nodes: list[reader.Node], expected: Expected) -> None:
            found = {node.id: size for node, size in zip(nodes, reader.retained(nodes))}
            self.assertEqual({number: found[number] for number in expected.nodes},
                             {number: row[2] for number, row in expected.nodes.items()})

        self.each(compare)


class Rules(unittest.TestCase):
    """The reader finds what is planted: each way to get the format wrong."""

    GOOD: dict[str, Any] = {
        "snapshot": {
            "meta": {
                "node_fields": reader.NODE_FIELDS,
                "node_types": [["synthetic", "object"], "string", "number", "number", "number"],
                "edge_fields": reader.EDGE_FIELDS,
                "edge_types": [["element", "property", "weak"], "string_or_number", "node"],
            },
            "node_count": 3,
            "edge_count": 2,
        },
        "nodes": [0, 0, 1, 0, 1, 0, 1, 2, 0, 1, 1, 2, 3, 64, 0],
        "edges": [0, 7, 5, 1, 3, 10],
        "strings": ["", "(roots)", "T", "name"],
    }

    def read(self, **changes: object) -> list[reader.Node]:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "file")
            path.write_text(json.dumps({**self.GOOD, **changes}), "utf-8")
            return reader.read(path)

    def test_good(self) -> None:
        nodes = self.read()
        self.assertEqual([node.name for node in nodes], ["", "(roots)", "T"])
        self.assertEqual(reader.retained(nodes), [64, 64, 64])

    def test_bad(self) -> None:
        nodes, edges = self.GOOD["nodes"], self.GOOD["edges"]
        planted = {
            "order": {"snapshot": self.GOOD["snapshot"], "strings": self.GOOD["strings"]},
            "node count": {"nodes": nodes + [1, 2, 4, 64, 0]},
            "edge count": {"edges": edges + [1, 3, 10]},
            "edge counts of nodes": {"nodes": nodes[:4] + [0] + nodes[5:]},
            "between nodes": {"edges": [0, 7, 5, 1, 3, 11]},
            "behind the last": {"edges": [0, 7, 5, 1, 3, 15]},
            "no such name": {"edges": [0, 7, 5, 1, 4, 10]},
            "64 bits": {"nodes": nodes[:13] + [2**32, 0]},
            "negative": {"nodes": nodes[:13] + [-1, 0]},
            "same id": {"nodes": nodes[:12] + [2, 64, 0]},
            "not reached": {"edges": [0, 7, 5, 2, 3, 10]},
            "root with an object": {"nodes": nodes[:5] + [1] + nodes[6:]},
        }
        for what, changes in planted.items():
            with self.subTest(what), self.assertRaises(reader.BadFile):
                if what == "order":
                    with tempfile.TemporaryDirectory() as folder:
                        path = Path(folder, "file")
                        rest = {key: self.GOOD[key] for key in ("nodes", "edges")}
                        path.write_text(json.dumps({**changes, **rest}))
                        reader.read(path)
                else:
                    self.read(**changes)


if __name__ == "__main__":
    unittest.main()
