"""capture(): what a forked child sees is what snapshot() would have seen."""

from __future__ import annotations

import os
import signal
import threading
import time
import unittest

import leakwatch


class Item:
    pass


held: list[Item] = []


def count_of(snapshot: leakwatch.Snapshot, kind: type) -> int:
    row = snapshot.types.get(kind)
    return row.count if row else 0


class CaptureTest(unittest.TestCase):
    def tearDown(self) -> None:
        held.clear()
        with self.assertRaises(ChildProcessError):
            os.waitpid(-1, os.WNOHANG)

    def test_sees_the_heap_of_the_fork(self) -> None:
        held.extend(Item() for _ in range(100))
        capture = leakwatch.capture("before")
        held.extend(Item() for _ in range(50))
        before = capture.wait()
        after = leakwatch.snapshot()
        self.assertEqual(before.name, "before")
        self.assertEqual(count_of(before, Item), 100)
        self.assertEqual(count_of(after, Item), 150)
        self.assertTrue(capture.done)
        self.assertFalse(capture.in_place)
        self.assertEqual(capture.reason, "")
        self.assertGreater(capture.paused, 0.0)
        self.assertEqual(capture.wait(0).name, "before")

    def test_compares_by_object(self) -> None:
        leakwatch.start()
        try:
            held.extend(Item() for _ in range(100))
            capture = leakwatch.capture()
            held[:50] = [Item() for _ in range(50)]
            diff = leakwatch.snapshot().diff(capture.wait())
            row = diff.types[Item]
            self.assertEqual((row.created, row.gone, row.survived), (50, 50, 50))
            self.assertFalse(row.approximate)
        finally:
            leakwatch.stop()

    def test_agrees_with_a_snapshot_in_place(self) -> None:
        held.append(Item())
        leakwatch.snapshot()
        by_child = leakwatch.capture().wait()
        in_place = leakwatch.snapshot()
        path = by_child.paths_to(held[0])[0]
        self.assertEqual(str(path), str(in_place.paths_to(held[0])[0]))
        same = [r.name for r in in_place.types.values() if count_of(by_child, Item) == 1]
        self.assertIn(f"{__name__}.Item", same)
        self.assertLess(abs(len(by_child) - len(in_place)), 200)

    def test_threads_run_meanwhile(self) -> None:
        stop = threading.Event()

        def work() -> None:
            while not stop.is_set():
                [bytearray(n) for n in range(1000)]

        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(5):
                held.append(Item())
                self.assertEqual(count_of(leakwatch.capture().wait(60), Item), len(held))
        finally:
            stop.set()
            for thread in threads:
                thread.join()

    def test_not_within_no_time(self) -> None:
        held.extend(Item() for _ in range(200_000))
        capture = leakwatch.capture()
        with self.assertRaisesRegex(TimeoutError, "still captures"):
            capture.wait(0)
        capture.cancel()
        self.assertTrue(capture.done)
        with self.assertRaisesRegex(RuntimeError, "cancelled"):
            capture.wait()

    def test_its_time_is_over(self) -> None:
        held.extend(Item() for _ in range(200_000))
        capture = leakwatch.capture(timeout=0.001)
        time.sleep(0.01)
        with self.assertRaisesRegex(RuntimeError, "did not finish"):
            capture.wait()

    def test_refuses_or_captures_in_place(self) -> None:
        with self.assertRaisesRegex(MemoryError, "are left"):
            leakwatch.capture(memory=1 << 60)
        capture = leakwatch.capture(memory=1 << 60, in_place=True)
        self.assertTrue(capture.done)
        self.assertTrue(capture.in_place)
        self.assertIn("are left", capture.reason)
        self.assertGreater(len(capture.wait()), 1000)

    def test_directory(self) -> None:
        self.assertGreater(len(leakwatch.capture(directory="/tmp").wait()), 1000)
        with self.assertRaises(OSError):
            leakwatch.capture(directory="/nowhere/at/all")

    def test_handlers_of_python_do_not_run(self) -> None:
        heard: list[int] = []
        before = signal.signal(signal.SIGCHLD, lambda number, frame: heard.append(number))
        try:
            leakwatch.capture().wait()
        finally:
            signal.signal(signal.SIGCHLD, before)
        self.assertEqual(heard, [])

    def test_bad_arguments(self) -> None:
        for arguments in (
            {"name": 3},
            {"timeout": "soon"},
            {"memory": "little"},
            {"directory": 3},
            {"unknown": 1},
        ):
            with self.subTest(arguments), self.assertRaises(TypeError):
                leakwatch.capture(**arguments)  # type: ignore[arg-type]
        for seconds in (-1, float("nan")):
            with self.assertRaises(ValueError):
                leakwatch.capture(timeout=seconds)
        with self.assertRaises(TypeError):
            leakwatch.Capture()


if __name__ == "__main__":
    unittest.main()
