"""What the malloc adapter costs a native program: nanoseconds of CPU time that a malloc/free pair takes
more than with glibc alone, beside heaptrack where it is installed. Ratios of one run; medians."""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import tempfile

COMMAND = os.environ["LW_COMMAND"]


def measure(words: list[str], env: dict[str, str]) -> float:
    done = subprocess.run(words, capture_output=True, text=True, check=True,
                          env={**os.environ, **env})
    numbers = [line for line in done.stdout.splitlines() if line.replace(".", "").isdigit()]
    return float(numbers[-1])


def ways(folder: str) -> dict[str, tuple[list[str], dict[str, str]]]:
    ours = [COMMAND, "run", "--output", f"{folder}/report", "--"]
    found: dict[str, tuple[list[str], dict[str, str]]] = {
        "glibc": ([], {}),
        "leakwatch": (ours, {}),
        "without stacks": ([COMMAND, "run", "--frames", "0", *ours[2:]], {}),
        "stacks by libgcc": (ours, {"LEAKWATCH_UNWIND": "libgcc"}),
    }
    if shutil.which("heaptrack"):
        found["heaptrack --raw"] = (["heaptrack", "--raw", "-o", f"{folder}/heaptrack"], {})
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pairs", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--depth", type=int, default=20)
    asked = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} processors, {platform.libc_ver()[1]} glibc; "
          f"{asked.depth} calls deep, {asked.pairs} pairs, median of {asked.rounds}")
    print(f"{'':54}{'ns/pair':>9}{'added':>9}{'ratio':>8}")
    for kind in ("hot", "churn"):
        for threads in ("1", "2"):
            for name in ("LW_HOT_WITHOUT", "LW_HOT_WITH"):
                program = [os.environ[name], kind, threads, str(asked.pairs), str(asked.depth)]
                with tempfile.TemporaryDirectory() as folder:
                    told = ways(folder)
                    times: dict[str, list[float]] = {way: [] for way in told}
                    for _ in range(asked.rounds):
                        for way, (front, env) in told.items():
                            slow = way.endswith("libgcc") or way.startswith("heaptrack")
                            words = front + program[:3] + [str(asked.pairs // (10 if slow else 1))]
                            times[way].append(measure(words + program[4:], env))
                base = statistics.median(times["glibc"])
                pointers = "with" if name.endswith("WITH") else "without"
                for way, each in times.items():
                    now = statistics.median(each)
                    title = f"{kind}, {threads} thread, {pointers} frame pointers: {way}"
                    print(f"{title:54}{now:9.1f}{now - base:9.1f}{now / base:8.2f}", flush=True)


if __name__ == "__main__":
    main()
