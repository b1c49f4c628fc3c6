"""What it costs to record every allocation of a Python program, beside tracemalloc.

Each figure is CPU time over that of the same program untraced. Every run is a process of its own;
in each round all ways are run once, one after the other, and a ratio is taken within its round,
so that a busy machine slows both its ends. What is printed is the median of the rounds.

    PYTHONPATH=... python bench/python_record.py [--rounds N] [--depths 5,25,100] [--ways ...]
        [--json FILE] [--build FOLDER]

The tools that python_programs.py installed into the build folder take part.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from recorders import FRAMES, RECORDERS, UNTRACED, recording, usable, with_others
from results import describe_machine, describe_python, machine, python_build, ratio, save

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


def run_here(way: str, name: str, depth: int, turns: int) -> None:
    with tempfile.TemporaryDirectory() as folder, recording(way, Path(folder)):
        program = PROGRAMS[name]
        below = frames_here()
        descend(depth - below, program, turns // 10)
        begin = time.process_time()
        descend(depth - below, program, turns)
        print(time.process_time() - begin)


def cpu_seconds(python: str, way: str, name: str, depth: int, turns: int) -> float:
    done = subprocess.run(
        [python, __file__, "--here", way, name, str(depth), "--turns", str(turns)],
        capture_output=True, text=True, check=False,
    )
    if done.returncode != 0:
        sys.exit(f"{way}, {name}, depth {depth}:\n{done.stderr}")
    return float(done.stdout)


def measure(python: str, name: str, depth: int, ways: list[str], rounds: int, turns: int
            ) -> dict[str, Any]:
    times: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(rounds):
        for way in ways:
            times[way].append(cpu_seconds(python, way, name, depth, turns))
    base = times[UNTRACED]
    ratios = {way: ratio(taken, base) for way, taken in times.items()}
    turn = statistics.median(base) / turns * 1e9
    cells = "".join(f"{ratios[way]:>19.2f}" for way in ways[1:])
    print(f"{name:>6} {depth:>6} {turn:>9.0f} ns{cells}", flush=True)
    return {"program": name, "depth": depth, "ns_a_turn": turn, "ratio": ratios, "seconds": times}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--depths", default="5,25,100")
    parser.add_argument("--turns", type=int, default=TURNS, help="of the loop, timed")
    parser.add_argument("--ways", default=",".join(RECORDERS))
    parser.add_argument("--json", type=Path, help="also write the figures there")
    parser.add_argument("--build", type=Path, default=Path(os.environ.get("LW_BUILD", "build")))
    parser.add_argument("--here", nargs=3, metavar=("WAY", "PROGRAM", "DEPTH"))
    options = parser.parse_args()
    if options.here:
        run_here(options.here[0], options.here[1], int(options.here[2]), options.turns)
        return
    python = with_others(options.build)
    ways = usable(options.ways.split(","), python)
    build = python_build()
    print(f"{describe_python(build)}, {options.rounds} rounds; CPU time over untraced, median\n"
          f"{describe_machine(machine())}\n{FRAMES} frames unless said otherwise")
    print(f"{'':>6} {'depth':>6} {'a turn':>12}" + "".join(f"{way:>19}" for way in ways[1:]))
    found = [measure(python, name, int(depth), ways, options.rounds, options.turns)
             for name in PROGRAMS for depth in options.depths.split(",")]
    save(options.json, "python_record", {"python": build, "frames": FRAMES, "loops": found})


if __name__ == "__main__":
    main()
