"""`deliveries.sent`, `tried`, `dead`, `replay`, `drop`: what becomes of leads in the outbox.

The first three are said by whoever runs the outbox, the last two by people. Each names up to `ATTEMPTS_MAX` attempts
and is about those that are in the outbox: what is not there any more is counted as `unknown` and changes nothing, so
that a report that comes twice, or late, does no harm.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from trunkline.engine.leads.retries import DETAIL_MAX
from trunkline.events.changes import Change, OutboxDrop, OutboxPut, StoredDelivery
from trunkline.events.deliveries import (
    AnyDeliveryEvent,
    DeliveryDead,
    DeliveryDropped,
    DeliveryReplayed,
    DeliverySent,
    DeliveryTried,
)
from trunkline.events.entry import Entry
from trunkline.journal.outbox import outbox
from trunkline.kernel.clock import Instant
from trunkline.switch.commands.command import Args, Command, CommandRefused, Done
from trunkline.switch.plant import Plant

ATTEMPTS_MAX: Final = 500
NAME_MAX: Final = 300
REASON_MAX: Final = 60


class ReportSent(Args, frozen=True, kw_only=True):
    """These attempts went out as `delivery`; `name` is what the other side can find it by."""

    attempts: tuple[str, ...]
    delivery: str
    name: str


class ReportTried(Args, frozen=True, kw_only=True):
    """These attempts did not go out, and are to be tried again from `next_ms` (UTC milliseconds) on."""

    attempts: tuple[str, ...]
    reason: str
    detail: str = ""
    next_ms: int


class ReportDead(Args, frozen=True, kw_only=True):
    """These attempts cannot go out, or have been tried often enough."""

    attempts: tuple[str, ...]
    reason: str
    detail: str = ""


class NameAttempts(Args, frozen=True, kw_only=True):
    """Attempts that wait or are dead."""

    attempts: tuple[str, ...]


Act = Callable[[StoredDelivery, Any, int], tuple[AnyDeliveryEvent, Change]]


def _sent(row: StoredDelivery, args: ReportSent, at_ms: int) -> tuple[AnyDeliveryEvent, Change]:
    event = DeliverySent(
        **_whose(row, at_ms), delivery=args.delivery[:NAME_MAX], name=args.name[:NAME_MAX], tries=row.tries
    )
    return event, OutboxDrop(row.attempt)


def _tried(row: StoredDelivery, args: ReportTried, at_ms: int) -> tuple[AnyDeliveryEvent, Change]:
    told = {"reason": args.reason[:REASON_MAX], "detail": args.detail[:DETAIL_MAX], "tries": row.tries + 1}
    event = DeliveryTried(**_whose(row, at_ms), **told, next_ms=args.next_ms)  # type: ignore[arg-type]
    return event, OutboxPut(msgspec.structs.replace(row, **told, due_ms=args.next_ms))


def _dead(row: StoredDelivery, args: ReportDead, at_ms: int) -> tuple[AnyDeliveryEvent, Change]:
    told = {"reason": args.reason[:REASON_MAX], "detail": args.detail[:DETAIL_MAX], "tries": row.tries + 1}
    event = DeliveryDead(**_whose(row, at_ms), **told)  # type: ignore[arg-type]
    return event, OutboxPut(msgspec.structs.replace(row, **told, state="dead"))


def _replayed(row: StoredDelivery, _args: NameAttempts, at_ms: int) -> tuple[AnyDeliveryEvent, Change]:
    again = msgspec.structs.replace(row, state="waiting", due_ms=at_ms, tries=0)
    return DeliveryReplayed(**_whose(row, at_ms)), OutboxPut(again)


def _dropped(row: StoredDelivery, _args: NameAttempts, at_ms: int) -> tuple[AnyDeliveryEvent, Change]:
    return DeliveryDropped(**_whose(row, at_ms)), OutboxDrop(row.attempt)


def _whose(row: StoredDelivery, at_ms: int) -> dict[str, Any]:
    return {"account": row.account, "call": row.call, "at_ms": at_ms, "attempt": row.attempt}


def _about(act: Act, *, dead: bool) -> Any:
    """A command that does `act` to each named attempt that waits; with `dead`, to dead ones too."""

    async def run(plant: Plant, args: Any, now: Instant) -> Done:
        found = await _rows(plant, args.attempts, dead=dead)
        rows = [row for row in found if not plant.outbox.has_gone(row.attempt)]
        done = [act(row, args, now.utc_ms) for row in rows]
        changes = tuple(change for _, change in done)
        plant.outbox.move(rows, changes)
        return Done(
            {"attempts": [row.attempt for row in rows], "unknown": len(set(args.attempts)) - len(rows)},
            entries=tuple(Entry(event) for event, _ in done),
            changes=changes,
            undo=lambda: plant.outbox.move(rows, changes, -1),
        )

    return run


async def _rows(plant: Plant, attempts: Sequence[str], *, dead: bool) -> list[StoredDelivery]:
    """The named attempts in the outbox, in the order in which they are named."""
    if not 0 < len(attempts) <= ATTEMPTS_MAX:
        raise CommandRefused(f"{len(attempts)} attempts are named", hint=f"name 1 to {ATTEMPTS_MAX} at once")

    def read() -> dict[str, StoredDelivery]:
        with outbox(plant.data) as reader:
            return reader.of(attempts)

    found = await asyncio.to_thread(read)
    named = [found[attempt] for attempt in dict.fromkeys(attempts) if attempt in found]
    return [row for row in named if dead or row.state == "waiting"]


COMMANDS: Final[tuple[Command[Any], ...]] = (
    Command("deliveries.sent", ReportSent, _about(_sent, dead=False)),
    Command("deliveries.tried", ReportTried, _about(_tried, dead=False)),
    Command("deliveries.dead", ReportDead, _about(_dead, dead=False)),
    Command("deliveries.replay", NameAttempts, _about(_replayed, dead=True)),
    Command("deliveries.drop", NameAttempts, _about(_dropped, dead=True)),
)
