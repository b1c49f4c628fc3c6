"""Regions that follow an asyncio task, or any context that was entered."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import sys
import threading
import unittest
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import leakwatch

kept: list[object] = [None] * 256
variable: contextvars.ContextVar[int] = contextvars.ContextVar("variable", default=0)


def size(count: int) -> int:
    """Bytes of the one block of `bytes(count)`."""
    return sys.getsizeof(bytes(count))


def make(count: int) -> bytes:
    return b"x" * count  # bytes(count) would make a tuple too, which stays on a freelist


class Tasks(unittest.TestCase):
    def setUp(self) -> None:
        kept[:] = [None] * 256
        leakwatch.start()
        self.addCleanup(leakwatch.stop)
        self.addCleanup(kept.clear)
        self.addCleanup(kept.extend, [None] * 256)

    def mine(self, region: leakwatch.Region, function: str) -> int:
        """Bytes that survive of what this function let make() make."""
        return sum(
            row.bytes for row in region.survivors
            if len(row.stack) > 1 and row.stack[0].function == "make"
            and row.stack[1].function.split(".")[-1] == function
        )

    def test_interleaved_tasks_do_not_see_each_other(self) -> None:
        async def task(number: int, count: int) -> leakwatch.Region:
            with leakwatch.region(f"task {number}") as r:
                for turn in range(count):
                    kept[number * 10 + turn] = make(1_000 * (number + 1))
                    await asyncio.sleep(0)
            return r

        async def run() -> list[leakwatch.Region]:
            return await asyncio.gather(*(task(n, n + 3) for n in range(6)))

        for number, r in enumerate(asyncio.run(run())):
            expected = (number + 3) * size(1_000 * (number + 1))
            self.assertEqual(self.mine(r, "task"), expected)
            self.assertFalse(r.open)

    def test_a_region_around_the_loop_sees_all_tasks(self) -> None:
        async def task(number: int) -> None:
            kept[number] = make(2_000)
            await asyncio.sleep(0)
            kept[number + 100] = make(2_000)

        async def run() -> None:
            await asyncio.gather(*(task(n) for n in range(20)))

        with leakwatch.region("all") as r:
            asyncio.run(run())
        self.assertEqual(self.mine(r, "task"), 40 * size(2_000))

    def test_regions_nested_in_tasks(self) -> None:
        async def task(number: int) -> tuple[leakwatch.Region, leakwatch.Region]:
            with leakwatch.region("outer") as outer:
                kept[number * 3] = make(100)
                await asyncio.sleep(0)
                with leakwatch.region("inner") as inner:
                    await asyncio.sleep(0)
                    kept[number * 3 + 1] = make(3_000)
                    await asyncio.sleep(0)
                kept[number * 3 + 2] = make(500)
                await asyncio.sleep(0)
            return outer, inner

        async def run() -> list[tuple[leakwatch.Region, leakwatch.Region]]:
            return await asyncio.gather(*(task(n) for n in range(10)))

        for outer, inner in asyncio.run(run()):
            self.assertEqual(self.mine(inner, "task"), size(3_000))
            self.assertEqual(self.mine(outer, "task"), size(100) + size(3_000) + size(500))

    def test_a_task_of_a_task_is_not_its_region(self) -> None:
        async def child() -> None:
            kept[0] = make(9_000)

        async def parent() -> leakwatch.Region:
            with leakwatch.region("parent") as r:
                kept[1] = make(100)
                await asyncio.create_task(child())
            return r

        r = asyncio.run(parent())
        self.assertEqual((self.mine(r, "child"), self.mine(r, "parent")), (0, size(100)))

    def test_a_cancelled_task_ends_its_region(self) -> None:
        regions = []

        async def task() -> None:
            with leakwatch.region("cancelled") as r:
                regions.append(r)
                kept[0] = make(700)
                await asyncio.sleep(100)

        async def run() -> None:
            running = asyncio.create_task(task())
            await asyncio.sleep(0)
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

        asyncio.run(run())
        self.assertFalse(regions[0].open)
        self.assertEqual(self.mine(regions[0], "task"), size(700))

    def test_a_coroutine_closed_from_outside(self) -> None:
        """Its region ends in another context than it began in, while it is suspended."""
        regions = []

        async def task() -> None:
            with leakwatch.region("closed") as r:
                regions.append(r)
                kept[0] = make(800)
                await asyncio.sleep(0)

        running = task()
        contextvars.copy_context().run(running.send, None)
        kept[1] = make(9_000)
        running.close()
        self.assertFalse(regions[0].open)
        self.assertEqual(self.mine(regions[0], "task"), size(800))
        self.assertEqual(self.mine(regions[0], "outside"), 0)

    def test_contexts_without_asyncio(self) -> None:
        def enter() -> leakwatch.Region:
            r = leakwatch.region("context")
            r.__enter__()
            kept[0] = make(100)
            return r

        def inside() -> None:
            kept[1] = make(2_000)

        context = contextvars.copy_context()
        r = context.run(enter)
        kept[2] = make(30_000)
        contextvars.copy_context().run(inside)
        context.run(inside)
        context.run(lambda: contextvars.copy_context().run(inside))  # entered from within: inside
        context.run(r.__exit__, None, None, None)
        self.assertEqual(self.mine(r, "enter"), size(100))
        self.assertEqual(self.mine(r, "inside"), size(2_000))
        self.assertEqual(self.mine(r, "test_contexts_without_asyncio"), 0)

    def test_setting_a_variable_changes_nothing(self) -> None:
        """The first use of a variable gives a thread its context, inside of the region."""
        def work() -> None:
            with leakwatch.region("fresh thread") as r:
                kept[0] = make(100)
                token = variable.set(1)
                kept[1] = make(2_000)
                variable.reset(token)
                kept[2] = make(300)
            kept[3] = r

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        r = kept[3]
        assert isinstance(r, leakwatch.Region)
        self.assertEqual(self.mine(r, "work"), size(100) + size(2_000) + size(300))

    def test_an_async_context_manager(self) -> None:
        @asynccontextmanager
        async def watched(name: str) -> AsyncIterator[leakwatch.Region]:
            with leakwatch.region(name) as r:
                yield r

        async def task(number: int) -> leakwatch.Region:
            async with watched(f"managed {number}") as r:
                await asyncio.sleep(0)
                kept[number] = make(1_000)
                await asyncio.sleep(0)
            return r

        async def run() -> list[leakwatch.Region]:
            return await asyncio.gather(*(task(n) for n in range(4)))

        for r in asyncio.run(run()):
            self.assertEqual(self.mine(r, "task"), size(1_000))

    def test_a_loop_that_moves_to_another_thread(self) -> None:
        async def task(number: int, steps: int) -> None:
            with leakwatch.region("moved") as r:
                kept[100 + number] = r
                for step in range(steps):
                    kept[number * 20 + step] = make(1_000)
                    await asyncio.sleep(0)

        loop = asyncio.new_event_loop()
        tasks = [loop.create_task(task(n, 12)) for n in range(3)]

        def turn() -> None:
            async def few() -> None:
                for _ in range(3):
                    await asyncio.sleep(0)

            loop.run_until_complete(few())

        while not all(one.done() for one in tasks):
            thread = threading.Thread(target=turn)
            thread.start()
            thread.join()
        loop.close()
        for number in range(3):
            r = kept[100 + number]
            assert isinstance(r, leakwatch.Region)
            self.assertFalse(r.open)
            self.assertEqual(self.mine(r, "task"), 12 * size(1_000))

    def test_contexts_do_not_outlive_their_region(self) -> None:
        class Witness:
            pass

        held: contextvars.ContextVar[Witness] = contextvars.ContextVar("held")

        def witnesses() -> int:
            gc.collect()
            return sum(isinstance(one, Witness) for one in gc.get_objects())

        async def task() -> None:
            held.set(Witness())
            with leakwatch.region("holding"):
                await asyncio.sleep(0)

        asyncio.run(task())
        self.assertEqual(witnesses(), 0)
        context = contextvars.copy_context()
        context.run(held.set, Witness())
        context.run(leakwatch.region("left open").__enter__)
        del context
        self.assertEqual(witnesses(), 1)
        leakwatch.stop()
        self.assertEqual(witnesses(), 0, "stopping forgets open rounds")

    def test_many_tasks_with_open_regions(self) -> None:
        async def task(number: int) -> leakwatch.Region:
            with leakwatch.region("one of many") as r:
                for turn in range(3):
                    await asyncio.sleep(0)
                    kept[number % 256] = make(50)
            return r

        async def run() -> list[leakwatch.Region]:
            return await asyncio.gather(*(task(n) for n in range(2_000)))

        regions = asyncio.run(run())
        self.assertEqual(sum(self.mine(r, "task") for r in regions[-256:]), 256 * size(50))
        self.assertEqual(sum(self.mine(r, "task") for r in regions[:1_000]), 0)

    def test_a_generator_is_no_task(self) -> None:
        """A generator shares its caller's context: its region sees what the caller does."""
        def produce() -> Iterator[leakwatch.Region]:
            with leakwatch.region("generator") as r:
                yield r

        running = produce()
        r = next(running)
        kept[0] = make(4_000)
        next(running, None)
        self.assertEqual(self.mine(r, "test_a_generator_is_no_task"), size(4_000))


if __name__ == "__main__":
    unittest.main()
