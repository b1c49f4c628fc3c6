"""The `leakwatch` command: a program under recording behaves as under the interpreter alone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import unittest
import zipfile
from pathlib import Path

CONSOLE_SCRIPT = "import sys; from leakwatch.__main__ import main; sys.exit(main())"


class Command(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name).resolve()

    def write(self, name: str, code: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(code))
        return path

    def python(self, *words: object, **more: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, *map(str, words)], cwd=self.folder, timeout=60,
                              capture_output=True, text=True, **more)  # type: ignore[call-overload]

    def leakwatch(self, *words: object, **more: object) -> subprocess.CompletedProcess[str]:
        return self.python("-m", "leakwatch", *words, **more)


class Report(Command):
    def test_what_is_left_by_the_programs_own_line(self) -> None:
        self.write("app.py", """
            import json
            kept = []
            def work():
                kept.append(bytes(300_000))
                bytes(900_000)
                kept.append(json.loads("[" + "1000000," * 999 + "1]"))
            work()
            print("out")
        """)
        done = self.leakwatch("run", "app.py")
        self.assertEqual((done.returncode, done.stdout), (0, "out\n"), done.stderr)
        lines = done.stderr.splitlines()
        self.assertIn("app.py", lines[0])
        mine = {line.split("app.py:")[1].split()[0] for line in lines if "app.py:" in line}
        self.assertLessEqual({"5", "7"}, mine)
        self.assertNotIn("6", mine, "what it gave back is not left")
        self.assertIn("One run cannot tell a cache from a leak", done.stderr)
        self.assertIn("leakwatch.region", done.stderr)
        self.assertNotIn("_run.py", done.stderr)

    def test_it_comes_last(self) -> None:
        self.write("app.py", """
            import atexit, sys, threading, time
            kept = []
            def late():
                time.sleep(0.2)
                kept.append(bytes(300_000))
                print("thread", file=sys.stderr)
            atexit.register(lambda: print("atexit", file=sys.stderr))
            threading.Thread(target=late).start()
        """)
        done = self.leakwatch("run", "app.py")
        before, _, report = done.stderr.partition("region ")
        self.assertEqual(before.split(), ["thread", "atexit"])
        self.assertIn("app.py:6", report)

    def test_json_into_a_file(self) -> None:
        self.write("app.py", "kept = bytes(300_000)\n")
        done = self.leakwatch("run", "--json", "left.json", "app.py")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        report = json.loads((self.folder / "left.json").read_text())
        self.assertEqual(report["report"], "region")
        first = report["survivors"][0]
        self.assertGreaterEqual(first["bytes"], 300_000)
        strangers = {Path(row["frames"][0]["file"]).name for row in report["survivors"]
                     if row["own_frame"] is None}
        # What finds and reads the script is ours; CPython waits for its threads at the end.
        self.assertLessEqual(strangers, {"threading.py"})
        frame = first["frames"][first["own_frame"]]
        self.assertEqual((Path(frame["file"]).name, frame["line"]), ("app.py", 1))
        self.assertEqual(len(first["frames"]), 1, "how the program was run is none of its frames")

    def test_all_and_frames(self) -> None:
        self.write("app.py", """
            kept = []
            def deep(n):
                if n: deep(n - 1)
                else: kept.append(bytes(300_000))
            deep(60)
        """)
        full = self.leakwatch("run", "--frames", "100", "--json=left.json", "app.py")
        self.assertEqual(full.returncode, 0, full.stderr)
        first = json.loads((self.folder / "left.json").read_text())["survivors"][0]
        self.assertEqual((len(first["frames"]), first["truncated"]), (62, False))
        short = self.leakwatch("run", "--frames=3", "--json=left.json", "app.py")
        self.assertEqual(short.returncode, 0, short.stderr)
        first = json.loads((self.folder / "left.json").read_text())["survivors"][0]
        self.assertEqual((len(first["frames"]), first["truncated"]), (3, True))
        every = self.leakwatch("run", "--all", "app.py").stderr
        self.assertGreater(len(every.splitlines()), 30)

    def test_no_word_of_ours_on_a_stream_that_is_closed(self) -> None:
        self.write("app.py", "import sys; sys.stderr.close(); print('fine')\n")
        done = self.leakwatch("run", "app.py")
        self.assertEqual((done.returncode, done.stdout), (0, "fine\n"))

    def test_a_child_does_not_report(self) -> None:
        self.write("app.py", """
            import os, sys
            if os.fork() == 0:
                sys.exit(3)
            print(os.waitstatus_to_exitcode(os.wait()[1]))
        """)
        done = self.leakwatch("run", "app.py")
        self.assertEqual(done.stdout, "3\n", done.stderr)
        self.assertEqual(done.stderr.count("One run cannot"), 1)

    def test_ascii_where_stderr_is(self) -> None:
        self.write("app.py", "kept = bytes(300_000)\n")
        done = self.leakwatch("run", "app.py", env={**os.environ, "PYTHONIOENCODING": "ascii"})
        self.assertTrue(done.stderr.isascii())
        self.assertIn("app.py:1", done.stderr)


SEES = """
    import sys, os, __main__
    print(__name__, sys.argv, __file__, sys.path[0], __spec__ and __spec__.name, __package__)
    print(__main__.__dict__ is globals(), sorted(k for k in globals() if k[0] == "_"))
    print(__loader__.__class__.__name__, __doc__)
