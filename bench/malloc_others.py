"""What it costs to record every malloc of a native program: leakwatch beside the other tools.

hot: malloc, touch, free. churn: a million live blocks of 16 B to 4 KiB, exchanged at random, from
256 call paths. About 22 frames deep, with one and two threads, the program built with and without
frame pointers (its libraries are as the system has them). Nanoseconds of CPU time per pair of all
threads, what a tool adds to them, and the peak of the memory. In each round all tools take their
turn; ratios and differences are taken within a round, and medians printed. A tool that is very slow
does fewer pairs. jemalloc's profiler stands against jemalloc without it, all others against plain
glibc.

    LW_TREE=... python bench/malloc_others.py [--rounds N] [--pairs N] [--only NAME,NAME]
        [--json FILE]
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from results import debian, describe_machine, first_line, machine, ratio, save

HERE = Path(__file__).resolve().parent
LIBRARIES = [Path("/usr/lib", first_line("gcc", "-print-multiarch") or "", folder)
             for folder in ("", "../lib")]
POINTERS = {"with": "-fno-omit-frame-pointer", "without": "-fomit-frame-pointer"}
PLAIN = "glibc"
BUDGETS = {("leakwatch", "with"): 60, ("leakwatch", "without"): 250,
           ("leakwatch counts", "with"): 12, ("leakwatch counts", "without"): 12}


@dataclass
class Tool:
    front: list[str] = field(default_factory=list)
    env: dict[str, str] = field(default_factory=dict)
    sanitizer: str = ""  # the compiler that builds the program anew
    part: int = 1  # of the pairs: one of so many
    base: str = PLAIN
    version: str | None = None


class Missing(Exception):
    """A tool that is not on this machine: what it is, and how to get it."""


def library(name: str, package: str) -> str:
    for folder in LIBRARIES:
        if (folder / name).exists():
            return str(folder / name)
    raise Missing(f"{name} is not there: apt-get install {package}")


def program(name: str, package: str) -> str:
    found = shutil.which(name)
    if not found:
        raise Missing(f"{name} is not there: apt-get install {package}")
    return found


def leakwatch(tree: Path, folder: Path, mode: str = "") -> Tool:
    command = [str(tree / "lib" / "cli" / "leakwatch"), "run", "--output", str(folder / "report")]
    words = [*command, *(["--mode", mode] if mode else []), "--"]
    done = subprocess.run([*words, "true"], capture_output=True, text=True)
    if done.returncode:
        raise Missing(f"not in this build: {done.stderr.strip().splitlines()[0]}")
    return Tool(words, version=first_line(command[0], "--version"))


def sanitizer(compiler: str, package: str, folder: Path) -> Tool:
    found = program(compiler, package)
    probe = folder / "probe.c"
    probe.write_text("int main(void) { return 0; }\n")
    done = subprocess.run([found, "-fsanitize=leak", probe, "-o", folder / "probe"],
                          capture_output=True, text=True)
    if done.returncode:
        raise Missing(f"{compiler} cannot build for it: apt-get install {package}")
    return Tool(sanitizer=found, env={"LSAN_OPTIONS": "exitcode=0"},
                version=first_line(found, "--version"))


def heaptrack(folder: Path) -> Tool:
    words = [program("heaptrack", "heaptrack"), "--raw", "-o", str(folder / "heaptrack")]
    return Tool(words, part=10, version=debian("heaptrack"))


def gperftools(folder: Path) -> Tool:
    preload = library("libtcmalloc.so.4", "google-perftools")
    env = {"LD_PRELOAD": preload, "HEAPPROFILE": str(folder / "profile")}
    return Tool(env=env, part=100, version=debian("libgoogle-perftools4"))


def jemalloc(options: str, base: str) -> Tool:
    env = {"LD_PRELOAD": library("libjemalloc.so.2", "libjemalloc2"), "MALLOC_CONF": options}
    done = subprocess.run(["true"], env={**os.environ, **env}, capture_output=True, text=True)
    if done.stderr:
        raise Missing(f"this libjemalloc2 has no profiler: {done.stderr.strip()}")
    return Tool(env=env, base=base, version=debian("libjemalloc2"))


def tools(tree: Path, folder: Path) -> dict[str, Tool]:
    """Those that are here, plain glibc first; tells of the others."""
    off = "jemalloc, profiler off"
    makers = {
        PLAIN: lambda: Tool(version=first_line("ldd", "--version")),
        "leakwatch": lambda: leakwatch(tree, folder),
        "leakwatch counts": lambda: leakwatch(tree, folder, "counts"),
        "leakwatch sampled": lambda: leakwatch(tree, folder, "sampled"),
        "LeakSanitizer, clang": lambda: sanitizer("clang", "clang", folder),
        "LeakSanitizer, gcc": lambda: sanitizer("gcc", "gcc", folder),
        "heaptrack --raw": lambda: heaptrack(folder),
        "gperftools HEAPPROFILE": lambda: gperftools(folder),
        off: lambda: jemalloc("prof:false", off),
        "jemalloc, 512 KiB samples": lambda: jemalloc("prof:true,lg_prof_sample:19", off),
    }
    found = {}
    for name, make in makers.items():
        try:
            found[name] = make()
        except Missing as reason:
            print(f"SKIP: {name}: {reason}", flush=True)
    return found


def build(tool: Tool, pointers: str, tree: Path, folder: Path) -> Path:
    """The program to run: of the tree, or with the sanitizer in it."""
    if not tool.sanitizer:
        return tree / "bench" / f"malloc_hot_{pointers}"
    made = folder / f"{Path(tool.sanitizer).name}_{pointers}"
    if not made.exists():
        subprocess.run([tool.sanitizer, "-O3", "-fsanitize=leak", "-fno-builtin", "-pthread",
                        POINTERS[pointers], HERE / "malloc_hot.c", "-o", made], check=True)
    return made


def run(tool: Tool, words: list[str], pairs: int) -> dict[str, float]:
    kind, threads, *rest = words[1:]
    whole = [*tool.front, words[0], kind, threads, str(max(pairs // tool.part, 1)), *rest]
    done = subprocess.run(whole, capture_output=True, text=True,
                          env={**os.environ, **tool.env})
    lines = done.stdout.splitlines()
    peak = [line.split()[1] for line in lines if line.startswith("peak ")]
    ns = [line for line in lines if line.replace(".", "", 1).isdigit()]
    if done.returncode or not peak or not ns:
        sys.exit(f"{' '.join(whole)}: exit status {done.returncode}\n{done.stderr}")
    return {"ns": float(ns[-1]), "peak": int(peak[-1]) * 1024}


def measure(found: dict[str, Tool], words: dict[str, list[str]], pairs: int, rounds: int
            ) -> dict[str, Any]:
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in found}
    for _ in range(rounds):
        for name, tool in found.items():
            runs[name].append(run(tool, words[name], pairs))
    told: dict[str, Any] = {}
    for name, tool in found.items():
        mine, base = runs[name], runs[tool.base if tool.base in found else PLAIN]
        told[name] = {
            "ns": statistics.median(r["ns"] for r in mine),
            "added": statistics.median(r["ns"] - b["ns"] for r, b in zip(mine, base)),
            "ratio": ratio([r["ns"] for r in mine], [b["ns"] for b in base]),
            "peak": statistics.median(r["peak"] for r in mine),
            "peak_ratio": ratio([r["peak"] for r in mine], [b["peak"] for b in base]),
            "runs": mine,
        }
    return told


def tell(title: str, told: dict[str, Any], pointers: str) -> None:
    print(f"\n{title:<46}{'ns/pair':>10}{'added':>10}{'ratio':>8}{'peak MiB':>10}{'ratio':>7}")
    for name, figures in told.items():
        budget = BUDGETS.get((name, pointers))
        verdict = ""
        if budget:
            verdict = f"  budget {budget}: {'PASS' if figures['added'] <= budget else 'over'}"
        print(f"  {name:<44}{figures['ns']:>10.1f}{figures['added']:>10.1f}{figures['ratio']:>8.2f}"
              f"{figures['peak'] / 2**20:>10.0f}{figures['peak_ratio']:>7.2f}{verdict}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--pairs", type=int, default=2_000_000)
    parser.add_argument("--live", type=int, default=1 << 20, help="blocks of churn")
    parser.add_argument("--depth", type=int, default=20, help="calls; main and others come on top")
    parser.add_argument("--only", help="these tools, beside glibc")
    parser.add_argument("--json", type=Path, help="also write the figures there")
    options = parser.parse_args()
    tree = Path(os.environ["LW_TREE"])
    cases: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        found = tools(tree, folder)
        if options.only:
            wanted = {PLAIN, *options.only.split(",")}
            found = {name: tool for name, tool in found.items() if name in wanted}
        print(f"{describe_machine(machine())}\n{options.depth} calls deep, {options.live:,} live "
              f"blocks in churn, {options.rounds} rounds; medians")
        for kind in ("hot", "churn"):
            pairs = options.pairs if kind == "hot" else max(options.pairs // 4, 1)
            for threads in (1, 2):
                for pointers in POINTERS:
                    words = {name: [str(build(tool, pointers, tree, folder)), kind, str(threads),
                                    str(options.depth), str(options.live)]
                             for name, tool in found.items()}
                    told = measure(found, words, pairs, options.rounds)
                    tell(f"{kind}, {threads} thread{'s' * (threads > 1)}, {pointers} frame "
                         "pointers", told, pointers)
                    cases.append({"kind": kind, "threads": threads, "frame_pointers": pointers,
                                  "tools": told})
    print("\nLeakSanitizer follows frame pointers only: without them its stacks end early. It also "
          "brings\nan allocator of its own, which in churn may be quicker than glibc's.")
    save(options.json, "malloc_others", {
        "versions": {name: tool.version for name, tool in found.items()},
        "bases": {name: tool.base for name, tool in found.items()},
        "depth": options.depth, "live": options.live, "cases": cases,
    })


if __name__ == "__main__":
    main()
