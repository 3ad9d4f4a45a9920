"""kill -9 at any instant: whatever was acknowledged is there once, and the state tables say what the events say."""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from trunkline.events.calls import AttemptEnded, CallReceived
from trunkline.journal.reader import JournalReader
from trunkline.journal.recovery import RecoveredState
from trunkline.journal.store import open_journal

pytestmark = pytest.mark.integration

CHILD = Path(__file__).with_name("crash_child.py")
KILLS_PER_JOURNAL = 2


def run_and_kill(folder: Path, lines: int, delay_us: int) -> list[str]:
    """Start the child, kill it a moment after it has said `lines` lines; all complete lines it said."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    with subprocess.Popen([sys.executable, str(CHILD), str(folder)], stdout=subprocess.PIPE, env=environment) as child:
        assert child.stdout is not None
        said = [child.stdout.readline() for _ in range(lines)]
        for _ in range(delay_us):  # a number of turns, not of microseconds: it only has to differ
            child.poll()
        child.kill()
        said += child.stdout.readlines()
    assert all(said), "the child ended by itself"
    return [line.decode().rstrip("\n") for line in said if line.endswith(b"\n")]


def state_of(folder: Path) -> RecoveredState:
    async def look() -> RecoveredState:
        journal, state = open_journal(folder, "sw1", os.urandom, now_ms=0, min_free_mb=1)
        await journal.close()
        return state

    return asyncio.run(asyncio.wait_for(look(), 30))


@pytest.mark.parametrize("seed", range(5))
def test_nothing_acknowledged_is_lost_and_state_agrees_with_events(tmp_path: Path, seed: int) -> None:
    draw = random.Random(seed)
    said: list[str] = []
    for _ in range(KILLS_PER_JOURNAL):  # the second child goes on with what the first left behind
        said += run_and_kill(tmp_path, draw.randint(1, 400), draw.randint(0, 2_000))

    with JournalReader(tmp_path) as reader:
        records = reader.tail(limit=1_000_000)
        assert reader.verify().events == len(records)
    events = {(type(record.event), record.event.call): record for record in records if hasattr(record.event, "call")}
    assert len(events) == len(records), "an event is there twice"
    kinds = {"received": CallReceived, "ended": AttemptEnded}
    for line in said:
        kind, call, seq = line.split()
        assert events[kinds[kind], call].position.seq == int(seq)

    received = {call for kind, call in events if kind is CallReceived}
    ended = {call for kind, call in events if kind is AttemptEnded}
    for call in received:
        event = events[CallReceived, call].event
        assert isinstance(event, CallReceived)
        assert event.caller == call, "a seal does not open"
    state = state_of(tmp_path)
    assert state.position.seq == len(records)
    assert {lease.id for lease in state.leases} == received - ended
    assert all(len(lease.demands) == 2 for lease in state.leases)
    assert sum(counter.used for counter in state.counters) == len(ended)
