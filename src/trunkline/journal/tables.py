"""The state tables: how each change is written and how each table is read back. One place per table.

Changes say what is true now, never by how much it changed, so only the last one for each thing in a transaction has to
be written. A hundred calls that commit together touch a busy counter once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any, Final

import msgspec

from trunkline.events.changes import (
    CallDrop,
    CallPut,
    Change,
    ClaimDrop,
    ClaimPut,
    CommandKept,
    ContactHad,
    ContactSeen,
    KeyDrop,
    KeyPut,
    LeadDrop,
    LeadPut,
    LegDrop,
    LegPut,
    ListDrop,
    ListPut,
    OutboxDrop,
    OutboxPut,
    PenaltiesPut,
    PingDrop,
    PingPut,
    PostKept,
    RatesPut,
    ResaleDrop,
    ResalePut,
    ReturnPut,
    StoredCall,
    StoredLead,
    StoredLeg,
    StoredList,
    StoredPing,
    StoredResale,
    TargetPut,
)
from trunkline.events.sealing import KEY_ID_BYTES, ContactKey, SealBroken, leg_name, ping_name
from trunkline.journal.sqlite import Connection
from trunkline.kernel.leases import CounterId, CounterSet, Demand, HoldDrop, HoldPut, Lease, OfferedSet, TurnId, TurnSet

_fields: Final = msgspec.structs.astuple
_pack: Final = msgspec.msgpack.Encoder().encode
_call: Final = msgspec.msgpack.Decoder(StoredCall)
_list: Final = msgspec.msgpack.Decoder(StoredList)
_leg: Final = msgspec.msgpack.Decoder(StoredLeg)
_ping: Final = msgspec.msgpack.Decoder(StoredPing)
_lead: Final = msgspec.msgpack.Decoder(StoredLead)

_resale: Final = msgspec.msgpack.Decoder(StoredResale)

NO_KEY_ID: Final = bytes(KEY_ID_BYTES)
"""What stands where a deleted key's id was."""


class _HeldSeats(msgspec.Struct, frozen=True, array_like=True):
    """A demand without its field names. Leases are the most written state there is: a third of the bytes counts."""

    counter: tuple[str, str, str, str, str, str]
    amount: int
    max: int
    window_start_ms: int
    window_end_ms: int
    gap_ms: int = 0


class _HeldLease(msgspec.Struct, frozen=True, array_like=True):
    id: str
    account: str
    call: str
    attempt: str
    reserved_ms: int
    seats: tuple[_HeldSeats, ...]
    kept_until_ms: int = 0


_held_lease: Final = msgspec.msgpack.Decoder(_HeldLease)


class _Table(msgspec.Struct, frozen=True, eq=False):
    """How one table is written: `put` and `drop` are statements, `row` makes the parameters of `put`."""

    put: str
    row: Callable[[Any], tuple[object, ...]]
    drop: str = ""


def _document(table: str, key: str, row: Callable[[Any], tuple[object, ...]]) -> _Table:
    return _Table(
        f"INSERT INTO {table} ({key}, data) VALUES (?, ?) ON CONFLICT DO UPDATE SET data = excluded.data",  # noqa: S608
        row,
        f"DELETE FROM {table} WHERE {key} = ?",  # noqa: S608
    )


def _counter_row(change: CounterSet) -> tuple[object, ...]:
    c = change.counter
    window = (change.window_start_ms, change.window_end_ms)
    return (c.account, c.level, c.key, c.measure, c.per, c.applies_to, *window, change.used)


def _hold_row(change: HoldPut) -> tuple[object, ...]:
    lease = change.lease
    seats = [
        (_fields(d.counter), d.amount, d.max, d.window_start_ms, d.window_end_ms, d.gap_ms)  # as _HeldSeats reads it
        for d in lease.demands
    ]
    names = (lease.id, lease.account, lease.call, lease.attempt)
    return (lease.id, _pack((*names, lease.reserved_ms, seats, lease.kept_until_ms)))


