"""Every question to a real heap, by its size: what bench/graph_curve.c does with made-up ones.

A program of its own for each size keeps what programs keep: parsed JSON documents, syntax trees,
dataclass instances, dictionaries as caches, linked lists and closures, all mixed as they come. It
takes four snapshots; between two of them it replaces some of its things, and an unbounded
lru_cache gains a thousand results. The snapshots are saved, and graph_curve asks about the files.

    PYTHONPATH=... python bench/graph_real.py [--nodes N,N] [--rounds N] [--curve PROGRAM]
"""

from __future__ import annotations

import argparse
import ast
import functools
import gc
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import leakwatch

SNAPSHOTS, LEAKED = 4, 1000
BYTES_NEEDED = 12 * 2**30  # free, for ten million nodes: the program's, then graph_curve's
SOURCE = """
def total_{0}(orders, rate={0}):
    found = [line.price * rate for order in orders for line in order.lines if line.price > {0}]
    return sum(found) / len(found) if found else None
"""


@dataclass
class Line:
    article: str
    price: float


@dataclass
class Order:
    number: int
    lines: list[Line]
    notes: dict[str, Any] = field(default_factory=dict)


class Link:
    __slots__ = ("value", "next")

    def __init__(self, value: object, following: Link | None) -> None:
        self.value = value
        self.next = following


class Result:
    def __init__(self, key: int) -> None:
        self.key = key
        self.data = bytes(2000)


@functools.lru_cache(maxsize=None)
def look_up(key: int) -> Result:
    return Result(key)


def document(number: int) -> Any:
    people = [{"name": f"name {number} {i}", "age": number / (i + 1), "tags": ["a", f"tag {i}"]}
              for i in range(8)]
    return json.loads(json.dumps({"id": number + 1000, "people": people, "next": None}))


def handler(number: int) -> Callable[[int], float]:
    calls, rate = [number + 1000], number / 7

    def handle(value: int) -> float:
        calls.append(value)
        return value * rate

    return handle


class Program:
    """Things in slots; a slot is one of each kind."""

    def __init__(self, slots: int) -> None:
        self.dice = random.Random(1)
        self.slots: list[list[Any]] = []
        self.cache: dict[tuple[str, int], Any] = {}
        self.queue: Link | None = None
        for number in range(slots):
            self.slots.append([])
            self.fill(number)

    def fill(self, number: int) -> None:
        orders = [Order(number * 8 + i, [Line(f"article {i} {number}", i / 3) for _ in range(3)])
                  for i in range(8)]
        handlers = [handler(number * 8 + i) for i in range(8)]
        self.slots[number] = [document(number), ast.parse(SOURCE.format(number)), orders, handlers]
        for order in orders:
            self.cache[("order", order.number)] = (order, {"seen": number + 1000})
        queue = None if number % 100 == 0 else self.queue
        for i in range(20):
            queue = Link(number * 20 + i + 1000, queue)
        self.queue = queue
        self.slots[number].append(queue)

    def work(self) -> None:
        """One slot in a hundred is filled anew, and the results of a thousand calls stay."""
        for _ in range(max(1, len(self.slots) // 100)):
            self.fill(self.dice.randrange(len(self.slots)))
        for _ in range(LEAKED):
            look_up(look_up.cache_info().currsize)


def build(folder: Path, nodes: int) -> None:
    """The program: leaves its snapshots in the folder."""
    gc.disable()  # its passes over what only grows would be most of the time
    few = 20
    empty = len(leakwatch.snapshot())
    program = Program(few)
    slots = max(few, (nodes - empty) * few // (len(leakwatch.snapshot()) - empty))
    program = Program(slots)
    gc.collect()
    seconds = []
    for number in range(SNAPSHOTS):
        program.work()
        begin = time.process_time()
        snapshot = leakwatch.snapshot()
        seconds.append(time.process_time() - begin)
        snapshot.save(folder / f"{number}.lws")
        del snapshot
    (folder / "capture").write_text(f"{statistics.median(seconds)}\n")


def free_bytes() -> int:
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nodes", default="100000,1000000,10000000", help="separated by commas")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--curve", type=Path, default=os.environ.get("LW_GRAPH_CURVE"),
                        help="the program graph_curve of a build")
    parser.add_argument("--build", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.build:
        build(options.build, int(options.nodes))
        return
    if not options.curve:
        sys.exit("graph_real: --curve names the program graph_curve of a build")
    print(f"CPython {platform.python_version()}, {os.cpu_count()} processors", flush=True)
    with tempfile.TemporaryDirectory(dir=".") as place:
        folders = []
        for nodes in map(int, options.nodes.split(",")):
            if free_bytes() < BYTES_NEEDED * nodes // 10**7:
                print(f"SKIP: {nodes} nodes: {BYTES_NEEDED * nodes / 10**7 / 2**30:.1f} GiB of "
                      f"memory must be free, {free_bytes() / 2**30:.1f} are", flush=True)
                continue
            folders.append(Path(place, str(nodes), "CPython").resolve())
            folders[-1].mkdir(parents=True)
            subprocess.run([sys.executable, __file__, "--build", folders[-1], "--nodes",
                            str(nodes)], check=True)
        if folders:
            curve = options.curve.resolve()
            subprocess.run([curve, "-r", str(options.rounds), *folders], check=True)


if __name__ == "__main__":
    main()
