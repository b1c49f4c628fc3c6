"""A service that keeps every page it ever rendered, and the one call that finds out."""

import functools
import itertools

import leakwatch


class Page:
    def __init__(self, number: int) -> None:
        self.number = number
        self.text = f"page {number} ".ljust(5_000)


@functools.lru_cache(maxsize=None)
def render(number: int) -> Page:
    return Page(number)


requests = itertools.count()


def serve_ten_requests() -> None:
    for _ in range(10):
        render(next(requests))


leakwatch.start()
print(leakwatch.find_leaks(serve_ten_requests, memory_limit=4 * 2**30))
leakwatch.stop()
