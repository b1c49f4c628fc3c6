"""Running out of memory, ours or the interpreter's, is an exception or a counted loss, never the
program's end."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import unittest

try:
    import _testcapi
except ImportError:  # not every distribution ships it
    _testcapi = None

PROGRAM = """
import leakwatch, {more}
class Value: pass
kept = [Value() for _ in range(20)] + [None] * 20
def strs(x): return [str(row) for row in x]
class Work:
    def __init__(self):
        with leakwatch.region("work") as self.r:
            kept[20] = bytes(10_000)
        self.a = leakwatch.snapshot("a")
        kept[21] = Value()
        self.b = leakwatch.snapshot("b")
        self.d = self.b.diff(self.a)
        self.p = self.b.paths_to(instances_of=Value, limit=3)
def round_trip():
    with leakwatch.region("more"):
        pass
    return leakwatch.region("more").net
ASK = [
    lambda w: str(w.r), lambda w: repr(w.r), lambda w: w.r.json(), lambda w: w.r.survivors,
    lambda w: w.r.current, lambda w: w.r.notes, lambda w: round_trip(),
    lambda w: leakwatch.snapshot("c").types[Value], lambda w: repr(w.a), lambda w: w.b.diff(w.a),
    lambda w: str(w.d), lambda w: w.d.json(), lambda w: w.d.types[Value].count_diff,
    lambda w: Value in w.b.types, lambda w: w.b.types.get("x"), lambda w: len(w.d.types.items()),
    lambda w: len(list(w.d)), lambda w: w.b.paths_to(instances_of=Value, limit=3),
    lambda w: w.b.paths_to(kept[0]), lambda w: str(w.p), lambda w: w.p.json(),
    lambda w: [strs(x) for x in w.p], lambda w: w.p[0].root, lambda w: strs(w.p[0].allocated),
    lambda w: repr(w.r.survivors), lambda w: str(w.p[0]), lambda w: repr(w.p[0].steps),
]
def kinds(work): return [type(ask(work)) for ask in ASK]
leakwatch.start()
good = kinds(Work())
"""


def run(body: str, more: str) -> str:
    code = PROGRAM.format(more=more) + textwrap.dedent(body)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=280)
    if done.returncode != 0:
        raise AssertionError(f"{done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    return done.stdout


class Interpreter(unittest.TestCase):
    """CPython's own allocators fail, from the n-th request on, and at the n-th alone."""

    @unittest.skipIf(_testcapi is None, "this CPython comes without _testcapi")
    def test_each_request_fails_in_turn(self) -> None:
        printed = run("""
            def fails(ask, work, start, stop):
                _testcapi.set_nomemory(start, stop)
                try:
                    ask(work)
                except MemoryError:
                    return True
                finally:
                    _testcapi.remove_mem_hooks()
                return False
            most = failed = 0
            for ask in ASK:
                n = 0
                while True:
                    work = Work()  # so that nothing is remembered
                    once, ever = fails(ask, work, n, n + 1), fails(ask, work, n, 0)
                    failed += once + ever
                    if not ever:
                        break
                    n += 1 + n // 8
                most = max(most, n)
            print(most > 50, failed > 300)
            print(kinds(Work()) == good, leakwatch.region("more").net)
            leakwatch.stop()
        """, "_testcapi")
        self.assertEqual(printed.split(), ["True", "True", "True", "0"])


class Ours(unittest.TestCase):
    """The system gives us no more pages."""

    @unittest.skipIf("asan" in os.environ.get("LD_PRELOAD", ""),
                     "the address sanitizer needs more address space than can be rationed")
    def test_no_address_space_left(self) -> None:
        printed = run("""
            def used():
                with open("/proc/self/statm") as file:
                    return int(file.read().split()[0]) * resource.getpagesize()
            outcomes = set()
            hard = resource.getrlimit(resource.RLIMIT_AS)[1]
            for more in range(0, 40 << 20, 1 << 18):
                resource.setrlimit(resource.RLIMIT_AS, (used() + more, hard))
                try:
                    kinds(Work())
                    outcomes.add("good")
                except MemoryError:
                    outcomes.add("MemoryError")
                finally:
                    resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
                if "good" in outcomes and more > 8 << 20:
                    break
            print(sorted(outcomes))
            print(kinds(Work()) == good)
            leakwatch.stop()
        """, "resource")
        self.assertEqual(printed.splitlines(), ["['MemoryError', 'good']", "True"])


if __name__ == "__main__":
    unittest.main()