def _happening(change: ContactHad) -> tuple[str, ...]:
    """What is kept once of a contact: with another buyer, or on another campaign, it is another thing."""
    seen = change.seen
    return (change.account, change.contact, seen.event, seen.campaign, seen.buyer or "")


def _return_row(change: ReturnPut) -> tuple[object, ...]:
    each = change.stored
    return (each.id, each.account, each.buyer, each.cycle_ms, each.call, each.attempt, each.state, _pack(each))


def _lease(stored: bytes) -> Lease:
    held = _held_lease.decode(stored)
    demands = tuple(
        Demand(CounterId(*s.counter), s.amount, s.max, s.window_start_ms, s.window_end_ms, s.gap_ms) for s in held.seats
    )
    return Lease(held.id, held.account, held.call, held.attempt, demands, held.reserved_ms, held.kept_until_ms)


_COUNTERS: Final = _Table(
    "INSERT INTO counters VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET used = excluded.used",
    _counter_row,
)
_OFFERED: Final = _Table(
    "INSERT INTO offered VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET at_ms = excluded.at_ms",
    lambda change: (*_fields(change.counter), change.at_ms),
)
_TURNS: Final = _Table(
    "INSERT INTO turns VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET sequence = excluded.sequence",
    lambda change: (*_fields(change.turn), change.sequence),
)
_CONTACTS: Final = _Table(
    "INSERT INTO contacts VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET at_ms = excluded.at_ms",
    lambda change: (change.account, change.campaign, change.contact, change.at_ms),
)
_CONTACT_EVENTS: Final = _Table(
    "INSERT INTO contact_events VALUES (?, ?, ?, ?, ?, ?, ?) "
    "ON CONFLICT DO UPDATE SET at_ms = excluded.at_ms, call = excluded.call",
    lambda change: (*_happening(change), change.seen.at_ms, change.seen.call or ""),
)
_RATES: Final = _Table(
    "INSERT INTO rates VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET at_ms = excluded.at_ms",
    _fields,
)
_PENALTIES: Final = _Table(
    "INSERT INTO penalties VALUES (?, ?, ?) "
    "ON CONFLICT DO UPDATE SET at_ms = excluded.at_ms, penalties = excluded.penalties",
    _fields,
)
_TARGETS: Final = _Table(
    "INSERT INTO targets VALUES (?, ?, ?, ?) "
    "ON CONFLICT DO UPDATE SET away = excluded.away, paused_until_ms = excluded.paused_until_ms",
    _fields,
)
_KEYS: Final = _Table(
    "INSERT INTO publisher_keys VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET until_ms = excluded.until_ms",
    lambda change: (
        change.account,
        change.sha256,
        change.publisher,
        " ".join(change.scopes),
        change.made_ms,
        change.until_ms,
    ),
    "DELETE FROM publisher_keys WHERE account || '/' || sha256 = ?",
)
_RETURNS: Final = _Table(
    "INSERT INTO returns VALUES (?, ?, ?, ?, ?, ?, ?, ?) "
    "ON CONFLICT DO UPDATE SET state = excluded.state, data = excluded.data",
    _return_row,
)
_COMMANDS: Final = _Table("INSERT INTO commands VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", _fields)
_OUTBOX: Final = _Table(
    "INSERT INTO outbox (attempt, account, call, target, kind, state, queued_ms, due_ms, tries, reason, detail) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET state = excluded.state, "
    "due_ms = excluded.due_ms, tries = excluded.tries, reason = excluded.reason, detail = excluded.detail",
    lambda change: _fields(change.delivery),
    "DELETE FROM outbox WHERE attempt = ?",
)
_HOLDS: Final = _document("holds", "lease", _hold_row)
_CALLS: Final = _document("calls", "call", lambda change: (change.call.call, _pack(change.call)))
_LEGS: Final = _document("legs", "leg", lambda change: (change.leg.leg, _pack(change.leg)))

