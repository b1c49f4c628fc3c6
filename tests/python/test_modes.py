"""How much is recorded: counts and samples beside every allocation with its stack. Expected numbers
come from sys.getsizeof() of objects of one block, and from the mathematics of sampling."""

from __future__ import annotations

import gc
import json
import math
import subprocess
import sys
import tempfile
import threading
import unittest
from pathlib import Path

import leakwatch
from leakwatch import _leakwatch

THIS = Path(__file__).name
keep: list[object] = []
OWN = ("current", "blocks", "peak", "at_end", "current_margin", "blocks_margin", "peak_margin",
       "at_end_margin", "survivors", "verdict")


def size(count: int) -> int:
    """Bytes of the one block of `bytes(count)`."""
    return sys.getsizeof(bytes(count))


def total_blocks() -> int:
    return sum(row[1] for row in _leakwatch._domain_totals().values())


class Modes(unittest.TestCase):
    def setUp(self) -> None:
        keep[:] = [None] * 4096
        self.addCleanup(keep.clear)
        self.addCleanup(leakwatch.stop)


class Counts(Modes):
    def test_net_is_exact_to_the_byte(self) -> None:
        leakwatch.start(mode="counts")
        keep[0] = bytes(20_000)
        with leakwatch.region("work") as r:
            keep[0] = None
            keep[1] = bytes(100)
            keep[2] = bytearray(70_000)
            keep[2] = None
            keep[3] = bytes(700)
        self.assertEqual(r.net, size(100) + size(700) - size(20_000))
        self.assertEqual((r.net_blocks, r.net_margin, r.net_blocks_margin), (1, 0, 0))

    def test_net_peak_is_exact(self) -> None:
        leakwatch.start(mode="counts")
        with leakwatch.region("work") as r:
            keep[0] = bytes(50_000)
            keep[0] = None
            keep[0] = bytes(10)
        self.assertEqual((r.net, r.net_peak, r.net_peak_margin), (size(10), size(50_000), 0))

    def test_resizing_is_counted(self) -> None:
        leakwatch.start(mode="counts")
        buffer, more = bytearray(1_000), bytes(200_000)
        before = sys.getsizeof(buffer)
        with leakwatch.region("work") as r:
            buffer.extend(more)
        self.assertEqual((r.net, r.net_blocks), (sys.getsizeof(buffer) - before, 0))

    def test_what_counts_do_not_know_is_an_error(self) -> None:
        leakwatch.start(mode="counts")
        with leakwatch.region("work") as r:
            keep[0] = bytes(100)
        for stopped in (False, True):
            for name in OWN:
                with self.assertRaisesRegex(RuntimeError, r"'work'.*'counts'.*set_mode"):
                    getattr(r, name)
            self.assertEqual((r.net, r.net_blocks, r.rounds), (size(100), 1, 1))
            text, data = r.text(), json.loads(r.json())
            self.assertRegex(text, r'(?s)region "work".*net \+1')
            self.assertIn("mode counts", text)
            self.assertEqual(data["report"], "totals")
            self.assertEqual((data["stats"]["net_bytes"], data["name"]), (size(100), "work"))
            self.assertIn(f"net {size(100)} bytes in 1 blocks", repr(r))
            if not stopped:
                leakwatch.stop()

    def test_threads_count_together(self) -> None:
        leakwatch.start(mode="counts")
        ready, go = threading.Barrier(5), threading.Barrier(5)

        def work(first: int) -> None:
            ready.wait()
            go.wait()
            for i in range(first, first + 500):
                keep[i] = bytes(1_000)

        threads = [threading.Thread(target=work, args=(500 * i,)) for i in range(4)]
        for thread in threads:
            thread.start()
        ready.wait()
        with leakwatch.region("work", process=True) as r:
            go.wait()
            for thread in threads:
                thread.join()
        empty = [None] * len(keep)
        with leakwatch.region("undone", process=True) as undone:
            keep[:] = empty
        ended = -2_000 - undone.net_blocks  # what a thread takes down after it was joined
        self.assertIn(ended, range(10))
        self.assertIn(-2_000 * size(1_000) - undone.net, range(ended * 1_000 + 1))
        self.assertGreaterEqual(r.net_peak, 1_950 * size(1_000))  # the threads' own goes meanwhile

    def test_leaks_are_found_in_the_graph_alone(self) -> None:
        class Leaked:
            pass

        kept: list[object] = []
        leakwatch.start(mode="counts")
        found = leakwatch.find_leaks(lambda: kept.extend(Leaked() for _ in range(10)))
        types = [finding.type for finding in found]
        self.assertTrue(any("Leaked" in name for name in types), types)
        self.assertTrue(all(not finding.allocated for finding in found))


