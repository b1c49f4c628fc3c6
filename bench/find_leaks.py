"""leakwatch.find_leaks() in a large program that leaks by a functools.lru_cache.

A million objects of mixed kinds, a cache that is never emptied, and a service that turns over what
it holds. The hunt must name the cache first, and its cut must free all that was gained. Told are the
time that leakwatch takes, the work left out: per round and per million objects; and by how much the
peak of the process's memory grows.

    PYTHONPATH=... python bench/find_leaks.py [--objects N] [--rounds N]
"""

from __future__ import annotations

import argparse
import collections
import functools
import itertools
import json
import resource
import time

import leakwatch

KEYS = itertools.count()
LEAKED = 100  # values a round


class Value:
    def __init__(self, key: int) -> None:
        self.key = key
        self.data = bytes(1000)


@functools.lru_cache(maxsize=None)
def get_value(key: int) -> Value:
    return Value(key)


class Order:
    def __init__(self, number: int, lines: list[tuple[str, int]]) -> None:
        self.number = number
        self.lines = lines
        self.notes = {"customer": f"name {number}", "paid": None}


def build(objects: int) -> list[Order]:
    """Per order an instance, a list, two tuples with a str each, a dict, a str and ints."""
    return [
        Order(number + 1000, [(f"article {number}", number), (f"other {number}", number + 1)])
        for number in range(objects // 9)
    ]


recent: collections.deque[Order] = collections.deque(maxlen=500)


def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--objects", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()

    leakwatch.start(frames=25)
    orders = build(options.objects)
    recent.extend(orders[:500])
    working = 0.0

    def work() -> None:
        nonlocal working
        start = time.perf_counter()
        for _ in range(LEAKED):
            get_value(next(KEYS))
        recent.extend(build(200 * 9))
        working += time.perf_counter() - start

    seen = len(leakwatch.snapshot())
    before, start = peak(), time.perf_counter()
    found = leakwatch.find_leaks(work, rounds=options.rounds)
    took, grown = time.perf_counter() - start - working, peak() - before
    whole = json.loads(found.json())["findings"]
    first, cut = whole[0], whole[0]["cut"]
    assert len(whole) == 1, found
    assert first["holder"] == "functools._lru_cache_wrapper", found
    assert first["type"] == f"{Value.__module__}.Value", found
    assert cut["freed_leaked_bytes"] == cut["leaked_bytes"] > 0, found
    assert get_value.cache_info().currsize == (options.rounds + 2) * LEAKED
    print(found.text())
    rounds = options.rounds + 1
    print(f"{seen:,} objects, {options.rounds} rounds: {took:.2f} s, "
          f"{took / rounds:.3f} s a snapshot, {took / rounds / seen * 1e6:.3f} s a million objects")
    print(f"memory: {grown / 2**20:.1f} MiB more at the peak, {grown / seen:.0f} B an object")
    leakwatch.stop()


if __name__ == "__main__":
    main()
