"""leakwatch beside guppy3, objgraph and pympler on the same live heap, and beside Chrome's DevTools
and memlab on the same exported file.

Three programs in turn: one whose only sizable possession is a cache that is never emptied, one with
a million objects of mixed kinds around that cache, and one that leaks inside of a service, seven
references below its module. Each tool is asked, in turn and in one process, what is there, what
grew since, and who holds one of the leaked values: leakwatch once in a snapshot at hand and once
with a new one, the others in the live heap. Each answer is looked at, so that a tool that does not
find the leak is not called fast. Times are CPU time, medians. Memory is the growth of the peak of a
forked child that takes one census. "Objects seen" tells how much of the heap an answer covers:
objgraph counts what the collector tracks, and no sizes.

The other tools are installed into a virtual environment of the build folder, the viewers into a
folder there; with --no-install only what is there already takes part.

    PYTHONPATH=... python bench/graph_others.py [--objects N] [--rounds N] [--json FILE]
        [--retained PROGRAM] [--nodes N,N] [--no-install]
"""

from __future__ import annotations

import argparse
import functools
import gc
import itertools
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

import leakwatch

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "heapsnapshot"))
import viewers  # noqa: E402

PACKAGES = ("guppy3", "objgraph", "pympler")
CENSUS, GROWTH, HOLDER = "what is there", "what grew", "who holds one"
FIRST = "the same, with a snapshot"
LEAKED = 100  # values a round
KEYS = itertools.count()


class Value:
    def __init__(self, key: int) -> None:
        self.key = key
        self.data = bytes(10_000)


@functools.lru_cache(maxsize=None)
def get_value(key: int) -> Value:
    return Value(key)


class Session:
    def __init__(self) -> None:
        self.kept: list[list[Value]] = []


class Service:
    def __init__(self) -> None:
        self.state: dict[str, dict[int, Session]] = {"sessions": {}}


SERVICE = Service()


def keep_value(key: int) -> Value:
    value = Value(key)
    SERVICE.state["sessions"].setdefault(key % 10, Session()).kept.append([value])
    return value


class Order:
    def __init__(self, number: int, lines: list[tuple[str, int]]) -> None:
        self.number = number
        self.lines = lines
        self.notes = {"customer": f"name {number}", "paid": None}


def build(objects: int) -> list[Order]:
    """Per order an instance, a list, two tuples with a str each, a dict, a str and ints."""
    orders = []
    for number in range(objects // 9):
        lines = [(f"article {number}", number), (f"other {number}", number + 1)]
        orders.append(Order(number + 1000, lines))
    return orders


# ---- the tools: each is asked for a census, what grew since it, and who holds the value in a box


class Leakwatch:
    name = "leakwatch"

    def census(self) -> Any:
        snapshot = leakwatch.snapshot()
        return snapshot, list(snapshot.types.items())

    def seen(self, base: Any) -> int:
        return len(base[0])

    def growth(self, base: Any) -> int:
        self.grown = leakwatch.snapshot()
        return self.grown.diff(base[0]).types[Value].count_diff

    def holder(self, box: list[Value]) -> str:
        return self.grown.paths_to(instances_of=Value).text()

    def first(self, box: list[Value]) -> str:
        return leakwatch.snapshot().paths_to(instances_of=Value).text()


class Guppy:
    name = "guppy3"

    def __init__(self) -> None:
        self.hpy = import_module("guppy").hpy()

    def census(self) -> Any:
        heap = self.hpy.heap()
        return heap, str(heap.bytype)

    def seen(self, base: Any) -> int:
        return int(base[0].count)

    def growth(self, base: Any) -> int:
        grown = self.hpy.heap() - base[0]
        str(grown.bytype)
        return int((grown & self.hpy.Type(Value)).count)

    def holder(self, box: list[Value]) -> str:
        return str(self.hpy.iso(box.pop()).shpaths)

    first = holder


class Objgraph:
    name = "objgraph"

    def __init__(self) -> None:
        self.module = import_module("objgraph")

    def census(self) -> Any:
        base: dict[str, int] = {}
        self.module.growth(limit=10, peak_stats=base)
        return base

    def seen(self, base: Any) -> int:
        return sum(base.values())

    def growth(self, base: Any) -> int:
        rows = self.module.growth(limit=10, peak_stats=dict(base))
        return next((row[2] for row in rows if row[0] == "Value"), 0)

    def holder(self, box: list[Value]) -> str:
        chain = self.module.find_backref_chain(box.pop(), self.module.is_proper_module)
        return " ".join(repr(type(step)) for step in chain)

    first = holder


class Pympler:
    name = "pympler"

    def __init__(self) -> None:
        self.tracker = import_module("pympler.tracker").SummaryTracker(ignore_self=False)

    def census(self) -> Any:
        return self.tracker.create_summary()

    def seen(self, base: Any) -> int:
        return sum(row[1] for row in base)

    def growth(self, base: Any) -> int:
        rows = self.tracker.diff(summary1=base)
        return next((row[1] for row in rows if row[0].endswith("graph_others.Value")
                     or row[0].endswith("__main__.Value")), 0)


TOOLS: dict[str, Callable[[], Any]] = {
    "leakwatch": Leakwatch, "guppy3": Guppy, "objgraph": Objgraph, "pympler": Pympler
}


# ---- getting the others ----


def import_name(package: str) -> str:
    return {"guppy3": "guppy"}.get(package, package)


def installed(package: str) -> bool:
    try:
        import_module(import_name(package))
    except ImportError:
        return False
    return True


def install(folder: Path) -> None:
    """Starts this program again in an environment that has the others."""
    python = folder / "bin" / "python"
    if Path(sys.prefix).resolve() == folder.resolve():
        sys.exit(f"graph_others: {folder} has not all of {', '.join(PACKAGES)}: remove it")
    if not python.exists():
        print(f"Making {folder} with {', '.join(PACKAGES)} ...", flush=True)
        venv.create(folder, with_pip=True, symlinks=True)
    pip = subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
                          *PACKAGES], capture_output=True, text=True)
    if pip.returncode:
        last = (pip.stderr.strip().splitlines() or ["no reason given"])[-1]
        sys.exit(f"graph_others: pip cannot install {', '.join(PACKAGES)}: {last}\n"
                 f"graph_others: --no-install runs with what is there")
    os.execv(python, [str(python), *sys.argv])


