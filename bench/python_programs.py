"""What it costs to record every allocation of real Python programs, beside the other tools.

The programs are pyperformance's, run as their authors wrote them from where pip puts them, and a
short one with numpy. Each is calibrated once, untraced, and then takes as many loops under each
tool. Every run is a process of its own; in each round all tools take their turn, one after the
other, with the same hash seed, and a ratio is taken within its round. Printed are medians and the
geometric mean.

    PYTHONPATH=... python bench/python_programs.py [--rounds N] [--others-rounds N] [--seconds S]
        [--only NAME,NAME] [--tools NAME,NAME] [--json FILE] [--build FOLDER] [--no-install]
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import venv
from importlib import metadata
from pathlib import Path
from typing import Any

from recorders import FRAMES, RECORDERS, UNTRACED, is_ours, usable
from results import MIB, describe_machine, describe_python, machine, python_build, ratio, save

HERE = Path(__file__).resolve().parent
PACKAGES = ("pyperformance", "memray", "numpy", "setuptools")
PATIENCE = 900  # seconds of wall time for one run
OWN = {"numpy": HERE / "program_numpy.py"}
# name -> pyperformance's folder, less bm_, and the arguments that its own .toml files give
PROGRAMS: dict[str, tuple[str, ...]] = {
    "json_dumps": ("json_dumps",),
    "json_loads": ("json_loads",),
    "pickle": ("pickle", "pickle"),
    "unpickle": ("pickle", "unpickle"),
    "pickle_pure_python": ("pickle", "--pure-python", "pickle"),
    "regex_compile": ("regex_compile",),
    "regex_v8": ("regex_v8",),
    "sqlite_synth": ("sqlite_synth",),
    "django_template": ("django_template",),
    "mako": ("mako",),
    "chameleon": ("chameleon",),
    "sqlglot_parse": ("sqlglot_v2", "parse"),
    "sqlglot_optimize": ("sqlglot_v2", "optimize"),
    "xdsl": ("xdsl",),
    "html5lib": ("html5lib",),
    "xml_etree": ("xml_etree", "process"),
    "sqlalchemy_imperative": ("sqlalchemy_imperative",),
    "async_tree": ("async_tree", "none"),
    "coroutines": ("coroutines",),
    "generators": ("generators",),
    "deepcopy": ("deepcopy",),
    "logging": ("logging", "format"),
    "pathlib": ("pathlib",),
    "dulwich_log": ("dulwich_log",),
    "sympy": ("sympy", "str"),
    "deltablue": ("deltablue",),
    "richards": ("richards",),
    "raytrace": ("raytrace",),
    "chaos": ("chaos",),
    "hexiom": ("hexiom",),
    "nbody": ("nbody",),
    "numpy": (),
}


class Failed(Exception):
    pass


# ---- getting the programs ----


def have(package: str) -> bool:
    try:
        metadata.version(package)
    except metadata.PackageNotFoundError:
        return False
    return True


def benchmarks() -> Path | None:
    """Where pyperformance has its programs."""
    if not have("pyperformance"):
        return None
    import pyperformance

    return Path(pyperformance.__file__).parent / "data-files" / "benchmarks"


def pip(python: Path, *words: str) -> str:
    done = subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
                           *words], capture_output=True, text=True)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        sys.exit(f"python_programs: pip cannot install {' '.join(words)}: {last}\n"
                 "python_programs: --no-install runs with what is there")
    return done.stdout


def required() -> list[str]:
    """What the programs need, in the versions that pyperformance asks for."""
    lines: set[str] = set()
    place = benchmarks()
    assert place is not None
    for program in PROGRAMS.values():
        file = place / f"bm_{program[0]}" / "requirements.txt" if program else place
        if file.is_file():
            lines |= {line.split("#")[0].strip() for line in file.read_text().splitlines()}
    return sorted(lines - {""})


def install(folder: Path) -> None:
    """Goes on, as another process, in an environment that has all that is needed."""
    if Path(sys.prefix).resolve() != folder.resolve():
        if not (folder / "bin" / "python").exists():
            print(f"Making {folder} with {', '.join(PACKAGES)} ...", flush=True)
            venv.create(folder, with_pip=True, symlinks=True)
        python = str(folder / "bin" / "python")
        os.execv(python, [python, *sys.argv])
    if not all(map(have, PACKAGES)):
        pip(Path(sys.executable), *PACKAGES)
    done = folder / "requirements-done.txt"
    wanted = "\n".join(required())
    if not done.exists() or done.read_text() != wanted:
        print("Installing what pyperformance's programs need ...", flush=True)
        pip(Path(sys.executable), *wanted.split())
        done.write_text(wanted)


# ---- running them ----


def command_of(name: str) -> list[str]:
    if name in OWN:
        return [str(OWN[name])]
    folder, *words = PROGRAMS[name]
    place = benchmarks()
    assert place is not None
    return [str(place / f"bm_{folder}" / "run_benchmark.py"), *words]


def run(name: str, tool: str, loops: int, seed: int) -> dict[str, Any]:
    words = [sys.executable, str(HERE / "python_one.py"), tool, str(loops), *command_of(name)]
    env = {**os.environ, "PYTHONHASHSEED": str(seed), "PYTHONWARNINGS": "ignore"}
    try:
        done = subprocess.run(words, capture_output=True, text=True, env=env, timeout=PATIENCE)
    except subprocess.TimeoutExpired as error:
        raise Failed(f"{name}, {tool}: no end after {PATIENCE} s") from error
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise Failed(f"{name}, {tool}: exit status {done.returncode}: {last}")
    return json.loads(done.stdout.splitlines()[-1])


def calibrate(name: str, seconds: float) -> int:
    """As many loops as take about so long; at least one."""
    loops = 1
    while True:
        taken = run(name, UNTRACED, loops, 1)["seconds"]
        if taken >= seconds * 0.6:
            return loops
        loops = max(loops + 1, math.ceil(loops * min(seconds / max(taken, 1e-6), 1000)))


def measure(name: str, tools: list[str], rounds: int, others: int, seconds: float
            ) -> dict[str, Any]:
    """Raw figures by tool; a tool that cannot run the program gets a reason instead."""
    found: dict[str, Any] = {"loops": calibrate(name, seconds), "runs": {}, "failed": {}}
    for number in range(rounds):
        for tool in tools:
            if tool in found["failed"] or (number >= others and tool != UNTRACED
                                           and not is_ours(tool)):
                continue
            try:
                told = run(name, tool, found["loops"], number + 1)
            except Failed as reason:
                found["failed"][tool] = str(reason)
                found["runs"].pop(tool, None)
                continue
            found["runs"].setdefault(tool, []).append(told)
    base = found["runs"][UNTRACED]
    found["ratio"], found["peak_added"], found["own"] = {}, {}, {}
    for tool, runs in found["runs"].items():
        found["ratio"][tool] = ratio([r["seconds"] for r in runs], [r["seconds"] for r in base])
        found["peak_added"][tool] = statistics.median(
            r["peak"] - b["peak"] for r, b in zip(runs, base))
        own = [r["own"] for r in runs if r["own"] is not None]
        found["own"][tool] = statistics.median(own) if own else None
    return found


# ---- telling ----


def head(title: str, tools: list[str]) -> str:
    return f"{title:<24}{'s':>7}" + "".join(f"{tool:>19}" for tool in tools[1:])


def line(name: str, found: dict[str, Any], tools: list[str]) -> str:
    seconds = statistics.median(r["seconds"] for r in found["runs"][UNTRACED])
    cells = [f"{found['ratio'][tool]:.2f}" if tool in found["ratio"] else "failed"
             for tool in tools[1:]]
    return f"{name:<24}{seconds:>7.3f}" + "".join(f"{cell:>19}" for cell in cells)


def summary(programs: dict[str, Any], tools: list[str]) -> dict[str, Any]:
    whole: dict[str, Any] = {}
    for tool in tools:
        told = [found for found in programs.values() if tool in found["ratio"]]
        if not told:
            continue
        own = [found["own"][tool] for found in told if found["own"][tool] is not None]
        whole[tool] = {
            "programs": len(told),
            "geomean": statistics.geometric_mean([found["ratio"][tool] for found in told]),
            "worst": max(found["ratio"][tool] for found in told),
            "peak_added_median": statistics.median(found["peak_added"][tool] for found in told),
            "own_median": statistics.median(own) if own else None,
        }
    return whole


def tell(whole: dict[str, Any], tools: list[str]) -> None:
    def row(title: str, key: str, form: str, scale: float = 1) -> None:
        cells = []
        for tool in tools[1:]:
            value = whole.get(tool, {}).get(key)
            cells.append("-" if value is None else format(value / scale, form))
        print(f"{title:<31}" + "".join(f"{cell:>19}" for cell in cells))

    print()
    row("geometric mean", "geomean", ".3f")
    row("the worst", "worst", ".2f")
    row("programs", "programs", ".0f")
    row("peak memory added, MiB", "peak_added_median", ".1f", MIB)
    row("books as told by itself, MiB", "own_median", ".1f", MIB)
    for tool, budget in (("leakwatch 25", 1.15), ("leakwatch counts", 1.05),
                         ("leakwatch sampled", 1.01)):
        if tool in whole:
            mean = whole[tool]["geomean"]
            print(f"{tool}: {mean:.3f}, budget {budget}: {'PASS' if mean <= budget else 'over'}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--others-rounds", type=int, default=3, help="of the tools not ours")
    parser.add_argument("--seconds", type=float, default=0.1, help="about, of a value, untraced")
    parser.add_argument("--only", default=",".join(PROGRAMS))
    parser.add_argument("--tools", default=",".join(RECORDERS))
    parser.add_argument("--json", type=Path, help="also write the figures there")
    parser.add_argument("--build", type=Path, default=Path(os.environ.get("LW_BUILD", "build")),
                        help="folder for what is installed")
    parser.add_argument("--no-install", action="store_true")
    options = parser.parse_args()
    if not options.no_install:
        install(options.build / "pyperformance")
    tools = usable(options.tools.split(","))
    versions = {name: metadata.version(name) for name in (*PACKAGES, "pyperf") if have(name)}
    build = python_build()
    print(", ".join([describe_python(build), *(f"{name} {version}"
                                               for name, version in versions.items())])
          + f"\n{describe_machine(machine())}\n{FRAMES} frames unless said otherwise; "
          f"{options.rounds} rounds ({options.others_rounds} of the tools not ours); CPU time over "
          "untraced, median\n")
    print(head("", tools), flush=True)
    programs: dict[str, Any] = {}
    for name in options.only.split(","):
        if name not in PROGRAMS:
            sys.exit(f"no program is called {name!r}; there are {', '.join(PROGRAMS)}")
        if not (have("numpy") if name in OWN else have("pyperformance")):
            print(f"SKIP: {name}: {'numpy' if name in OWN else 'pyperformance'} is not installed;"
                  " start without --no-install")
            continue
        try:
            programs[name] = measure(name, tools, options.rounds, options.others_rounds,
                                     options.seconds)
        except Failed as reason:
            print(f"{name:<24}{reason}", flush=True)
            continue
        print(line(name, programs[name], tools), flush=True)
        for reason in programs[name]["failed"].values():
            print(f"    {reason}")
    if not programs:
        return
    whole = summary(programs, tools)
    tell(whole, tools)
    save(options.json, "python_programs", {
        "python": build, "versions": versions, "frames": FRAMES, "summary": whole,
        "programs": programs,
    })


if __name__ == "__main__":
    main()
