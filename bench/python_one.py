"""One run of one program under one tool, in a process of its own.

    python bench/python_one.py TOOL LOOPS PROGRAM.py [ARGUMENT...]

A program of pyperformance is run as it is, by its own main, in the worker mode of pyperf: one
value to warm up, one that counts, both of so many loops. Only its clock is another one: CPU time
instead of wall time, so that a busy machine does not show. A program with a function run(loops) is
called. Prints a line of JSON: CPU seconds, peak memory, and what the tool says its books take.
"""

from __future__ import annotations

import time

time.perf_counter = time.process_time  # before pyperf takes it

import contextlib  # noqa: E402
import json  # noqa: E402
import os  # noqa: E402
import runpy  # noqa: E402
import sys  # noqa: E402
import tempfile  # noqa: E402
from pathlib import Path  # noqa: E402

from recorders import NotHere, peak_memory, recording  # noqa: E402


def run_pyperf(program: Path, loops: int, words: list[str], folder: Path) -> float:
    told = folder / "pyperf.json"
    sys.argv = [str(program), "--worker", "-l", str(loops), "-w", "1", "-n", "1", "-o", str(told),
                *words]
    sys.path[0] = str(program.parent)
    with contextlib.redirect_stdout(sys.stderr):
        runpy.run_path(str(program), run_name="__main__")
    seconds = 0.0
    for benchmark in json.loads(told.read_text())["benchmarks"]:
        # pyperf divides by the turns of a loop within the program; one benchmark of a program
        # inherits the metadata of all.
        seconds += sum(value for run in benchmark["runs"] for value in run["values"])
    return seconds * loops


def run_own(program: Path, loops: int) -> float:
    run = runpy.run_path(str(program))["run"]
    run(loops)
    begin = time.process_time()
    run(loops)
    return time.process_time() - begin


def main() -> None:
    name, loops, program = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]).resolve()
    words = sys.argv[4:]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        os.chdir(folder)
        try:
            with recording(name, folder) as own:
                if program.name == "run_benchmark.py":
                    seconds = run_pyperf(program, loops, words, folder)
                else:
                    seconds = run_own(program, loops)
                found = {"seconds": seconds, "peak": peak_memory(), "own": own()}
        except NotHere as reason:
            sys.exit(str(reason))
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
