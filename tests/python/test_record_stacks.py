"""Where an object was allocated, against traceback.extract_stack() at the same place."""

from __future__ import annotations

import gc
import sys
import threading
import traceback
import unittest
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType

import leakwatch
from leakwatch import _leakwatch

Frames = list[tuple[str, int, str]]
here = Path(__file__).resolve().parent


def recorded(thing: object) -> Frames:
    """Innermost first. Functions by their plain name, which is what traceback knows."""
    stack = _leakwatch._stack_of(thing)
    assert stack is not None, "not recorded"
    return [(file, line, name.rpartition(".")[2]) for file, line, name, _ in stack]


def expected(skip: int = 0) -> Frames:
    """The stack of the caller; `skip` frames nearer to the root."""
    frames = traceback.extract_stack()[: -1 - skip]
    return [(frame.filename, frame.lineno or 0, frame.name) for frame in reversed(frames)]


def make() -> tuple[object, Frames]:
    # One line, so that both are on it; the block is an object's own, and no freelist has it.
    return object(), expected()


def descend(depth: int, then: Callable[[], tuple[object, Frames]]) -> tuple[object, Frames]:
    return descend(depth - 1, then) if depth else then()


class Stacks(unittest.TestCase):
    frames = 128

    def setUp(self) -> None:
        leakwatch.start(frames=self.frames)
        self.addCleanup(leakwatch.stop)

    def check(self, made: tuple[object, Frames]) -> None:
        thing, frames = made
        self.assertEqual(recorded(thing), frames[: self.frames])

    def test_at_several_depths(self) -> None:
        for depth in (1, 5, 25, 60, 90):
            with self.subTest(depth=depth):
                self.check(descend(depth, make))

    def test_deeper_and_shallower_in_turn(self) -> None:
        for depth in (0, 40, 3, 3, 80, 81, 79, 12, 0, 1, 60, 25, 90, 0):
            self.check(descend(depth, make))
            self.check(make())

    def test_lines_of_one_function(self) -> None:
        first, a = object(), expected()
        second, b = object(), expected()
        both, c = (object(), object()), expected()
        self.check((first, a))
        self.check((second, b))
        self.check((both[1], c))

    def test_a_call_over_several_lines(self) -> None:
        kept: list[object] = []
        line = sys._getframe().f_lineno
        kept.extend((
            object(),
            bytes(
                100
            ),
        ))
        self.assertEqual(recorded(kept[0])[0][1], line + 2)
        self.assertEqual(recorded(kept[1])[0][1], line + 3)

    def test_generators(self) -> None:
        def produce(depth: int) -> Iterator[tuple[object, Frames]]:
            if depth:
                yield from produce(depth - 1)
            yield make()

        running = produce(6)
        for made in running:
            self.check(made)
        for made in list(produce(20)):
            self.assertEqual(recorded(made[0])[0], made[1][0])
        deep = produce(20)
        self.check(descend(3, lambda: next(deep)))
        self.check(next(deep))

    def test_a_generator_that_is_resumed_elsewhere(self) -> None:
        def produce() -> Iterator[tuple[object, Frames]]:
            while True:
                yield make()

        running = produce()
        step = lambda: next(running)  # noqa: E731
        # Nothing runs between the steps: the frames of the deeper ones still lie there.
        all_made = [descend(0, step), descend(7, step), descend(2, step), descend(30, step),
                    descend(9, step), next(running), descend(9, step)]
        for made in all_made:
            self.check(made)

    def test_coroutines(self) -> None:
        async def inner() -> tuple[object, Frames]:
            return make()

        async def outer(depth: int) -> tuple[object, Frames]:
            return await outer(depth - 1) if depth else await inner()

        for depth in (0, 9):
            running = outer(depth)
            with self.assertRaises(StopIteration) as stop:
                running.send(None)
            self.check(stop.exception.value)

    def test_c_that_calls_back(self) -> None:
        made: list[tuple[object, Frames]] = []

        def key(item: int) -> int:
            made.append(make())
            return item

        sorted(range(3), key=key)
        list(map(key, range(2)))
        descend(10, lambda: (max((1, 2), key=lambda i: sorted([i], key=key)[0]), [])[0:2])
        self.assertEqual(len(made), 7)
        for one in made:
            self.check(one)

    def test_classes_that_are_called(self) -> None:
        class Made:
            def __init__(self) -> None:
                self.made = make()

        class Derived(Made):
            def __init__(self) -> None:
                super().__init__()

        for _ in range(20):  # the interpreter specializes what it has done a few times
            self.check(Made().made)
            self.check(Derived().made)

    def test_closures(self) -> None:
        def build(value: object) -> Callable[[], object]:
            def cell() -> object:
                return value
            return cell

        for _ in range(20):
            thing, frames = object(), expected()
            closure = build(thing)
            self.check((thing, frames))
            self.assertIs(closure(), thing)

    def test_a_frame_that_is_still_being_set_up(self) -> None:
        """Its cells are made before it counts as a frame; it lies where another one lay."""
        def other() -> object:
            return object()

        def build(value: object) -> Callable[[], object]:
            return lambda: value

        for _ in range(20):
            line = sys._getframe().f_lineno + 1
            before, closure = other(), build(1)
            cell = (closure.__closure__ or ())[0]
            self.assertEqual(recorded(cell)[0][1:], (line, sys._getframe().f_code.co_name))
            self.assertEqual(recorded(cell)[1:], expected()[1 : self.frames])
            del before

    def test_comprehensions_and_exceptions(self) -> None:
        def fail() -> object:
            made.append(make())
            raise ValueError

        made: list[tuple[object, Frames]] = []
        for _ in range(3):
            try:
                [fail() for _ in range(2)]
            except ValueError:
                made.append(make())
        for one in made:
            self.check(one)

    def test_under_a_trace_function(self) -> None:
        sys.settrace(lambda *_: lambda *_: None)  # type: ignore[arg-type,return-value]
        try:
            made = descend(4, make)
        finally:
            sys.settrace(None)
        self.check(made)

    def test_threads_have_stacks_of_their_own(self) -> None:
        made: list[tuple[object, Frames]] = []
        start = threading.Barrier(8)

        def work(depth: int) -> None:
            start.wait()
            for i in range(200):
                made.append(descend((depth * i) % 50, make))

        threads = [threading.Thread(target=work, args=(depth,)) for depth in range(8)]
        interval = sys.getswitchinterval()
        sys.setswitchinterval(1e-5)
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        sys.setswitchinterval(interval)
        self.assertEqual(len(made), 1600)
        for one in made:
            self.check(one)

    def test_a_finalizer_has_the_stack_it_runs_on(self) -> None:
        made: list[tuple[object, Frames]] = []

        class Dies:
            def __del__(self) -> None:
                made.append(make())

        def drop() -> None:
            thing = Dies()
            thing.cycle = thing  # type: ignore[attr-defined]

        drop()
        descend(5, lambda: (gc.collect(), [])[0:2])
        del drop
        self.assertEqual(len(made), 1)
        self.check(made[0])


