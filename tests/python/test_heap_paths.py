"""Who holds it: the patterns by which programs leak, and how the paths to the culprit read."""

from __future__ import annotations

import asyncio
import atexit
import collections
import contextvars
import ctypes
import functools
import io
import signal
import sys
import threading
import types
import unittest
import weakref
from typing import Any

import leakwatch

kept: dict[str, Any] = {}
HERE = ["module test_heap_paths", ".kept"]


class Value:
    def __init__(self, key: object = None) -> None:
        self.key = key

    def close(self) -> None:
        pass


class Slots:
    __slots__ = ("held",)


@functools.lru_cache(maxsize=None)
def unbounded(key: object) -> Value:
    return Value(key)


@functools.lru_cache(maxsize=10)
def bounded(key: object, other: object) -> Value:
    return Value(key)


class Pricing:
    registry: list[object] = []

    @functools.lru_cache(maxsize=None)
    def price(self, key: object) -> list[Value]:
        return [Value(key)]


def with_default(argument: object = Value("default"), *, named: object = Value("named")) -> None:
    pass


variable: contextvars.ContextVar[Value] = contextvars.ContextVar("request")


class Paths(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        leakwatch.start()

    @classmethod
    def tearDownClass(cls) -> None:
        leakwatch.stop()

    def tearDown(self) -> None:
        kept.clear()
        unbounded.cache_clear()
        bounded.cache_clear()
        Pricing.price.cache_clear()
        Pricing.registry.clear()

    def path(self, snapshot: leakwatch.Snapshot, target: object) -> list[str]:
        """The nearest path: the root and the name of each reference. The snapshot is taken by the
        test itself: then the variables of the test are those of the code that asks."""
        found = snapshot.paths_to(target, limit=5)
        self.assertTrue(found, "no path")
        self.assertFalse(found[0].yours, str(found[0]))
        return [found[0].root, *(step.label for step in found[0])]

    def check(self, snapshot: leakwatch.Snapshot, target: object, *expected: str) -> None:
        self.assertEqual(self.path(snapshot, target), list(expected))

    def keep(self, name: str, holder: Any) -> Any:
        kept[name] = holder
        return holder

    def held(self, name: str, *labels: str) -> list[str]:
        return [*HERE, f"['{name}']", *labels]

    def test_lru_caches(self) -> None:
        value = unbounded(7)
        self.check(leakwatch.snapshot(), value, HERE[0], ".unbounded", "[7]")
        value = bounded(7, "x")
        self.check(leakwatch.snapshot(), value, HERE[0], ".bounded", "[(7, 'x')]")
        pricing = Pricing()
        value = pricing.price(7)[0]
        self.check(leakwatch.snapshot(), value, HERE[0], ".Pricing", ".price", "[(Pricing, 7)]", "[0]")
        self.check(leakwatch.snapshot(), pricing, HERE[0], ".Pricing", ".price", "[key of (Pricing, 7)]", "[0]")

    def test_class_level_lists(self) -> None:
        Pricing.registry.append(value := Value())
        self.check(leakwatch.snapshot(), value, HERE[0], ".Pricing", ".registry", "[0]")

    def test_containers(self) -> None:
        cases: dict[str, tuple[Any, str]] = {
            "list": ([Value()], "[0]"),
            "tuple": ((Value(),), "[0]"),
            "dict": ({"key": Value()}, "['key']"),
            "number": ({5: Value()}, "[5]"),
            "pair": ({(1, "a"): Value()}, "[(1, 'a')]"),
            "by object": ({Slots(): Value()}, "[(Slots)]"),
            "set": ({Value()}, "(element)"),
            "deque": (collections.deque([Value()]), "[0]"),
            "ordered": (collections.OrderedDict(key=Value()), "['key']"),
            "default": (collections.defaultdict(list, key=Value()), "['key']"),
        }
        for name, (holder, label) in cases.items():
            with self.subTest(name):
                value = next(iter(holder.values() if isinstance(holder, dict) else holder))
                self.keep(name, holder)
                self.check(leakwatch.snapshot(), value, *self.held(name, label))

    def test_attributes(self) -> None:
        plain = self.keep("plain", Value(Value()))
        self.check(leakwatch.snapshot(), plain.key, *self.held("plain", ".key"))
        touched = self.keep("touched", Value(Value()))
        touched.__dict__
        self.check(leakwatch.snapshot(), touched.key, *self.held("touched", ".key"))
        slots = self.keep("slots", Slots())
        slots.held = Value()
        self.check(leakwatch.snapshot(), slots.held, *self.held("slots", ".held"))
        space = self.keep("space", types.SimpleNamespace(held=Value()))
        self.check(leakwatch.snapshot(), space.held, *self.held("space", ".held"))

    def test_functions(self) -> None:
        captured = Value()

        def inner() -> object:
            return captured

        self.keep("closure", inner)
        self.check(leakwatch.snapshot(), captured, *self.held("closure", "captured", ".cell_contents"))
        value = with_default.__defaults__[0]
        self.check(leakwatch.snapshot(), value, HERE[0], ".with_default", ".__defaults__", "[0]")
        value = with_default.__kwdefaults__["named"]
        self.check(leakwatch.snapshot(), value, HERE[0], ".with_default", ".__kwdefaults__", "['named']")
        method = self.keep("method", Value().close)
        self.check(leakwatch.snapshot(), method.__self__, *self.held("method", ".__self__"))
        partial = self.keep("partial", functools.partial(print, Value(), key=Value()))
        self.check(leakwatch.snapshot(), partial.args[0], *self.held("partial", ".args", "[0]"))
        self.check(leakwatch.snapshot(), partial.keywords["key"], *self.held("partial", ".keywords", "['key']"))

    def test_suspended_generators(self) -> None:
        def generate() -> Any:
            local = Value()
            yield local

        value = next(self.keep("generator", generate()))
        self.check(leakwatch.snapshot(), value, *self.held("generator", "local"))

    def test_tasks(self) -> None:
        loop = asyncio.new_event_loop()
        self.addCleanup(loop.close)
        found: list[weakref.ref[Value]] = []

        async def work() -> None:
            local = Value()
            found.append(weakref.ref(local))
            await future

        future = loop.create_future()
        task = self.keep("task", loop.create_task(work()))
        loop.run_until_complete(asyncio.sleep(0))
        self.check(leakwatch.snapshot(), found[0](), *self.held("task", "(Task.slot)", "local"))
        task.cancel()
        loop.run_until_complete(asyncio.gather(task, return_exceptions=True))

    def test_exceptions_and_their_frames(self) -> None:
        def fail() -> None:
            deep = Value()
            raise LookupError(deep)

        try:
            fail()
        except LookupError as error:
            self.keep("error", error.with_traceback(error.__traceback__.tb_next))
        error = kept["error"]
        self.assertEqual(self.path(leakwatch.snapshot(), error.args[0])[:3], self.held("error"))
        frame = error.__traceback__.tb_frame
        error.args = ()
        deep = frame.f_locals["deep"]
        path = self.held("error", ".__traceback__", ".tb_frame", "deep")
        # the mapping that f_locals made holds it too, in versions before 3.13
        self.assertEqual(self.path(leakwatch.snapshot(), deep), path)

    def test_context_variables(self) -> None:
        context = self.keep("context", contextvars.Context())
        context.run(variable.set, value := Value())
        self.assertEqual(self.path(leakwatch.snapshot(), value)[-1], "request")

    def test_thread_locals(self) -> None:
        local = self.keep("local", threading.local())
        local.held = Value()
        self.assertEqual(self.path(leakwatch.snapshot(), local.held)[-1], "['held']")

    def test_exit_handlers(self) -> None:
        value = Value()
        atexit.register(value.close)
        self.addCleanup(atexit.unregister, value.close)
        self.check(leakwatch.snapshot(), value, "atexit callback", ".__self__")

    def test_finalizers(self) -> None:
        value, watched = Value(), self.keep("watched", Value())
        finalizer = weakref.finalize(watched, value.close)
        finalizer.atexit = False
        self.assertEqual(self.path(leakwatch.snapshot(), value)[-2:], [".func", ".__self__"])

    def test_signal_handlers(self) -> None:
        value = Value()
        before = signal.signal(signal.SIGUSR1, functools.partial(print, value))
        self.addCleanup(signal.signal, signal.SIGUSR1, before)
        self.check(leakwatch.snapshot(), value, f"signal handler signal {int(signal.SIGUSR1)}", ".args", "[0]")

    def test_variables_of_other_threads(self) -> None:
        ready, done = threading.Event(), threading.Event()
        found: list[weakref.ref[Value]] = []

        def work() -> None:
            mine = Value()
            found.append(weakref.ref(mine))
            ready.set()
            done.wait()

        thread = threading.Thread(target=work)
        thread.start()
        ready.wait()
        try:
            root, *steps = self.path(leakwatch.snapshot(), found[0]())
        finally:
            done.set()
            thread.join()
        line = work.__code__.co_firstlineno + 4
        self.assertEqual((root, steps), (f"frame mine in work (test_heap_paths.py:{line})", []))

    def test_what_only_an_evaluation_stack_holds(self) -> None:
        snapshots: list[leakwatch.Snapshot] = []

        def look(unused: object) -> None:
            snapshots.append(leakwatch.snapshot())

        # called by Python, and by C, where the depth of the stack has to be worked out
        line = look.__code__.co_firstlineno + 5
        pairs = [([Value()], look(None)), ([Value()], [*map(look, [1])]), ([Value()], sorted([1], key=look))]  # fmt: skip
        for (held, _), snapshot in zip(pairs, snapshots, strict=True):
            root = f"frame evaluation stack in {self.id().split('.')[-1]} (test_heap_paths.py:{line})"
            self.check(snapshot, held[0], root, "[0]")

    def test_references_leaked_by_c(self) -> None:
        value = Value()
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(value))
        snapshot = leakwatch.snapshot()
        ctypes.pythonapi.Py_DecRef(ctypes.py_object(value))
        self.check(snapshot, value, "held from outside")

    def test_arrays_of_objects(self) -> None:
        holder = self.keep("array", (ctypes.py_object * 2)(value := Value(), None))
        self.assertEqual(self.path(leakwatch.snapshot(), value)[:3], self.held("array"))
        self.assertEqual(len(holder), 2)

    def test_the_code_that_asks_comes_last(self) -> None:
        value = unbounded("mine")
        found = leakwatch.snapshot().paths_to(value, limit=9)
        self.assertEqual([path.yours for path in found], [False, True])
        name = f"asking frame value in {self.id().split('.')[-1]} (test_heap_paths.py:"
        self.assertTrue(found[1].root.startswith(name), found[1].root)

    def test_code_at_module_level_that_asks(self) -> None:
        program = (
            "import functools, leakwatch\n"
            "class Value: pass\n"
            "@functools.lru_cache\n"
            "def get(key): return Value()\n"
            "class App:\n"
            "    def __init__(self): self.cache = [Value()]\n"
            "mine, app = get(1), App()\n"
            "b = leakwatch.snapshot()\n"
            "for path in [*b.paths_to(mine, limit=5), *b.paths_to(app.cache[0])]:\n"
            "    print(path.root, [step.label for step in path], path.yours, file=out)\n"
        )
        out = io.StringIO()
        sys.modules["program"] = types.ModuleType("program")
        self.addCleanup(sys.modules.pop, "program")
        sys.modules["program"].__dict__["out"] = out
        exec(compile(program, "program.py", "exec"), sys.modules["program"].__dict__)
        lines = [
            "module program ['.get', '[1]'] False",
            "asking frame .mine [] True",
            "module program ['.app', '.cache', '[0]'] False",
        ]
        self.assertEqual(out.getvalue().splitlines(), lines)


if __name__ == "__main__":
    unittest.main()
