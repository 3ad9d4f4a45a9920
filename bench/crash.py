"""What survives a switch that is killed at random instants while calls arrive: kill -9, restart, judge from outside.

Callers and buyers are sipp. After the last restart everything they saw on the wire is held against the journal, the
counters and the recordings (`trunkline.testing.crash` has the rules). The aim is not a speed: `ours` are the things
that are as they must be, `peer` is how many there were, and anything below a ratio of 1 is a bug with its own sentence
in `violations`.
"""

from __future__ import annotations

import os
import platform
import tempfile
from pathlib import Path

from trunkline.testing.crash import Storm

SUMMARY = "calls, legs, counters and recordings after kill -9 at random instants"

INSTANTS = 10
INSTANTS_LONG = 100
SEED = 2


def run(long: bool = False, instants: int | None = None, seed: int = SEED) -> dict[str, object]:
    """Run a storm and return the document of `bench --json`. It needs sipp."""
    wanted = instants or (INSTANTS_LONG if long else INSTANTS)
    with tempfile.TemporaryDirectory(prefix="trunkline-crash-") as folder:
        result = Storm(Path(folder), seed, wanted).run()
    bad = len(result.violations)
    things = result.calls_answered + result.legs_told + result.recordings
    return {
        "bench": "crash",
        "ratio_to_peer": round((things - bad) / things, 6) if things else 0.0,
        "peer": "a switch that loses nothing",
        "rows": [
            {"case": "calls answered above 100", "ours": result.calls_answered, "unit": "calls"},
            {"case": "calls in the journal", "ours": result.calls_in_journal, "unit": "calls"},
            {"case": "orphan legs told", "ours": result.legs_told, "unit": "legs"},
            {"case": "recordings readable", "ours": result.recordings, "unit": "files"},
            {"case": "violations", "ours": bad, "peer": 0, "unit": "sentences"},
        ],
        "violations": list(result.violations),
        "machine": f"{platform.machine()}, {os.cpu_count()} CPUs, Python {platform.python_version()}",
        "rounds": result.instants,
        "caveats": [
            "kill -9 of the process, not of the machine: what the system had been given to write is written.",
            "Callers and buyers are on the same machine, so no packet of the farewell is lost.",
            *(f"violation: {sentence}" for sentence in result.violations[:20]),
        ],
    }
