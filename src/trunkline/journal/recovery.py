"""What a journal tells a switch that starts: everything it must know before it can decide again."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from trunkline.events.changes import (
    ClaimPut,
    KeyPut,
    PenaltiesPut,
    RatesPut,
    StoredCall,
    StoredLead,
    StoredLeg,
    StoredList,
    StoredPing,
    StoredResale,
    TargetPut,
)
from trunkline.events.entry import Position
from trunkline.events.returns import StoredReturn
from trunkline.journal.chain import first_hash
from trunkline.journal.returns import read_open_returns
from trunkline.journal.sqlite import Connection
from trunkline.journal.tables import (
    read_calls,
    read_claims,
    read_counters,
    read_leads,
    read_leases,
    read_legs,
    read_lists,
    read_offered,
    read_outbox,
    read_penalties,
    read_pings,
    read_publisher_keys,
    read_rates,
    read_resales,
    read_targets,
    read_turns,
)
from trunkline.kernel.leases import CounterSet, Lease, OfferedSet, TurnSet


class RecoveredState(msgspec.Struct, frozen=True):
    """The state tables as they stood after the last durable transaction.

    `calls`, `legs` and `leases` are what a crash left open; all three are empty after an orderly stop, but for leases
    that are kept for a later conversion. `contact_secret`
    is what contact hashes are keyed with. Contacts are not among it: there may be millions (`journal.contacts`).
    """

    position: Position
    contact_secret: bytes
    counters: tuple[CounterSet, ...]
    leases: tuple[Lease, ...]
    offered: tuple[OfferedSet, ...]
    turns: tuple[TurnSet, ...]
    legs: tuple[StoredLeg, ...]
    calls: tuple[StoredCall, ...]
    rates: tuple[RatesPut, ...]
    lists: tuple[StoredList, ...]
    targets: tuple[TargetPut, ...]
    pings: tuple[StoredPing, ...] = ()
    leads: tuple[StoredLead, ...] = ()
    publisher_keys: tuple[KeyPut, ...] = ()
    claims: tuple[ClaimPut, ...] = ()
    returns: tuple[StoredReturn, ...] = ()
    resales: tuple[StoredResale, ...] = ()
    penalties: tuple[PenaltiesPut, ...] = ()
    outbox: Mapping[str, int] = msgspec.field(default_factory=dict)


def read_state(connection: Connection, stream: str, contact_secret: bytes) -> RecoveredState:
    """Read all state tables, as of one moment."""
    connection.execute("BEGIN")
    try:
        return RecoveredState(
            position=Position(stream, read_end(connection, stream)[0]),
            contact_secret=contact_secret,
            counters=read_counters(connection),
            leases=read_leases(connection),
            offered=read_offered(connection),
            turns=read_turns(connection),
            legs=read_legs(connection, stream),
            calls=read_calls(connection),
            outbox=read_outbox(connection),
            rates=read_rates(connection),
            lists=read_lists(connection),
            targets=read_targets(connection),
            penalties=read_penalties(connection),
            pings=read_pings(connection, stream),
            leads=read_leads(connection),
            publisher_keys=read_publisher_keys(connection),
            claims=read_claims(connection),
            returns=read_open_returns(connection),
            resales=read_resales(connection),
        )
    finally:
        connection.execute("COMMIT")


def read_end(connection: Connection, stream: str) -> tuple[int, bytes]:
    """The sequence number and the hash of the last event; 0 and the stream's first hash when there is none."""
    row = connection.execute("SELECT seq, hash FROM events ORDER BY seq DESC LIMIT 1").fetchone()
    return (0, first_hash(stream)) if row is None else (row[0], row[1])
