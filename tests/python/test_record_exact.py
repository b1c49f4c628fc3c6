"""What is counted, to the byte: against tracemalloc on the same code in another process, and
against sizes known beforehand."""

from __future__ import annotations

import array
import gc
import os
import re
import subprocess
import sys
import unittest
from collections.abc import Callable

import leakwatch
from leakwatch import _leakwatch

kept: list[object] = [None] * 64


# ---- code that allocates, frees and resizes in many ways ----

def before() -> list[object]:
    return [bytes(5_000 + i) for i in range(10)]


def growing_lists(old: list[object]) -> object:
    numbers: list[object] = []
    for i in range(3_000):
        numbers.append(i * 7_919)
    del old[3:6], numbers[100:]
    return numbers


def tables(old: list[object]) -> object:
    table = {str(i): (i, [i]) for i in range(500)}
    for i in range(400):
        del table[str(i)]
    names = {f"name {i}" for i in range(1_000)} | set(range(100))
    return table, names, frozenset(names)


def texts(old: list[object]) -> object:
    text = "".join(chr(200 + i % 50) for i in range(1_000))
    for _ in range(100):
        text += "ä"
    return text, text.encode(), text.split("Ê"), "%s" * 50 % tuple(range(50))


def classes(old: list[object]) -> object:
    space: dict[str, object] = {}
    exec("class K:\n  x = 1\n  def f(self): return [self]\n"
         "class S:\n  __slots__ = 'a', 'b'\n"
         "many = [K() for _ in range(20)] + [S() for _ in range(20)]\n"
         "for one in many: one.a = one\n", space)
    return space


def suspended(old: list[object]) -> object:
    generator = (i for i in range(10))
    next(generator)
    return generator, map(str, generator), iter([1, 2]), enumerate(generator)


def big_blocks(old: list[object]) -> object:
    big = bytearray(100_000)
    big.extend(b"x" * 3_000_000)
    half = bytearray(big)
    del big[1_000:]
    old.clear()
    return big, half, bytes(700), array.array("d", range(10_000))


def libraries(old: list[object]) -> object:
    re.purge()
    return re.compile("a(b|c)*d{3}[x-z]?"), float("1.5"), complex(1, 2), memoryview(b"abc")


def exceptions(old: list[object]) -> object:
    try:
        raise ValueError("kept") from KeyError(1)
    except ValueError as error:
        return error.with_traceback(None)


WORK: list[Callable[[list[object]], object]] = [
    growing_lists, tables, texts, classes, suspended, big_blocks, libraries, exceptions,
]


def in_child(tool: str, frames: int) -> None:
    """Prints what each piece of work added to what is allocated."""
    gc.disable()
    # The interpreter's tables of interned strings and of the subclasses of object have just grown
    # then, and will not do so within a piece of work: when depends on how many a tool has of them.
    ballast = ([sys.intern(f"interned {i}") for i in range(40_000)],
               [type(f"C{i}", (), {}) for i in range(500)])
    net = array.array("q", [0] * (len(WORK) + 1))
    regions = []
    if tool == "leakwatch":
        leakwatch.start(frames=frames)
        regions = [leakwatch.region(str(i)) for i in range(len(WORK))]
    else:
        import tracemalloc

        tracemalloc.start(frames)
        traced = tracemalloc.get_traced_memory
        traced()
    for i, work in enumerate(WORK):
        kept[i] = work(before())  # what is made once is made now
    kept[: len(WORK)] = [None] * len(WORK)
    for i, work in enumerate(WORK):
        old = before()
        gc.collect()  # empties the freelists, from which objects come unseen
        tuple([1, 2])  # but for one tuple, which tracemalloc's own answer takes and gives back
        if tool == "leakwatch":
            with regions[i]:
                kept[i] = work(old)
        else:
            net[i + 1] = traced()[0]
            kept[i] = work(old)
            net[i] = traced()[0] - net[i + 1]
    if tool == "leakwatch":
        net = array.array("q", (region.net for region in regions))
    for i, work in enumerate(WORK):
        print(work.__name__, net[i])
    del ballast


def measured(tool: str, frames: int, **environment: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, __file__, tool, str(frames)], capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1", **environment},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


class AgainstTracemalloc(unittest.TestCase):
    def compare(self, frames: int, **environment: str) -> None:
        """One run in forty of either tool has 8 bytes more in the classes, since the interpreter
        hashes addresses and those are random: what differs is measured anew. A byte that we miss
        or count twice is missed in every run."""
        for last in range(-4, 1):
            theirs = measured("tracemalloc", 1, **environment)
            self.assertEqual(len(theirs), len(WORK))
            self.assertTrue(all(int(line.split()[1]) for line in theirs), theirs)
            ours = measured("leakwatch", frames, **environment)
            if ours == theirs or not last:
                self.assertEqual(ours, theirs)
                return

    def test_net(self) -> None:
        self.compare(25)

    def test_net_without_stacks(self) -> None:
        self.compare(0)

    def test_net_with_malloc(self) -> None:
        self.compare(25, PYTHONMALLOC="malloc")

    def test_net_with_the_debug_allocator(self) -> None:
        self.compare(25, PYTHONMALLOC="debug")

    def test_net_with_the_debug_malloc(self) -> None:
        self.compare(25, PYTHONMALLOC="malloc_debug")