"""


class SameProgram(Command):
    """Whatever the interpreter does with a program, we do too."""

    def check(self, *words: object, **more: object) -> subprocess.CompletedProcess[str]:
        alone = self.python(*words, **more)
        ours = self.leakwatch("run", *words, **more)
        self.assertEqual(ours.stdout.replace("'__annotations__', ", ""),
                         alone.stdout.replace("'__annotations__', ", ""), ours.stderr)
        self.assertEqual(ours.returncode, alone.returncode, ours.stderr)
        self.assertTrue(ours.stderr.startswith(alone.stderr), f"{ours.stderr}\nnot\n{alone.stderr}")
        return ours

    def test_what_a_script_sees(self) -> None:
        self.write("deep/app.py", SEES)
        self.check("deep/app.py", "--frames", "-m", "two words", "")
        self.check(self.folder / "deep/app.py")
        (self.folder / "link.py").symlink_to("deep/app.py")
        self.check("link.py")

    def test_what_a_module_sees(self) -> None:
        self.write("alone.py", SEES)
        self.write("pack/__init__.py", "print('pack', __import__('sys').argv)\n")
        self.write("pack/__main__.py", SEES)
        self.write("pack/tool.py", SEES)
        for name in ("alone", "pack", "pack.tool"):
            self.check("-m", name, "-x", "--help")

    def test_what_a_folder_or_archive_sees(self) -> None:
        self.write("folder/__main__.py", SEES + "\n    import helper\n")
        self.write("folder/helper.py", "print('helped')\n")
        self.check("folder", "a")
        with zipfile.ZipFile(self.folder / "app.zip", "w") as archive:
            archive.write(self.folder / "folder/__main__.py", "__main__.py")
            archive.write(self.folder / "folder/helper.py", "helper.py")
        self.check("app.zip", "a")

    def test_exit_statuses(self) -> None:
        ways = ["", "import sys; sys.exit()", "import sys; sys.exit(7)",
                "import sys; sys.exit('a sentence')", "raise SystemExit(None)",
                "import sys; sys.exit(2.5)", "1 / 0", "raise KeyboardInterrupt",
                "import os; os._exit(9)", "def f(:"]
        for number, way in enumerate(ways):
            with self.subTest(way):
                self.write(f"exit{number}.py", f"print('before')\n{way}\n" if "def" not in way
                           else way)
                self.check(f"exit{number}.py")

    def test_interrupted_from_outside(self) -> None:
        path = self.write("app.py", """
            import os, signal
            os.kill(os.getpid(), signal.SIGINT)
            import time; time.sleep(5)
        """)
        self.assertEqual(self.check(path).returncode, -signal.SIGINT)

    def test_traceback_is_the_programs_own(self) -> None:
        self.write("app.py", """
            class Odd(Exception): pass
            def inner():
                raise Odd("here")
            try:
                {}["nothing"]
            except KeyError as error:
                raise RuntimeError("outer") from error
        """)
        done = self.check("app.py")
        self.assertNotIn("_run.py", done.stderr)
        self.write("hook.py", """
            import sys, traceback
            def hook(kind, value, trace):
                print(kind.__name__, len(traceback.extract_tb(trace)), value.__traceback__ is trace)
            sys.excepthook = hook
            def f(): 1 / 0
            f()
        """)
        self.check("hook.py")

    def test_import_that_fails_in_the_program(self) -> None:
        self.write("app.py", "import no_such_module_at_all\n")
        self.check("app.py")

    def test_main_can_be_pickled(self) -> None:
        self.write("app.py", """
            import pickle
            class Thing: pass
            print(type(pickle.loads(pickle.dumps(Thing()))) is Thing)
        """)
        self.check("app.py")

    def test_input_is_the_programs(self) -> None:
        self.write("app.py", "print(input().upper())\n")
        self.check("app.py", input="word\n")

    def test_console_script(self) -> None:
        self.write("app.py", SEES)
        alone = self.python("app.py", "x")
        ours = self.python("-c", CONSOLE_SCRIPT, "run", "app.py", "x")
        self.assertEqual(ours.stdout.replace("'__annotations__', ", ""),
                         alone.stdout.replace("'__annotations__', ", ""), ours.stderr)

    def test_a_program_that_uses_leakwatch_itself(self) -> None:
        self.write("app.py", """
            import leakwatch
            kept = []
            with leakwatch.region("own") as r:
                kept.append(bytes(300_000))
            print(r.current >= 300_000)
            leakwatch.stop()
        """)
        done = self.leakwatch("run", "app.py")
        self.assertEqual((done.returncode, done.stdout), (0, "True\n"), done.stderr)
        self.assertIn("app.py:5", done.stderr)


class Misuse(Command):
    def test_nothing_and_help(self) -> None:
        bare, asked = self.leakwatch(), self.leakwatch("--help")
        self.assertEqual((bare.returncode, asked.returncode), (2, 0))
        self.assertEqual(bare.stdout, asked.stdout)
        self.assertIn("leakwatch run", asked.stdout)
        self.assertEqual(self.leakwatch("run", "--help").stdout, asked.stdout)
        self.assertRegex(self.leakwatch("--version").stdout, r"^leakwatch \d+\.\d+\.\d+\n$")

    def test_a_sentence_for_each(self) -> None:
        self.write("pack/__init__.py", "")
        self.write("empty/readme.txt", "")
        self.write("app.py", "print('ran')\n")
        cases = {
            ("walk", "x.py"): "there is no verb 'walk'",
            ("run",): "run what",
            ("run", "-m"): "-m wants a module",
            ("run", "--frames"): "--frames wants a value",
            ("run", "--frames", "many", "app.py"): "from 0 to 128",
            ("run", "--frames=129", "app.py"): "from 0 to 128",
            ("run", "--fast", "app.py"): "there is no option --fast",
            ("run", "missing.py"): "cannot run 'missing.py': there is no such file",
            ("run", "empty"): "there is no __main__.py in this folder",
            ("run", "-m", "no_such"): "there is no such module",
            ("run", "-m", "pack.none"): "there is no such module",
            ("run", "-m", "pack"): "this package has no __main__",
            ("run", "-m", "sys"): "it has no Python code",
            ("run", "--json", "no/where.json", "app.py"): "cannot write 'no/where.json'",
        }
        for words, sentence in cases.items():
            with self.subTest(words=words):
                done = self.leakwatch(*words)
                self.assertEqual((done.returncode, done.stdout), (2, ""), done.stderr)
                self.assertIn(sentence, done.stderr)
                self.assertTrue(done.stderr.startswith("leakwatch: "))
                self.assertEqual(len(done.stderr.splitlines()), 1)


if __name__ == "__main__":
    unittest.main()
