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


print("Ten values are asked for, and none is kept:\n")
leakwatch.start(frames=25)
before = leakwatch.snapshot("before")
with leakwatch.region("suspect") as region:
    code_suspected_of_leak()
after = leakwatch.snapshot("after")
print(f"{region}\n\n{after.diff(before)}\n\n{after.paths_to(instances_of=Value)}\n")

print("The cache has them. After get_value.cache_clear():\n")
get_value.cache_clear()
cleared = leakwatch.snapshot("cleared")
print(f"{region}\n\n{cleared.diff(after)}\n\n{cleared.paths_to(instances_of=Value)}")
leakwatch.stop()
