"""Starting, stopping and starting again; threads, fork, other tools, other interpreters, exit."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import textwrap
import threading
import types
import unittest
import warnings

import leakwatch
from leakwatch import _leakwatch

kept: list[object] = [None] * 64


def run_python(code: str, *options: str, status: int = 0, **environment: str) -> str:
    """What a program of its own prints; it must end with this status and no complaint."""
    done = subprocess.run(
        [sys.executable, *options, "-c", textwrap.dedent(code)], capture_output=True, text=True,
        timeout=100, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **environment}, check=False,
    )
    if done.returncode != status or done.stderr:
        raise AssertionError(f"status {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout


class StartAndStop(unittest.TestCase):
    def tearDown(self) -> None:
        leakwatch.stop()

    def test_over_and_over(self) -> None:
        for turn in range(50):
            leakwatch.start(frames=turn % 30)
            thing = bytes(1_000 + turn)
            self.assertEqual(_leakwatch._stack_of(thing) is not None, True)
            totals = _leakwatch._domain_totals()
            self.assertLess(sum(row[0] for row in totals.values()), 1_000_000)
            leakwatch.stop()
            self.assertIsNone(_leakwatch._stack_of(thing))
            self.assertEqual(_leakwatch._domain_totals(), {})

    def test_more_and_fewer_frames(self) -> None:
        def stack(depth: int) -> int:
            if depth:
                return stack(depth - 1)
            thing = object()
            return len(_leakwatch._stack_of(thing) or [])

        for frames in (1, 128, 3, 40, 0, 128, 2):
            leakwatch.start(frames=frames)
            self.assertEqual(stack(150), frames)
            leakwatch.stop()

    def test_start_near_the_recursion_limit(self) -> None:
        started: list[bool] = []
        kept[0] = None

        def descend() -> None:
            try:
                descend()
            except RecursionError:
                if not started:
                    leakwatch.start(frames=3)
                    started.append(True)
                if kept[0] is None:
                    kept[0] = object()
                raise

        with warnings.catch_warnings():
            warnings.simplefilter("error")
            self.assertRaises(RecursionError, descend)
        stack = _leakwatch._stack_of(kept[0])
        assert stack
        self.assertEqual([name.split(".")[-1] for _, _, name, _ in stack], ["descend"] * 3)

    def test_a_profiler_is_not_told_of_the_proof_at_start(self) -> None:
        files = set()
        sys.setprofile(lambda frame, event, arg: files.add(frame.f_code.co_filename))
        leakwatch.start()
        sys.setprofile(None)
        self.assertLessEqual(files, {__file__})

    def test_threads_that_allocate_meanwhile(self) -> None:
        ready = threading.Barrier(5)
        stop = threading.Event()
        failed: list[BaseException] = []

        def work(number: int) -> None:
            try:
                ready.wait()
                while not stop.is_set():
                    mine = [bytes(i % 3_000) for i in range(200)]
                    mine.sort(key=lambda one: len(one))
                    bytearray(10).extend(b"x" * number * 10_000)
            except BaseException as error:
                failed.append(error)

        threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
        interval = sys.getswitchinterval()
        sys.setswitchinterval(1e-5)
        for thread in threads:
            thread.start()
        ready.wait()
        for turn in range(100):
            leakwatch.start(frames=25)
            kept[0] = [bytes(700) for _ in range(20)]
            leakwatch.stop()
        leakwatch.start(frames=25)
        stop.set()
        for thread in threads:
            thread.join()
        sys.setswitchinterval(interval)
        self.assertEqual(failed, [])
        del threads, thread
        gc.collect()
        totals = _leakwatch._domain_totals()
        self.assertTrue(all(row[1] >= 0 for row in totals.values()), totals)

    def test_raw_memory_without_the_gil(self) -> None:
        """hashlib and zlib release the GIL and allocate; locks are raw memory."""
        import hashlib
        import zlib

        stop = threading.Event()
        data = bytes(range(256)) * 4_000

        def work() -> None:
            while not stop.is_set():
                hashlib.sha256(data).digest()
                zlib.decompress(zlib.compress(data, 1))
                threading.Lock()

        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        for _ in range(100):
            leakwatch.start()
            zlib.compress(data[:5_000])
            leakwatch.stop()
        stop.set()
        for thread in threads:
            thread.join()

    def test_many_threads_come_and_go(self) -> None:
        leakwatch.start()
        made: list[object] = []
        for _ in range(20):
            threads = [threading.Thread(target=lambda: made.append(object())) for _ in range(10)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        for thing in made:
            stack = _leakwatch._stack_of(thing)
            assert stack
            self.assertEqual([frame[2].split(".")[-1] for frame in stack][-1], "_bootstrap")


@unittest.skipUnless(hasattr(os, "fork"), "no fork on this platform")
class Fork(unittest.TestCase):
    def setUp(self) -> None:
        leakwatch.start()
        self.addCleanup(leakwatch.stop)
        warnings.simplefilter("ignore", DeprecationWarning)  # 3.12: threads and fork

    def in_child(self, check: object) -> None:
        child = os.fork()
        if not child:
            status = 1
            try:
                check()  # type: ignore[operator]
                status = 0
            except BaseException as error:
                print(repr(error), file=sys.stderr)
            finally:
                os._exit(status)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), 0)

    def test_the_child_goes_on_by_itself(self) -> None:
        kept[0] = bytes(10_000)

        def check() -> None:
            assert _leakwatch._stack_of(kept[0])
            before = _leakwatch._domain_totals()["python.obj"]
            kept[1] = bytes(777)
            after = _leakwatch._domain_totals()["python.obj"]
            assert after[0] - before[0] >= sys.getsizeof(kept[1])
            assert _leakwatch._stack_of(kept[1])
            kept[0] = None
            thread = threading.Thread(target=lambda: kept.append(object()))
            thread.start()
            thread.join()
            assert _leakwatch._stack_of(kept[-1])
            leakwatch.stop()
            leakwatch.start()
            kept[2] = object()
            assert _leakwatch._stack_of(kept[2])
            leakwatch.stop()

        self.in_child(check)
        self.assertTrue(_leakwatch._stack_of(kept[0]))

    def test_fork_while_threads_work(self) -> None:
        import zlib

        stop = threading.Event()

        def work() -> None:
            while not stop.is_set():
                zlib.compress(bytes(300_000))
                kept[10] = [object() for _ in range(100)]
                threading.Lock()

        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()

        def check() -> None:
            kept[3] = [bytes(i) for i in range(1_000)]
            leakwatch.stop()
            leakwatch.start()
            leakwatch.stop()

        try:
            for _ in range(20):
                self.in_child(check)
        finally:
            stop.set()
            for thread in threads:
                thread.join()


class OtherTools(unittest.TestCase):
    """Each in a program of its own, since it leaves the allocators as it likes."""

    def test_tracemalloc_started_first_and_stopped_last(self) -> None:
        run_python("""
            import leakwatch, tracemalloc
            from leakwatch._leakwatch import _stack_of
            tracemalloc.start(); leakwatch.start()
            a = object()
            assert _stack_of(a) and tracemalloc.get_object_traceback(a)
            leakwatch.stop()
            b = object()
            assert tracemalloc.get_object_traceback(b)
            tracemalloc.stop()
        """)

    def test_tracemalloc_between(self) -> None:
        """Our hooks lie below its own when we stop: they stay, and are found again."""
        run_python("""
            import leakwatch, tracemalloc
            from leakwatch._leakwatch import _stack_of, _domain_totals
            leakwatch.start(); tracemalloc.start()
            a = object()
            assert _stack_of(a) and tracemalloc.get_object_traceback(a)
            leakwatch.stop()
            b = object()
            assert not _stack_of(b) and tracemalloc.get_object_traceback(b)
            for turn in range(3):
                leakwatch.start()
                before = _domain_totals()["python.obj"]
                c = bytes(100_000)
                after = _domain_totals()["python.obj"]
                assert _stack_of(c) and after[1] - before[1] < 10, "counted once"
                leakwatch.stop()
            tracemalloc.stop()
            leakwatch.start()
            d = object()
            assert _stack_of(d)
            leakwatch.stop()
        """)

    def test_hooks_that_another_tool_removes(self) -> None:
        """tracemalloc.stop() puts back what it found, and with that removes who came later."""
        out = run_python("""
            import leakwatch, tracemalloc
            from leakwatch._leakwatch import _stack_of, _notes
            tracemalloc.start(); leakwatch.start()
            assert _notes() == []
            tracemalloc.stop()
            a = object()
            assert not _stack_of(a)
            print(*_notes())
            leakwatch.stop(); leakwatch.start()
            assert _notes() == []
            b = object()
            assert _stack_of(b)
            leakwatch.stop()
        """)
        self.assertIn("another tool has removed", out)

    def test_numpy_is_said_not_to_be_counted(self) -> None:
        leakwatch.stop()
        sys.modules.setdefault("numpy", types.ModuleType("numpy"))
        self.addCleanup(sys.modules.pop, "numpy")
        with self.assertWarnsRegex(leakwatch.RecordingWarning, "numpy.*not counted"):
            leakwatch.start()
        self.addCleanup(leakwatch.stop)
        self.assertEqual(len(_leakwatch._notes()), 1)

    def test_another_interpreter_is_not_recorded(self) -> None:
        run_python("""
            import leakwatch
            from leakwatch._leakwatch import _domain_totals
            try:
                import _interpreters as interpreters
                run = interpreters.exec
            except ImportError:
                import _xxsubinterpreters as interpreters
                run = interpreters.run_string
            leakwatch.start()
            code = "x = [bytes(1000) for i in range(5000)]; y = bytes(10**7); del x"
            other = interpreters.create()
            before = _domain_totals()
            run(other, code)
            after = _domain_totals()
            for name in ("python.obj", "python.mem"):
                assert after[name][0] - before[name][0] < 1_000_000, (name, before, after)
            interpreters.destroy(other)
            a = bytes(1000)
            leakwatch.stop()
        """)

    def test_interpreters_on_several_threads(self) -> None:
        """From 3.12 on each may have a GIL of its own, and they really run at once."""
        run_python("""
            import threading, leakwatch
            try:
                import _interpreters as interpreters
                run, create = interpreters.exec, lambda: interpreters.create("isolated")
            except ImportError:
                import _xxsubinterpreters as interpreters
                run, create = interpreters.run_string, interpreters.create
            leakwatch.start()
            code = "for _ in range(30): x = [[bytes(i % 900), i] for i in range(2000)]"
            others = [create() for _ in range(3)]
            threads = [threading.Thread(target=run, args=(one, code)) for one in others]
            for thread in threads: thread.start()
            kept = []
            for i in range(300):
                kept = [[bytes(j % 900), j] for j in range(500)]
            for thread in threads: thread.join()
            for one in others: interpreters.destroy(one)
            leakwatch.stop()
        """)


class Exit(unittest.TestCase):
    PROGRAM = """
        import leakwatch, threading, sys
        leakwatch.start()
        kept = [object(), {}, bytes(100_000), threading.Lock()]
        kept.append(kept)
        class Late:
            def __del__(self):
                self.more = [bytes(1000) for _ in range(100)]
        sys.late = kept.append(Late())
        print("done")
    """

    def test_exit_while_recording(self) -> None:
        for malloc in ("pymalloc", "malloc", "debug", "malloc_debug"):
            with self.subTest(malloc=malloc):
                self.assertEqual(run_python(self.PROGRAM, PYTHONMALLOC=malloc), "done\n")

    def test_exit_while_recording_in_development_mode(self) -> None:
        self.assertEqual(run_python(self.PROGRAM, "-X", "dev"), "done\n")

    def test_exit_with_a_daemon_thread_at_work(self) -> None:
        for _ in range(3):
            run_python("""
                import leakwatch, threading, time
                leakwatch.start()
                def work():
                    while True:
                        kept = [bytes(i) for i in range(1000)]
                for _ in range(3):
                    threading.Thread(target=work, daemon=True).start()
                time.sleep(0.05)
            """)

    def test_exit_with_an_exception_and_with_a_status(self) -> None:
        run_python("import leakwatch, sys; leakwatch.start(); sys.exit(7)", status=7)

    def test_exit_at_once(self) -> None:
        run_python("import leakwatch, os; leakwatch.start(); os._exit(3)", status=3)

    def test_exit_inside_a_region(self) -> None:
        run_python("""
            import leakwatch
            leakwatch.start()
            region = leakwatch.region("never left")
            region.__enter__()
            kept = [bytes(100) for _ in range(100)]
        """)

    def test_the_debug_allocator_finds_nothing_wrong(self) -> None:
        run_python("""
            import leakwatch, gc
            for turn in range(5):
                a = [bytearray(i) for i in range(1000)]
                leakwatch.start()
                for one in a: one.extend(b"x" * 600)
                b = [bytearray(i) for i in range(1000)]
                leakwatch.stop()
                for one in b: one.extend(b"x" * 600)
                del a[::2], b[::2]
                gc.collect()
        """, PYTHONMALLOC="debug")


if __name__ == "__main__":
    unittest.main()
