"""Feeds a target damaged inputs by a seed, and keeps those that broke it."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path
from typing import Final

import msgspec

from trunkline.testing.fuzz.mutate import Mutator
from trunkline.testing.fuzz.targets import Target

FINDINGS_MAX: Final = 20
"""Further findings of one search are most likely the same ones again."""


class Finding(msgspec.Struct, frozen=True):
    """An input that broke a promise: the error and the file that holds the input."""

    error: str
    file: Path


class Search(msgspec.Struct, frozen=True):
    """What a search has seen. `slowest_ms` is processor time of one input."""

    target: str
    inputs: int
    cpu_s: float
    slowest_ms: float
    findings: tuple[Finding, ...]


def search(target: Target, seed: int, inputs: int, folder: Path) -> Search:
    """Run so many inputs, drawn by `seed`, then close the target. What breaks it is written into `folder`."""
    findings: list[Finding] = []
    slowest_s, begin_s = 0.0, time.process_time()
    before_s, run, done = begin_s, 0, False
    for data in Mutator(seed, target.corpus).draw(inputs):
        run += 1
        try:
            target.run(data)
        except Exception as error:  # noqa: BLE001 - whatever is raised is what is searched for
            findings.append(keep(target.name, data, error, folder))
            if len(findings) >= FINDINGS_MAX:
                done = True
        now_s = time.process_time()
        slowest_s, before_s = max(slowest_s, now_s - before_s), now_s
        if done:
            break
    try:
        target.close()
    except Exception as error:  # noqa: BLE001 - whatever is raised is what is searched for
        findings.append(keep(target.name, b"", error, folder))
    return Search(target.name, run, before_s - begin_s, slowest_s * 1000, tuple(findings))


def keep(target: str, data: bytes, error: Exception, folder: Path) -> Finding:
    """Write an input down."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{target}-{hashlib.sha256(data).hexdigest()[:12]}"
    file.write_bytes(data)
    return Finding(f"{type(error).__name__}: {error}", file)
