"""Whatever is asked of leakwatch in the wrong way or at the wrong time is answered in a sentence,
and what was going on goes on."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import unittest
from pathlib import Path

import leakwatch

keep: list[object] = []


class OutOfTurn(unittest.TestCase):
    def setUp(self) -> None:
        self.addCleanup(leakwatch.stop)

    def test_region_before_start(self) -> None:
        with self.assertRaisesRegex(leakwatch.NotRecordingError, r"call leakwatch\.start\(\) first"):
            leakwatch.region("early")
        self.assertTrue(issubclass(leakwatch.NotRecordingError, RuntimeError))

    def test_stop_before_start(self) -> None:
        leakwatch.stop()
        leakwatch.stop()

    def test_second_start(self) -> None:
        leakwatch.start(frames=3)
        with leakwatch.region("on") as r:
            with self.assertRaisesRegex(leakwatch.AlreadyRecordingError, r"call stop\(\) first"):
                leakwatch.start()
            keep[:] = [bytes(10_000)]
        self.assertGreaterEqual(r.current, 10_000)
        self.assertEqual(len(r.survivors[0].stack), 3)

    def test_region_ended_twice(self) -> None:
        leakwatch.start()
        with leakwatch.region("twice") as r:
            pass
        with self.assertRaisesRegex(leakwatch.RegionError, "'twice' has ended already"):
            r.__exit__(None, None, None)

    def test_region_never_entered(self) -> None:
        leakwatch.start()
        with self.assertRaisesRegex(leakwatch.RegionError, "'never' was never entered"):
            leakwatch.region("never").__exit__(None, None, None)

    def test_region_entered_twice(self) -> None:
        leakwatch.start()
        with leakwatch.region("again") as r:
            with self.assertRaisesRegex(leakwatch.RegionError, "'again' is entered already"):
                with r:
                    pass
        self.assertEqual(r.rounds, 1)

    def test_regions_ended_out_of_order(self) -> None:
        leakwatch.start()
        outer, inner = leakwatch.region("outer"), leakwatch.region("inner")
        outer.__enter__()
        inner.__enter__()
        with self.assertRaises(leakwatch.RegionError) as raised:
            outer.__exit__(None, None, None)
        self.assertIn("outer", str(raised.exception))
        self.assertIn("inner", str(raised.exception))
        self.assertTrue(outer.open)
        inner.__exit__(None, None, None)
        outer.__exit__(None, None, None)
        self.assertFalse(outer.open)

    def test_one_name_for_two_kinds(self) -> None:
        leakwatch.start()
        leakwatch.region("kind")
        with self.assertRaisesRegex(leakwatch.RegionError, "kind"):
            leakwatch.region("kind", process=True)

    def test_region_of_a_recording_that_is_over(self) -> None:
        leakwatch.start()
        r = leakwatch.region("old")
        leakwatch.stop()
        leakwatch.start()
        with self.assertRaisesRegex(leakwatch.NotRecordingError, "a recording that has ended"):
            r.__enter__()
        self.assertEqual((r.current, r.rounds, r.survivors), (0, 0, []))


class Arguments(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        leakwatch.start()
        cls.addClassCleanup(leakwatch.stop)
        cls.snapshot = leakwatch.snapshot("s")

    def test_frames(self) -> None:
        leakwatch.stop()
        self.addCleanup(leakwatch.start)
        for frames in (-1, 129, 10**30):
            with self.assertRaisesRegex(ValueError, "frames must be from 0 to 128"):
                leakwatch.start(frames=frames)
        for frames in ("many", 2.5, None):
            with self.assertRaises(TypeError):
                leakwatch.start(frames=frames)

    def test_names(self) -> None:
        for name in (None, 7, b"bytes"):
            with self.assertRaisesRegex(TypeError, "a region has a name, a str, not"):
                leakwatch.region(name)
        with self.assertRaisesRegex(TypeError, "a region has a name"):
            leakwatch.region()
        with self.assertRaisesRegex(ValueError, "null"):
            leakwatch.region("a\0b")
        with self.assertRaisesRegex(ValueError, "lone surrogate"):
            leakwatch.region("\udc80")
        with self.assertRaisesRegex(TypeError, "a str"):
            leakwatch.snapshot(7)
        with self.assertRaisesRegex(TypeError, "at most 1 positional"):
            leakwatch.snapshot("a", "b")
        with self.assertRaisesRegex(TypeError, "no argument 'label'"):
            leakwatch.snapshot(label="a")
        with self.assertRaisesRegex(TypeError, "'name' twice"):
            leakwatch.region("a", name="b")
        self.assertEqual(leakwatch.region("ü – 名前").name, "ü – 名前")
        self.assertIn("名前", str(leakwatch.region("ü – 名前")))

    def test_diff(self) -> None:
        for wrong in (None, 7, "s", leakwatch):
            with self.assertRaisesRegex(TypeError, "earlier Snapshot"):
                self.snapshot.diff(wrong)

    def test_diff_of_two_recordings(self) -> None:
        leakwatch.stop()
        between = leakwatch.snapshot()
        leakwatch.start()
        after = leakwatch.snapshot()
        self.assertEqual(after.diff(between).types["dict"].types, 1)
        for old in (between, after):
            with self.assertRaisesRegex(ValueError, "a recording was stopped between them"):
                old.diff(self.snapshot)

    def test_paths_to(self) -> None:
        for arguments in ({}, {"obj": keep, "instances_of": list}):
            with self.assertRaisesRegex(TypeError, "either an object, or instances_of"):
                self.snapshot.paths_to(**arguments)
        for limit in (0, -1):
            with self.assertRaisesRegex(ValueError, "limit must be at least 1"):
                self.snapshot.paths_to(keep, limit=limit)
        with self.assertRaisesRegex(TypeError, "its name or the class itself"):
            self.snapshot.paths_to(instances_of=7)
        with self.assertRaisesRegex(TypeError, "its name or the class itself"):
            self.snapshot.types[7]
        self.assertEqual(len(self.snapshot.paths_to(instances_of="no.such.Type")), 0)

    def test_text(self) -> None:
        r = leakwatch.region("text")
        with self.assertRaisesRegex(ValueError, "width must be at least 0"):
            r.text(width=-1)
        with self.assertRaises(TypeError):
            r.text(True)
        self.assertIn("text", r.text(width=1))

    def test_our_types_are_not_made_by_hand(self) -> None:
        for name in leakwatch.__all__:
            made = getattr(leakwatch, name)
            if isinstance(made, type) and not issubclass(made, Exception):
                with self.assertRaises(TypeError, msg=name):
                    made()
                with self.assertRaises(TypeError, msg=name):
                    type("Sub", (made,), {})

    def test_fields_cannot_be_written(self) -> None:
        for thing, field in ((leakwatch.region("w"), "current"), (self.snapshot, "name"),
                             (self.snapshot.types["dict"], "count")):
            with self.assertRaises(AttributeError):
                setattr(thing, field, 1)

    def test_an_odd_stdout(self) -> None:
        class Odd:
            @property
            def encoding(self) -> str:
                raise RuntimeError("none")

        r = leakwatch.region("odd")
        stdout = sys.stdout
        try:
            for sys.stdout in (None, Odd(), object()):
                self.assertIn("odd", str(r))
        finally:
            sys.stdout = stdout


class OtherProcesses(unittest.TestCase):
    def python(self, code: str, *options: str, **env: str) -> str:
        done = subprocess.run([sys.executable, *options, "-c", textwrap.dedent(code)],
                              capture_output=True, text=True, timeout=120,
                              env={**os.environ, **env})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stderr, "")
        return done.stdout

    def test_a_second_copy_of_the_extension(self) -> None:
        extension = Path(leakwatch._leakwatch.__file__)
        printed = self.python(f"""
            import importlib.util, shutil, tempfile, pathlib
            import leakwatch
            with tempfile.TemporaryDirectory() as folder:
                copy = shutil.copy({str(extension)!r}, pathlib.Path(folder, {extension.name!r}))
                spec = importlib.util.spec_from_file_location("_leakwatch", copy)
                try:
                    module = importlib.util.module_from_spec(spec)
                    spec.loader.exec_module(module)
                except ImportError as error:
                    print(error)
            leakwatch.start()
            leakwatch.stop()
        """)
        self.assertIn("another copy of leakwatch is loaded in this process", printed)

    def test_a_subinterpreter(self) -> None:
        code = "\n".join(["import sys", f"sys.path[:] = {sys.path!r}",
                          "try:", "    import leakwatch",
                          "except ImportError as error:", "    print(error, flush=True)"])
        module = "_interpreters" if sys.version_info >= (3, 13) else "_xxsubinterpreters"
        printed = self.python(f"""
            import leakwatch, {module} as interpreters
            leakwatch.start()
            made = interpreters.create()
            interpreters.run_string(made, {code!r})
            interpreters.destroy(made)
            leakwatch.stop()
        """)
        self.assertRegex(printed, "main interpreter only|does not support loading in subinterp")

    def test_a_free_threaded_build(self) -> None:
        printed = self.python("""
            import sys
            sys.abiflags = "t"
            try:
                import leakwatch
            except ImportError as error:
                print(error)
        """)
        self.assertIn("cannot record a free-threaded CPython", printed)

    def test_imported_anew(self) -> None:
        self.assertEqual(self.python("""
            import sys, gc
            import leakwatch
            leakwatch.start()
            r = leakwatch.region("a")
            for name in [n for n in sys.modules if n.startswith("leakwatch")]:
                del sys.modules[name]
            del leakwatch
            gc.collect()
            import leakwatch
            with leakwatch.region("b") as b: pass
            print(type(r) is leakwatch.Region, b.current)
            leakwatch.stop()
        """), "True 0\n")

    def test_exit_while_recording(self) -> None:
        for env in ({}, {"PYTHONMALLOC": "debug"}, {"PYTHONMALLOC": "malloc"}):
            with self.subTest(env=env):
                self.assertEqual(self.python("""
                    import atexit, os
                    import leakwatch
                    class Late:
                        def __del__(self, write=os.write):
                            good = "open" in str(self.r) and len(self.s.types) > 10
                            write(1, b"good\\n" if good and self.r.current >= 0 else b"bad\\n")
                    late = Late()
                    late.me = late
                    leakwatch.start()
                    kept = {}
                    r = leakwatch.region("open"); r.__enter__()
                    with leakwatch.region("all", process=True): kept["a"] = [0] * 9999
                    late.r, late.s = r, leakwatch.snapshot()
                    atexit.register(lambda: print(r.open, flush=True))
                """, **env), "True\ngood\n")

    def test_exit_while_a_daemon_thread_allocates(self) -> None:
        self.assertEqual(self.python("""
            import leakwatch, threading, time
            leakwatch.start()
            def spin():
                while True: [bytes(i) for i in range(100)]
            for _ in range(3): threading.Thread(target=spin, daemon=True).start()
            time.sleep(0.05)
            print("end")
        """), "end\n")

    def test_fork_while_recording(self) -> None:
        self.assertEqual(self.python("""
            import leakwatch, os, sys
            leakwatch.start()
            kept = [None] * 9
            with leakwatch.region("forked") as r:
                kept[0] = bytes(10_000)
                child = os.fork()
                if child == 0:
                    kept[1] = bytes(20_000)
            if child == 0:
                good = r.current >= 30_000 and len(leakwatch.snapshot()) > 1000
                leakwatch.stop()
                leakwatch.start()
                sys.exit(0 if good else 1)
            print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), r.current < 30_000)
        """), "0 True\n")

    def test_threads_that_allocate_while_we_start_and_stop(self) -> None:
        for env in ({}, {"PYTHONMALLOC": "debug"}):
            with self.subTest(env=env):
                self.assertEqual(self.python("""
                    import leakwatch, threading, sys
                    sys.setswitchinterval(1e-5)
                    going = True
                    def spin():
                        while going: [bytes(i * 10) for i in range(50)]
                    threads = [threading.Thread(target=spin) for _ in range(4)]
                    for thread in threads: thread.start()
                    for _ in range(30):
                        leakwatch.start()
                        with leakwatch.region("x") as r: kept = bytes(10_000)
                        leakwatch.stop()
                        assert r.current >= 10_000, r.current
                    going = False
                    for thread in threads: thread.join()
                    print("done")
                """, **env), "done\n")

    def test_numpy(self) -> None:
        fake = """
            import sys, types, warnings
            numpy = types.ModuleType("numpy")
            sys.modules["numpy"] = numpy
        """
        printed = self.python(fake + """
            import leakwatch
            with warnings.catch_warnings(record=True) as seen:
                warnings.simplefilter("always")
                leakwatch.start()
            r = leakwatch.region("n")
            print(len(seen), seen[0].category.__name__, "numpy" in str(seen[0].message))
            import json
            print(r.notes == [str(seen[0].message)], json.loads(r.json())["notes"] == r.notes
                  and r.notes[0] in r.text())
            leakwatch.stop()
            print("numpy" in str(r.notes), "numpy" in r.text())
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                try: leakwatch.start()
                except leakwatch.RecordingWarning: print("refused")
            try: leakwatch.region("x")
            except leakwatch.NotRecordingError: print("not recording")
        """)
        self.assertEqual(printed.splitlines(), ["1 RecordingWarning True", "True True",
                                                "True True", "refused", "not recording"])


if __name__ == "__main__":
    unittest.main()
