"""Draws the figures that the recording benchmarks saved.

    python bench/chart.py RESULTS.json CHART.svg
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from results import describe_machine, describe_python
from svg import FAINT, Panel, Scale, linear_scale, log_scale, picture, powers, short, steps

COLOURS = {
    "leakwatch": "#0b6e4f", "leakwatch 25": "#0b6e4f", "leakwatch counts": "#3fae7c",
    "leakwatch sampled": "#a5d8bd", "tracemalloc 1": "#f2a65a", "tracemalloc 25": "#d1495b",
    "memray streaming": "#7fa3d1", "memray aggregated": "#3d5a80",
    "LeakSanitizer, clang": "#8d6bb1", "LeakSanitizer, gcc": "#c0a6d9",
    "heaptrack --raw": "#a0703c", "gperftools HEAPPROFILE": "#555555",
    "jemalloc, 512 KiB samples": "#9a9a9a",
}
WIDTH = 640.0


def colour(name: str) -> str:
    return COLOURS.get(name, "#999999")


def bars(panel: Panel, y: float, rows: list[tuple[str, float]], high: float, unit: str) -> float:
    """Horizontal bars on a scale of powers of ten from 1; returns where they end."""
    left = 190.0
    place = log_scale(1, high, left, panel.width - 60)
    bottom = y + 18 * len(rows)
    for tick in powers(1, high):
        panel.rule(place(tick), y - 4, place(tick), bottom)
        panel.text(place(tick), bottom + 13, short(tick) + unit, size=10, anchor="middle",
                   fill="#666666")
    for name, value in rows:
        panel.text(left - 6, y + 11, name, anchor="end")
        panel.bar(left, y, place(value) - left, 13, colour(name))
        shown = f"{value:.2f}" if unit == "×" and value < 10 else short(value)
        panel.text(place(value) + 5, y + 11, shown + unit)
        y += 18
    return bottom + 20


def geomeans(part: dict[str, Any]) -> Panel:
    rows = [(name, told["geomean"]) for name, told in part["summary"].items()
            if name != "untraced"]
    programs = max(told["programs"] for told in part["summary"].values())
    panel = Panel(f"{programs} Python programs, CPU time over untraced",
                  f"geometric mean; {part['frames']} frames unless said; logarithmic", WIDTH, 0)
    panel.height = bars(panel, 52, rows, max(100, *(value * 1.1 for _, value in rows)), "×")
    return panel


def each_program(part: dict[str, Any]) -> Panel:
    names = list(part["programs"])
    tools = [tool for tool in part["summary"] if tool != "untraced"]
    panel = Panel("Each program", "CPU time over untraced, median of the rounds; logarithmic",
                  WIDTH, 120 + 15 * len(names))
    most = max(value for told in part["programs"].values() for value in told["ratio"].values())
    left, top, bottom = 160.0, 84.0, 84.0 + 15 * len(names)
    place = log_scale(0.8, max(most * 1.1, 10), left, panel.width - 20)
    for number, tool in enumerate(tools):
        panel.legend(number % 4 * 160, 52 + 15 * (number // 4), {tool: colour(tool)}, 0)
    for tick in (1, 2, 5, 10, 20, 50, 100, 200):
        if tick <= most * 1.1:
            panel.rule(place(tick), top - 6, place(tick), bottom)
            panel.text(place(tick), bottom + 12, f"{tick}×", size=10, anchor="middle")
    for row, name in enumerate(names):
        y = top + 15 * row + 4
        panel.text(left - 8, y + 4, name, anchor="end")
        panel.rule(left, y, panel.width - 20, y, "#f0f0f0")
        for tool in reversed(tools):
            if tool in part["programs"][name]["ratio"]:
                panel.dot(place(part["programs"][name]["ratio"][tool]), y, colour(tool))
    return panel


def loops(part: dict[str, Any]) -> Panel:
    panel = Panel("Loops that do nothing but allocate, CPU time over untraced",
                  f"by the depth of the stack; {part['frames']} frames unless said; logarithmic",
                  WIDTH, 0)
    most = max(value for row in part["loops"] for value in row["ratio"].values())
    y = 52.0
    for row in part["loops"]:
        panel.text(0, y + 11, f"{row['program']}, depth {row['depth']}", weight="bold")
        y = bars(panel, y + 18, [(name, value) for name, value in row["ratio"].items()
                                 if name != "untraced"], max(100, most * 1.1), "×") + 6
    panel.height = y
    return panel


def axes(panel: Panel, xs: list[float], ys: list[float], place_x: Scale, place_y: Scale,
         label_x: str, label_y: str, thousand: int = 1000) -> None:
    left, right = place_x(xs[0]), panel.width - 20
    bottom = panel.height - 40
    for x in xs:
        panel.rule(place_x(x), 90, place_x(x), bottom, FAINT)
        panel.text(place_x(x), bottom + 14, short(x, thousand), size=10, anchor="middle")
    for y in ys:
        panel.rule(left, place_y(y), right, place_y(y), FAINT)
        panel.text(left - 6, place_y(y) + 4, short(y), size=10, anchor="end")
    panel.text((left + right) / 2, bottom + 32, label_x, anchor="middle")
    panel.text(0, 84, label_y)


def books(part: dict[str, Any]) -> Panel:
    names = {"leakwatch 25": ("leakwatch 25", "leakwatch, CPython"),
             "tracemalloc 25": ("tracemalloc 25", "tracemalloc 25"),
             "core packed": ("leakwatch counts", "core, side by side"),
             "core half": ("leakwatch sampled", "core, every second freed")}
    rows = part["sizes"]
    live = part["live_bytes"] / 2**20
    panel = Panel("What the books take per live block", f"{live:.0f} MiB live; both logarithmic; "
                  "dashed: the most that leakwatch allows itself", WIDTH, 430)
    values = [row["books"][name]["own"] for row in rows for name in names] + \
        [row["line"] for row in rows]
    low = max(min(value for value in values if value > 0), 1) * 0.8
    place_x = log_scale(rows[0]["size"], rows[-1]["size"], 60, panel.width - 20)
    place_y = log_scale(low, max(values) * 1.3, panel.height - 40, 90)
    axes(panel, [row["size"] for row in rows if row["size"] in (16, 64, 256, 1024, 4096, 16384,
                                                                65536, 262144, 1048576)],
         powers(low, max(values) * 1.3), place_x, place_y, "size of a block, B", "B per block",
         1024)
    for number, (name, (like, title)) in enumerate(names.items()):
        panel.path([(place_x(row["size"]), place_y(row["books"][name]["own"])) for row in rows],
                   colour(like))
        panel.legend(number * 160, 56, {title: colour(like)}, 0)
    panel.path([(place_x(row["size"]), place_y(row["line"])) for row in rows], "#222222", "6,4")
    return panel


def natives(part: dict[str, Any]) -> list[Panel]:
    panels = []
    bases = set(part["bases"].values())
    for kind in ("hot", "churn"):
        panel = Panel(f"A native program, {kind}: added to a malloc/free pair",
                      f"ns of CPU time; {part['depth']} calls deep; logarithmic; less than 1 ns is "
                      "drawn as 1", WIDTH, 0)
        y = 52.0
        for case in part["cases"]:
            if case["kind"] != kind:
                continue
            rows = [(name, told["added"]) for name, told in case["tools"].items()
                    if name not in bases]
            most = max(each["tools"][name]["added"] for each in part["cases"]
                       for name in each["tools"])
            panel.text(0, y + 11, f"{case['threads']} thread{'s' * (case['threads'] > 1)}, "
                       f"{case['frame_pointers']} frame pointers", weight="bold")
            y = bars(panel, y + 18, rows, most * 1.3, "") + 6
        panel.height = y
        panels.append(panel)
    return panels


def live_curve(part: dict[str, Any]) -> Panel:
    lines: dict[str, list[tuple[float, float]]] = {}
    for row in part["sizes"]:
        for host in ("malloc", "python"):
            for name, value in row[host]["added"].items():
                title = ("CPython: " if host == "python" else "malloc: ") + name
                lines.setdefault(title, []).append((row["blocks"], value))
    panel = Panel("Added to an exchange of one block, by how many live",
                  f"ns of CPU time; {part['depth']} calls deep in C, {part['frames']} frames in "
                  "Python", WIDTH, 430)
    xs = [float(row["blocks"]) for row in part["sizes"]]
    high = max(value for line in lines.values() for _, value in line) * 1.1
    place_x = log_scale(xs[0], max(xs[-1], xs[0] * 10), 60, panel.width - 20)
    place_y = linear_scale(0, high, panel.height - 40, 90)
    axes(panel, xs, steps(high), place_x, place_y, "live blocks", "ns added")
    shades = ["#0b6e4f", "#3fae7c", "#a5d8bd", "#3d5a80", "#7fa3d1", "#bcd0ea"]
    hues = iter(shades[:3]), iter(shades[3:])
    for number, (name, line) in enumerate(lines.items()):
        shade = next(hues[name.startswith("CPython")])
        panel.path([(place_x(x), place_y(y)) for x, y in line], shade)
        panel.legend(number % 3 * 210, 52 + 15 * (number // 3), {name: shade}, 0)
    return panel


def main() -> None:
    whole = json.loads(Path(sys.argv[1]).read_text())
    panels: list[Panel] = []
    makers = {"python_programs": (geomeans, each_program), "python_record": (loops,),
              "books": (books,), "live_curve": (live_curve,)}
    for part, makes in makers.items():
        if part in whole:
            panels += [make(whole[part]) for make in makes]
    if "malloc_others" in whole:
        panels += natives(whole["malloc_others"])
    notes = [f"{date}: {', '.join(parts)}" for date, parts in
             {told["date"]: [name for name, other in whole.items() if other["date"] == told["date"]]
              for told in whole.values()}.items()]
    first = next(iter(whole.values()))
    pythons = {describe_python(told["python"]) for told in whole.values() if "python" in told}
    notes = [describe_machine(first["machine"]), "; ".join(sorted(pythons)), "; ".join(notes)]
    Path(sys.argv[2]).write_text(picture(panels, 2, "What recording costs", notes))
    print(sys.argv[2])


if __name__ == "__main__":
    main()