class Switching(Modes):
    def test_totals_stay_exact(self) -> None:
        leakwatch.start()
        gc.disable()
        self.addCleanup(gc.enable)
        leakwatch.set_mode("counts")
        leakwatch.set_mode("sites")
        before = total_blocks()
        with leakwatch.region("work") as r:
            for i in range(250):
                leakwatch.set_mode("counts" if i % 2 else "sites")
                keep[i] = bytes(1_000)
        self.assertEqual((r.net, r.net_blocks), (250 * size(1_000), 250))
        self.assertEqual((r.current, r.blocks), (125 * size(1_000), 125))
        leakwatch.set_mode("sites")
        with leakwatch.region("undone") as undone:
            for i in range(250):
                keep[i] = None
        self.assertEqual((undone.net, undone.net_blocks), (-250 * size(1_000), -250))
        self.assertLess(abs(total_blocks() - before), 60)  # but for this test's own objects

    def test_a_block_keeps_the_weight_of_its_birth(self) -> None:
        leakwatch.start()
        with leakwatch.region("work") as r:
            keep[0] = bytes(300_000)
            leakwatch.set_mode("sampled", 64)
            keep[0] = None
            leakwatch.set_mode("sites")
        self.assertEqual((r.net, r.current), (0, 0))

    def test_stacks_from_then_on(self) -> None:
        leakwatch.start(mode="counts")
        keep[0] = bytes(5_000)
        leakwatch.set_mode("sites")
        keep[1] = bytes(5_000)
        self.assertFalse(_leakwatch._stack_of(keep[0]))
        stack = _leakwatch._stack_of(keep[1])
        assert stack
        self.assertEqual(Path(stack[0][0]).name, THIS)

    def test_the_mode_can_be_read_and_set_again(self) -> None:
        leakwatch.start()
        self.assertEqual(leakwatch.mode(), ("sites", None))
        leakwatch.set_mode("sampled")
        self.assertEqual(leakwatch.mode(), ("sampled", 512 * 1024))
        leakwatch.set_mode("sampled", interval=2**40)
        self.assertEqual(leakwatch.mode(), ("sampled", 2**40))
        before = leakwatch.mode()
        leakwatch.set_mode("counts")
        self.assertEqual(leakwatch.mode(), ("counts", None))
        leakwatch.set_mode(*before)
        self.assertEqual(leakwatch.mode(), before)

    def test_identity_is_approximate_once_blocks_were_not_all_seen(self) -> None:
        for mode in ("counts", "sampled"):
            leakwatch.start()
            first, second = leakwatch.snapshot(), leakwatch.snapshot()
            self.assertFalse(second.diff(first).types["type"].approximate)
            leakwatch.set_mode(mode)
            third, fourth = leakwatch.snapshot(), leakwatch.snapshot()
            self.assertTrue(fourth.diff(third).types["type"].approximate)
            leakwatch.stop()


