"""leakwatch from Python: recording, regions and what they say. Every expected number is worked out
from sys.getsizeof(), which knows the size of a block of an object that has only one."""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import threading
import unittest
import weakref
from contextlib import ExitStack
from pathlib import Path

import leakwatch

THIS = Path(__file__).name
keep: list[object] = []


def size(count: int) -> int:
    """Bytes of the one block of `bytes(count)`."""
    return sys.getsizeof(bytes(count))


class Recording(unittest.TestCase):
    def setUp(self) -> None:
        keep.clear()
        keep.extend([None] * 64)  # so that filling a slot allocates nothing
        leakwatch.start(frames=25)
        self.addCleanup(leakwatch.stop)
        self.addCleanup(keep.clear)


class Numbers(Recording):
    def test_nothing_allocated_is_nothing_counted(self) -> None:
        for _ in range(3):
            with leakwatch.region("empty") as r:
                pass
            self.assertEqual((r.current, r.blocks, r.peak, r.net, r.net_peak, r.at_end),
                             (0, 0, 0, 0, 0, 0))

    def test_current_is_what_survives(self) -> None:
        with leakwatch.region("work") as r:
            keep[0] = bytes(10_000)
            keep[1] = bytes(3)
        self.assertEqual(r.current, size(10_000) + size(3))
        self.assertEqual((r.blocks, r.rounds, r.net), (2, 1, r.current))

    def test_current_goes_on_falling_and_the_end_is_kept(self) -> None:
        with leakwatch.region("work") as r:
            keep[0] = bytes(10_000)
            keep[1] = bytes(500)
        keep[0] = None
        self.assertEqual((r.current, r.blocks), (size(500), 1))
        self.assertEqual(r.at_end, size(10_000) + size(500))
        keep[1] = None
        self.assertEqual((r.current, r.blocks, r.net), (0, 0, r.at_end))

    def test_peak_is_the_most_that_was_live(self) -> None:
        with leakwatch.region("work") as r:
            keep[0] = bytes(50_000)
            keep[0] = None
            keep[0] = bytes(700)
        self.assertEqual(r.peak, size(50_000))
        self.assertEqual(r.current, size(700))

    def test_net_counts_what_others_allocated_and_this_freed(self) -> None:
        keep[0] = bytes(20_000)
        with leakwatch.region("work") as r:
            keep[0] = None
            keep[1] = bytes(100)
        self.assertEqual(r.net, size(100) - size(20_000))
        self.assertEqual((r.current, r.net_blocks), (size(100), 0))
        self.assertEqual(r.net_peak, 0)

    def test_numbers_can_be_read_inside(self) -> None:
        with leakwatch.region("work") as r:
            keep[0] = bytes(1_000)
            first = r.current
            text = str(r)
            self.assertEqual(r.at_end, 0)
            self.assertTrue(r.open)
            del text
            keep[1] = bytes(2_000)
            second = r.current
        self.assertEqual(first, size(1_000))
        self.assertEqual(second, size(1_000) + size(2_000))
        self.assertFalse(r.open)

    def test_nested_regions_add_up(self) -> None:
        with leakwatch.region("outer") as outer:
            keep[0] = bytes(100)
            with leakwatch.region("inner") as inner:
                keep[1] = bytes(2_000)
            keep[2] = bytes(300)
        self.assertEqual(inner.current, size(2_000))
        self.assertEqual(outer.current, size(100) + size(2_000) + size(300))

    def test_rounds_of_one_name(self) -> None:
        rounds = []
        for i in range(4):
            with leakwatch.region("request") as r:
                keep[i] = bytes(1_000 * (i + 1))
            rounds.append(r)
        self.assertEqual([r.current for r in rounds], [size(1_000 * i) for i in (1, 2, 3, 4)])
        every = leakwatch.region("request")
        self.assertEqual(every.rounds, 4)
        self.assertEqual(every.current, sum(r.current for r in rounds))

    def test_verdict_on_a_leak(self) -> None:
        for i in range(8):
            with leakwatch.region("request") as r:
                keep[i] = bytes(1_000)
        verdict = r.verdict
        self.assertEqual((verdict.kind, verdict.rounds, verdict.grew, verdict.since), ("grows", 8, 8, 1))
        self.assertEqual((verdict.growth, verdict.growth_blocks), (8 * size(1_000), 8))
        self.assertEqual((verdict.per_round, verdict.confidence, verdict.more), (size(1_000), 90, 0))
        self.assertEqual(str(verdict), "grows in 8 of 8")
        self.assertIn("kind='grows', rounds=8", repr(verdict))
        self.assertIn("GROWS in 8 of 8", str(leakwatch.region("request")))
        self.assertEqual(json.loads(leakwatch.region("request").json())["verdict"]["kind"], "grows")
        leakwatch.stop()
        self.assertEqual(str(r.verdict), "grows in 8 of 8")

    def test_verdict_on_a_cache_and_a_clean_twin(self) -> None:
        for i in range(10):
            with leakwatch.region("cache"):
                if i < 2:
                    keep[i] = bytes(1_000)
            with leakwatch.region("clean") as clean:
                keep[5] = bytes(1_000)
                keep[5] = None
        cache = leakwatch.region("cache").verdict
        self.assertEqual((str(cache), cache.since, cache.growth), ("warm-up", 2, 0))
        self.assertEqual(str(clean.verdict), "clean")

    def test_verdict_needs_rounds(self) -> None:
        with leakwatch.region("once") as r:
            keep[0] = bytes(1_000)
        self.assertEqual((str(r.verdict), r.verdict.confidence), ("cannot tell yet", 0))
        self.assertGreater(r.verdict.more, 0)

    def test_one_object_tells_of_its_latest_round(self) -> None:
        r = leakwatch.region("request")
        with r:
            keep[0] = bytes(1_000)
        with r:
            keep[1] = bytes(5)
        self.assertEqual((r.current, r.rounds), (size(5), 1))

    def test_a_round_of_which_nothing_is_left_still_answers(self) -> None:
        with leakwatch.region("request") as first:
            keep[0] = bytes(1_000)
        keep[0] = None
        for _ in range(5_000):  # it may be forgotten meanwhile
            with leakwatch.region("request"):
                pass
        self.assertEqual((first.current, first.blocks), (0, 0))
        self.assertEqual((first.peak, first.net, first.at_end), (size(1_000),) * 3)
        self.assertEqual(first.survivors, [])
        self.assertIn("request", str(first))

    def test_other_threads_are_not_counted_unless_asked_for(self) -> None:
        def work() -> None:
            keep[0] = bytes(30_000)

        def run() -> None:
            thread = threading.Thread(target=work)
            thread.start()
            thread.join()

        with leakwatch.region("mine") as mine, leakwatch.region("all", process=True) as every:
            run()
        self.assertLess(mine.current, size(30_000))
        self.assertGreaterEqual(every.current, size(30_000))

    def test_exit_stack_and_exceptions(self) -> None:
        with ExitStack() as stack:
            r = stack.enter_context(leakwatch.region("stack"))
            keep[0] = bytes(10)
        self.assertFalse(r.open)
        with self.assertRaises(ZeroDivisionError):
            with leakwatch.region("raises") as r:
                1 / 0
        self.assertFalse(r.open)

    def test_calls_of_ours_leave_nothing(self) -> None:
        with leakwatch.region("outer") as outer:
            for _ in range(30):
                with leakwatch.region(name="größer", process=False):
                    pass
            leakwatch.snapshot("größer").paths_to(instances_of=Recording, limit=2)
            str(outer)
            outer.text(all=True, width=60)
        self.assertEqual((outer.current, outer.net), (0, 0), outer.text(all=True))

    def test_what_we_answer_is_not_counted(self) -> None:
        with leakwatch.region("work") as r:
            keep[0] = bytes(77)
            keep[1:8] = [r.current, r.peak, r.survivors, str(r), r.json(), repr(r), r.name]
            keep[8] = leakwatch.snapshot("inside")
            keep[9] = keep[8].types
        lines = [row.line.line for row in r.survivors if row.line]
        ours = sys.getsizeof(keep[1:8]) * 4  # the slice's own list, here and there
        self.assertLess(r.current - size(77), ours, r.text(all=True))
        self.assertTrue(lines)