class ShortStacks(Stacks):
    """The same with fewer frames than there are: the innermost ones count."""

    frames = 7


class OneFrame(Stacks):
    frames = 1


class Recursion(unittest.TestCase):
    def test_thousands_of_frames(self) -> None:
        limit = sys.getrecursionlimit()
        sys.setrecursionlimit(10_000)
        self.addCleanup(sys.setrecursionlimit, limit)
        leakwatch.start(frames=128)
        self.addCleanup(leakwatch.stop)
        for depth in (3_000, 200, 4_000):
            thing, _ = descend(depth, lambda: (object(), []))
            names = [name for _, _, name in recorded(thing)]
            self.assertEqual(names, ["<lambda>"] + ["descend"] * 127)


class Names(unittest.TestCase):
    def setUp(self) -> None:
        leakwatch.start(frames=25)
        self.addCleanup(leakwatch.stop)

    def run_code(self, source: str, file: str) -> tuple[str, int, str, bool]:
        """The innermost frame of what `source` leaves in `thing`."""
        space: dict[str, object] = {}
        exec(compile(source, file, "exec"), space)
        stack = _leakwatch._stack_of(space["thing"])
        assert stack
        return stack[0]

    def test_names_of_other_scripts(self) -> None:
        for name in ("größe", "числo", "名前", "𝔣𝔬𝔬"):
            file = f"/tmp/ä/{name}.py"
            source = f"def {name}():\n  return object()\nthing = {name}()\n"
            got = self.run_code(source, file)
            plain = compile(source, file, "exec").co_consts[0].co_qualname
            self.assertEqual(got, (file, 2, plain, True))

    def test_qualified_names(self) -> None:
        source = "class A:\n  def m(self):\n    return object()\nthing = A().m()\n"
        self.assertEqual(self.run_code(source, "/tmp/a.py"), ("/tmp/a.py", 3, "A.m", True))

    def test_a_name_that_is_no_utf8_and_one_that_is_very_long(self) -> None:
        self.assertEqual(self.run_code("thing = object()", "/tmp/\udc80.py")[0], "/tmp/\ufffd.py")
        long = "/tmp/" + "ö" * 3000
        got = self.run_code("thing = object()", long)[0]
        self.assertTrue(long.startswith(got) and len(got) > 400, len(got))
        self.assertEqual(self.run_code("thing = object()", "/" + "a" * 3000)[0], "/" + "a" * 3000)

    def test_code_without_lines(self) -> None:
        space: dict[str, object] = {}
        code: CodeType = compile("thing = object()", "/tmp/x.py", "exec")
        exec(code.replace(co_linetable=b""), space)
        stack = _leakwatch._stack_of(space["thing"])
        assert stack
        self.assertEqual(stack[0][:3], ("/tmp/x.py", 0, "<module>"))

    def test_whose_code_it_is(self) -> None:
        stdlib = Path(threading.__file__).parent
        for file, own in (
            ("/home/me/app/main.py", True),
            ("main.py", True),
            ("<stdin>", True),
            ("<string>", True),
            (str(stdlib / "json" / "decoder.py"), False),
            ("<frozen importlib._bootstrap>", False),
            ("/opt/app/lib/python3.9/site-packages/six.py", False),
            ("/usr/lib/python3/dist-packages/apt.py", False),
            (f"{sys.base_prefix}/lib/pythonic/mine.py", True),
        ):
            with self.subTest(file=file):
                self.assertEqual(self.run_code("thing = object()", file)[3], own)

    def test_code_that_died_never_lends_its_name(self) -> None:
        """New code comes to lie where the old one was; both stacks keep their own names."""
        kept = []
        places: dict[int, int] = {}
        reused = 0
        for i in range(3_000):
            space: dict[str, object] = {}
            source = "\n" * (i % 50) + f"def f{i}():\n  return object()\nthing = f{i}()\n"
            code = compile(source, f"/tmp/{i}.py", "exec")
            exec(code, space)
            kept.append((space["thing"], (f"/tmp/{i}.py", i % 50 + 2, f"f{i}")))
            reused += id(code) in places
            places[id(code)] = i
            del code, space
        self.assertGreater(reused, 1_000, "addresses were not reused: nothing was tested")
        for thing, frame in kept:
            self.assertEqual(recorded(thing)[0], frame)

    def test_code_that_died_while_nobody_listened(self) -> None:
        def code(number: int) -> CodeType:
            return compile("\n" * number + "thing = object()", f"/tmp/{number}.py", "exec")

        for number in range(50):
            space: dict[str, object] = {}
            exec(code(number), space)
            leakwatch.stop()
            exec(code(number + 1), {})
            leakwatch.start()
            space = {}
            exec(code(number + 2), space)
            self.assertEqual(recorded(space["thing"])[0],
                             (f"/tmp/{number + 2}.py", number + 3, "<module>"))

    def test_blocks_of_our_own_are_not_recorded(self) -> None:
        space: dict[str, object] = {}
        self.assertTrue(_leakwatch._hide(space))
        exec("def make():\n  return object(), list(map(call, [0]))[0]\n"
             "def call(_):\n  return object()\n", space)
        own, other = space["make"](), [None]  # type: ignore[operator]
        self.assertIsNone(_leakwatch._stack_of(own[0]))
        self.assertIsNone(_leakwatch._stack_of(own[1]))
        through: list[object] = []
        exec("def through(then):\n  then()\n", space)
        space["through"](lambda: through.append(object()))  # type: ignore[operator]
        files = [file for file, _, _ in recorded(through[0])]
        self.assertNotIn("<string>", files)
        self.assertGreater(len(files), 3)
        del other


if __name__ == "__main__":
    unittest.main()
