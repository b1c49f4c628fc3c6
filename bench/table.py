"""Writes the main figures of a run into a page, between <!-- costs --> and <!-- /costs -->.

    python bench/table.py RESULTS.json README.md
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

from results import describe_machine, describe_python

PLACE = re.compile(r"(<!-- costs -->\n).*?(<!-- /costs -->)", re.S)


def table(head: list[str], rows: list[list[str]]) -> list[str]:
    return ["| " + " | ".join(row) + " |" for row in (head, ["-"] * len(head), *rows)]


def pythons(programs: dict[str, Any], loops: dict[str, Any], books: dict[str, Any]) -> list[str]:
    depths = sorted({row["depth"] for row in loops["loops"]})
    size = next(row for row in books["sizes"] if row["size"] == 64)["books"]
    rows = []
    for tool, told in programs["summary"].items():
        if tool == "untraced":
            continue
        found = {row["depth"]: row["ratio"].get(tool) for row in loops["loops"]
                 if row["program"] == "loop"}
        times = " / ".join(f"{found[depth]:.2f}" if found[depth] else "-" for depth in depths)
        own = f"{size[tool]['own']:.0f} B" if tool in size else ""
        rows.append([tool, f"{told['geomean']:.2f}×", f"{times}×", own])
    count = max(told["programs"] for told in programs["summary"].values())
    depth = " / ".join(map(str, depths))
    return table(["Python, CPU time over untraced", f"{count} programs, geometric mean",
                  f"a loop of allocations, {depth} deep", "books per block of 64 B"], rows)


def natives(part: dict[str, Any]) -> list[str]:
    cases = {(case["kind"], case["threads"]): case["tools"] for case in part["cases"]
             if case["frame_pointers"] == "with"}
    rows = []
    for tool, base in part["bases"].items():
        if tool != base:
            rows.append([tool, *(" / ".join(f"{cases[kind, threads][tool]['added']:+,.0f} ns"
                                            for threads in (1, 2)) for kind in ("hot", "churn"))])
    plain = [f"{kind}: glibc's {cases[kind, 1]['glibc']['ns']:,.0f} ns"
             for kind in ("hot", "churn")]
    return table([f"malloc and free, {part['depth']} calls deep, 1 / 2 threads", *plain], rows)


def main() -> None:
    whole = json.loads(Path(sys.argv[1]).read_text())
    page = Path(sys.argv[2])
    parts = [whole[name] for name in ("python_programs", "python_record", "books", "malloc_others")]
    first, native = parts[0], parts[3]
    rounds = max(len(told["runs"]["untraced"]) for told in first["programs"].values())
    about = [f"Medians of {rounds} rounds; {describe_python(first['python'])}, up to "
             f"{first['frames']} frames; "
             f"{describe_machine(first['machine'])}; {first['date'][:10]}."]
    text = "\n".join([*pythons(*parts[:3]), "", *natives(native), "", *about]) + "\n"
    before = page.read_text()
    if not PLACE.search(before):
        sys.exit(f"{page} has no <!-- costs --> and <!-- /costs -->")
    page.write_text(PLACE.sub(lambda found: found[1] + text + found[2], before))


if __name__ == "__main__":
    main()
