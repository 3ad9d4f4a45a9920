"""How many durable appends a second the journal makes, against bare SQLite writing the same rows at the same time.

An append is an event of a call's life with the state changes that go with it. Ours encodes it, gives it a number, a
place in the hash chain, watches the disk and answers its waiter. The peer is handed finished rows of the same bytes for
the same tables and indexes, and puts everybody's into one transaction: one thread, `executemany`, `synchronous=FULL`,
checkpoints on another thread. A third side, the floor, is the least that is durable at all: a table of one column, one
row an append. Rounds take turns, so that all sides meet the same disk and the same neighbours; the figures are medians
over rounds, the ratio is the median of the rounds' own ratios.

The last row is how long a switch needs to take calls again after `kill -9`, with a journal of a million calls
(`--long`: ten million, for which some 60 GB of disk are needed while it runs). It ends calls that were going on first.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import Any

import msgspec
import uvloop
from bench.load.bulk import NoRoom, ready_after_kill

from trunkline.events.calls import AttemptConnected, AttemptEnded, OfferReserved
from trunkline.events.changes import Change
from trunkline.events.codec import encode
from trunkline.events.entry import Entry
from trunkline.journal.schema import migrate
from trunkline.journal.sqlite import Connection, connect_writing
from trunkline.journal.store import open_journal
from trunkline.kernel.leases import CounterId, CounterSet, Demand, HoldDrop, HoldPut, Lease
from trunkline.kernel.money import Money

SUMMARY = "durable appends with state, against a bare SQLite group commit"

WAITERS = (1, 32, 256)
ROUNDS = 21
SECONDS = 0.12
"""Of each side of each round: short, so that a disk in a bad mood meets all sides of a round alike."""
CALLS = 10_000
STEPS = 3
"""Of an attempt: reserved, connected, ended."""
BUYERS = 20
RATIO_AIM = 0.7
READY_CALLS, READY_CALLS_LONG = 1_000_000, 10_000_000
READY_S_MAX = 5.0

Step = tuple[list[Entry], list[Change]]
Statement = tuple[str, tuple[object, ...]]
Write = Callable[[int, int], Awaitable[object]]
"""Write a step (0 to 2) of call number N durably."""


def run(
    long: bool = False, seconds: float = SECONDS, rounds: int = ROUNDS, ready_calls: int | None = None
) -> dict[str, object]:
    """Measure and return the document of `bench --json`.

    `seconds` is the time of one side of one round; `ready_calls` is how many calls the journal has that a switch is
    started with, 0 leaves that out.
    """
    rounds = 10 * rounds if long else rounds
    if ready_calls is None:
        ready_calls = READY_CALLS_LONG if long else READY_CALLS
    with tempfile.TemporaryDirectory(prefix="trunkline-bench-") as folder:
        rows = uvloop.run(_measure(Path(folder), rounds, seconds))
    return {
        "bench": "journal",
        "ratio_to_peer": min(row.ratio for row in rows),
        "peer": "bare SQLite group commit of the same rows, finished beforehand",
        "rows": [*(msgspec.to_builtins(row) for row in rows), *_ready(ready_calls)],
        "machine": f"{platform.machine()}, {os.cpu_count()} CPUs, Python {platform.python_version()}",
        "rounds": rounds,
        "caveats": [
            "The waiters run in the measured process and take their share of its one interpreter lock.",
            "The disk of a virtual machine may acknowledge a flush that has not reached a platter.",
            "ready is the time from starting the process to its `ready` line, on any core, with a warm page cache.",
            "ratio_to_peer is the worst row. `floor` writes one bare row and no state: what no journal can pass.",
        ],
    }


def _ready(calls: int) -> list[dict[str, object]]:
    """The row of a start after `kill -9`; without a figure when there is no room for so many calls."""
    if not calls:
        return []
    case, aim = f"ready after kill -9, {calls:,} calls", f"<= {READY_S_MAX:g}"
    try:
        found = ready_after_kill(calls)
    except NoRoom as error:
        return [{"case": case, "ours": None, "peer": None, "unit": str(error), "ratio": None, "aim": aim}]
    reached = found.seconds <= READY_S_MAX
    unit = f"s ({found.disk_mb:,} MB)"
    row = {"case": case, "ours": found.seconds, "peer": None, "unit": unit, "ratio": None}
    return [{**row, "aim": aim, "reached": reached, "disk_mb": found.disk_mb}]


async def _measure(folder: Path, rounds: int, seconds: float) -> list[_Case]:
    calls = _calls()
    journal, _ = open_journal(folder, "bench", os.urandom, now_ms=0, min_free_mb=0)
    peer = _BareJournal(folder / "peer.db", "")
    floor = _BareJournal(folder / "floor.db", "CREATE TABLE rows (seq INTEGER PRIMARY KEY, body BLOB NOT NULL)")
    peer_rows = [[_statements(step) for step in call] for call in calls]
    floor_rows = [[[(_INSERT_ROW, step[0][1][_BODY : _BODY + 1])] for step in call] for call in peer_rows]
    numbers = itertools.count()  # of all sides: none meets a call twice before all calls have had their turn
    sides: list[Write] = [
        lambda call, step: journal.append(*calls[call % CALLS][step]),
        lambda call, step: peer.append(peer_rows[call % CALLS][step]),
        lambda call, step: floor.append(floor_rows[call % CALLS][step]),
    ]
    gc.collect()
    gc.freeze()  # the calls made beforehand are the bench's own weight, not that of a side
    found: dict[int, list[list[_Round]]] = {waiters: [[] for _ in sides] for waiters in WAITERS}
    try:
        for number in range(rounds):
            for waiters, index in itertools.product(WAITERS, range(len(sides))):
                side = (index + number) % len(sides)
                found[waiters][side].append(await _run_for(sides[side], numbers, waiters, seconds))
    finally:
        gc.unfreeze()
        await journal.close()
        peer.close()
        floor.close()
    return [_case(waiters, *found[waiters]) for waiters in WAITERS]


class _Round(msgspec.Struct, frozen=True):
    """One side of one round."""

    per_second: float
    p50_ms: float
    p99_ms: float


class _Case(msgspec.Struct, frozen=True):
    """A row of the answer."""

    case: str
    ours: int
    peer: int
    unit: str
    ratio: float
    ours_p50_ms: float
    ours_p99_ms: float
    peer_p50_ms: float
    peer_p99_ms: float
    floor: int
    ratio_to_floor: float
    aim: str
    reached: bool


def _case(waiters: int, ours: list[_Round], peer: list[_Round], floor: list[_Round]) -> _Case:
    def middle(of: Callable[[_Round], float], rounds: list[_Round]) -> float:
        return round(statistics.median(map(of, rounds)), 2)

    def ratio_to(others: list[_Round]) -> float:
        return round(statistics.median(a.per_second / b.per_second for a, b in zip(ours, others, strict=True)), 2)

    return _Case(
        case=f"{waiters} waiting",
        ours=round(middle(lambda r: r.per_second, ours)),
        peer=round(middle(lambda r: r.per_second, peer)),
        unit="durable appends/s",
        ratio=ratio_to(peer),
        aim=f">= {RATIO_AIM:g}x",
        reached=ratio_to(peer) >= RATIO_AIM,
        ours_p50_ms=middle(lambda r: r.p50_ms, ours),
        ours_p99_ms=middle(lambda r: r.p99_ms, ours),
        peer_p50_ms=middle(lambda r: r.p50_ms, peer),
        peer_p99_ms=middle(lambda r: r.p99_ms, peer),
        floor=round(middle(lambda r: r.per_second, floor)),
        ratio_to_floor=ratio_to(floor),
    )


async def _run_for(write: Write, numbers: Iterator[int], waiters: int, seconds: float) -> _Round:
    """Let that many tasks live through one call after the other for a while, each step durable before the next."""
    latencies: list[float] = []
    started = time.perf_counter()
    end = started + seconds

    async def waiter() -> None:
        before = time.perf_counter()
        while before < end:
            call = next(numbers)
            for step in range(STEPS):
                await write(call, step)
                after = time.perf_counter()
                latencies.append(after - before)
                before = after

    await asyncio.gather(*(waiter() for _ in range(waiters)))
    took = time.perf_counter() - started
    ordered = sorted(latencies)
    at = [ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000 for share in (0.5, 0.99)]
    return _Round(len(ordered) / took, *at)


def _calls() -> list[tuple[Step, ...]]:
    """An attempt's three appends for many calls to buyers with limits."""
    calls: list[tuple[Step, ...]] = []
    for number in range(CALLS):
        call, attempt, lease_id = f"call_{number:026}", f"att_{number:026}", f"lease_{number:026}"
        at_ms = 1_700_000_000_000 + number
        common: dict[str, Any] = {"account": "acme", "call": call, "at_ms": at_ms, "attempt": attempt}
        buyer = f"buyer-{number % BUYERS}"
        live = Demand(CounterId("acme", "buyer", buyer, "live", "", "call"), 1, 50)
        tried = Demand(CounterId("acme", "buyer", buyer, "connect", "day", "both"), 1, 10**6, 1, 86_400_001)
        spend = Demand(CounterId("acme", "buyer", buyer, "spend", "day", "both"), 12_000, 10**9, 1, 86_400_001)
        lease = Lease(lease_id, "acme", call, attempt, (live, tried, spend), at_ms)
        reserved = OfferReserved(
            **common,
            lease=lease_id,
            rank=1,
            route=f"injury.contract.{buyer}",
            target=f"{buyer}-intake",
            buyer=buyer,
            tier="contract",
            method="priority",
            price=Money(12_000, "USD"),
            conversion="duration:90",
            decision_us=14,
            snapshot="0123456789abcdef" * 4,
        )
        connected = AttemptConnected(**common, ring_ms=4_100)
        ended = AttemptEnded(**common, outcome="connected", sip_status=200, ring_ms=4_100, duration_ms=95_120)
        talking = msgspec.structs.replace(lease, demands=(live, spend))
        used = CounterSet(tried.counter, 1, 86_400_001, number)
        calls.append(
            (
                ([Entry(reserved)], [HoldPut(lease)]),
                ([Entry(connected)], [used, HoldPut(talking)]),
                ([Entry(ended)], [HoldDrop(lease_id)]),
            )
        )
    return calls


