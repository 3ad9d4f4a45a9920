"""Limits and hours, which are written in a shape of their own, and the texts that mean more than their type says.

Importing this module teaches `convert` to read them.
"""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import Any

from trunkline.config.convert import (
    BAD,
    FIELD_READERS,
    STAND_INS,
    STRUCT_READERS,
    UNKNOWN_KEY_HINTS,
    Bad,
    Desk,
    read_items,
    read_struct,
    refuse_unknown,
    scalar,
)
from trunkline.config.deliveries import Email
from trunkline.config.holiday_dates import holiday_dates
from trunkline.config.hours import Hours, TimeRange
from trunkline.config.return_rules import Returns
from trunkline.config.scalars import (
    read_cost,
    read_e164,
    read_int,
    read_money,
    read_number_from,
    read_percent,
    read_range,
    read_share,
    read_text,
)
from trunkline.config.schema import (
    Account,
    Limit,
    Measure,
    Method,
    Number,
    Payout,
    Performance,
    Plan,
    Route,
    Target,
    Tier,
)
from trunkline.config.selling import Margin, MarginRange
from trunkline.config.tree import Fields, Items, Text, Tree, kind_of
from trunkline.config.trunks import Trunk

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_NO_LIMITS = "limits stand on account, campaign, publisher, group, buyer, bid, target and route"
for _kind in (Number, Plan, Tier):
    UNKNOWN_KEY_HINTS[_kind] = {"limits": _NO_LIMITS}
STAND_INS[Method] = Method.PRIORITY
STAND_INS[Account] = Account(key="", timezone="")
FIELD_READERS[Returns, "share_percent"] = scalar(read_percent)
for _owner_of_percent in (Payout, Margin, MarginRange):
    FIELD_READERS[_owner_of_percent, "percent"] = scalar(read_percent)
FIELD_READERS[Number, "number"] = scalar(read_e164)
FIELD_READERS[Trunk, "number_from"] = scalar(read_number_from)
FIELD_READERS[Trunk, "max_cost_per_hour"] = FIELD_READERS[Trunk, "cost_per_minute"] = scalar(read_cost)
for _owner, _share in ((Tier, "min_score"), (Route, "min_score"), (Performance, "trial_share")):
    FIELD_READERS[_owner, _share] = scalar(read_share)


def read_one_or_more(desk: Desk, tree: Tree) -> tuple[str, ...] | Bad:
    """A list of texts, or one text that stands for a list of one."""
    if isinstance(tree, Text) and tree.value is not None:
        one: str | Bad = scalar(read_text)(desk, tree)
        return BAD if one is BAD else (one,)
    return read_items(desk, tree, scalar(read_text))


FIELD_READERS[Target, "trunk"] = FIELD_READERS[Email, "to"] = FIELD_READERS[Email, "cc"] = read_one_or_more


def read_limit(desk: Desk, tree: Tree) -> Limit | Bad:
    """A limit; `max` is an amount of money when the measure is `spend`, else a whole number."""
    measure = tree.entries.get("measure") if isinstance(tree, Fields) else None
    desk.spend = isinstance(measure, Text) and measure.value == Measure.SPEND
    return read_struct(desk, tree, Limit)


def _read_max(desk: Desk, tree: Tree) -> int | Bad:
    def in_minor_units(text: str) -> int:
        return read_money(text, desk.currency).minor

    value: int | Bad = scalar(in_minor_units if desk.spend else read_int)(desk, tree)
    return value


STRUCT_READERS[Limit] = read_limit
FIELD_READERS[Limit, "max"] = _read_max


def read_hours(desk: Desk, tree: Tree) -> Hours | Bad:
    """Weekdays with lists of ranges, and `exceptions` with lists of ranges by ISO date."""
    if not isinstance(tree, Fields):
        hint = 'write {mon: ["08:00-18:00"], …}; leave `hours` out when always open'
        return desk.wrong("not_a_mapping", f"a mapping of weekdays belongs here, not {kind_of(tree)}", hint)
    if not tree.entries:
        hint = "leave `hours` out when always open, or write `paused: true` when never"
        return desk.wrong("bad_hours", "hours without a weekday are never open", hint)
    refuse_unknown(desk, tree, (*WEEKDAYS, "exceptions", "holidays"))
    days: dict[str, Any] = {}
    for day in WEEKDAYS:
        if day in tree.entries:
            desk.path.append(day)
            ranges = _read_ranges(desk, tree.entries[day])
            desk.path.pop()
            days[day] = () if ranges is BAD else ranges
    exceptions = _read_exceptions(desk, tree.entries.get("exceptions"))
    regions = _read_holidays(desk, tree.entries.get("holidays"))
    return Hours(exceptions=exceptions, holidays=regions, closed=_days_of(regions), **days)


@lru_cache(maxsize=256)
def _days_of(regions: tuple[str, ...]) -> tuple[int, ...]:
    """All holidays of the regions; hours with the same regions share them."""
    return tuple(sorted({day for region in regions for day in holiday_dates(region)}))


def _read_holidays(desk: Desk, tree: Tree | None) -> tuple[str, ...]:
    if tree is None or (isinstance(tree, Text) and tree.value is None):
        return ()

    def known(text: str) -> str:
        holiday_dates(text)
        return text.strip()

    desk.path.append("holidays")
    regions = read_items(desk, Items([tree], tree.line) if isinstance(tree, Text) else tree, scalar(known))
    desk.path.pop()
    return () if regions is BAD else tuple(sorted(set(regions)))


def _read_ranges(desk: Desk, tree: Tree) -> tuple[TimeRange, ...] | Bad:
    if isinstance(tree, Text) and tree.value is not None:
        one: TimeRange | Bad = scalar(read_range)(desk, tree)
        return BAD if one is BAD else (one,)
    return read_items(desk, tree, scalar(read_range))


def _read_exceptions(desk: Desk, tree: Tree | None) -> dict[str, tuple[TimeRange, ...]]:
    if tree is None or (isinstance(tree, Text) and tree.value is None):
        return {}
    desk.path.append("exceptions")
    found: dict[str, tuple[TimeRange, ...]] = {}
    if isinstance(tree, Fields):
        for day, ranges in tree.entries.items():
            desk.path.append(day)
            read = _read_ranges(desk, ranges)
            if not _is_date(day):
                desk.wrong("bad_date", f"{day!r} is no date", 'write dates as "2026-12-25"')
            elif read is not BAD:
                found[day] = read
            desk.path.pop()
    else:
        hint = 'write {"2026-12-25": []} for a closed day'
        desk.wrong("not_a_mapping", f"a mapping of dates belongs here, not {kind_of(tree)}", hint)
    desk.path.pop()
    return found


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


STRUCT_READERS[Hours] = read_hours
