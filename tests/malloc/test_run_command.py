"""`leakwatch run`: its command line, and programs whose malloc cannot be seen."""

from __future__ import annotations

import os
import unittest

from support import CC, COMMAND, Victims, compile_with


class CommandLine(Victims):
    def test_help_and_version(self) -> None:
        for words, text in ((["--help"], "usage: leakwatch"), (["--version"], "leakwatch 0."),
                            (["run", "--help"], "usage: leakwatch run"), (["run", "-h"], "--output")):
            with self.subTest(words):
                done = self.plain(COMMAND, *words)
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                self.assertIn(text, done.stdout)

    def test_misuse(self) -> None:
        for words, text in (
            ([], "usage"),
            (["walk"], "no verb"),
            (["run"], "Name a program"),
            (["run", "--"], "Name a program"),
            (["run", "--nothing", "true"], "no option --nothing"),
            (["run", "--output"], "wants a value"),
            (["run", "--output", "/nowhere/x", "true"], "cannot write /nowhere/x"),
            (["run", "--frames", "129", "true"], "up to 128"),
            (["run", "--frames", "x", "true"], "wants a number"),
            (["run", "--at", "101%", "true"], "up to 100"),
            (["run", "--at", "80%%", "true"], "wants a number"),
            (["run", "--signal", "NONE", "true"], "no signal"),
            (["run", "--signal", "KILL", "true"], "can hear"),
            (["run", "--mode", "count", "true"], "--mode count is not known"),
            (["run", "--mode=sampled:", "true"], "wants a number"),
            (["run", "--mode=sampled:0", "true"], "1 byte or more"),
            (["run", "--mode=sampled:64K", "true"], "wants a number"),
        ):
            with self.subTest(words):
                done = self.plain(COMMAND, *words)
                self.assertEqual((done.returncode, done.stdout), (2, ""))
                self.assertIn(text, done.stderr)
                self.assertIn("leakwatch", done.stderr)

    def test_programs_that_are_not_there(self) -> None:
        self.assertEqual(self.leakwatch("no-such-program").returncode, 127)
        self.assertEqual(self.leakwatch("./no-such-program").returncode, 127)
        self.assertEqual(self.leakwatch(self.folder).returncode, 126)
        (self.folder / "text").write_text("x")
        self.assertEqual(self.leakwatch("./text").returncode, 126)

    def test_words_after_the_program_are_its_own(self) -> None:
        done = self.leakwatch("echo", "--help", "--json", "--", "-x")
        self.assertEqual(done.stdout, "--help --json -- -x\n")
        done = self.leakwatch("--", "echo", "--at")
        self.assertEqual(done.stdout, "--at\n")


class Status(Victims):
    def program(self, code: str) -> object:
        source = self.folder / "program.c"
        source.write_text(f"#include <stdlib.h>\n#include <stdio.h>\n#include <unistd.h>\n#include <signal.h>\n"
                          f"int main(void)\n{{\n    puts(\"out\"); fputs(\"err\\n\", stderr);\n"
                          f"    fflush(stdout);\n{code}\n}}\n")
        return compile_with(CC, self.folder / "program", source)

    def test_the_program_s_own_status_and_output(self) -> None:
        for code in ("return 0;", "return 3;", "exit(255);", "_exit(9);", "abort();",
                     "return *(volatile int *)0;", "return kill(getpid(), 15);"):
            with self.subTest(code):
                victim = self.program(code)
                plain = self.plain(str(victim))
                ours = self.leakwatch("--output", "report.txt", str(victim))
                self.assertEqual((ours.returncode, ours.stdout, ours.stderr),
                                 (plain.returncode, plain.stdout, plain.stderr))

    def test_the_report_goes_to_standard_error(self) -> None:
        done = self.leakwatch(str(self.program("return malloc(5000) == NULL;")))
        self.assertEqual(done.stdout, "out\n")
        self.assertTrue(done.stderr.startswith("err\nleakwatch: program, process "), done.stderr)
        self.assertRegex(done.stderr, r"program\.c:9 main +\S+ KiB")

    def test_all_stacks(self) -> None:
        done = self.leakwatch("--all", str(self.program("return malloc(5000) == NULL;")))
        self.assertRegex(done.stderr, r"program\.c:9 main \(yours\)")


class Bound(Victims):
    """A program whose malloc is inside it."""

    OWN = """
        #include <stdlib.h>
        #include <string.h>
        static char heap[64 << 20];
        static size_t used;
        void *malloc(size_t size) { size_t at = used; used += (size + 15) & ~15ul; return heap + at; }
        void free(void *block) { (void)block; }
        void *calloc(size_t n, size_t size) { return memset(malloc(n * size), 0, n * size); }
        void *realloc(void *old, size_t size) { void *p = malloc(size); return old ? memcpy(p, old, size) : p; }
        int main(void)
        {
            for (int i = 0; i < 1000; i++)
                memset(malloc(20000), 1, 20000);
            return 6;
        }
    """

    def own(self, *words: str) -> object:
        source = self.folder / "own.c"
        source.write_text(self.OWN)
        return compile_with(CC, self.folder / "own", "-fno-builtin", *words, source)

    def test_a_static_program_is_refused(self) -> None:
        source = self.folder / "static.c"
        source.write_text("int main(void) { return 0; }\n")
        victim = compile_with(CC, self.folder / "static", "-static", source)
        done = self.leakwatch(victim)
        self.assertEqual(done.returncode, 2)
        self.assertIn("linked statically", done.stderr)
        self.assertIn("What to do", done.stderr)

    def test_a_malloc_of_its_own_is_told(self) -> None:
        for words in ([], ["-rdynamic"], ["-fvisibility=hidden"], ["-s"],
                      ["-s", "-fvisibility=hidden"]):
            with self.subTest(words):
                done = self.leakwatch(str(self.own(*words)))
                self.assertEqual(done.returncode, 6, done.stderr)
                self.assertRegex(done.stderr, "malloc of its own|allocator of its own")
                self.assertIn("What to do", done.stderr)

    def test_others_are_not_told_so(self) -> None:
        victim = self.victim("family.c")
        self.assertNotIn("of its own", self.leakwatch(victim).stderr)

    def test_a_program_with_other_rights(self) -> None:
        if os.geteuid() != 0:
            self.skipTest("only root can make a file of another user's")
        victim = self.victim("family.c")
        os.chown(victim, 12345, 12345)
        os.chmod(victim, 0o4755)
        done = self.leakwatch(victim)
        self.assertEqual(done.returncode, 2)
        self.assertIn("rights of another user", done.stderr)


if __name__ == "__main__":
    unittest.main()
