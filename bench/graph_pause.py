"""How long a Python program stands still for a snapshot, and how much slower it runs meanwhile: by a
forked child, capture(), beside in place, snapshot().

A single thread changes a large heap in small steps without end: it replaces a line of a random
order, so that it writes all over memory. Told are medians of some rounds: the pause of the fork
alone and of the whole call, how long the child then works, the rate of steps meanwhile as a share
of the rate before, the longest step meanwhile, and what a snapshot in place takes, which is all
pause. The child needs a processor of its own: the number of them is told.

    PYTHONPATH=... python bench/graph_pause.py [--objects N ...] [--rounds N]
"""

from __future__ import annotations

import argparse
import gc
import os
import platform
import random
import statistics
import time

import leakwatch


class Order:
    def __init__(self, number: int) -> None:
        self.number = number
        self.lines = [(f"article {number}", number), (f"other {number}", number + 1)]
        self.notes = {"customer": f"name {number}", "paid": None}


class Program:
    def __init__(self, objects: int) -> None:
        self.orders = [Order(number + 1000) for number in range(objects // 9)]
        self.dice = random.Random(1)

    def step(self) -> None:
        order = self.orders[self.dice.randrange(len(self.orders))]
        order.number += 1000
        order.lines[order.number % 2] = (f"article {order.number}", order.number)
        order.notes["paid"] = order.number


def run(program: Program, seconds: float, capture: leakwatch.Capture | None) -> tuple[float, float]:
    """Steps per second, and the longest of a hundred steps in s: for so long, or until it is done."""
    clock = time.perf_counter
    begin = last = clock()
    longest, steps = 0.0, 0
    while not capture.done if capture else last - begin < seconds:
        for _ in range(100):
            program.step()
        steps += 100
        now = clock()
        longest = max(longest, now - last)
        last = now
    return steps / (last - begin or 1e-9), longest


def measure(program: Program) -> dict[str, float]:
    before, calm = run(program, 0.5, None)
    begin = time.perf_counter()
    capture = leakwatch.capture()
    called = time.perf_counter()
    rate, longest = run(program, 0, capture)
    ended = time.perf_counter()
    nodes = len(capture.wait())
    gc.collect()
    start = time.perf_counter()
    kept = leakwatch.snapshot()
    in_place = time.perf_counter() - start
    del kept
    return {
        "nodes": nodes,
        "fork": capture.paused,
        "call": called - begin,
        "child": ended - called,
        "rate": rate / before,
        "calm": calm,
        "longest": longest,
        "in_place": in_place,
    }


def report(objects: int, rounds: int) -> None:
    program = Program(objects)
    gc.freeze()  # the program's own collections would be most of what is seen
    rows = [measure(program) for _ in range(rounds)]
    of = {key: statistics.median(row[key] for row in rows) for key in rows[0]}
    ms = {key: f"{of[key] * 1e3:9.2f} ms" for key in of}
    print(f"\n{of['nodes']:,.0f} objects")
    print(f"  in place:           {ms['in_place']} of standing still")
    print(f"  by a child:         {ms['fork']} for the fork, {ms['call'].strip()} for the call")
    print(f"    it works for      {ms['child']}, until the snapshot is open")
    print(f"    rate meanwhile    {of['rate'] * 100:9.0f} %  of the rate before")
    print(f"    longest 100 steps {ms['longest']}, before {ms['calm'].strip()}")
    print(f"  pause, in place / by a child: {of['in_place'] / of['call']:.0f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--objects", type=int, nargs="*", default=[10**5, 10**6, 10**7])
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    print(
        f"Python {platform.python_version()}, {os.cpu_count()} processors, "
        f"medians of {options.rounds}"
    )
    for objects in options.objects:
        report(objects, options.rounds)


if __name__ == "__main__":
    main()
