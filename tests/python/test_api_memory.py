"""Running out of memory, ours or the interpreter's, is an exception or a counted loss, never the
program's end."""

from __future__ import annotations

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
def names(x): return [str(row) for row in x]
def all_of_it():
    leakwatch.start()
    try:
        with leakwatch.region("work") as r:
            kept[20] = bytes(10_000)
        a = leakwatch.snapshot("a")
        kept[21] = Value()
        b = leakwatch.snapshot("b")
        d = b.diff(a)
        p = b.paths_to(instances_of=Value, limit=3)
        return [str(r), repr(r), r.json(), r.survivors, r.current, str(d), d.json(), d.types[Value],
                names(d), d.types.items(), Value in b.types, b.types.get("x"), str(p), p.json(),
                [names(x) for x in p], p[0].root, p[0].allocated, b.paths_to(kept[0]),
                repr(r.survivors), str(p[0]), leakwatch.region("work").net, r.notes]
    finally:
        leakwatch.stop()
good = all_of_it()
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
            def fails(start, stop):
                _testcapi.set_nomemory(start, stop)
                try:
                    all_of_it()
                    return False
                except MemoryError:
                    return True
                finally:
                    _testcapi.remove_mem_hooks()
            step, n, failed = 1, 0, 0
            while True:
                once, ever = fails(n, n + 1), fails(n, 0)
                failed += once + ever
                if not ever:
                    break
                n += step if n < 300 else 37
            print(n > 100, failed > 100)
            print([type(x) for x in all_of_it()] == [type(x) for x in good])
            print(all_of_it()[-2] == good[-2])
        """, "_testcapi")
        self.assertEqual(printed.split(), ["True"] * 3)


class Ours(unittest.TestCase):
    """The system gives us no more pages."""

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
                    all_of_it()
                    outcomes.add("good")
                except MemoryError:
                    outcomes.add("MemoryError")
                finally:
                    resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
                if "good" in outcomes and more > 8 << 20:
                    break
            print(sorted(outcomes))
            print([type(x) for x in all_of_it()] == [type(x) for x in good])
        """, "resource")
        self.assertEqual(printed.splitlines(), ["['MemoryError', 'good']", "True"])


if __name__ == "__main__":
    unittest.main()
