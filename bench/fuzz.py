"""Searches for bytes that break what reads bytes of strangers: SIP, SDP, RTP, RTCP, telephone events, WAV.

First by mutation: real messages are damaged by a seed (`--long` takes another at every run and says which). Then by
coverage: atheris watches which lines of our readers an input reaches and goes on from those that reach new ones. What
no input may do is written in `trunkline.testing.fuzz.targets`. What does break something is kept as a file, to be run
again: `targets()[NAME].run(FILE.read_bytes())`.
"""

from __future__ import annotations

import os
import re
import secrets
import subprocess
import sysconfig
import tempfile
from pathlib import Path

from bench.load.machine import describe
from bench.load.tools import ROOT, ToolsMissing, tools_python

from trunkline.testing.fuzz.search import Search, search
from trunkline.testing.fuzz.targets import Target, targets

SUMMARY = "search for bytes that break a reader, by seeded mutation and by coverage (atheris)"

INPUTS = 5_000
INPUTS_LONG = 1_000_000
COSTLY = {"wav": 20, "session": 10, "stream": 10, "peers": 5, "dtmf": 5, "address": 5}
"""Targets that take so many times as long for an input get so many times fewer."""
GUIDED_S = 3
GUIDED_S_LONG = 120
SEED = 1
SLOW_MS = 500.0
"""Processor time of one input that is a finding by itself: a loop that stands still for it hangs up on nobody, but
nobody is answered either.
"""
STATEFUL = ("sip",)
"""Targets whose inputs only mean something one after another; coverage is searched by `session` in their place."""
_RUNS = re.compile(r"stat::number_of_executed_units: *(\d+)")
_COVERED = re.compile(r"cov: (\d+)")


def run(long: bool = False) -> dict[str, object]:
    """Search and return the document of `bench --json`."""
    seed = secrets.randbits(32) if long else SEED
    kept = Path(tempfile.mkdtemp(prefix="trunkline-fuzz-"))
    rows: list[dict[str, object]] = []
    caveats = [f"Seed {seed}; a finding is any exception, or more than {SLOW_MS:g} ms for one input."]
    for target in targets().values():
        inputs = (INPUTS_LONG if long else INPUTS) // COSTLY.get(target.name, 1)
        rows.append(_mutation_row(search(target, seed, inputs, kept), caveats))
    try:
        python = tools_python()
    except ToolsMissing as error:
        caveats.append(f"No search by coverage: {error}")
    else:
        guided = [target for target in targets().values() if target.name not in STATEFUL]
        rows += [_guided(python, target, GUIDED_S_LONG if long else GUIDED_S, kept, caveats) for target in guided]
    if not any(kept.iterdir()):
        kept.rmdir()
    return {
        "bench": "fuzz",
        "ratio_to_peer": None,
        "peer": "nobody",
        "rows": rows,
        "violations": caveats[1:] if any(row["ours"] for row in rows) else [],
        "machine": describe(),
        "rounds": 1,
        "caveats": caveats,
    }


def _mutation_row(found: Search, caveats: list[str]) -> dict[str, object]:
    slow = found.slowest_ms > SLOW_MS
    caveats += [f"{found.target}: {finding.error}; the input is {finding.file}" for finding in found.findings]
    if slow:
        caveats.append(f"{found.target}: one input took {found.slowest_ms:.0f} ms")
    return {
        "case": f"{found.target}: {found.inputs:,} mutations",
        "ours": len(found.findings) + slow,
        "peer": None,
        "unit": "findings",
        "ratio": None,
        "slowest_ms": round(found.slowest_ms, 1),
        "inputs_per_s": round(found.inputs / found.cpu_s) if found.cpu_s else None,
    }


def _guided(python: Path, target: Target, seconds: int, kept: Path, caveats: list[str]) -> dict[str, object]:
    """One target under atheris for so long."""
    paths = [str(ROOT / "src"), str(ROOT), sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
    with tempfile.TemporaryDirectory(prefix="trunkline-corpus-") as folder:
        command = [str(python), str(Path(__file__).with_name("load") / "fuzz_child.py"), target.name, folder]
        flags = ["-max_len=20000", "-print_final_stats=1", "-rss_limit_mb=1024", "-timeout=5", f"-seed={SEED}"]
        flags += [f"-max_total_time={seconds}", f"-artifact_prefix={kept}/{target.name}-"]
        done = subprocess.run(
            [*command, *flags],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    runs, covered = _RUNS.search(done.stderr), _COVERED.findall(done.stderr)
    if done.returncode or runs is None:
        caveats.append(f"{target.name} under atheris ended with {done.returncode}: {done.stderr.strip()[-600:]}")
    return {
        "case": f"{target.name}: {int(runs.group(1)) if runs else 0:,} by coverage",
        "ours": int(done.returncode != 0 or runs is None),
        "peer": None,
        "unit": "findings",
        "ratio": None,
        "branches": int(covered[-1]) if covered else None,
    }
