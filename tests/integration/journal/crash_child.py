"""The process that test_crash kills: appends without end and says on standard output what became durable."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from trunkline.capacity.memory import MemoryCapacity
from trunkline.events.calls import AttemptEnded, CallReceived
from trunkline.events.entry import Entry
from trunkline.journal.store import Journal, open_journal
from trunkline.kernel.clock import Instant
from trunkline.kernel.leases import CounterId, Demand, Lease

NOW = Instant(0, 1_700_000_000_000)
CONNECTS = CounterId("acme", "buyer", "b", "connect", "lifetime", "both")
LIVE = CounterId("acme", "buyer", "b", "live", "", "both")


def received(call: str) -> Entry:
    event = CallReceived(
        account="acme",
        call=call,
        at_ms=1,
        number="+18335550100",
        campaign="injury",
        publisher="adwave",
        source=None,
        caller=call,
        caller_given=call,
        trunk="carrier",
        snapshot="s1",
    )
    return Entry(event, f"contact of {call}")


def ended(call: str) -> Entry:
    return Entry(AttemptEnded(account="acme", call=call, at_ms=1, attempt=call, outcome="connected"))


async def caller(name: str, journal: Journal, capacity: MemoryCapacity) -> None:
    """One call after the other: reserved with its receipt, used and released with its end."""
    number = 0
    while True:
        call = f"{name}-{number}"
        demands = (Demand(LIVE, 1, 10**6), Demand(CONNECTS, 1, 10**6, 0, 2**62))
        assert isinstance(capacity.reserve(call, "acme", call, call, demands, None, NOW), Lease)
        position = await journal.append([received(call)], capacity.take_changes())
        os.write(1, f"received {call} {position.seq}\n".encode())
        capacity.settle(call, "connect", NOW)
        capacity.release(call, NOW)
        position = await journal.append([ended(call)], capacity.take_changes())
        os.write(1, f"ended {call} {position.seq}\n".encode())
        number += 1


async def main(folder: Path) -> None:
    journal, state = open_journal(folder, "sw1", os.urandom, now_ms=NOW.utc_ms, min_free_mb=1)
    capacity = MemoryCapacity()
    capacity.restore(state, NOW)
    await asyncio.gather(*(caller(f"{state.position.seq}-{n}", journal, capacity) for n in range(16)))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