_INSERT_ROW = "INSERT INTO rows (body) VALUES (?)"
_INSERT_EVENT = "INSERT INTO events VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_BODY = 6
"""Where the body stands among the parameters of `_INSERT_EVENT`."""
_PUT_HOLD = "INSERT INTO holds VALUES (?, ?) ON CONFLICT DO UPDATE SET data = excluded.data"
_DROP_HOLD = "DELETE FROM holds WHERE lease = ?"
_PUT_COUNTER = "INSERT INTO counters VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET used = excluded.used"


def _statements(step: Step) -> list[Statement]:
    """What the peer writes for a step: the row of the event, then the state."""
    (entry,), changes = step
    e = encode(entry.event)
    found: list[Statement] = [
        (_INSERT_EVENT, (e.at_ms, e.type, e.version, e.account, e.call, None, e.body, None, bytes(32)))
    ]
    for change in changes:
        match change:
            case HoldPut(lease=lease):
                found.append((_PUT_HOLD, (lease.id, msgspec.msgpack.encode(_flat(lease)))))
            case HoldDrop(lease=lease_id):
                found.append((_DROP_HOLD, (lease_id,)))
            case CounterSet():
                found.append((_PUT_COUNTER, (*_flat(change.counter), *_flat(change)[1:])))
    return found


