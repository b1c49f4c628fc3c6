"""A cache that is never emptied, and how leakwatch tells: what grew, allocated where, held by whom."""

import functools

import leakwatch


class Value:
    def __init__(self, key: int) -> None:
        self.key = key
        self.data = bytes(10_000)


@functools.lru_cache(maxsize=None)
def get_value(key: int) -> Value:
    return Value(key)


def code_suspected_of_leak() -> None:
    for key in range(10):
        get_value(key)


leakwatch.start(frames=25)
before = leakwatch.snapshot("before")
with leakwatch.region("suspect") as region:
    code_suspected_of_leak()
after = leakwatch.snapshot("after")
print(region, after.diff(before), after.paths_to(instances_of=Value), sep="\n\n")

print("\n--- get_value.cache_clear() ---\n")
get_value.cache_clear()
cleared = leakwatch.snapshot("cleared")
print(region, cleared.diff(after), cleared.paths_to(instances_of=Value), sep="\n\n")
leakwatch.stop()