# ---- measuring ----


@contextmanager
def cpu(into: list[float]) -> Iterator[None]:
    gc.collect()
    begin = time.process_time()
    yield
    into.append(time.process_time() - begin)


def peak_of(act: Callable[[], object]) -> float:
    """MiB by which the peak of a forked child grows."""
    out, into = os.pipe()
    child = os.fork()
    if child == 0:
        with open("/proc/self/statm") as file:
            begin = int(file.read().split()[1]) * resource.getpagesize()
        kept = act()
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - begin
        os.write(into, str(grown).encode())
        os._exit(kept is None)
    os.close(into)
    with open(out) as file:
        text = file.read()
    os.waitpid(child, 0)
    return int(text) / 2**20


def ask(tools: list[Any], rounds: int, leak: Callable[[int], Value],
        words: tuple[str, ...]) -> dict[str, dict[str, list[float]]]:
    """Seconds by question and tool; an answer to who holds a value has one of the words."""
    questions = (CENSUS, GROWTH, HOLDER, FIRST)
    taken: dict[str, dict[str, list[float]]] = {q: {t.name: [] for t in tools} for q in questions}
    for number in range(rounds):
        bases = {}
        for tool in tools:
            with cpu(taken[CENSUS][tool.name]):
                bases[tool.name] = tool.census()
        for _ in range(LEAKED):
            leak(next(KEYS))
        for tool in tools:
            with cpu(taken[GROWTH][tool.name]):
                found = tool.growth(bases[tool.name])
            if found != LEAKED:
                sys.exit(f"{tool.name} finds {found} new values, not {LEAKED}")
        bases.clear()
        for question in (HOLDER, FIRST):
            for tool in tools:
                if not hasattr(tool, "holder"):
                    continue
                box = [leak(next(KEYS))]  # the tool takes it out: no variable of ours holds it
                with cpu(taken[question][tool.name]):
                    text = (tool.holder if question == HOLDER else tool.first)(box)
                if not any(word in text for word in words):
                    sys.exit(f"{tool.name} names none of {', '.join(words)}: {text}")
    return taken


def show(title: str, columns: list[str], rows: dict[str, list[str]]) -> None:
    print(f"\n{title:<28}" + "".join(f"{column:>18}" for column in columns))
    for name, cells in rows.items():
        print(f"{name:<28}" + "".join(f"{cell:>18}" for cell in cells), flush=True)


def cell(seconds: float | None, ours: float) -> str:
    if seconds is None:
        return "no answer"
    ratio = f" ({seconds / ours:.1f}x)" if seconds != ours else ""
    return f"{seconds * 1e3:.0f} ms{ratio}"


def live_heap(name: str, objects: int, rounds: int, leak: Callable[[int], Value],
              words: tuple[str, ...]) -> dict[str, Any]:
    tools = [make() for tool, make in TOOLS.items() if tool == "leakwatch" or installed(tool)]
    get_value.cache_clear()
    orders = build(objects)
    count = len(leakwatch.snapshot())
    taken = ask(tools, rounds, leak, words)
    medians = {question: {tool: statistics.median(all_) if all_ else None
                          for tool, all_ in by_tool.items()} for question, by_tool in taken.items()}
    peaks = {tool.name: peak_of(tool.census) for tool in tools}
    columns = [tool.name for tool in tools]
    rows = {question: [cell(by_tool[tool], by_tool["leakwatch"] or 1) for tool in columns]
            for question, by_tool in medians.items()}
    seen = {tool.name: tool.seen(tool.census()) for tool in tools}
    rows["objects seen"] = [f"{seen[tool]:,}" for tool in columns]
    rows["memory of a census"] = [f"{peaks[tool]:.0f} MiB" for tool in columns]
    show(f"{name}, {count:,} objects", columns, rows)
    del orders
    return {"objects": count, "seconds": medians, "all": taken, "census_mib": peaks,
            "seen": seen}


