"""The `leakwatch` command on files of a known program: as an executable, and inside the package."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

COMMAND = os.environ["LW_COMMAND"]

# Five snapshots of a program whose cache gains ten values from each to the next.
PROGRAM = """
import functools, sys
import leakwatch

class Value:
    def __init__(self, key):
        self.key = key
        self.payload = bytes(10000)

@functools.lru_cache(maxsize=None)
def get_value(key):
    return Value(key)

leakwatch.start()
for i in range(5):
    leakwatch.snapshot(f"s{i}").save(f"{sys.argv[1]}/s{i}.lws", values=i == 4)
    for j in range(10):
        get_value(f"user {i} {j}")
"""


class Done:
    def __init__(self, done: subprocess.CompletedProcess[str]) -> None:
        self.status, self.out, self.err = done.returncode, done.stdout, done.stderr


class Command(unittest.TestCase):
    folder: tempfile.TemporaryDirectory[str]
    files: list[str]

    @classmethod
    def setUpClass(cls) -> None:
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        done = subprocess.run([sys.executable, "-c", PROGRAM, cls.folder.name], capture_output=True,
                              text=True)
        if done.returncode != 0:
            raise AssertionError(done.stderr)
        cls.files = [str(Path(cls.folder.name, f"s{i}.lws")) for i in range(5)]

    def run_command(self, *words: str) -> Done:
        """Runs the executable, and the package's command, which must say the same."""
        plain = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
        native = Done(subprocess.run([COMMAND, *words], capture_output=True, text=True, env=plain,
                                     cwd=self.folder.name))
        if words and words[0] not in ("--version", "--help", "-h", "run", "nonsense"):
            inside = Done(subprocess.run([sys.executable, "-m", "leakwatch", *words],
                                         capture_output=True, text=True, cwd=self.folder.name))
            self.assertEqual((inside.status, inside.out), (native.status, native.out), words)
        return native

    def test_info(self) -> None:
        done = self.run_command("info", *self.files)
        self.assertEqual((done.status, done.err), (0, ""))
        self.assertEqual([line for line in done.out.splitlines() if line.startswith("snapshot")],
                         [line for line in done.out.splitlines() if '"s' in line])
        self.assertEqual(done.out.count("keys read as dots"), 4)  # the last one has its values
        whole = json.loads(self.run_command("info", "--json", self.files[0]).out)
        self.assertEqual((whole["report"], whole["name"], whole["hidden"]), ("snapshot", "s0", True))

    def test_types(self) -> None:
        done = self.run_command("types", self.files[4])
        self.assertEqual(done.status, 0)
        self.assertRegex(done.out, r"(?m)^ +40 .*  __main__\.Value$")
        rows = json.loads(self.run_command("types", "--json", self.files[4]).out)["types"]
        value = next(row for row in rows if row["type"] == "__main__.Value")
        self.assertEqual(value["count"], 40)
        # Each keeps its payload; the keys are the cache's too.
        self.assertGreater(value["retained"], 40 * 10000)
        self.assertEqual(rows, sorted(rows, key=lambda row: -row["retained"]))
        self.assertGreater(self.run_command("types", "--all", self.files[4]).out.count("\n"),
                           done.out.count("\n"))

    def test_diff(self) -> None:
        done = self.run_command("diff", self.files[0], self.files[4])
        self.assertEqual(done.status, 1)
        self.assertRegex(done.out, r"\+40 .*  __main__\.Value")
        done = self.run_command("diff", self.files[4], self.files[0])
        self.assertNotIn("+40", done.out)
        done = self.run_command("diff", "--sites", self.files[0], self.files[4])
        self.assertEqual(done.status, 1)
        self.assertIn("Value.__init__", done.out)
        done = self.run_command("diff", *self.files)
        self.assertEqual(done.status, 1)
        self.assertRegex(done.out, r"(?m)^ +10 .*  __main__\.Value$")  # those of the first step
        self.assertEqual(self.run_command("diff", self.files[0], self.files[0]).status, 0)

    def test_paths(self) -> None:
        done = self.run_command("paths", self.files[4], "__main__.Value")
        self.assertEqual(done.status, 0)
        self.assertIn(".get_value", done.out)
        self.assertIn("user 0 ", done.out)
        self.assertIn("…", self.run_command("paths", self.files[3], "__main__.Value").out)
        paths = json.loads(self.run_command("paths", "--json", "--limit=3", self.files[4],
                                            "__main__.Value").out)
        self.assertEqual(len(paths), 1)  # all ways go over the cache
        key = paths[0]["target"]["key"]
        one = json.loads(self.run_command("paths", "--json", self.files[4], key).out)
        self.assertEqual(one[0]["target"]["key"], key)
        done = self.run_command("paths", self.files[4], "Nobody")
        self.assertEqual((done.status, done.out), (3, ""))
        self.assertIn("there is no Nobody", done.err)

    def test_report_of_growth(self) -> None:
        done = self.run_command("report", *self.files)
        self.assertEqual(done.status, 1)
        for words in ("1 leak in 4 rounds", "functools._lru_cache_wrapper gains 30 objects",
                      "mostly __main__.Value", "Value.__init__", ".get_value", "verified"):
            self.assertIn(words, done.out)
        whole = json.loads(self.run_command("report", "--json", *self.files).out)
        found = whole["findings"][0]
        self.assertEqual(found["objects"], 120)
        self.assertEqual(found["cut"]["freed_leaked_bytes"], found["cut"]["leaked_bytes"])

    def test_accepted(self) -> None:
        found = json.loads(self.run_command("report", "--json", *self.files).out)["findings"][0]
        path = Path(self.folder.name, "known")
        done = self.run_command("accept", "--file", str(path), "--reason", "by design",
                                found["fingerprint"])
        self.assertEqual(done.status, 0)
        self.assertIn(f"{found['fingerprint']}  by design\n", path.read_text())
        done = self.run_command("report", "--accepted", str(path), *self.files)
        self.assertEqual(done.status, 0)  # nothing new
        self.assertIn("accepted", done.out)
        self.assertEqual(self.run_command("accept", "12").status, 2)

    def test_report_of_one(self) -> None:
        done = self.run_command("report", self.files[4])
        self.assertEqual(done.status, 0)
        self.assertRegex(done.out, r"(?m)^ +39\d KiB +\d+ +\.get_value  functools")
        whole = json.loads(self.run_command("report", "--json", self.files[4]).out)
        self.assertEqual(whole["report"], "retained")
        two = self.run_command("report", *self.files[:2])
        self.assertEqual(two.status, 2)
        self.assertIn("three or more", two.err)

    def test_export(self) -> None:
        path = Path(self.folder.name, "heap.heapsnapshot")
        self.assertEqual(self.run_command("export", self.files[4], str(path)).status, 0)
        whole = json.loads(path.read_text())
        self.assertEqual(whole["snapshot"]["node_count"] * 5, len(whole["nodes"]))
        done = self.run_command("export", self.files[4], "/nowhere/at/all")
        self.assertEqual(done.status, 3)
        self.assertIn("/nowhere/at/all", done.err)

    def test_files_that_are_none(self) -> None:
        damaged = Path(self.folder.name, "damaged.lws")
        content = bytearray(Path(self.files[0]).read_bytes())
        content[len(content) // 2] ^= 4
        damaged.write_bytes(content)
        for path, words in (("/nowhere", "/nowhere"), ("/etc/passwd", "not a snapshot"),
                            (str(damaged), "byte")):
            with self.subTest(path):
                done = self.run_command("types", path)
                self.assertEqual((done.status, done.out), (3, ""))
                self.assertIn(words, done.err)
        self.assertEqual(self.run_command("info", "/nowhere", self.files[0]).status, 3)

    def test_misuse(self) -> None:
        for words in ([], ["nonsense"], ["info"], ["types", "a", "b"], ["paths", self.files[0]],
                      ["paths", "--limit", "x", self.files[0], "dict"],
                      ["paths", self.files[0], "dict", "--limit"],
                      ["report", "--what", self.files[0]], ["diff", self.files[0]],
                      ["diff", "--sites", *self.files]):
            with self.subTest(words):
                done = self.run_command(*words)
                self.assertEqual((done.status, done.out), (2, ""))
                self.assertRegex(done.err, "usage|--help")

    def test_help_and_version(self) -> None:
        done = self.run_command("--help")
        self.assertEqual((done.status, done.err), (0, ""))
        for verb in ("info", "types", "diff", "paths", "report", "accept", "export"):
            self.assertIn(f"leakwatch {verb} ", done.out)
            self.assertEqual(self.run_command(verb, "--help").status, 0)
        self.assertRegex(self.run_command("--version").out, r"^leakwatch \d+\.\d+\.\d+$")

    def test_a_full_disk_is_told(self) -> None:
        if not os.path.exists("/dev/full"):
            self.skipTest("there is no /dev/full here")
        with open("/dev/full", "w") as full:
            done = subprocess.run([COMMAND, "types", self.files[0]], stdout=full,
                                  stderr=subprocess.PIPE, text=True,
                                  env={k: v for k, v in os.environ.items() if k != "LD_PRELOAD"})
        self.assertEqual(done.returncode, 3)
        self.assertIn("stdout", done.stderr)


if __name__ == "__main__":
    unittest.main()
