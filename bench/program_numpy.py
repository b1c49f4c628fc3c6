"""A short numpy program: arrays made, reduced and dropped, as in the analysis of a table."""

from __future__ import annotations

import numpy as np


def work() -> float:
    rng = np.random.default_rng(7)
    table = rng.normal(size=(400, 12))
    groups = rng.integers(0, 20, size=400)
    total = 0.0
    for group in range(20):
        rows = table[groups == group]
        if len(rows) < 2:
            continue
        centred = rows - rows.mean(axis=0)
        spread = np.sqrt((centred**2).sum(axis=0) / (len(rows) - 1))
        scaled = centred / np.where(spread == 0, 1, spread)
        total += float(np.abs(scaled.T @ scaled).max())
        names = [f"{group}:{number:.3f}" for number in scaled[0].tolist()]
        total += len(",".join(names))
    return total


def run(loops: int) -> None:
    for _ in range(loops):
        work()
