"""The `leakwatch` command."""

from __future__ import annotations

import sys
from collections.abc import Sequence

USAGE = """\
usage: leakwatch run [options] script.py [arguments]
       leakwatch run [options] -m module [arguments]
       leakwatch info|types|diff|paths|report|accept|export ...

`run` runs a Python program under recording, with its own arguments and exit status, and tells on
stderr what it left behind, by its own source lines. The other verbs look into snapshot files, which
Snapshot.save() writes; `leakwatch VERB --help` tells of each.

options of run:
  --mode MODE   sites: every allocation with its call stack (what happens if none is named);
                counts: only how much is live; sampled or sampled:BYTES: estimates from one sample
                in so many bytes (524288)
  --frames N    frames of each call stack to record (64; imports are deep)
  --all         every line, not only those that matter most
  --json FILE   the report as JSON into FILE instead

  -h, --help    this text
  --version     the version
"""


FILE_VERBS = ("info", "types", "diff", "paths", "report", "accept", "export")


class Misuse(Exception):
    """The command line makes no sense; the message says why."""


class Options:
    """What follows `leakwatch run`: options, then the program and its arguments."""

    frames: int = 64
    mode: str = "sites"
    interval: int | None = None
    all: bool = False
    json: str | None = None
    module: bool = False
    program: list[str]

    def __init__(self, words: Sequence[str]) -> None:
        rest = list(words)
        while rest and rest[0].startswith("-"):
            name, has_value, value = rest.pop(0).partition("=")
            if name in ("-m", "--"):
                self.module = name == "-m"
                break
            if name == "--all":
                self.all = True
                continue
            if name not in ("--frames", "--json", "--mode"):
                raise Misuse(f"there is no option {name}")
            if not has_value:
                if not rest:
                    raise Misuse(f"{name} wants a value")
                value = rest.pop(0)
            if name == "--json":
                self.json = value
            elif name == "--mode":
                self.take_mode(value)
            elif value.isdecimal() and int(value) <= 128:
                self.frames = int(value)
            else:
                raise Misuse(f"--frames wants a number from 0 to 128, not {value!r}")
        if not rest:
            raise Misuse("-m wants a module" if self.module else "run what? Name a script")
        self.program = rest

    def take_mode(self, value: str) -> None:
        self.mode, has_interval, interval = value.partition(":")
        self.interval = int(interval) if interval.isdecimal() else None
        if self.mode not in ("sites", "counts", "sampled"):
            raise Misuse(f"--mode {value} is not known: sites, counts and sampled are")
        if has_interval and (self.mode != "sampled" or not 1 <= (self.interval or 0) <= 2**40):
            raise Misuse(f"--mode {value}: only sampled:BYTES has an interval, from 1 to 2**40")


def main(words: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit status unless a program's own way out goes first."""
    words = sys.argv[1:] if words is None else words
    try:
        if not words or words[0] in ("-h", "--help", "help"):
            print(USAGE, end="")
            return 0 if words else 2
        if words[0] == "--version":
            from . import __version__

            print(f"leakwatch {__version__}")
            return 0
        if words[0] in FILE_VERBS:
            from . import _leakwatch

            return _leakwatch._command(*words)
        if words[0] != "run":
            raise Misuse(f"there is no verb {words[0]!r}")
        if words[1:2] in (["-h"], ["--help"]):
            print(USAGE, end="")
            return 0
        options = Options(words[1:])
        from ._run import Unrunnable, run

        try:
            run(options.program, module=options.module, frames=options.frames,
                mode=options.mode, interval=options.interval, show_all=options.all,
                json=options.json)
        except Unrunnable as error:
            print(f"leakwatch: {error}", file=sys.stderr)
            return 2
    except Misuse as error:
        print(f"leakwatch: {error}; `leakwatch --help` shows how it is used", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
