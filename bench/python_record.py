"""What it costs to record every allocation of a Python program, beside tracemalloc.

Each figure is CPU time over that of the same program untraced. Every run is a process of its own;
in each round all ways are run once, one after the other, and a ratio is taken within its round,
so that a busy machine slows both its ends. What is printed is the median of the rounds.

    PYTHONPATH=... python bench/python_record.py [--rounds N] [--depths 5,25,100] [--ways ...]
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

# name -> (what records, frames of each stack)
WAYS = {
    "untraced": ("", 0),
    "leakwatch 25": ("leakwatch", 25),
    "tracemalloc 1": ("tracemalloc", 1),
    "tracemalloc 25": ("tracemalloc", 25),
}
TURNS = 150_000


def loop(turns: int) -> None:
    """Nothing but allocations, at one place: bytes, lists, dicts, tuples, objects, ints."""
    ring: list[object] = [None] * 1024
    for i in range(turns):
        ring[i & 1023] = (bytes(24), [i], {"key": i}, object())


def calls(turns: int) -> None:
    """Allocations in functions that are called for them."""
    ring: list[object] = [None] * 1024

    def inner(i: int) -> object:
        return [i]

    def middle(i: int) -> object:
        return object(), inner(i)

    def outer(i: int) -> object:
        return {"key": middle(i)}

    for i in range(turns):
        ring[i & 1023] = outer(i)


PROGRAMS: dict[str, Callable[[int], None]] = {"loop": loop, "calls": calls}


def frames_here() -> int:
    frame, count = sys._getframe(1), 0
    while frame:
        frame, count = frame.f_back, count + 1
    return count


def descend(depth: int, program: Callable[[int], None], turns: int) -> None:
    """Runs the program with as many frames on its stack, its own included."""
    if depth > 1:
        descend(depth - 1, program, turns)
    else:
        program(turns)


def run_here(way: str, name: str, depth: int) -> None:
    tool, frames = WAYS[way]
    if tool == "leakwatch":
        import leakwatch

        leakwatch.start(frames=frames)
    elif tool == "tracemalloc":
        import tracemalloc

        tracemalloc.start(frames)
    program = PROGRAMS[name]
    below = frames_here()
    descend(depth - below, program, TURNS // 10)
    begin = time.process_time()
    descend(depth - below, program, TURNS)
    print(time.process_time() - begin)


def cpu_seconds(way: str, name: str, depth: int) -> float:
    done = subprocess.run(
        [sys.executable, __file__, "--here", way, name, str(depth)],
        capture_output=True, text=True, check=False,
    )
    if done.returncode != 0:
        sys.exit(f"{way}, {name}, depth {depth}:\n{done.stderr}")
    return float(done.stdout)


def measure(name: str, depth: int, ways: list[str], rounds: int) -> None:
    times: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(rounds):
        for way in ways:
            times[way].append(cpu_seconds(way, name, depth))
    base = times["untraced"]
    ratio = {
        way: statistics.median(t / b for t, b in zip(times[way], base)) for way in ways
    }
    line = f"{name:>6} {depth:>6} {min(base) / TURNS * 1e9:>9.0f} ns"
    line += "".join(f"{ratio[way]:>16.2f}" for way in ways[1:])
    if "leakwatch 25" in ratio and "tracemalloc 1" in ratio:
        share = (ratio["leakwatch 25"] - 1) / (ratio["tracemalloc 1"] - 1)
        line += f"{share:>14.2f}"
    print(line, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--depths", default="5,25,100")
    parser.add_argument("--ways", default=",".join(WAYS))
    parser.add_argument("--here", nargs=3, metavar=("WAY", "PROGRAM", "DEPTH"))
    options = parser.parse_args()
    if options.here:
        run_here(options.here[0], options.here[1], int(options.here[2]))
        return
    ways = ["untraced"] + [way for way in options.ways.split(",") if way != "untraced"]
    print(f"CPython {platform.python_version()}, {platform.machine()}, {os.cpu_count()} processors,"
          f" {options.rounds} rounds; CPU time over untraced, median")
    print(f"{'':>6} {'depth':>6} {'a turn':>12}" + "".join(f"{way:>16}" for way in ways[1:])
          + f"{'ours : theirs':>16}")
    for name in PROGRAMS:
        for depth in options.depths.split(","):
            measure(name, int(depth), ways, options.rounds)
    print("\nours : theirs: what leakwatch with 25 frames adds over what tracemalloc with 1 adds.")


if __name__ == "__main__":
    main()
