"""What may happen to a process: forks, modules that come and go, signals in the middle of an event,
little memory, allocators under us. It goes on as it would without us. Not for the address sanitizer,
whose malloc is the one that comes first."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
import unittest

from support import ADAPTER, CC, COMMAND, HERE, PATIENCE, Victims, compile_with, expected


def line_of(source: str, text: str) -> int:
    lines = (HERE / source).read_text().splitlines()
    return 1 + next(i for i, line in enumerate(lines) if text in line)


class Forks(Victims):
    def test_children_report_when_asked(self) -> None:
        victim = self.victim("forks.c")
        done = self.leakwatch("--json", "--output", "out.%p.json", victim)
        self.assertEqual(done.returncode, 0, done.stderr)
        files = sorted(self.folder.glob("out.*.json"))
        self.assertEqual(len(files), 13)
        line = line_of("forks.c", "kept = malloc(777)")
        found = 0
        for file in files:
            rows = json.loads(file.read_text())["survivors"]
            found += sum(row["bytes"] == 777 and row["frames"][0]["line"] == line for row in rows)
        self.assertEqual(found, 12)

    def test_children_are_silent_otherwise(self) -> None:
        victim = self.victim("forks.c")
        done = self.leakwatch(victim)
        self.assertEqual(done.stderr.count("leakwatch:"), 1)

    def test_programs_that_a_program_starts(self) -> None:
        victim = self.victim("family.c")
        done = self.leakwatch("sh", "-c", f"{victim} >out; echo done; exit 5")
        self.assertEqual((done.returncode, done.stdout), (5, "done\n"))
        self.assertEqual(done.stderr.count("leakwatch:"), 1)
        self.assertNotIn("family.c", done.stderr)
        done = self.leakwatch("sh", "-c", f"exec {victim} >out")
        self.assertEqual(done.returncode, 0)
        self.assertIn("family.c", done.stderr)


class Modules(Victims):
    def test_a_leak_in_a_module_that_is_gone(self) -> None:
        host = self.victim("unload.c", "-ldl")
        names = [f"plugin_{number}" for number in ("one", "two", "three")]
        modules = [self.victim("plugin.c", "-shared", "-fPIC", f"-DNAME={name}", output=f"{name}.so")
                   for name in names]
        report, _ = self.report(host, *modules)
        line = line_of("plugin.c", "/* leaks */")
        left: dict[str, list[int]] = {}
        for row in report["survivors"]:
            if row["frames"][0]["line"] == line:
                left.setdefault(row["frames"][0]["function"], []).append(row["bytes"])
        self.assertEqual(left, {f"{name}_inside": [3 * 1000 * (i + 1)]
                                for i, name in enumerate(names)}, "loaded three times, one row")

    def test_a_stripped_module_keeps_build_id_and_offset(self) -> None:
        host = self.victim("unload.c", "-ldl")
        module = self.victim("plugin.c", "-shared", "-fPIC", "-Wl,--build-id=0xabcdef0123456789",
                             output="plugin.so")
        full = self.folder / "full.so"
        full.write_bytes(module.read_bytes())
        subprocess.run(["strip", module], check=True)
        report, _ = self.report(host, module)
        row = next(row for row in report["survivors"] if row["bytes"] == 3000)
        file = row["frames"][0]["file"]
        self.assertRegex(file, r"^plugin\.so\+0x[0-9a-f]+ \[build-id abcdef0123456789\]$")
        place = subprocess.run(["addr2line", "-e", full, file.split("+")[1].split()[0]],
                               capture_output=True, text=True, check=True).stdout
        self.assertIn(f"plugin.c:{line_of('plugin.c', '/* leaks */')}", place)

    def test_another_file_in_its_place(self) -> None:
        """Names are not taken from a file that is not the one that was loaded."""
        host = self.victim("unload.c", "-ldl")
        module = self.victim("plugin.c", "-shared", "-fPIC", output="plugin.so")
        other = self.victim("plugin.c", "-shared", "-fPIC", "-DNAME=other", output="other.so")
        mover = self.folder / "move.c"
        mover.write_text("#include <stdio.h>\n__attribute__((destructor)) static void end(void)\n"
                         f'{{ rename("{other}", "{module}"); }}\n')
        preload = compile_with(CC, self.folder / "move.so", "-shared", "-fPIC", mover)
        report, _ = self.report(host, module, env={**os.environ, "LD_PRELOAD": str(preload)})
        row = next(row for row in report["survivors"] if row["bytes"] == 3000)
        self.assertTrue(row["frames"][0]["file"].startswith("plugin.so+0x"), row["frames"][0])


class Signals(Victims):
    def bump(self) -> dict[str, str]:
        return {**os.environ, "LD_PRELOAD": str(self.victim("bump.c", "-shared", "-fPIC",
                                                            output="bump.so"))}

    def test_a_storm(self) -> None:
        victim = self.victim("storm.c", optimize="-O1")
        report, _ = self.report(victim, env=self.bump())
        self.assertGreater(report["events"], 10_000)
        # A stack that was mixed from two would have the wrong number of calls, or of the wrong kind.
        for row in report["survivors"]:
            names = [frame["function"] for frame in row["frames"]]
            calls = [name for name in names if name in ("deep", "work")]
            if "deep" in names:
                first, depth = names.index("deep"), calls.index("work")
                self.assertEqual(names[first:first + depth + 1], ["deep"] * depth + ["work"])
                self.assertLessEqual(depth, 40)

    def test_jumps_out_of_the_middle_of_an_event(self) -> None:
        """Not allowed with any malloc that has locks. The program goes on as without us; if the books
        were left open, that is told."""
        victim = self.victim("jump.c", optimize="-O1")
        done = self.leakwatch(victim, env=self.bump())
        self.assertEqual((done.returncode, expected(done.stdout)), (0, {}), done.stderr)
        self.assertRegex(done.stderr, "no report: this call is not allowed|exact|dropped")

    def test_an_allocator_made_of_its_own_functions(self) -> None:
        source = self.folder / "calls.c"
        source.write_text("#include <stdlib.h>\nstatic void *volatile kept;\nint main(void)\n{\n"
                          "    kept = calloc(3, 100);\n    return 0;\n}\n")
        victim = compile_with(CC, self.folder / "calls", "-O0", source)
        report, _ = self.report(victim, env=self.bump())
        rows = [row for row in report["survivors"] if row["bytes"] == 300]
        self.assertEqual([(row["blocks"], row["frames"][0]["line"]) for row in rows], [(1, 5)])
        self.assertEqual(report["dropped"], 0)


class Reports(Victims):
    WAITS = """
        #include <stdio.h>
        #include <stdlib.h>
        #include <unistd.h>
        static void *volatile kept;
        int main(void)
        {
            kept = malloc(123456);
            puts("ready");
            fflush(stdout);
            getchar();
            return 4;
        }
    """

    def start(self, *options: str, env: dict[str, str] | None = None) -> subprocess.Popen[str]:
        source = self.folder / "waits.c"
        source.write_text(self.WAITS)
        victim = compile_with(CC, self.folder / "waits", "-O0", source)
        process = subprocess.Popen([COMMAND, "run", *options, victim], cwd=self.folder, env=env,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        assert process.stdout
        self.assertEqual(process.stdout.readline(), "ready\n")
        return process

    def wait_for(self, text: str) -> str:
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            file = self.folder / "out.txt"
            found = file.read_text() if file.exists() else ""
            if text in found:
                return found
            time.sleep(0.02)
        self.fail(f"no report {text}")

    def test_on_a_signal(self) -> None:
        process = self.start("--signal", "USR2", "--output", "out.txt")
        process.send_signal(signal.SIGUSR2)
        found = self.wait_for("next:")
        self.assertIn("asked by a signal", found)
        self.assertRegex(found, r"waits\.c:8 main +\S+ KiB")
        _, errors = process.communicate("\n", timeout=PATIENCE)
        self.assertEqual((process.returncode, errors), (4, ""))
        self.assertIn("at exit", self.wait_for("at exit"))

    def test_no_signal_unless_asked(self) -> None:
        process = self.start()
        process.send_signal(signal.SIGUSR2)
        process.communicate("\n", timeout=PATIENCE)
        self.assertEqual(process.returncode, -signal.SIGUSR2)

    def limits(self, limit: str, usage: str) -> dict[str, str]:
        group = self.folder / "group"
        group.mkdir(exist_ok=True)
        (group / "memory.max").write_text(limit)
        (group / "memory.current").write_text(usage)
        (group / "memory.stat").write_text("anon 1\ninactive_file 1000000\nfile 2\n")
        return {**os.environ, "LEAKWATCH_CGROUP": str(group)}

    def test_at_a_share_of_the_limit(self) -> None:
        process = self.start("--at", "80%", "--output", "out.txt",
                             env=self.limits("100000000\n", "80500000\n"))
        time.sleep(0.3)
        self.assertFalse((self.folder / "out.txt").exists(), "cache that can go does not count")
        (self.folder / "group/memory.current").write_text("81500000\n")
        found = self.wait_for("next:")
        self.assertIn("at 80 % of its memory limit", found)
        process.communicate("\n", timeout=PATIENCE)
        self.assertEqual(process.returncode, 4)

    def test_no_limit_is_told(self) -> None:
        process = self.start("--at", "80%", "--output", "out.txt", env=self.limits("max\n", "5\n"))
        _, errors = process.communicate("\n", timeout=PATIENCE)
        self.assertEqual(process.returncode, 4)
        self.assertIn("no memory limit", errors)

    def test_little_memory(self) -> None:
        victim = self.victim("family.c")
        done = self.plain("sh", "-c", f"ulimit -v 50000; exec {COMMAND} run {victim} >out")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("family.c", done.stderr)

    def test_standard_error_that_is_something_else_by_then(self) -> None:
        source = self.folder / "closes.c"
        source.write_text('#include <fcntl.h>\n#include <unistd.h>\nint main(void)\n{\n'
                          '    close(2);\n    return open("mine", O_CREAT | O_WRONLY, 0600) == 2 ? 0 : 1;\n}\n')
        victim = compile_with(CC, self.folder / "closes", source)
        done = self.leakwatch(victim)
        self.assertEqual((done.returncode, (self.folder / "mine").read_text()), (0, ""))


if __name__ == "__main__":
    unittest.main()