_PINGS: Final = _document("pings", "ping", lambda change: (change.ping.ping, _pack(change.ping)))
_LEADS: Final = _document("leads", "lead", lambda change: (change.lead.lead, _pack(change.lead)))
_CLAIMS: Final = _Table(
    "INSERT INTO claims VALUES (?, ?) ON CONFLICT DO NOTHING", _fields, "DELETE FROM claims WHERE lead = ?"
)
_POSTS: Final = _Table("INSERT INTO posts VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", _fields)
_RESALES: Final = _document("resales", "lead", lambda change: (change.resale.lead.lead, _pack(change.resale)))
_LISTS: Final = _document(
    "lists", "list", lambda change: (f"{change.list.account}/{change.list.list}", _pack(change.list))
)

_OF: Final[dict[type, tuple[_Table, Callable[[Any], object], bool]]] = {
    CounterSet: (_COUNTERS, lambda change: (change.counter, change.window_start_ms), True),
    OfferedSet: (_OFFERED, lambda change: change.counter, True),
    TurnSet: (_TURNS, lambda change: change.turn, True),
    ContactSeen: (_CONTACTS, lambda change: (change.account, change.campaign, change.contact), True),
    ContactHad: (_CONTACT_EVENTS, _happening, True),
    ListPut: (_LISTS, lambda change: f"{change.list.account}/{change.list.list}", True),
    ListDrop: (_LISTS, lambda change: f"{change.account}/{change.list}", False),
    KeyPut: (_KEYS, lambda change: f"{change.account}/{change.sha256}", True),
    KeyDrop: (_KEYS, lambda change: f"{change.account}/{change.sha256}", False),
    CommandKept: (_COMMANDS, lambda change: change.key, True),
    HoldPut: (_HOLDS, lambda change: change.lease.id, True),
    HoldDrop: (_HOLDS, lambda change: change.lease, False),
    CallPut: (_CALLS, lambda change: change.call.call, True),
    CallDrop: (_CALLS, lambda change: change.call, False),
    LegPut: (_LEGS, lambda change: change.leg.leg, True),
    RatesPut: (_RATES, lambda change: (change.account, change.version), True),
    PenaltiesPut: (_PENALTIES, lambda change: change.account, True),
    TargetPut: (_TARGETS, lambda change: (change.account, change.target), True),
    ResalePut: (_RESALES, lambda change: change.resale.lead.lead, True),
    ResaleDrop: (_RESALES, lambda change: change.lead, False),
    ReturnPut: (_RETURNS, lambda change: change.stored.id, True),
    LegDrop: (_LEGS, lambda change: change.leg, False),
    PingPut: (_PINGS, lambda change: change.ping.ping, True),
    OutboxPut: (_OUTBOX, lambda change: change.delivery.attempt, True),
    OutboxDrop: (_OUTBOX, lambda change: change.attempt, False),
    PingDrop: (_PINGS, lambda change: change.ping, False),
    LeadPut: (_LEADS, lambda change: change.lead.lead, True),
    LeadDrop: (_LEADS, lambda change: change.lead, False),
    ClaimPut: (_CLAIMS, lambda change: change.lead, True),
    ClaimDrop: (_CLAIMS, lambda change: change.lead, False),
    PostKept: (_POSTS, lambda change: (change.account, change.publisher, change.key), True),
}
"""By kind of change: its table, what it is about, and whether it puts or drops."""


def write_changes(connection: Connection, changes: Iterable[Change]) -> None:
    """Write the last change of each thing, in the transaction that is open. What identifies legs is sealed already."""
    last: dict[_Table, dict[object, Change | None]] = {}
    for change in changes:
        table, about, puts = _OF[type(change)]
        of_table = last.get(table)
        if of_table is None:
            of_table = last[table] = {}
        of_table[about(change)] = change if puts else None
    for table, of_table in last.items():
        row = table.row
        puts_ = [row(change) for change in of_table.values() if change is not None]
        if puts_:
            connection.executemany(table.put, puts_)
        if len(puts_) != len(of_table):
            connection.executemany(table.drop, [(about,) for about, change in of_table.items() if change is None])


