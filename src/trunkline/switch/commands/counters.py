"""`counters.show`, `counters.reset`, `counters.adjust`: what limits have counted, and setting it right by hand.

Only used seats are set. Held ones belong to calls that go on; they are given back or used when these end. Amounts of
`spend` and `funds` are money in major units (`"250.00"`), all others whole numbers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Iterator
from difflib import get_close_matches
from typing import Any, Final

from trunkline.config.lookup import AccountIndex
from trunkline.config.schema import Measure
from trunkline.config.subject import SUGGESTED_FROM_MAX
from trunkline.engine.routing.counters import counter_name, counters_of, rules_by_object
from trunkline.engine.routing.limits import LimitRule
from trunkline.kernel.clock import Instant, iso
from trunkline.kernel.leases import Recounted
from trunkline.kernel.money import Money, parse_money
from trunkline.kernel.windows import FOREVER_MS
from trunkline.switch.commands.accounts import account_of
from trunkline.switch.commands.command import Args, Command, CommandRefused, Done
from trunkline.switch.plant import Plant
from trunkline.switch.slices import Slices

SHOWN_MAX: Final = 500
"""Counters in one answer."""
NAMED_MAX: Final = 20
"""Counters that an error lists."""
COUNT_MAX: Final = 10**12
DIGITS_MAX: Final = 30
_HELD_ONLY: Final = frozenset({Measure.LIVE, Measure.IN_FLIGHT})


class ShowCounters(Args, frozen=True, kw_only=True):
    """`object` (LEVEL/KEY) or a counter's name; without it, what is used of the account's counters."""

    account: str | None = None
    object: str | None = None
    all: bool = False


class ResetCounter(Args, frozen=True, kw_only=True):
    """Set the used seats of a counter's present window to `to`."""

    counter: str
    to: str = "0"
    account: str | None = None


class AdjustCounter(Args, frozen=True, kw_only=True):
    """Change the used seats of a counter's present window by `by`, which may be negative."""

    counter: str
    by: str
    account: str | None = None


async def show(plant: Plant, args: ShowCounters, now: Instant) -> Done:
    """The counters of one object, or all that are in use (with `all`: every one)."""
    index = account_of(plant, args.account)
    if args.object is not None:
        rules = [rule for rule in _of_object(index, args.object) if args.object in (_object(rule), _name(rule))]
        if not rules:
            raise await _unknown(index, args.object)
        rows, more = [_row(plant, index, rule, now) for rule in rules], 0
    else:
        rows, more = await Slices().run(_collecting(plant, index, now, everything=args.all))
    document = {"account": index.config.account.key, "at": iso(now.utc_ms), "counters": rows, "more": more}
    return Done(document)


async def reset(plant: Plant, args: ResetCounter, now: Instant) -> Done:
    """Set used seats."""
    index, rule = await _find(plant, args.account, args.counter)
    to = _amount(index, rule, args.to)
    if to < 0:
        raise CommandRefused(f"a counter cannot be set to {args.to}", hint="0 or more; `adjust` takes away")
    return _recount(plant, index, rule, now, to=to)


async def adjust(plant: Plant, args: AdjustCounter, now: Instant) -> Done:
    """Add to, or take from, used seats."""
    index, rule = await _find(plant, args.account, args.counter)
    by = _amount(index, rule, args.by)
    used = plant.capacity.seats(rule.counter, rule.window(now.utc_ms).start_ms).used
    if used + by < 0:
        raise CommandRefused(
            f"{_name(rule)} has used {_told(index, rule, used)}; {args.by} would make it negative",
            hint="`counters reset` sets it to 0",
        )
    return _recount(plant, index, rule, now, by=by)


COMMANDS: Final[tuple[Command[Any], ...]] = (
    Command("counters.show", ShowCounters, show, changes=False),
    Command("counters.reset", ResetCounter, reset),
    Command("counters.adjust", AdjustCounter, adjust),
)


def _recount(
    plant: Plant, index: AccountIndex, rule: LimitRule, now: Instant, *, to: int | None = None, by: int = 0
) -> Done:
    window = rule.window(now.utc_ms)
    span = (window.start_ms, window.end_ms)
    done: Recounted = plant.capacity.recount(rule.counter, *span, to=to, by=by)

    def undo() -> None:
        plant.capacity.recount(rule.counter, *span, by=done.before - done.after)

    row = _row(plant, index, rule, now)
    changed = {"before": _told(index, rule, done.before), "after": _told(index, rule, done.after)}
    return Done({"account": index.config.account.key, **row, **changed}, undo=undo)