def _flat(value: object) -> tuple[object, ...]:
    """The values of a struct and of the structs in it, without their names."""
    fields = msgspec.structs.astuple(value)  # type: ignore[arg-type]
    return tuple(
        _flat(f) if isinstance(f, msgspec.Struct) else tuple(map(_flat, f)) if isinstance(f, tuple) else f
        for f in fields
    )


class _BareJournal:
    """The peer: group commit of finished rows. `schema` makes its tables, empty stands for the journal's own."""

    def __init__(self, path: Path, schema: str) -> None:
        path.touch()
        self._connection = connect_writing(path)
        if schema:
            self._connection.execute(schema)
        else:
            migrate(self._connection, path)
        self._checkpoints = connect_writing(path)
        self._loop = asyncio.get_running_loop()
        self._queue: SimpleQueue[tuple[list[Statement], asyncio.Future[None]] | None] = SimpleQueue()
        self._stop = Event()
        self._threads = [Thread(target=t, daemon=True) for t in (self._write, self._checkpoint)]
        for thread in self._threads:
            thread.start()

    def append(self, statements: list[Statement]) -> asyncio.Future[None]:
        future: asyncio.Future[None] = self._loop.create_future()
        self._queue.put((statements, future))
        return future

    def close(self) -> None:
        self._queue.put(None)
        self._stop.set()
        for thread in self._threads:
            thread.join()
        self._connection.close()
        self._checkpoints.close()

    def _write(self) -> None:
        while (first := self._queue.get()) is not None:
            batch = [first]
            while True:
                try:
                    item = self._queue.get_nowait()
                except Empty:
                    break
                if item is None:
                    self._queue.put(None)
                    break
                batch.append(item)
            _write_rows(self._connection, [statement for statements, _ in batch for statement in statements])
            self._loop.call_soon_threadsafe(_resolve, [future for _, future in batch])

    def _checkpoint(self) -> None:
        while not self._stop.wait(0.25):
            self._checkpoints.execute("PRAGMA wal_checkpoint(PASSIVE)")


def _write_rows(connection: Connection, statements: list[Statement]) -> None:
    by_sql: dict[str, list[tuple[object, ...]]] = {}
    for sql, parameters in statements:
        by_sql.setdefault(sql, []).append(parameters)
    connection.execute("BEGIN IMMEDIATE")
    for sql, rows in by_sql.items():
        connection.executemany(sql, rows)
    connection.execute("COMMIT")


def _resolve(futures: list[asyncio.Future[None]]) -> None:
    for future in futures:
        future.set_result(None)