def read_counters(connection: Connection) -> tuple[CounterSet, ...]:
    """Used seats of every window that is still kept."""
    rows = connection.execute(
        "SELECT account, level, key, measure, per, applies_to, window_start_ms, window_end_ms, used FROM counters"
    )
    return tuple(CounterSet(CounterId(*row[:6]), *row[6:]) for row in rows)


def read_offered(connection: Connection) -> tuple[OfferedSet, ...]:
    """When offers were last made that held seats of counters that ask for a gap."""
    rows = connection.execute("SELECT account, level, key, measure, per, applies_to, at_ms FROM offered")
    return tuple(OfferedSet(CounterId(*row[:6]), row[6]) for row in rows)


def read_turns(connection: Connection) -> tuple[TurnSet, ...]:
    """Round-robin places."""
    rows = connection.execute("SELECT account, plan, tier, route, sequence FROM turns")
    return tuple(TurnSet(TurnId(*row[:4]), row[4]) for row in rows)


def read_targets(connection: Connection) -> tuple[TargetPut, ...]:
    """Targets that are away or paused."""
    rows = connection.execute(
        "SELECT account, target, away, paused_until_ms FROM targets WHERE away OR paused_until_ms"
    )
    return tuple(TargetPut(account, target, bool(away), until_ms) for account, target, away, until_ms in rows)


def read_publisher_keys(connection: Connection) -> tuple[KeyPut, ...]:
    """API keys of publishers that commands have made, those included whose time is over."""
    rows = connection.execute(
        "SELECT account, publisher, sha256, scopes, made_ms, until_ms FROM publisher_keys ORDER BY made_ms, sha256"
    )
    return tuple(
        KeyPut(account, publisher, sha256, tuple(scopes.split()), made_ms, until_ms)
        for account, publisher, sha256, scopes, made_ms, until_ms in rows
    )


def read_rates(connection: Connection) -> tuple[RatesPut, ...]:
    """The rate book in force of each account: the one that was put last."""
    newest = "SELECT account, version, max(at_ms), book FROM rates GROUP BY account"
    return tuple(RatesPut(*row) for row in connection.execute(newest))


def read_penalties(connection: Connection) -> tuple[PenaltiesPut, ...]:
    """The return penalties in force, by account."""
    rows = connection.execute("SELECT account, at_ms, penalties FROM penalties ORDER BY account")
    return tuple(PenaltiesPut(*row) for row in rows)


def forget_rates(connection: Connection, before_ms: int) -> None:
    """Delete rate books that were put before that instant (UTC milliseconds), except those in force."""
    connection.execute(
        "DELETE FROM rates WHERE at_ms < ? "
        "AND at_ms < (SELECT max(at_ms) FROM rates AS others WHERE others.account = rates.account)",
        (before_ms,),
    )


def read_leases(connection: Connection) -> tuple[Lease, ...]:
    """Leases that had not ended."""
    return tuple(_lease(data) for (data,) in connection.execute("SELECT data FROM holds ORDER BY lease"))


def read_calls(connection: Connection) -> tuple[StoredCall, ...]:
    """Calls that had not ended."""
    return tuple(_call.decode(data) for (data,) in connection.execute("SELECT data FROM calls ORDER BY call"))


def read_lists(connection: Connection) -> tuple[StoredList, ...]:
    """Contact lists that commands have loaded."""
    return tuple(_list.decode(data) for (data,) in connection.execute("SELECT data FROM lists ORDER BY list"))


def read_pings(connection: Connection, stream: str) -> tuple[StoredPing, ...]:
    """Bids of `stream` that stood, or were taken up not long ago, the oldest first."""
    sealed = [_ping.decode(data) for (data,) in connection.execute("SELECT data FROM pings ORDER BY ping")]
    return tuple(each if each.facts is None else _opened(connection, stream, each) for each in sealed)


