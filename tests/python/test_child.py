"""A forked child captures without malloc(), whose lock another thread may have held at the fork."""

from __future__ import annotations

import os
import subprocess
import sys
import unittest

GUARD = os.environ["LW_OWNER_MALLOC"]

FORK = """
import os
child = os.fork()
if child == 0:
    b"x" * 100000
    os._exit(0)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""

# Sizes that a C function tells as a number, names that have no UTF-8 yet, frames in the middle of
# an expression, values of every kind as keys.
CAPTURE = """
import array, collections, ctypes, decimal, io, itertools, pickle, struct, sys, types
import xml.etree.ElementTree as tree
import leakwatch

def generate():
    yield [number for number in range(3)]

class Slotted:
    __slots__ = ("first", "second")

class Pair(ctypes.Structure):
    _fields_ = [("a", ctypes.c_int), ("b", ctypes.c_int)]

running = generate()
next(running)
sys.modules["na\\u00efve"] = types.ModuleType("na\\u00efve")
numbers = array.array("d", [1.0] * 1000)
held = [numbers, decimal.Decimal("1." + "2" * 300), struct.Struct("iii"), io.BytesIO(b"x" * 1000),
        itertools.product([1, 2], repeat=30), pickle.Pickler(io.BytesIO()), tree.Element("a"),
        open(sys.executable, "rb"), Slotted(), Pair(), running, collections.OrderedDict(a=1),
        {1.5: "a", (1, "b"): "c", b"d": 4, None: 5, "\\u20ac": 6, 10**40: 7}, {*"abc"}]
if "record" in sys.argv:
    leakwatch.start(frames=10)
    held.append([object() for _ in range(1000)])
there = leakwatch.capture(timeout=60).wait()
here = leakwatch.snapshot()
for kind in (array.array, decimal.Decimal, struct.Struct, io.BufferedReader):
    print(kind.__name__, there.types[kind].size == here.types[kind].size)
"""

RIGHT = "".join(f"{name} True\n" for name in ("array", "Decimal", "Struct", "BufferedReader"))


def run(code: str, *arguments: str, allocator: str = "malloc") -> str:
    environment = {**os.environ, "LD_PRELOAD": GUARD, "PYTHONMALLOC": allocator}
    done = subprocess.run([sys.executable, "-c", code, *arguments], env=environment, text=True,
                          capture_output=True, timeout=120)
    return done.stdout + done.stderr


class ChildTest(unittest.TestCase):
    def test_the_guard_ends_a_child_that_allocates(self) -> None:
        self.assertEqual(run(FORK).strip(), "86")

    def test_captures_without_malloc(self) -> None:
        self.assertEqual(run(CAPTURE), RIGHT)

    def test_captures_a_recording_without_malloc(self) -> None:
        self.assertEqual(run(CAPTURE, "record"), RIGHT)

    def test_captures_beside_pymalloc(self) -> None:
        self.assertEqual(run(CAPTURE, "record", allocator="pymalloc_debug"), RIGHT)


if __name__ == "__main__":
    unittest.main()
