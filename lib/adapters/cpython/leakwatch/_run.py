"""Runs a program under recording, the way the interpreter itself would have run it."""

from __future__ import annotations

import atexit
import io
import os
import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.util import find_spec
from types import CodeType, ModuleType, TracebackType

from . import _leakwatch

NEXT = """
  One run cannot tell a cache from a leak: what is left may be there to stay. What can: to do the
  work several times in one process, each in `with leakwatch.region("work") as r:` (a leak adds to
  it every time), or leakwatch.snapshot() before and after: print(after.diff(before)).
"""


class Unrunnable(Exception):
    """There is no such program; the message says so."""


class Program:
    """A program that is ready to run as `__main__`."""

    def __init__(self, code: CodeType, folder: str, argument: str, module: ModuleType) -> None:
        self.code = code
        self.folder = folder
        self.argument = argument
        self.module = module


def script(path: str) -> Program:
    """A source file; or a folder or archive with a `__main__` in it."""
    if not os.path.exists(path):
        raise Unrunnable(f"cannot run {path!r}: there is no such file")
    full = os.path.abspath(path)
    spec = PathFinder.find_spec("__main__", [full])
    if spec is not None:
        return Program(code_of(spec), full, path, module_of(spec))
    if os.path.isdir(path):
        raise Unrunnable(f"cannot run {path!r}: there is no __main__.py in this folder")
    try:
        with io.open_code(full) as file:
            source = file.read()
    except OSError as error:
        raise Unrunnable(f"cannot run {path!r}: {error.strerror}") from None
    module = ModuleType("__main__")
    module.__file__ = full
    module.__loader__ = SourceFileLoader("__main__", full)
    module.__dict__["__cached__"] = None
    return Program(compile(source, full, "exec", dont_inherit=True),
                   os.path.dirname(os.path.realpath(path)), path, module)


def named_module(name: str) -> Program:
    """A module, or a package with a `__main__`, as for `python -m`."""
    try:
        spec = find_spec(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise  # the program's own import that fails
        spec = None
    except (ValueError, AttributeError):
        spec = None
    if spec is None:
        raise Unrunnable(f"cannot run -m {name}: there is no such module")
    if spec.submodule_search_locations is not None:
        if name.endswith(".__main__"):
            raise Unrunnable(f"cannot run -m {name}: it is a package")
        spec = find_spec(f"{name}.__main__")
        if spec is None:
            raise Unrunnable(f"cannot run -m {name}: this package has no __main__")
    return Program(code_of(spec), os.getcwd(), spec.origin or name, module_of(spec))


def code_of(spec: ModuleSpec) -> CodeType:
    get_code = getattr(spec.loader, "get_code", None)
    code: CodeType | None = get_code(spec.name) if get_code else None
    if code is None:
        raise Unrunnable(f"cannot run -m {spec.name}: it has no Python code")
    return code


def module_of(spec: ModuleSpec) -> ModuleType:
    module = ModuleType("__main__")
    module.__spec__ = spec
    module.__loader__ = spec.loader
    module.__file__ = spec.origin
    module.__package__ = spec.parent
    module.__dict__["__cached__"] = spec.cached
    return module


def without_us(trace: TracebackType | None) -> TracebackType | None:
    """A traceback from where the program begins."""
    rest, program = trace, trace
    while rest is not None:
        if rest.tb_frame.f_globals is globals():
            program = rest.tb_next
        rest = rest.tb_next
    return program


def show_program_only() -> None:
    """Lets the excepthook of the program, or the usual one, see the program's frames only."""
    show = sys.excepthook

    def hook(kind: type[BaseException], value: BaseException, trace: TracebackType | None) -> None:
        trace = without_us(trace)
        show(kind, value.with_traceback(trace), trace)

    sys.excepthook = hook


def finish(region: _leakwatch.Region, process: int, write: Callable[[], None]) -> None:
    """Reports at the very end: after the program's threads and its own exit callbacks."""
    if os.getpid() != process:
        return  # a forked child: the report is its parent's
    if region.open:
        region.__exit__(None, None, None)
    try:
        sys.stdout.flush()
    except (OSError, ValueError, AttributeError):
        pass  # the program has closed it
    write()


def writer(region: _leakwatch.Region, file: io.TextIOWrapper | None, show_all: bool) -> Callable[[], None]:
    def to_file() -> None:
        assert file is not None
        with file:
            file.write(region.json() + "\n")

    def to_terminal() -> None:
        stream = sys.__stderr__
        if stream is None or stream.closed:
            return
        is_utf8 = (stream.encoding or "utf-8").lower().startswith("utf")
        is_terminal = stream.isatty()
        text = region.text(
            all=show_all,
            width=os.get_terminal_size(stream.fileno()).columns if is_terminal else 0,
            ascii=not is_utf8,
            colour=is_terminal and "NO_COLOR" not in os.environ,
        )
        stream.write(text + "\n" + NEXT)
        stream.flush()

    return to_file if file is not None else to_terminal


def find(program: list[str], module: bool) -> Program:
    """Finds the program, and sets up what it sees of the command line."""
    in_place = not sys.flags.safe_path
    sys.argv = ["-m" if module else program[0], *program[1:]]
    if module and in_place:
        sys.path[0] = os.getcwd()
    found = named_module(program[0]) if module else script(program[0])
    sys.argv[0] = found.argument
    if in_place:
        sys.path[0] = found.folder
    sys.modules["__main__"] = found.module
    return found


def run(program: list[str], *, module: bool, frames: int, mode: str, interval: int | None,
        show_all: bool, json: str | None) -> None:
    """Runs `program`, a script or a module and its arguments. Its way out is ours."""
    try:
        file = open(json, "w", encoding="utf-8") if json is not None else None
    except OSError as error:
        raise Unrunnable(f"cannot write {json!r}: {error.strerror}") from None
    _leakwatch.start(frames, mode, interval)
    _leakwatch._hide(globals(), True)
    region = _leakwatch.region(" ".join((["-m"] if module else []) + program[:1]), process=True)
    try:
        if module:  # to find it is to import its parents: code of the program
            region.__enter__()
        found = find(program, module)
        if not module:
            region.__enter__()
        atexit.register(finish, region, os.getpid(), writer(region, file, show_all))
        exec(found.code, found.module.__dict__)
    except Unrunnable:
        _leakwatch.stop()
        if file is not None:
            file.close()
        raise
    except BaseException:
        show_program_only()
        raise
