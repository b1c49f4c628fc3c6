"""Sums the results of all suites of one run; the last line is `N passed, N failed, N skipped`.

Usage: tally.py DIRECTORY, which holds for each suite that ran
    NAME.json     the log of `meson test` (one JSON object per program)
    NAME.status   the exit status of `meson test`
and `events`, lines of `fail WHAT: REASON` or `skip WHAT: REASON` for what could not even start.
Programs that speak TAP count case by case, others as one. What a failing program printed comes
first. The exit status is 0 only if something passed and nothing failed.
"""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

GOOD = {"OK", "EXPECTEDFAIL"}
TAP_START = re.compile(r"^(TAP version \d+|1\.\.\d+)", re.M)
TAP_CASE = re.compile(r"^(not )?ok\b[ \d]*(?:- )?(.*)$", re.M)
PRINTED_LINES = 100
TAP_SKIP = re.compile(r"\s*#\s*SKIP\s*(.*)$", re.I)


@dataclass
class Total:
    passed: int = 0
    failures: list[str] = field(default_factory=list)
    skips: list[str] = field(default_factory=list)

    def add(self, other: Total) -> None:
        self.passed += other.passed
        self.failures += other.failures
        self.skips += other.skips

    def last_line(self) -> str:
        return f"{self.passed} passed, {len(self.failures)} failed, {len(self.skips)} skipped"


def count_tap(name: str, output: str) -> Total:
    """Counts the cases of one program that speaks TAP."""
    total = Total()
    for failed, text in TAP_CASE.findall(output):
        skip = TAP_SKIP.search(text)
        case = TAP_SKIP.sub("", text).strip()
        if failed:
            total.failures.append(f"{name}: {case}")
        elif skip:
            total.skips.append(f"{name}: {case}: {skip[1] or 'no reason given'}")
        else:
            total.passed += 1
    return total


def count_program(entry: dict[str, Any], where: str) -> Total:
    """Counts one line of a meson test log."""
    name = f"{where}: {entry['name']}"
    result: str = entry["result"]
    output: str = entry.get("stdout") or ""
    is_tap = TAP_START.search(output) is not None
    if result == "EXPECTEDFAIL":
        return Total(passed=1)
    if result == "SKIP" and not is_tap:
        lines = (output + (entry.get("stderr") or "")).strip().splitlines()
        return Total(skips=[f"{name}: {lines[-1] if lines else 'no reason given'}"])
    if not is_tap:
        if result in GOOD:
            return Total(passed=1)
        return Total(failures=[f"{name}: {result}, exit status {entry.get('returncode')}"])
    total = count_tap(name, output)
    # A leak or crash after the last case leaves every line "ok": the program failed all the same.
    if result not in GOOD and result != "SKIP" and not total.failures:
        total.failures.append(f"{name}: {result}, exit status {entry.get('returncode')}")
    if not total.passed and not total.failures and not total.skips:
        total.failures.append(f"{name}: ran no case")
    return total


def show(entry: dict[str, Any], where: str) -> None:
    """Prints the end of what a failing program printed, without its good cases."""
    print(f"---- {where}: {entry['name']}")
    lines = f"{entry.get('stdout') or ''}{entry.get('stderr') or ''}".splitlines()
    shown = [line for line in lines if not line.startswith("ok ")]
    print("\n".join(shown[-PRINTED_LINES:]), end="\n\n")


def count_suite(log: Path, status: Path) -> Total:
    """Counts one run of `meson test`."""
    total = Total()
    if log.exists():
        for line in log.read_text(encoding="utf-8").splitlines():
            entry = json.loads(line)
            counted = count_program(entry, log.stem)
            if counted.failures:
                show(entry, log.stem)
            total.add(counted)
    if not log.exists() or (status.read_text().strip() != "0" and not total.failures):
        total.failures.append(f"{log.stem}: the test runner did not finish")
    return total


def count_events(events: Path) -> Total:
    """Counts what could not start."""
    total = Total()
    for line in events.read_text(encoding="utf-8").splitlines() if events.exists() else []:
        kind, text = line.split(" ", 1)
        (total.skips if kind == "skip" else total.failures).append(text)
    return total


def main(directory: Path) -> int:
    total = count_events(directory / "events")
    for status in sorted(directory.glob("*.status")):
        total.add(count_suite(status.with_suffix(".json"), status))
    for text in total.skips:
        print(f"SKIP {text}")
    for text in total.failures:
        print(f"FAIL {text}")
    if not total.passed and not total.failures:
        print("nothing ran")
    print(total.last_line())
    return 0 if total.passed and not total.failures else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
