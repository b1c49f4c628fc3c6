"""What every recording benchmark shares: the machine, medians of ratios within a round, JSON.

    python bench/results.py FOLDER    brings FOLDER's parts together as FOLDER/results.json
"""

from __future__ import annotations

import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path
from typing import Any

MIB = 2**20


def processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text()
        return next(line.partition(":")[2].strip() for line in text.splitlines()
                    if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()


def first_line(*words: str) -> str | None:
    """What a program says first; None: it is not there, or fails."""
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    except OSError:
        return None
    lines = done.stdout.strip().splitlines()
    return lines[0] if done.returncode == 0 and lines else None


def debian(package: str) -> str | None:
    return first_line("dpkg-query", "-W", "-f", "${Version}\n", package)


def machine() -> dict[str, Any]:
    return {
        "processor": processor(),
        "processors": os.cpu_count(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "system": f"{platform.system()} {platform.release()}",
        "libc": " ".join(platform.libc_ver()),
        "load": list(os.getloadavg()),
    }


def python_build() -> dict[str, Any]:
    options = sysconfig.get_config_var("CONFIG_ARGS") or ""
    return {
        "version": platform.python_version(),
        "compiler": platform.python_compiler(),
        "profile_guided": "--enable-optimizations" in options,
        "link_time": "--with-lto" in options,
    }


def describe_python(build: dict[str, Any]) -> str:
    how = [name for name, key in (("PGO", "profile_guided"), ("LTO", "link_time")) if build[key]]
    return f"CPython {build['version']} ({', '.join(how) or 'neither PGO nor LTO'})"


def describe_machine(facts: dict[str, Any]) -> str:
    load = facts["load"][0]
    return (f"{facts['processor']}, {facts['processors']} processors, {facts['system']}, "
            f"{facts['libc']}, load {load:.1f}")


def ratio(times: Sequence[float], base: Sequence[float]) -> float:
    """The median of the ratios within each round; a tool of fewer rounds ran in the first ones."""
    return statistics.median(t / b for t, b in zip(times, base))


def save(path: Path | None, part: str, found: dict[str, Any]) -> None:
    if path is None:
        return
    now = datetime.datetime.now(datetime.timezone.utc)
    found = {"part": part, "date": now.isoformat(timespec="seconds"), "machine": machine(), **found}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(found, indent=1) + "\n")


def main() -> None:
    folder = Path(sys.argv[1])
    parts = [json.loads(file.read_text()) for file in sorted(folder.glob("part-*.json"))]
    if not parts:
        sys.exit(f"no part of a benchmark is in {folder}")
    whole = {part.pop("part"): part for part in parts}
    (folder / "results.json").write_text(json.dumps(whole, indent=1) + "\n")
    print(f"{', '.join(whole)}: {folder / 'results.json'}")


if __name__ == "__main__":
    main()
