"""The tools that record Python's allocations, each started as its users start it.

    python bench/recorders.py NAME    exits with 0 if this interpreter can run it, or says why not
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

Own = Callable[[], int | None]  # bytes that the tool says its books take; None: it does not say
FRAMES = 25


class NotHere(Exception):
    """This interpreter, or this build of leakwatch, has no such tool."""


def nothing(folder: Path, stack: contextlib.ExitStack) -> Own:
    return lambda: None


def ours(**options: object) -> Callable[[Path, contextlib.ExitStack], Own]:
    def start(folder: Path, stack: contextlib.ExitStack) -> Own:
        import leakwatch

        try:
            leakwatch.start(frames=FRAMES, **options)
        except (TypeError, ValueError) as error:
            raise NotHere(f"not in this build: {error}") from error
        stack.callback(leakwatch.stop)
        return own_bytes

    return start


def own_bytes() -> int | None:
    import leakwatch

    with leakwatch.region("the end") as region:
        pass
    return json.loads(region.json()).get("own_bytes")


def tracing(frames: int) -> Callable[[Path, contextlib.ExitStack], Own]:
    def start(folder: Path, stack: contextlib.ExitStack) -> Own:
        import tracemalloc

        tracemalloc.start(frames)
        stack.callback(tracemalloc.stop)
        return tracemalloc.get_tracemalloc_memory

    return start


def memray(aggregated: bool) -> Callable[[Path, contextlib.ExitStack], Own]:
    def start(folder: Path, stack: contextlib.ExitStack) -> Own:
        try:
            import memray
        except ImportError as error:
            raise NotHere(f"{error}: pip install memray") from error
        file = folder / "memray.bin"
        to = memray.FileDestination(file, overwrite=True, compress_on_exit=False)
        form = memray.FileFormat.ALL_ALLOCATIONS
        if aggregated:
            form = memray.FileFormat.AGGREGATED_ALLOCATIONS
        stack.enter_context(
            memray.Tracker(destination=to, file_format=form, trace_python_allocators=True)
        )
        return lambda: None

    return start


UNTRACED = "untraced"
RECORDERS: dict[str, Callable[[Path, contextlib.ExitStack], Own]] = {
    UNTRACED: nothing,
    "leakwatch 25": ours(),
    "leakwatch counts": ours(mode="counts"),
    "leakwatch sampled": ours(mode="sampled"),
    "tracemalloc 1": tracing(1),
    "tracemalloc 25": tracing(FRAMES),
    "memray streaming": memray(aggregated=False),
    "memray aggregated": memray(aggregated=True),
}


@contextlib.contextmanager
def recording(name: str, folder: Path) -> Iterator[Own]:
    with contextlib.ExitStack() as stack:
        yield RECORDERS[name](folder, stack)


def is_ours(name: str) -> bool:
    return name.startswith("leakwatch")


NO_SUCH_TOOL = 3  # exit status


def why_not(name: str, python: str = sys.executable) -> str | None:
    """Why this interpreter has no such tool; None: it has."""
    done = subprocess.run([python, __file__, name], capture_output=True, text=True)
    if done.returncode not in (0, NO_SUCH_TOOL):
        sys.exit(f"{name} does not start: {done.stderr}")
    return done.stderr.strip() if done.returncode else None


def with_others(build: Path) -> str:
    """An interpreter that has the other tools, if python_programs.py made one; or this one."""
    made = build / "pyperformance" / "bin" / "python"
    return str(made) if made.exists() else sys.executable


def usable(names: list[str], python: str = sys.executable) -> list[str]:
    """Those that run here, untraced first; tells of the others."""
    found = [UNTRACED]
    for name in names:
        if name not in RECORDERS:
            sys.exit(f"no tool is called {name!r}; there are {', '.join(RECORDERS)}")
        reason = None if name == UNTRACED else why_not(name, python)
        if reason:
            print(f"SKIP: {name}: {reason}", flush=True)
        elif name != UNTRACED:
            found.append(name)
    return found


def peak_memory() -> int:
    """Bytes; of this program alone, which ru_maxrss is not after a fork of a larger one."""
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM:")) * 1024


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        try:
            with recording(sys.argv[1], Path(folder)):
                pass
        except NotHere as reason:
            print(reason, file=sys.stderr)
            sys.exit(NO_SUCH_TOOL)


if __name__ == "__main__":
    main()