class Survivors(Recording):
    def test_the_sum_is_current_and_the_line_is_ours(self) -> None:
        with leakwatch.region("work") as r:
            keep[0] = bytes(10_000)
            keep[1] = json.loads("[1000000, 2000000, 3000000]")
        rows = r.survivors
        self.assertEqual(sum(row.bytes for row in rows), r.current)
        self.assertEqual(sum(row.blocks for row in rows), r.blocks)
        self.assertEqual([row.bytes for row in rows],
                         sorted((row.bytes for row in rows), reverse=True))
        self.assertEqual(rows[0].bytes, size(10_000))
        first = self.test_the_sum_is_current_and_the_line_is_ours.__func__.__code__.co_firstlineno
        for row in rows:
            self.assertEqual(Path(row.line.file).name, THIS)
            self.assertTrue(row.line.own)
            self.assertIn(row.line, row.stack)
        self.assertEqual(rows[0].line.line, first + 2)
        inside = [row for row in rows if row.line.line == first + 3]
        self.assertTrue(any("json" in row.stack[0].file for row in inside))

    def test_few_frames_and_none(self) -> None:
        leakwatch.stop()
        leakwatch.start(frames=2)
        with leakwatch.region("short") as r:
            keep[0] = bytes(10_000)
        self.assertEqual(len(r.survivors[0].stack), 2)
        self.assertTrue(r.survivors[0].truncated)
        leakwatch.stop()
        leakwatch.start(frames=0)
        with leakwatch.region("none") as r:
            keep[0] = bytes(10_000)
        self.assertEqual((len(r.survivors[0].stack), r.survivors[0].line), (0, None))
        self.assertEqual(r.current, size(10_000))

    def test_text_and_json_agree_with_the_numbers(self) -> None:
        with leakwatch.region("suspect") as r:
            keep[0] = bytes(10_000)
        line = r.survivors[0].line
        for text in (str(r), r.text(width=80), r.text(ascii=True)):
            self.assertIn("suspect", text)
            self.assertIn(f"{THIS}:{line.line}", text)
        self.assertTrue(r.text(ascii=True, all=True).isascii())
        report = json.loads(r.json())
        self.assertEqual(report["report"], "region")
        self.assertEqual(report["name"], "suspect")
        self.assertEqual(report["bytes"], r.current)
        self.assertEqual(report["stats"]["peak_bytes"], r.peak)
        self.assertEqual(report["survivors"][0]["bytes"], size(10_000))
        self.assertEqual(report["notes"], r.notes)


