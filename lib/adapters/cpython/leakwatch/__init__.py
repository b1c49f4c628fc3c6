"""Finds leaks in a running program: what grew, who allocated it, who holds it.

    import leakwatch
    leakwatch.start(frames=25)
    with leakwatch.region("suspect") as r:
        code_suspected_of_leak()
    print(r)                                     # what it left behind, by your own line
    a = leakwatch.snapshot()
    ...
    b = leakwatch.snapshot()
    print(b.diff(a))                             # what grew, by type
    print(b.paths_to(instances_of=Value))        # who holds it
    leakwatch.stop()
"""

import sys

if "t" in getattr(sys, "abiflags", ""):
    raise ImportError(
        "leakwatch cannot record a free-threaded CPython: use the build with the GIL"
    )

from ._leakwatch import (
    AlreadyRecordingError,
    Capture,
    Diff,
    DiffRow,
    Finding,
    Findings,
    Frame,
    NotInSnapshotError,
    NotRecordingError,
    Path,
    Paths,
    RecordingWarning,
    Region,
    RegionError,
    Snapshot,
    Step,
    Survivor,
    TypeRow,
    TypeTable,
    Verdict,
    __version__,
    capture,
    find_leaks,
    findings,
    load,
    region,
    snapshot,
    start,
    stop,
)

del sys

__all__ = [
    "AlreadyRecordingError",
    "Capture",
    "Diff",
    "DiffRow",
    "Finding",
    "Findings",
    "Frame",
    "NotInSnapshotError",
    "NotRecordingError",
    "Path",
    "Paths",
    "RecordingWarning",
    "Region",
    "RegionError",
    "Snapshot",
    "Step",
    "Survivor",
    "TypeRow",
    "TypeTable",
    "Verdict",
    "__version__",
    "capture",
    "find_leaks",
    "findings",
    "load",
    "region",
    "snapshot",
    "start",
    "stop",
]
