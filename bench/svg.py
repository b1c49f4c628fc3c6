"""Axes, bars, lines and dots as SVG text: the little that a chart of a benchmark needs."""

from __future__ import annotations

import math
from collections.abc import Callable
from html import escape

INK, FAINT = "#222222", "#dddddd"
Scale = Callable[[float], float]


def log_scale(low: float, high: float, begin: float, end: float) -> Scale:
    """What lies outside is drawn at the edge."""
    span = math.log(high / low)

    def place(value: float) -> float:
        value = min(max(value, low), high)
        return begin + (end - begin) * math.log(value / low) / span

    return place


def linear_scale(low: float, high: float, begin: float, end: float) -> Scale:
    def place(value: float) -> float:
        return begin + (end - begin) * (min(max(value, low), high) - low) / (high - low)

    return place


def powers(low: float, high: float) -> list[float]:
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    return [10.0**power for power in range(first, last + 1)]


def steps(high: float) -> list[float]:
    """About five round numbers from 0 on."""
    size = 10.0 ** math.floor(math.log10(high / 2))
    size *= next(factor for factor in (1, 2, 5, 10) if high / (size * factor) <= 6)
    return [size * i for i in range(int(high / size) + 1)]


def short(value: float, thousand: int = 1000) -> str:
    """1200 as 1.2k, 0.05 as 0.05."""
    for limit, unit in ((thousand**2, "M"), (thousand, "k")):
        if abs(value) >= limit:
            return f"{value / limit:.3g}{unit}"
    return f"{value:.3g}"


class Panel:
    """A part of the picture, in coordinates of its own; text is collected in `parts`."""

    def __init__(self, title: str, note: str, width: float, height: float) -> None:
        self.width, self.height = width, height
        self.parts: list[str] = []
        self.text(0, 16, title, size=15, weight="bold")
        self.text(0, 33, note, size=11, fill="#666666")

    def text(self, x: float, y: float, words: str, *, size: float = 11, anchor: str = "start",
             fill: str = INK, weight: str = "normal") -> None:
        self.parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" '
            f'fill="{fill}" font-weight="{weight}">{escape(words)}</text>')

    def rule(self, x1: float, y1: float, x2: float, y2: float, colour: str = FAINT,
             width: float = 1, dash: str = "") -> None:
        extra = f' stroke-dasharray="{dash}"' if dash else ""
        self.parts.append(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
                          f'stroke="{colour}" stroke-width="{width}"{extra}/>')

    def bar(self, x: float, y: float, width: float, height: float, colour: str) -> None:
        self.parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 1):.1f}" '
                          f'height="{height:.1f}" fill="{colour}"/>')

    def dot(self, x: float, y: float, colour: str) -> None:
        self.parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.4" fill="{colour}"/>')

    def path(self, points: list[tuple[float, float]], colour: str, dash: str = "") -> None:
        extra = f' stroke-dasharray="{dash}"' if dash else ""
        places = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self.parts.append(f'<polyline points="{places}" fill="none" stroke="{colour}" '
                          f'stroke-width="2"{extra}/>')
        if not dash:
            for x, y in points:
                self.dot(x, y, colour)

    def legend(self, x: float, y: float, names: dict[str, str], step: float) -> None:
        for name, colour in names.items():
            self.bar(x, y - 8, 12, 9, colour)
            self.text(x + 16, y, name)
            x += step


def picture(panels: list[Panel], columns: int, title: str, notes: list[str]) -> str:
    """The panels row by row, under a title."""
    gap, top = 48, 60 + 16 * len(notes)
    rows = [panels[i:i + columns] for i in range(0, len(panels), columns)]
    width = max(sum(panel.width + gap for panel in row) for row in rows) + gap
    body, y = [], float(top)
    for row in rows:
        x = float(gap)
        for panel in row:
            body.append(f'<g transform="translate({x:.0f},{y:.0f})">{"".join(panel.parts)}</g>')
            x += panel.width + gap
        y += max(panel.height for panel in row) + gap
    head = Panel("", "", width, top)
    head.text(gap, 36, title, size=20, weight="bold")
    for number, note in enumerate(notes):
        head.text(gap, 56 + 16 * number, note, size=12, fill="#666666")
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{y:.0f}" '
            f'viewBox="0 0 {width:.0f} {y:.0f}" font-family="Helvetica, Arial, sans-serif">'
            f'<rect width="100%" height="100%" fill="white"/>{"".join(head.parts)}'
            + "\n".join(body) + "</svg>\n")
