"""Reads .heapsnapshot files as the format's rules say, more strictly than the viewers do, and works
out retained sizes by taking each node away in turn."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

Edge = tuple[str, "str | int", int]  # type, name or index, ordinal of the target

NODE_FIELDS = ["type", "name", "id", "self_size", "edge_count"]
EDGE_FIELDS = ["type", "name_or_index", "to_node"]
INDEXED = ("element", "hidden")


class BadFile(Exception):
    """Says what rule is broken."""


def require(right: bool, rule: str) -> None:
    if not right:
        raise BadFile(rule)


class Node:
    def __init__(self, kind: str, name: str, number: int, size: int, edges: list[Edge]) -> None:
        self.kind, self.name, self.id, self.size, self.edges = kind, name, number, size, edges

    def held(self) -> list[int]:
        return [to for kind, _, to in self.edges if kind != "weak"]


def numbers(values: list[Any], what: str) -> list[int]:
    require(all(type(value) is int and 0 <= value < 2**32 for value in values),
            f"{what} are whole numbers of 32 bits")
    return values


def edges_of(raw: list[int], meta: dict[str, Any], strings: list[str], count: int) -> list[Edge]:
    kinds, edges = meta["edge_types"][0], []
    for at in range(0, len(raw), len(EDGE_FIELDS)):
        kind, name, to = raw[at : at + len(EDGE_FIELDS)]
        require(kind < len(kinds), "an edge's type is one that is declared")
        require(to % len(NODE_FIELDS) == 0 and to // len(NODE_FIELDS) < count,
                "an edge leads to where a node begins")
        require(kinds[kind] in INDEXED or name < len(strings), "an edge's name is in the strings")
        edges.append((kinds[kind], name if kinds[kind] in INDEXED else strings[name],
                      to // len(NODE_FIELDS)))
    return edges


def read(path: Path) -> list[Node]:
    text = path.read_bytes()
    require(text.isascii(), "readers that cut the bytes anywhere see whole letters")
    file = json.loads(text)
    require(list(file) == ["snapshot", "nodes", "edges", "strings"],
            "snapshot, nodes, edges and strings come in this order")
    meta, strings = file["snapshot"]["meta"], file["strings"]
    require(meta["node_fields"] == NODE_FIELDS and meta["edge_fields"] == EDGE_FIELDS, "fields")
    raw, count = numbers(file["nodes"], "nodes"), file["snapshot"]["node_count"]
    require(len(raw) == count * len(NODE_FIELDS), "node_count is how many nodes there are")
    raw_edges = numbers(file["edges"], "edges")
    require(len(raw_edges) == file["snapshot"]["edge_count"] * len(EDGE_FIELDS),
            "edge_count is how many edges there are")
    edges, nodes, used = edges_of(raw_edges, meta, strings, count), [], 0
    for at in range(0, len(raw), len(NODE_FIELDS)):
        kind, name, number, size, width = raw[at : at + len(NODE_FIELDS)]
        require(kind < len(meta["node_types"][0]), "a node's type is one that is declared")
        require(name < len(strings), "a node's name is in the strings")
        nodes.append(Node(meta["node_types"][0][kind], strings[name], number, size,
                          edges[used : used + width]))
        used += width
    require(used == len(edges), "the nodes' edge counts add up")
    check(nodes)
    return nodes


def check(nodes: list[Node]) -> None:
    """What holds between nodes."""
    root = nodes[0]
    require(len({node.id for node in nodes}) == len(nodes), "ids are told apart")
    require(root.id == 1 and root.kind == "synthetic" and root.size == 0, "the root comes first")
    require(all(nodes[to].kind == "synthetic" for to in root.held()),
            "all of the root's children are synthetic")
    require(len(reached(nodes, None)) == len(nodes), "the root reaches all")


def reached(nodes: list[Node], without: int | None) -> set[int]:
    seen, wanted = {0}, [0]
    while wanted:
        for to in nodes[wanted.pop()].held():
            if to not in seen and to != without:
                seen.add(to)
                wanted.append(to)
    return seen


def retained(nodes: list[Node]) -> list[int]:
    """By ordinal: the bytes that go when the node goes."""
    total = sum(node.size for node in nodes)
    return [total] + [
        total - sum(nodes[i].size for i in reached(nodes, at)) for at in range(1, len(nodes))
    ]
