"""What a recorder's books take per live block, from blocks of 16 B to 1 MB, the live set fixed.

leakwatch in CPython, tracemalloc there beside it, both with 25 frames, and leakwatch's core alone
on blocks that lie side by side, and on those of which every second was freed. Counted is what the
tool itself says it has taken since it started; the growth of resident memory beyond that of the
untraced program stands beside it, so that nothing can be left out. leakwatch's line, at every size:
at most half of the bytes, and at most 24 B per block and 2 % of the bytes. Exit status 1 if it is
over; where every second block was freed, the page is what the books follow, and the figure is shown
only.

    PYTHONPATH=... LW_TREE=... python bench/books.py [--mib N] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from recorders import FRAMES, UNTRACED, recording
from results import MIB, describe_machine, describe_python, machine, python_build, save

SIZES = [16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 16384, 65536, 262144, 1048576]
TOOLS = ["leakwatch 25", "tracemalloc 25"]
HELD = ["leakwatch 25", "core packed"]  # against the line
CHECKED = 64  # MiB of live blocks below which what is there for any program counts too much
BYTES_HEAD = 33  # of a bytes object, and the NUL at its end


def line(size: int) -> float:
    """The most that leakwatch may take for a block."""
    return min(size / 2, 24 + 0.02 * size)


def fill(live: list[object], size: int) -> None:
    """Blocks of exactly this size: an object, an int of two digits, or bytes."""
    if size == 16:
        for i in range(len(live)):
            live[i] = object()
    elif size == 32:
        for i in range(len(live)):
            live[i] = i + 2**40
    else:
        for i in range(len(live)):
            live[i] = bytes(size - BYTES_HEAD)


def resident() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def run_here(tool: str, size: int, count: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        live: list[object] = [None] * count
        with recording(tool, Path(folder)) as own:
            fill(live[:1], size)
            before, pages = own(), resident()
            fill(live, size)
            grown = resident() - pages
            after = own()
    taken = None if before is None or after is None else after - before
    print(json.dumps({"own": taken, "resident": grown}))


def in_python(tool: str, size: int, count: int) -> dict[str, Any]:
    done = subprocess.run([sys.executable, __file__, "--here", tool, str(size), str(count)],
                          capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{tool}, {size} B: {done.stderr}")
    return json.loads(done.stdout)


def in_core(size: int, count: int, layout: str) -> dict[str, Any]:
    program = Path(os.environ["LW_TREE"], "bench", "books_core")
    done = subprocess.run([program, str(size), str(count), layout], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{program}: {done.stderr}")
    own, ns = done.stdout.split()
    return {"own": int(own), "ns_per_event": float(ns)}


def measure(size: int, count: int) -> dict[str, dict[str, Any]]:
    """Bytes per block by who keeps the books."""
    base = in_python(UNTRACED, size, count)
    found = {}
    for tool in TOOLS:
        told = in_python(tool, size, count)
        found[tool] = {"own": told["own"] / count,
                       "resident": (told["resident"] - base["resident"]) / count}
    for layout in ("packed", "half"):
        told = in_core(size, count, layout)
        found[f"core {layout}"] = {"own": told["own"] / count,
                                   "ns_per_event": told["ns_per_event"]}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mib", type=int, default=200, help="of live blocks")
    parser.add_argument("--json", type=Path, help="also write the figures there")
    parser.add_argument("--here", nargs=3, metavar=("TOOL", "SIZE", "COUNT"))
    options = parser.parse_args()
    if options.here:
        run_here(options.here[0], int(options.here[1]), int(options.here[2]))
        return
    build = python_build()
    print(f"{describe_python(build)}; {options.mib} MiB of live blocks, {FRAMES} frames at most\n"
          f"{describe_machine(machine())}\nbytes of books per block; in brackets what resident "
          "memory grew by, per block\n")
    print(f"{'block':>9}{'line':>10}{'leakwatch, CPython':>24}{'tracemalloc 25':>24}"
          f"{'core, packed':>14}{'core, half':>14}")
    rows, over = [], 0
    for size in SIZES:
        count = max(options.mib * MIB // size, 1)
        found = measure(size, count)
        bad = [name for name in HELD if found[name]["own"] > line(size)]
        pairs = [f"{found[tool]['own']:.1f} ({found[tool]['resident']:.1f})" for tool in TOOLS]
        cells = [f"{found[f'core {layout}']['own']:.1f}" for layout in ("packed", "half")]
        verdict = ("" if options.mib < CHECKED else "  PASS" if not bad
                   else "  over: " + ", ".join(bad))
        over += bool(bad) and options.mib >= CHECKED
        print(f"{size:>9}{line(size):>10.1f}{pairs[0]:>24}{pairs[1]:>24}{cells[0]:>14}"
              f"{cells[1]:>14}{verdict}", flush=True)
        rows.append({"size": size, "blocks": count, "line": line(size), "books": found})
    if options.mib < CHECKED:
        print(f"not held against the line: that needs {CHECKED} MiB of live blocks")
    else:
        print(f"the line is {'kept at every size' if not over else f'crossed at {over} sizes'}")
    save(options.json, "books", {"python": build, "live_bytes": options.mib * MIB,
                                 "frames": FRAMES, "over": over, "sizes": rows})
    sys.exit(1 if over else 0)


if __name__ == "__main__":
    main()