Totals = dict[str, tuple[int, int, int, int]]


def change(act: Callable[[], object]) -> Totals:
    """What an act adds to the totals of each domain."""
    gc.disable()
    before = _leakwatch._domain_totals()
    act()
    after = _leakwatch._domain_totals()
    gc.enable()
    return {
        name: tuple(b - a for a, b in zip(before[name], after[name]))  # type: ignore[misc]
        for name in after
    }


def put(index: int, value: object) -> None:
    kept[index] = value


class Domains(unittest.TestCase):
    def setUp(self) -> None:
        kept[:] = [None] * 64
        leakwatch.start()
        self.addCleanup(leakwatch.stop)
        for _ in range(3):
            change(lambda: put(0, None))

    def test_one_object(self) -> None:
        grown = change(lambda: put(0, bytes(100)))
        self.assertEqual(grown["python.obj"][:2], (sys.getsizeof(bytes(100)), 1))
        self.assertEqual(grown["python.mem"][:2], (0, 0))
        self.assertEqual(grown["python.raw"][:2], (0, 0))

    def test_a_big_object_is_counted_once(self) -> None:
        """pymalloc takes it from the raw domain, whose hook must not count it again."""
        grown = change(lambda: put(0, bytes(100_000)))
        self.assertEqual(grown["python.obj"][:2], (sys.getsizeof(bytes(100_000)), 1))
        self.assertEqual(grown["python.raw"][:2], (0, 0))
        gone = change(lambda: put(0, None))
        self.assertEqual(gone["python.obj"][:2], (-sys.getsizeof(bytes(100_000)), -1))
        self.assertEqual(gone["python.raw"], (0, 0, 0, 0))

    def test_a_resized_block_is_one_block(self) -> None:
        big = bytearray(10)
        put(0, big)
        before = sys.getsizeof(big)
        for size in (600, 100_000, 5, 3_000_000, 20, 511, 513):
            grown = change(lambda: big.__init__(size))  # type: ignore[misc]
            sizes = grown["python.obj"][0] + grown["python.mem"][0]
            self.assertEqual(sizes, sys.getsizeof(big) - before, size)
            before = sys.getsizeof(big)

    def test_raw_blocks(self) -> None:
        """A lock of a thread is raw memory."""
        import _thread

        grown = change(lambda: put(0, _thread.allocate_lock()))
        self.assertEqual(grown["python.raw"][1], 1)
        gone = change(lambda: put(0, None))
        for name in grown:
            self.assertEqual(gone[name][:2], tuple(-n for n in grown[name][:2]), name)

    def test_a_failed_resize_changes_nothing(self) -> None:
        """In a child, because the address sanitizer has to be asked to let malloc fail."""
        options = os.environ.get("ASAN_OPTIONS", "") + ":allocator_may_return_null=1"
        done = subprocess.run([sys.executable, __file__, "failed resize"], capture_output=True,
                              text=True, env={**os.environ, "ASAN_OPTIONS": options}, check=False)
        self.assertEqual((done.returncode, done.stdout), (0, "as it was\n"), done.stderr)

    def test_what_predates_the_recording_is_not_counted_when_it_goes(self) -> None:
        leakwatch.stop()
        put(0, bytes(50_000))
        put(1, bytearray(50_000))
        leakwatch.start()
        for _ in range(2):
            change(lambda: put(2, None))
        gone = change(lambda: put(0, None))
        self.assertEqual(gone["python.obj"][:2], (0, 0))
        moved = kept[1]
        assert isinstance(moved, bytearray)
        grown = change(lambda: moved.extend(b"x" * 100_000))
        seen = sum(row[0] for row in grown.values())
        self.assertGreater(seen, 150_000, "a block that moves is seen from then on")


def failed_resize() -> None:
    leakwatch.start()
    big = bytearray(1_000)

    def fail() -> None:
        try:
            big.__init__(1 << 46)  # type: ignore[misc]
        except MemoryError:
            put(1, None)

    for _ in range(2):
        grown = change(fail)
    assert [grown[name][:2] for name in grown] == [(0, 0)] * len(grown), grown
    before = sys.getsizeof(big)
    more = b"x" * 5_000
    grown = change(lambda: big.extend(more))  # the same block, still known by its old size
    assert sum(row[0] for row in grown.values()) == sys.getsizeof(big) - before, grown
    assert sum(row[1] for row in grown.values()) == 0, grown
    leakwatch.stop()
    print("as it was")


if __name__ == "__main__":
    if sys.argv[1:] == ["failed resize"]:
        failed_resize()
    elif sys.argv[1:2] in (["leakwatch"], ["tracemalloc"]):
        in_child(sys.argv[1], int(sys.argv[2]))
    else:
        unittest.main()
