"""Whether an event costs more the more blocks live: the curve from a thousand to ten million.

A live set of which a random block is exchanged at a time: of 16 to 128 B in a native program under
the malloc adapter, from 256 call paths of 20 calls; of 48 B in CPython, at 25 frames. Printed is
what recording adds to a free and an allocation, in nanoseconds of CPU time: the median of the
differences within each round. The caches of the machine are in both ends.

    PYTHONPATH=... LW_TREE=... python bench/live_curve.py [--most N] [--rounds N] [--json FILE]
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from malloc_others import PLAIN, Missing, Tool, leakwatch, run
from recorders import FRAMES, UNTRACED, recording, usable
from results import describe_machine, describe_python, machine, python_build, save

DEPTH, LARGEST = 20, 128
PYTHON_TOOLS = ["leakwatch 25", "leakwatch counts", "leakwatch sampled"]


def exchange(live: list[object], places: list[int]) -> float:
    begin = time.process_time()
    for place in places:
        live[place] = bytes(15)
    return (time.process_time() - begin) / len(places) * 1e9


def deeper(depth: int, live: list[object], places: list[int]) -> float:
    if depth > 1:
        return deeper(depth - 1, live, places)
    for place in range(len(live)):
        live[place] = bytes(15)
    exchange(live, places)
    return exchange(live, places)


def run_here(tool: str, count: int, pairs: int) -> None:
    live: list[object] = [None] * count
    rng = random.Random(count)
    places = [rng.randrange(count) for _ in range(pairs)]
    with tempfile.TemporaryDirectory() as folder, recording(tool, Path(folder)):
        print(deeper(FRAMES - 3, live, places))


def in_python(tool: str, count: int, pairs: int) -> float:
    done = subprocess.run([sys.executable, __file__, "--here", tool, str(count), str(pairs)],
                          capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{tool}, {count} blocks: {done.stderr}")
    return float(done.stdout)


def in_malloc(tree: Path, tool: Tool, count: int, pairs: int) -> float:
    words = [str(tree / "bench" / "malloc_hot_with"), "churn", "1", str(DEPTH), str(count),
             str(LARGEST)]
    return run(tool, words, pairs)["ns"]


def adapters(tree: Path, folder: Path) -> dict[str, Tool]:
    found = {PLAIN: Tool()}
    for name, mode in (("leakwatch", ""), ("leakwatch counts", "counts"),
                       ("leakwatch sampled", "sampled")):
        try:
            found[name] = leakwatch(tree, folder, mode)
        except Missing as reason:
            print(f"SKIP: malloc, {name}: {reason}")
    return found


def added(taken: dict[str, list[float]], base: str) -> dict[str, float]:
    return {name: statistics.median(t - b for t, b in zip(times, taken[base]))
            for name, times in taken.items() if name != base}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--most", type=int, default=10_000_000)
    parser.add_argument("--pairs", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, help="also write the figures there")
    parser.add_argument("--here", nargs=3, metavar=("TOOL", "COUNT", "PAIRS"))
    options = parser.parse_args()
    if options.here:
        run_here(options.here[0], int(options.here[1]), int(options.here[2]))
        return
    tree, build = Path(os.environ["LW_TREE"]), python_build()
    pairs = min(options.pairs, options.most)
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        natives, pythons = adapters(tree, Path(folder)), usable(PYTHON_TOOLS)
        names = [*(f"malloc: {name}" for name in natives if name != PLAIN),
                 *(f"CPython: {name}" for name in pythons[1:])]
        print(f"{describe_python(build)}\n{describe_machine(machine())}\n{pairs:,} exchanges, "
              f"{options.rounds} rounds; ns added by recording, median; untraced in brackets\n")
        print(f"{'live blocks':>12}" + "".join(f"{name:>28}" for name in names))
        count = 1000
        while count <= options.most:
            native: dict[str, list[float]] = {name: [] for name in natives}
            python: dict[str, list[float]] = {name: [] for name in pythons}
            for _ in range(options.rounds):
                for name, tool in natives.items():
                    native[name].append(in_malloc(tree, tool, count, pairs))
                for name in pythons:
                    python[name].append(in_python(name, count, pairs))
            cells = [f"{ns:.1f} ({statistics.median(taken[base]):.1f})"
                     for taken, base in ((native, PLAIN), (python, UNTRACED))
                     for ns in added(taken, base).values()]
            print(f"{count:>12,}" + "".join(f"{cell:>28}" for cell in cells), flush=True)
            rows.append({"blocks": count,
                         "malloc": {"added": added(native, PLAIN), "ns": native},
                         "python": {"added": added(python, UNTRACED), "ns": python}})
            count *= 10
    save(options.json, "live_curve", {"python": build, "pairs": pairs, "depth": DEPTH,
                                      "frames": FRAMES, "sizes": rows})


if __name__ == "__main__":
    main()