def _opened(connection: Connection, stream: str, ping: StoredPing) -> StoredPing:
    assert ping.facts is not None
    key, known = find_key(connection, ping.contact), None
    if key is not None:
        with suppress(SealBroken):  # as of a leg: what is stated of this one caller is not known
            known = key.unseal(ping.facts, ping_name(stream, ping.ping, ping.account))
    return msgspec.structs.replace(ping, facts=known)


def read_leads(connection: Connection) -> tuple[StoredLead, ...]:
    """Leads that were being sold, or wait for a person, the oldest first."""
    return tuple(_lead.decode(data) for (data,) in connection.execute("SELECT data FROM leads ORDER BY lead"))


def read_claims(connection: Connection) -> tuple[ClaimPut, ...]:
    """Sold leads whose certificates are still to be claimed, the oldest first."""
    return tuple(ClaimPut(*row) for row in connection.execute("SELECT lead, account FROM claims ORDER BY lead"))


def read_resales(connection: Connection) -> tuple[StoredResale, ...]:
    """Leads that are to be offered again."""
    return tuple(_resale.decode(data) for (data,) in connection.execute("SELECT data FROM resales ORDER BY lead"))


def read_outbox(connection: Connection) -> dict[str, int]:
    """How many deliveries wait in the outbox, and how many are dead letters."""
    rows = connection.execute("SELECT state, count(*) FROM outbox GROUP BY state")
    return {str(state): int(count) for state, count in rows}


def read_legs(connection: Connection, stream: str) -> tuple[StoredLeg, ...]:
    """Legs of `stream` whose peers have not been told; without identifiers when these cannot be unsealed any more."""
    sealed = [_leg.decode(data) for (data,) in connection.execute("SELECT data FROM legs ORDER BY leg")]
    return tuple(_unsealed(connection, stream, leg) for leg in sealed)


def _unsealed(connection: Connection, stream: str, leg: StoredLeg) -> StoredLeg:
    assert leg.identifiers is not None, "a leg is stored with its identifiers"
    key, known = find_key(connection, leg.contact), None
    if key is not None:
        # A row that was tampered with must not keep a switch from starting: this one peer cannot be told.
        with suppress(SealBroken):
            known = key.unseal(leg.identifiers, leg_name(stream, leg.leg, leg.account, leg.call))
    return msgspec.structs.replace(leg, identifiers=known)


def find_key(connection: Connection, contact: str) -> ContactKey | None:
    """The contact's key, None when it has none or it was deleted."""
    found = connection.execute("SELECT key_id, key FROM contact_keys WHERE contact = ?", (contact,)).fetchone()
    return None if found is None or found[0] == NO_KEY_ID else ContactKey(*found)


def forget_windows(connection: Connection, before_ms: int) -> None:
    """Delete the counters of windows that ended before that instant (UTC milliseconds)."""
    connection.execute("DELETE FROM counters WHERE window_end_ms > 0 AND window_end_ms < ?", (before_ms,))
    connection.execute("DELETE FROM offered WHERE at_ms < ?", (before_ms,))  # longer ago than any gap


def forget_commands(connection: Connection, before_ms: int) -> None:
    """Delete the answers of commands that were done before that instant (UTC milliseconds)."""
    connection.execute("DELETE FROM commands WHERE at_ms < ?", (before_ms,))


def forget_posts(connection: Connection, before_ms: int) -> None:
    """Delete the answers of posts that were answered before that instant (UTC milliseconds)."""
    connection.execute("DELETE FROM posts WHERE at_ms < ?", (before_ms,))


def forget_contacts(connection: Connection, contacts: Sequence[tuple[str, str, str]]) -> None:
    """Delete contacts (account, campaign, keyed hash)."""
    connection.executemany("DELETE FROM contacts WHERE account = ? AND campaign = ? AND contact = ?", contacts)


def forget_contact_events(connection: Connection, happenings: Sequence[tuple[str, str, str, str, str]]) -> None:
    """Delete what happened with contacts (account, keyed hash, event, campaign, buyer)."""
    connection.executemany(
        "DELETE FROM contact_events WHERE account = ? AND contact = ? AND event = ? AND campaign = ? AND buyer = ?",
        happenings,
    )
