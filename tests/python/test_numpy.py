"""The buffers of numpy's arrays, which come through its data handler."""

from __future__ import annotations

import contextvars
import ctypes
import gc
import importlib.util
import subprocess
import sys
import textwrap
import threading
import unittest
import warnings
from typing import Any

import leakwatch
from leakwatch import _leakwatch

numpy: Any = None
if importlib.util.find_spec("numpy"):
    import numpy  # type: ignore[no-redef]


def now() -> tuple[int, int]:
    """Bytes and blocks of arrays."""
    return _leakwatch._domain_totals()["python.numpy"][:2]


def handler_name(array: Any) -> str:
    core = getattr(numpy, "_core", None) or numpy.core
    return core.multiarray.get_handler_name(array)


def function(index: int, result: Any, *arguments: Any) -> Any:
    """One of numpy's functions in C."""
    core = sys.modules.get("numpy._core._multiarray_umath") or numpy.core._multiarray_umath
    get = ctypes.pythonapi.PyCapsule_GetPointer
    get.restype, get.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    table = ctypes.cast(get(core._ARRAY_API, None), ctypes.POINTER(ctypes.c_void_p))
    return ctypes.PYFUNCTYPE(result, *arguments)(table[index])


class Handler(ctypes.Structure):
    """A data handler that counts and takes memory from libc."""

    MALLOC = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)
    CALLOC = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t)
    REALLOC = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)
    FREE = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)
    _fields_ = [("name", ctypes.c_char * 127), ("version", ctypes.c_uint8),
                ("ctx", ctypes.c_void_p), ("malloc", MALLOC), ("calloc", CALLOC),
                ("realloc", REALLOC), ("free", FREE)]

    def __init__(self) -> None:
        libc = ctypes.CDLL(None)
        for name in ("malloc", "calloc", "realloc"):
            getattr(libc, name).restype = ctypes.c_void_p
        pointer, size = ctypes.c_void_p, ctypes.c_size_t
        super().__init__(
            b"counting", 1, None, self.MALLOC(lambda ctx, n: libc.malloc(size(n))),
            self.CALLOC(lambda ctx, n, m: libc.calloc(size(n), size(m))),
            self.REALLOC(lambda ctx, p, n: libc.realloc(pointer(p), size(n))),
            self.FREE(lambda ctx, p, n: libc.free(pointer(p))))

    def capsule(self) -> Any:
        new = ctypes.pythonapi.PyCapsule_New
        new.restype, new.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p,
                                                      ctypes.c_void_p]
        self.named = ctypes.c_char_p(b"mem_handler")
        return new(ctypes.addressof(self), self.named, None)


@unittest.skipUnless(numpy, "numpy is not installed")
class Buffers(unittest.TestCase):
    def setUp(self) -> None:
        self.older = numpy.ones(5000)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            leakwatch.start()
        self.addCleanup(leakwatch.stop)
        self.before = now()

    def grown(self) -> tuple[int, int]:
        after = now()
        return after[0] - self.before[0], after[1] - self.before[1]

    def test_each_buffer_is_counted_to_the_byte(self) -> None:
        arrays = [numpy.empty(1000), numpy.zeros((30, 40)), numpy.arange(7, dtype="int8")]
        self.assertEqual(self.grown(), (8000 + 9600 + 7, 3))
        view, copy = arrays[0][10:], arrays[0].copy()
        self.assertEqual(self.grown(), (8000 + 9600 + 7 + 8000, 4))
        del arrays, copy
        self.assertEqual(self.grown(), (8000, 1))
        del view
        self.assertEqual(self.grown(), (0, 0))

    def test_a_buffer_that_is_resized_is_one_block(self) -> None:
        array = numpy.zeros(100)
        for count in (10_000, 5, 400):
            array.resize(count, refcheck=False)
            self.assertEqual(self.grown(), (8 * count, 1))

    def test_older_arrays_are_freed_and_resized_rightly(self) -> None:
        self.older.resize(100_000, refcheck=False)
        self.assertEqual(self.grown(), (800_000, 1))
        del self.older
        self.assertEqual(self.grown(), (0, 0))
        older = [numpy.ones(300)]
        leakwatch.stop()
        older.append(numpy.ones(300))
        leakwatch.start()
        self.before = now()
        older.clear()
        self.assertEqual(self.grown(), (0, 0))

    def test_survivors_tell_the_line(self) -> None:
        with leakwatch.region("r") as region:
            kept = numpy.zeros(50_000)
        line = sys._getframe().f_lineno - 1
        self.assertEqual(kept.nbytes, 400_000)
        self.assertGreaterEqual(region.current, 400_000)
        self.assertIn(f"test_numpy.py:{line}", region.text())
        del kept
        self.assertLess(region.current, 100_000)

    def test_threads_and_contexts_of_their_own(self) -> None:
        kept: list[Any] = []
        thread = threading.Thread(target=lambda: kept.append(numpy.zeros(1000)))
        thread.start()
        thread.join()
        contextvars.Context().run(lambda: kept.append(numpy.zeros(2000)))
        self.assertEqual(self.grown(), (24_000, 2))

    def test_handlers_look_and_work_as_before(self) -> None:
        during = numpy.zeros(1000)
        self.assertEqual(handler_name(during), handler_name(self.older))
        leakwatch.stop()
        self.assertEqual(handler_name(during), "default_allocator")
        during.resize(5000, refcheck=False)
        self.assertEqual(during.sum(), 0)
        del during
        gc.collect()
        leakwatch.start()
        self.assertEqual(_leakwatch._notes(), [])

    def test_a_handler_of_somebody_else(self) -> None:
        set_handler = function(304, ctypes.py_object, ctypes.py_object)
        mine = Handler()
        old = set_handler(mine.capsule())
        try:
            array = numpy.zeros(1000)
            self.assertEqual(handler_name(array), "counting")
            self.assertEqual(self.grown(), (0, 0))
            self.assertIn("has been exchanged", " ".join(_leakwatch._notes()))
            leakwatch.stop()
            leakwatch.start()
            self.before = now()
            self.assertEqual(_leakwatch._notes(), [])
            array.resize(3000, refcheck=False)
            second = numpy.zeros(10)
            self.assertEqual(self.grown(), (24_080, 2))
            self.assertEqual(handler_name(second), "counting")
            del array, second
            self.assertEqual(self.grown(), (0, 0))
        finally:
            leakwatch.stop()
            set_handler(old)


@unittest.skipUnless(numpy, "numpy is not installed")
class Import(unittest.TestCase):
    def test_numpy_may_come_later(self) -> None:
        done = subprocess.run([sys.executable, "-c", textwrap.dedent("""
            import leakwatch
            from leakwatch._leakwatch import _domain_totals, _notes
            leakwatch.start()
            assert _domain_totals()["python.numpy"] == (0, 0, 0, 0)
            import numpy
            before = _domain_totals()["python.numpy"]
            kept = numpy.zeros(1000)
            after = _domain_totals()["python.numpy"]
            print(after[0] - before[0], after[1] - before[1], _notes())
        """)], capture_output=True, text=True, check=False)
        self.assertEqual((done.stdout, done.stderr), ("8000 1 []\n", ""))


if __name__ == "__main__":
    unittest.main()
