"""Real programs that nobody here wrote: the same output and status as without us, and a report at the
end. Those of Debian's that a build does not need anyway only in --all."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import unittest

from support import COMMAND, CXX, PATIENCE, Victims, expected, left_by_line

ALL = bool(os.environ.get("LW_TEST_ALL"))


class Same(Victims):
    def same(self, *words: str, env: dict[str, str] | None = None) -> dict:
        plain = self.plain(*words, env=env)
        report, ours = self.report(*words, status=plain.returncode, env=env)
        self.assertEqual((ours.stdout, ours.stderr), (plain.stdout, plain.stderr))
        self.assertEqual(report["dropped"], 0)
        self.assertGreater(report["events"], 100)
        return report

    def need(self, *names: str) -> None:
        for name in names:
            if not shutil.which(name):
                self.fail(f"{name} is not installed: tests/setup.sh --all does that")


class Programs(Same):
    def test_python(self) -> None:
        code = "import json, re, sys; print(len(json.dumps({str(i): [i] * 9 for i in range(9999)})))"
        self.same(sys.executable, "-c", code)
        self.same(sys.executable, "-X", "dev", "-c", "raise SystemExit(3)",
                  env={**os.environ, "PYTHONMALLOC": "malloc"})

    def test_sixty_threads_of_python(self) -> None:
        self.same(sys.executable, "-c", """if True:
            import threading, zlib
            gate = threading.Barrier(61)
            def work(i):
                gate.wait()
                zlib.compress(bytes(range(256)) * 99 * i)
                print(flush=True, end="")
            threads = [threading.Thread(target=work, args=(i,)) for i in range(60)]
            [thread.start() for thread in threads]
            gate.wait()
            [thread.join() for thread in threads]
            print("done")
        """, env={**os.environ, "PYTHONMALLOC": "malloc"})

    def test_the_compiler(self) -> None:
        """C++, made of many processes, each of which reports."""
        source = self.folder / "a.cc"
        source.write_text("#include <map>\n#include <string>\nint main() { std::map<std::string, int> m; "
                          "return (int)m.size(); }\n")
        plain = self.plain(*CXX, "-O1", "-c", source, "-o", "plain.o")
        done = self.leakwatch("--json", "--output", "r.%p.json", "--", *CXX, "-O1", "-c", source, "-o",
                              "ours.o")
        self.assertEqual((done.returncode, done.stdout, done.stderr),
                         (plain.returncode, plain.stdout, plain.stderr))
        self.assertEqual((self.folder / "ours.o").read_bytes(), (self.folder / "plain.o").read_bytes())
        reports = [json.loads(file.read_text()) for file in self.folder.glob("r.*.json")]
        self.assertGreaterEqual(len(reports), 2)
        self.assertEqual(sum(report["dropped"] for report in reports), 0)


if ALL:

    class Installed(Same):
        """Debian's own."""

        def test_git(self) -> None:
            self.need("git")
            env = {**os.environ, "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b",
                   "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b"}
            for words in (["init", "-q", "."], ["commit", "-q", "--allow-empty", "-m", "one"]):
                subprocess.run(["git", *words], cwd=self.folder, env=env, check=True)
            (self.folder / "a").write_text("a\n" * 9999)
            subprocess.run(["git", "add", "a"], cwd=self.folder, check=True)
            for words in (["log", "--stat"], ["status", "--short"], ["diff", "--cached"],
                          ["no-such-verb"], ["fsck", "--full"]):
                with self.subTest(words):
                    self.same("git", *words, env=env)

        def test_sqlite(self) -> None:
            self.need("sqlite3")
            self.same("sqlite3", ":memory:", """
                create table t(a integer primary key, b text);
                with recursive n(i) as (select 1 union all select i + 1 from n where i < 50000)
                    insert into t select i, hex(i * 7919) from n;
                create index k on t(b);
                select count(*), sum(a), min(b), max(b) from t where b like '3%';
            """)

        def test_calls_of_jemalloc(self) -> None:
            victim = self.victim("extended.cc", "-ljemalloc")
            report, done = self.report(victim)
            self.assertEqual(left_by_line(report, "extended.cc"), expected(done.stdout))
            self.assertEqual((report["dropped"], done.stderr), (0, ""))

        def test_redis(self) -> None:
            self.need("redis-server", "redis-benchmark", "redis-cli")
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                port = str(probe.getsockname()[1])
            server = subprocess.Popen(
                [COMMAND, "run", "--output", "out.txt", "redis-server", "--port", port, "--save", "",
                 "--daemonize", "no"],
                cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            self.addCleanup(server.kill)
            until = time.monotonic() + PATIENCE
            while time.monotonic() < until and self.plain("redis-cli", "-p", port, "ping").returncode:
                time.sleep(0.1)
            done = self.plain("redis-benchmark", "-p", port, "-n", "5000", "-q")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertNotIn("rror", done.stdout)
            self.plain("redis-cli", "-p", port, "shutdown", "nosave")
            _, errors = server.communicate(timeout=PATIENCE)
            self.assertEqual((server.returncode, errors), (0, ""))
            self.assertRegex((self.folder / "out.txt").read_text(), "exact, 0 dropped")


if __name__ == "__main__":
    unittest.main()