class Sampled(Modes):
    interval = 4096

    def test_estimates_lie_within_six_sigma_of_the_truth(self) -> None:
        """A block of s bytes is met with p = 1 - exp(-s / interval) and counts as s / p: the
        variance of the sum is that of so many independent ones, s * s * (1 - p) / p each."""
        leakwatch.start(mode="sampled", interval=self.interval)
        count, sizes = 3_000, [500, 2_000, 9_000]
        with leakwatch.region("work") as r:
            for i in range(count):
                keep[i] = bytes(sizes[i % 3])
        truth = variance = blocks_variance = 0.0
        for n in sizes:
            p = -math.expm1(-size(n) / self.interval)
            truth += count / 3 * size(n)
            variance += count / 3 * size(n) ** 2 * (1 - p) / p
            blocks_variance += count / 3 * (1 - p) / p
        for found, margin in ((r.current, r.current_margin), (r.net, r.net_margin),
                              (r.at_end, r.at_end_margin)):
            self.assertLess(abs(found - truth), 6 * math.sqrt(variance))
            self.assertGreater(margin, math.sqrt(variance))  # 1.96 sigma, estimated
            self.assertLess(margin, 4 * math.sqrt(variance))
        self.assertLess(abs(r.blocks - count), 6 * math.sqrt(blocks_variance))
        self.assertGreater(r.blocks_margin, 0)
        rows = r.survivors
        self.assertEqual(sum(row.bytes for row in rows), r.current)
        self.assertTrue(all(row.samples > 0 for row in rows))
        self.assertGreater(sum(row.bytes_margin for row in rows), 0)
        self.assertLess(sum(row.samples for row in rows), count)
        line = max(rows, key=lambda row: row.bytes).line
        assert line
        self.assertEqual(Path(line.file).name, THIS)
        self.assertRegex(r.text(), "±")
        keep[:] = [None] * len(keep)
        self.assertEqual((r.current, r.blocks), (0, 0))

    def test_big_blocks_are_always_met(self) -> None:
        leakwatch.start(mode="sampled", interval=1_000)
        with leakwatch.region("work") as r:
            keep[0] = bytes(1_000_000)  # missed once in exp(1000) runs
        self.assertLess(abs(r.current - size(1_000_000)), 100_000)
        leakwatch.stop()
        self.assertLess(abs(r.current - size(1_000_000)), 100_000)

    def test_stacks_are_those_of_sites(self) -> None:
        leakwatch.start(mode="sampled", interval=1)
        keep[0] = bytes(100_000)
        sampled = _leakwatch._stack_of(keep[0])
        leakwatch.set_mode("sites")
        keep[1] = bytes(100_000)
        every = _leakwatch._stack_of(keep[1])
        assert sampled and every
        self.assertEqual(sampled[1:], every[1:])
        self.assertEqual((sampled[0][0], sampled[0][1] + 3), (every[0][0], every[0][1]))


class Misuse(Modes):
    def test_bad_arguments(self) -> None:
        for call in (leakwatch.start, leakwatch.set_mode):
            if call is leakwatch.set_mode:
                leakwatch.start()
            for arguments, error in (
                ({"mode": "all"}, ValueError),
                ({"mode": 1}, TypeError),
                ({"mode": "sampled", "interval": 0}, ValueError),
                ({"mode": "sampled", "interval": -5}, ValueError),
                ({"mode": "sampled", "interval": 2**40 + 1}, ValueError),
                ({"mode": "sampled", "interval": 2**80}, ValueError),
                ({"mode": "sampled", "interval": 1.5}, TypeError),
                ({"mode": "counts", "interval": 10}, ValueError),
                ({"mode": "sites", "interval": 10}, ValueError),
                ({"mode": "sites", "rate": 10}, TypeError),
            ):
                with self.subTest(call=call, arguments=arguments), self.assertRaises(error):
                    call(**arguments)  # type: ignore[operator]
        self.assertEqual(leakwatch.mode(), ("sites", None))
        with self.assertRaises(TypeError):
            leakwatch.set_mode()  # type: ignore[call-arg]

    def test_without_a_recording(self) -> None:
        with self.assertRaises(leakwatch.NotRecordingError):
            leakwatch.mode()
        with self.assertRaises(leakwatch.NotRecordingError):
            leakwatch.set_mode("counts")


class Command(unittest.TestCase):
    def run_script(self, *options: str) -> subprocess.CompletedProcess[str]:
        with tempfile.TemporaryDirectory() as folder:
            script = Path(folder, "program.py")
            script.write_text("kept = [bytes(100_000) for _ in range(50)]\n")
            return subprocess.run(
                [sys.executable, "-m", "leakwatch", "run", *options, str(script)],
                capture_output=True, text=True, check=False,
            )

    def test_modes_of_run(self) -> None:
        done = self.run_script("--mode", "counts")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("mode counts", done.stderr)
        done = self.run_script("--mode=sampled:1000")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("program.py:1", done.stderr)
        done = self.run_script("--mode", "sampled")
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_misuse_of_run(self) -> None:
        for mode in ("all", "counts:5", "sampled:", "sampled:0", "sampled:x", "sites:1", ""):
            done = self.run_script("--mode", mode)
            self.assertEqual(done.returncode, 2, mode)
            self.assertIn(f"--mode {mode}", done.stderr)


if __name__ == "__main__":
    unittest.main()