async def _find(plant: Plant, account: str | None, name: str) -> tuple[AccountIndex, LimitRule]:
    """The counter of that name, one that counts something."""
    index = account_of(plant, account)
    rule = next((rule for rule in _of_object(index, name) if _name(rule) == name), None)
    if rule is None:
        raise await _unknown(index, name)
    if rule.counter.measure in _HELD_ONLY:
        raise CommandRefused(
            f"{name} has only held seats: each is given back when its call ends",
            hint="hang up the call to free its seat; attempt, connect, convert, spend and funds can be set",
        )
    return index, rule


def _of_object(index: AccountIndex, name: str) -> list[LimitRule]:
    """The counters of the object of a name `LEVEL/KEY` or `LEVEL/KEY:…`."""
    level, _, key = name.partition(":")[0].partition("/")
    return counters_of(index, level, key)


async def _unknown(index: AccountIndex, name: str) -> CommandRefused:
    """Lists the counters of the object that was named, else objects that sound alike."""
    wanted = name.partition(":")[0]
    of_object = [_name(rule) for rule in _of_object(index, name)]
    if of_object:
        return CommandRefused(f"there is no counter {name!r}", hint=f"{wanted} has: {_listed(of_object)}")
    objects = await Slices().run(_limited_objects(index))
    close = await asyncio.to_thread(get_close_matches, wanted, objects, 3)
    words = f"did you mean {_listed(close)}?" if close else f"with limits there are: {_listed(objects)}"
    return CommandRefused(
        f"{wanted!r} has no limits in account {index.config.account.key}",
        hint=words if objects else "no object of this account has a limit",
    )


def _collecting(
    plant: Plant, index: AccountIndex, now: Instant, *, everything: bool
) -> Generator[None, None, tuple[list[dict[str, Any]], int]]:
    """Rows of all counters, or of those in use, and how many more there are than are shown; in small steps."""
    rows: list[dict[str, Any]] = []
    more = 0
    for rules in rules_by_object(index):
        for rule in rules:
            seats = plant.capacity.seats(rule.counter, rule.window(now.utc_ms).start_ms)
            if not (everything or seats.used or seats.held):
                continue
            if len(rows) < SHOWN_MAX:
                rows.append(_row(plant, index, rule, now))
            else:
                more += 1
        yield
    return rows, more


def _limited_objects(index: AccountIndex) -> Generator[None, None, list[str]]:
    """LEVEL/KEY of the objects that have limits, at most as many as a similar one is looked for among."""
    found: list[str] = []
    for rules in rules_by_object(index):
        if rules and len(found) < SUGGESTED_FROM_MAX:
            found.append(_object(rules[0]))
        yield
    return found


def _listed(names: list[str]) -> str:
    more = len(names) - NAMED_MAX
    return ", ".join(names[:NAMED_MAX]) + (f" and {more} more" if more > 0 else "")


def _name(rule: LimitRule) -> str:
    return counter_name(rule.counter)


def _object(rule: LimitRule) -> str:
    return f"{rule.counter.level}/{rule.counter.key}"


def _row(plant: Plant, index: AccountIndex, rule: LimitRule, now: Instant) -> dict[str, Any]:
    window = rule.window(now.utc_ms)
    seats = plant.capacity.seats(rule.counter, window.start_ms)
    return {
        "counter": _name(rule),
        "used": _told(index, rule, seats.used),
        "held": _told(index, rule, seats.held),
        "max": _told(index, rule, rule.max),
        "zone": rule.zone if window.end_ms else None,
        "window": dict(_span(window.start_ms, window.end_ms)),
    }


def _span(start_ms: int, end_ms: int) -> Iterator[tuple[str, str | None]]:
    windowed = 0 < end_ms < FOREVER_MS
    yield "from", iso(start_ms) if windowed else None
    yield "until", iso(end_ms) if windowed else None


def _told(index: AccountIndex, rule: LimitRule, seats: int) -> int | str:
    return str(Money(seats, index.config.account.currency)) if rule.priced else seats


def _amount(index: AccountIndex, rule: LimitRule, text: str) -> int:
    """What somebody wrote as seats or minor units; a leading `-` takes away."""
    text = text.strip()
    sign, digits = (-1, text[1:]) if text.startswith("-") else (1, text.removeprefix("+"))
    if rule.priced:
        try:
            return sign * parse_money(digits, index.config.account.currency).minor
        except ValueError as error:
            raise CommandRefused(str(error), hint="an amount of money, such as 250.00") from error
    if not (digits.isascii() and digits.isdigit() and len(digits) <= DIGITS_MAX) or int(digits) > COUNT_MAX:
        raise CommandRefused(f"{text!r} is no count", hint="a whole number, such as 3")
    return sign * int(digits)
