"""What a snapshot of a heap of a million objects costs, beside the collector's own pass over it.

gc.collect() visits every container and every reference once and keeps nothing; a snapshot keeps
nodes, edges, types, sizes and labels. Both are timed in turn in one process, each several times,
on a heap that does not change; the medians are compared. The budget is 2.5; above 5 the shape of
the capture is wrong.

    PYTHONPATH=... python bench/python_capture.py [--objects N] [--rounds N]
"""

from __future__ import annotations

import argparse
import gc
import os
import platform
import resource
import statistics
import time
from collections.abc import Callable

import leakwatch


class Order:
    def __init__(self, number: int, lines: list[tuple[str, int]]) -> None:
        self.number = number
        self.lines = lines
        self.notes = {"customer": f"name {number}", "paid": None}


def build(objects: int) -> list[Order]:
    """About so many objects that the collector tracks or that hang on those: per order an
    instance, a list, two tuples with a str each, a dict, a str and ints."""
    orders = []
    for number in range(objects // 9):
        lines = [(f"article {number}", number), (f"other {number}", number + 1)]
        orders.append(Order(number + 1000, lines))
    return orders


def seconds(act: Callable[[], object], rounds: int) -> list[float]:
    taken = []
    for _ in range(rounds):
        begin = time.process_time()
        kept = act()
        taken.append(time.process_time() - begin)
        del kept
    return taken


def resident() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def report(name: str, rounds: int) -> None:
    before = resident()
    collect: list[float] = []
    capture: list[float] = []
    for _ in range(rounds):
        collect += seconds(gc.collect, 1)
        capture += seconds(leakwatch.snapshot, 1)
    one, other = statistics.median(collect), statistics.median(capture)
    snapshot = leakwatch.snapshot()
    count = sum(row.count for row in snapshot.types.values())
    print(f"{name:<20}{count:>10}{one * 1e3:>14.0f} ms{other * 1e3:>12.0f} ms"
          f"{other / one:>10.2f}{resident() - before:>12.0f} MiB", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--objects", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    print(f"CPython {platform.python_version()}, {platform.machine()}, {os.cpu_count()} processors,"
          f" {options.rounds} rounds; CPU time, median")
    print(f"{'':<20}{'objects':>10}{'gc.collect()':>17}{'snapshot()':>15}{'ratio':>10}"
          f"{'peak grew':>16}")
    orders = build(options.objects)
    gc.collect()
    report("without recording", options.rounds)
    del orders
    leakwatch.start(frames=25)
    orders = build(options.objects)
    gc.collect()
    report("while recording", options.rounds)
    leakwatch.stop()
    del orders


if __name__ == "__main__":
    main()