# ---- the same file ----


def same_file(program: Path, folder: Path, nodes: int, rounds: int, fetch: bool) -> dict[str, Any]:
    others = None
    try:
        others = viewers.Viewers(folder, fetch)
    except viewers.Missing as missing:
        print(f"\nSKIP: the viewers of exported files: {missing}")
    names = viewers.NAMES if others else ()
    taken: dict[str, list[dict[str, Any]]] = {"leakwatch": [], **{name: [] for name in names}}
    with tempfile.TemporaryDirectory() as place:
        file = Path(place, "heap.heapsnapshot")
        for _ in range(rounds):
            run = subprocess.run([program, str(nodes), file], capture_output=True, text=True)
            if run.returncode:
                sys.exit(f"{program}: {run.stderr}")
            taken["leakwatch"].append(json.loads(run.stdout))
            if others:
                for name in names:
                    taken[name] += others.load(name, [file], nodes=False)
        size = file.stat().st_size
    first = taken["leakwatch"][0]
    rows, ours = {}, (0.0, 0.0)
    for name, lines in taken.items():
        # The viewers read the file; leakwatch captures the heap it was made of.
        before = "capture" if name == "leakwatch" else "parse"
        whole = [line["cpu"] + (line["capture"] if name == "leakwatch" else 0) for line in lines]
        alone = statistics.median(all_ - line[before] for all_, line in zip(whole, lines))
        median = statistics.median(whole)
        ours = ours if ours[0] else (alone, median)
        peak = max(line["peak"] for line in lines)
        rows[name] = [cell(alone, ours[0]), cell(median, ours[1]), f"{peak / 2**20:.0f} MiB"]
    title = f"retained, {first['count']:,} nodes"
    show(title, ["analysis", "and reading", "memory"], rows)
    wrote = statistics.median(line["export"] for line in taken["leakwatch"])
    print(f"the file: {size / 2**20:.0f} MiB, {first['edges']:,} references, written in"
          f" {wrote * 1e3:.0f} ms")
    versions = {"node": others.version, **others.packages} if others else {}
    print(", ".join(f"{name} {version}" for name, version in versions.items()), flush=True)
    return {"file_bytes": size, "runs": taken, "versions": versions}


def machine() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text()
        model = next(line.partition(":")[2].strip() for line in text.splitlines()
                     if line.startswith("model name"))
    except (OSError, StopIteration):
        model = platform.processor()
    return f"{model}, {os.cpu_count()} processors, {platform.system()} {platform.release()}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--objects", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, help="also write the figures there")
    parser.add_argument("--retained", type=Path, default=os.environ.get("LW_GRAPH_RETAINED"),
                        help="the program graph_retained of a build; without it no files")
    parser.add_argument("--nodes", default="1000000", help="of the files, separated by commas")
    parser.add_argument("--build", type=Path, default=os.environ.get("LW_BUILD", "build"),
                        help="folder for what is installed")
    parser.add_argument("--no-install", action="store_true")
    options = parser.parse_args()
    if not options.no_install and not all(map(installed, PACKAGES)):
        install(options.build / "others")
    versions = {name: metadata.version(name) for name in PACKAGES if installed(name)}
    for name in PACKAGES:
        if name not in versions:
            print(f"SKIP: {name} is not installed; start without --no-install to fetch it")
    print(f"CPython {platform.python_version()}, leakwatch {leakwatch.__version__}, "
          + ", ".join(f"{name} {version}" for name, version in versions.items())
          + f"\n{machine()}\n{options.rounds} rounds in turn; CPU time, median", flush=True)
    result: dict[str, Any] = {"python": platform.python_version(), "machine": machine(),
                              "versions": {"leakwatch": leakwatch.__version__, **versions}}
    for name, objects, leak, words in (
        ("a cache alone", 0, get_value, ("lru_cache", "get_value")),
        ("orders and a cache", options.objects, get_value, ("lru_cache", "get_value")),
        ("orders and sessions", options.objects, keep_value, ("Session", "sessions")),
    ):
        result[name] = live_heap(name, objects, options.rounds, leak, words)
    if options.retained:
        for nodes in map(int, options.nodes.split(",")):
            result[f"file_{nodes}"] = same_file(options.retained, options.build / "viewers", nodes,
                                                options.rounds, not options.no_install)
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
