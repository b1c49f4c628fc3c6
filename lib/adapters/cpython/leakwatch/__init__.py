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
    Cut,
    CutEdge,
    CutHolder,
    Cycle,
    Cycles,
    Diff,
    DiffRow,
    Dominated,
    Finding,
    Findings,
    Frame,
    NewStep,
    NotInSnapshotError,
    NotRecordingError,
    Path,
    Paths,
    RecordingWarning,
    Referrer,
    Referrers,
    Region,
    RegionError,
    Retained,
    RetainedType,
    RetainedTypes,
    Retention,
    Series,
    SeriesRow,
    Site,
    Sites,
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
    mode,
    region,
    series,
    set_mode,
    snapshot,
    start,
    stop,
)

del sys

__all__ = [
    "AlreadyRecordingError",
    "Capture",
    "Cut",
    "CutEdge",
    "CutHolder",
    "Cycle",
    "Cycles",
    "Diff",
    "DiffRow",
    "Dominated",
    "Finding",
    "Findings",
    "Frame",
    "NewStep",
    "NotInSnapshotError",
    "NotRecordingError",
    "Path",
    "Paths",
    "RecordingWarning",
    "Referrer",
    "Referrers",
    "Region",
    "RegionError",
    "Retained",
    "RetainedType",
    "RetainedTypes",
    "Retention",
    "Series",
    "SeriesRow",
    "Site",
    "Sites",
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
    "mode",
    "region",
    "series",
    "set_mode",
    "snapshot",
    "start",
    "stop",
]