class Tasks(Recording):
    def test_interleaved_regions_of_two_tasks(self) -> None:
        async def work(name: str, slots: range, count: int) -> leakwatch.Region:
            with leakwatch.region(name) as r:
                for slot in slots:
                    keep[slot] = bytes(count)
                    await asyncio.sleep(0)
            return r

        async def both() -> list[leakwatch.Region]:
            return await asyncio.gather(work("a", range(0, 20), 1_000),
                                        work("b", range(20, 40), 50_000))

        a, b = asyncio.run(both())
        for r, slots, count in ((a, 20, 1_000), (b, 20, 50_000)):
            mine = [row for row in r.survivors if row.bytes >= slots * size(count)]
            self.assertEqual(len(mine), 1, r.text(all=True))
            self.assertEqual((mine[0].bytes, mine[0].blocks), (slots * size(count), slots))
        # Of the other task's values, the larger ones, not one is in it.
        self.assertLess(a.current, 20 * size(1_000) + size(50_000))


class Frozen(Recording):
    def test_all_numbers_stay_after_stop(self) -> None:
        with leakwatch.region("work") as r:
            keep[0] = bytes(10_000)
            keep[1] = bytes(4)
            keep[1] = None
        never = leakwatch.region("work")
        still = leakwatch.region("open")
        numbers = ("current", "blocks", "peak", "net", "net_blocks", "net_peak", "at_end",
                   "rounds", "name", "notes")
        before = [[getattr(x, n) for n in numbers] for x in (r, never)]
        rows = [(row.bytes, row.blocks, str(row.line)) for row in r.survivors]
        texts = [x.text(all=True) for x in (r, never)]
        still.__enter__()
        keep[2] = bytes(99)
        leakwatch.stop()
        keep[0] = None  # nobody looks any more
        self.assertEqual([[getattr(x, n) for n in numbers] for x in (r, never)], before)
        self.assertEqual((still.current, still.blocks), (size(99), 1))
        self.assertEqual([(row.bytes, row.blocks, str(row.line)) for row in r.survivors], rows)
        self.assertEqual([x.text(all=True).splitlines()[:3] for x in (r, never)],
                         [text.splitlines()[:3] for text in texts])
        still.__exit__(None, None, None)
        self.assertFalse(still.open)
        with self.assertRaisesRegex(leakwatch.NotRecordingError, "has ended"):
            never.__enter__()

    def test_start_again(self) -> None:
        for count in (100, 2_000, 30_000):
            leakwatch.stop()
            leakwatch.start()
            with leakwatch.region("work") as r:
                keep[0] = bytes(count)
            self.assertEqual((r.current, r.rounds), (size(count), 1))

    def test_regions_die_in_any_order(self) -> None:
        regions = [leakwatch.region(f"r{i}") for i in range(10)]
        del regions[3:7]
        regions[0].__enter__()
        del regions[0]  # open, and nobody can end it
        gc.collect()
        leakwatch.stop()
        self.assertEqual([r.name for r in regions], ["r1", "r2", "r7", "r8", "r9"])


class Collector(Recording):
    def test_we_do_not_start_it(self) -> None:
        class Cycle:
            pass

        with leakwatch.region("work") as r:
            keep[0] = bytes(100)
        gc.collect()
        gc.disable()
        self.addCleanup(gc.enable)
        cycle = Cycle()
        cycle.me = cycle
        gone = weakref.ref(cycle)
        del cycle
        threshold = gc.get_threshold()
        gc.set_threshold(1)
        gc.enable()
        for slot in range(20):  # each turn is a chance to collect
            keep[slot + 1] = r.survivors
        is_alive, is_enabled = gone() is not None, gc.isenabled()
        gc.disable()
        gc.set_threshold(*threshold)
        self.assertTrue(is_alive)
        self.assertTrue(is_enabled)


if __name__ == "__main__":
    unittest.main()
