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
from collections.abc import Callable

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

    def need(self, package: str, *names: str) -> None:
        for name in names:
            if not shutil.which(name):
                self.skipTest(f"{name} is not installed: apt-get install {package}")

    def same_file(self, made: str, *words: str) -> None:
        """A program that writes its result to standard output, many bytes of it."""
        for name, run in (("plain", self.plain), ("ours", self.leakwatch)):
            options = ["--json", "--output", "r.json", "--"] if name == "ours" else []
            done = run(*options, "sh", "-c", f'exec "$@" >{name}.{made}', "sh", *words)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual((self.folder / f"ours.{made}").read_bytes(),
                         (self.folder / f"plain.{made}").read_bytes())
        report = json.loads((self.folder / "r.json").read_text())
        self.assertEqual(report["dropped"], 0)
        self.assertGreater(report["events"], 100)

    def some_text(self) -> str:
        """Nine megabytes that are not all alike."""
        file = self.folder / "text"
        file.write_text("".join(f"{i} {i * 7919 % 10007}\n" for i in range(900_000)))
        return str(file)

    def free_port(self) -> str:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return str(probe.getsockname()[1])

    def serve(self, *words: str) -> subprocess.Popen[str]:
        server = subprocess.Popen([COMMAND, "run", "--output", "out.txt", *words], cwd=self.folder,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.addCleanup(server.kill)
        return server

    def until(self, answers: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE
        while not answers():
            self.assertLess(time.monotonic(), end, "the server does not answer")
            time.sleep(0.1)

    def ended(self, server: subprocess.Popen[str], status: int = 0) -> None:
        _, errors = server.communicate(timeout=PATIENCE)
        self.assertEqual((server.returncode, errors), (status, ""))
        self.assertRegex((self.folder / "out.txt").read_text(), "exact, 0 dropped")


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
            self.need("git", "git")
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
            self.need("sqlite3", "sqlite3")
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

        def redis(self, *options: str, requests: str = "5000") -> None:
            self.need("redis-server redis-tools", "redis-server", "redis-benchmark", "redis-cli")
            port = self.free_port()
            server = self.serve("redis-server", "--port", port, "--save", "", "--daemonize", "no",
                                *options)
            self.until(lambda: self.plain("redis-cli", "-p", port, "ping").returncode == 0)
            done = self.plain("redis-benchmark", "-p", port, "-n", requests, "-q")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertNotIn("rror", done.stdout)
            self.plain("redis-cli", "-p", port, "shutdown", "nosave")
            self.ended(server)

        def test_redis(self) -> None:
            self.redis()

        def test_redis_with_threads(self) -> None:
            """Those of redis wait by spinning: no more of them than processors."""
            self.redis("--io-threads", "2", "--io-threads-do-reads", "yes", requests="500")

        def test_memcached_with_sixty_threads(self) -> None:
            self.need("memcached libmemcached-tools", "memcached", "memcslap")
            port = self.free_port()
            server = self.serve("memcached", "-u", "root", "-t", "60", "-l", "127.0.0.1", "-p", port)
            self.until(lambda: self.plain("memcping", f"--servers=127.0.0.1:{port}").returncode == 0)
            done = self.plain("memcslap", f"--servers=127.0.0.1:{port}", "--concurrency=60",
                              "--execute-number=200", "--test=get")
            self.assertEqual(done.returncode, 0, done.stderr)
            server.terminate()
            self.ended(server)

        def test_compressors_with_64_threads(self) -> None:
            text = self.some_text()
            for package, words in (("pigz", ["pigz", "-p", "64", "-b", "128", "-c", text]),
                                   ("xz-utils", ["xz", "-1", "-T64", "--block-size=131072", "-c", text]),
                                   ("zstd", ["zstd", "-q", "-T64", "-B131072", "-c", text])):
                with self.subTest(package):
                    self.need(package, words[0])
                    self.same_file("packed", *words)

        def test_sysbench_with_64_threads(self) -> None:
            self.need("sysbench", "sysbench")
            report, done = self.report("sysbench", "memory", "--threads=64", "--events=20000",
                                       "--time=0", "run")
            self.assertIn("events (avg/stddev)", done.stdout)
            self.assertEqual((report["dropped"], done.stderr), (0, ""))

        def test_ninja_and_cmake(self) -> None:
            self.need("ninja-build cmake", "ninja", "cmake")
            (self.folder / "CMakeLists.txt").write_text(
                "cmake_minimum_required(VERSION 3.20)\nproject(p C)\nadd_executable(hello hello.c)\n")
            (self.folder / "hello.c").write_text("int main(void) { return 7; }\n")
            done = self.leakwatch("--json", "--output", "r.%p.json", "--", "cmake", "-G", "Ninja", ".")
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            report, done = self.report("ninja")
            self.assertEqual((report["dropped"], done.stderr), (0, ""))
            self.assertEqual(self.plain("./hello").returncode, 7)
            reports = [json.loads(file.read_text()) for file in self.folder.glob("r.*.json")]
            self.assertGreater(len(reports), 10)
            self.assertEqual(sum(report["dropped"] for report in reports), 0)

        def test_node(self) -> None:
            self.need("nodejs", "node")
            self.same("node", "-e", "console.log(JSON.stringify([...Array(9999).keys()]).length)")

        def test_java(self) -> None:
            self.need("default-jre-headless", "java")
            self.same("java", "-Xshare:auto", "-version")

        def test_perl(self) -> None:
            self.need("perl", "perl")
            self.same("perl", "-e", "my %h; $h{$_} = 'x' x ($_ % 99) for 1 .. 20000; "
                                    "print scalar(keys %h), \"\\n\"; exit 3")

        def test_openssl(self) -> None:
            self.need("openssl", "openssl")
            self.same("openssl", "dgst", "-sha256", "/bin/ls")


if __name__ == "__main__":
    unittest.main()
