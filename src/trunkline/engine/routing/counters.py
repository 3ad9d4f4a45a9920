"""Every counter of an account, found from its configuration: what an operator may look at and set by hand."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Set
from typing import Final, Protocol

import msgspec

from trunkline.config.lookup import AccountIndex, route_id
from trunkline.config.schema import Kind, Limit, Route
from trunkline.engine.routing.limited import Limited, Limits
from trunkline.engine.routing.limits import Calendar, LimitRule, funds_rule, limit_rules
from trunkline.kernel.leases import CounterId

_OBJECTS_A_STEP: Final = 32


def rules_by_object(index: AccountIndex) -> Iterator[list[LimitRule]]:
    """The limits of each object, and the funds of each buyer, each counter once; by level from the top."""
    calendar = Calendar()
    for limited in Limits(index).everything():
        yield _rules(index, limited, calendar)


def counters_of(index: AccountIndex, level: str, key: str) -> list[LimitRule]:
    """The same of one object; none when there is no such object."""
    limited = Limits(index).named(level, key)
    return [] if limited is None else _rules(index, limited, Calendar())


def _rules(index: AccountIndex, limited: Limited, calendar: Calendar) -> list[LimitRule]:
    account = index.config.account.key
    found: dict[CounterId, LimitRule] = {}
    for kind in Kind:
        for rule in limit_rules(account, limited, kind, calendar):
            found.setdefault(rule.counter, rule)
    funds = funds_rule(account, index.buyers[limited.key], calendar) if limited.level == "buyer" else ()
    return [*found.values(), *funds]


def counter_name(counter: CounterId) -> str:
    """`LEVEL/KEY:MEASURE:PER:APPLIES_TO`, without what says nothing: `buyer/lone-star:convert:day`."""
    pieces = [f"{counter.level}/{counter.key}", counter.measure]
    pieces += [counter.per] if counter.per else []
    pieces += [counter.applies_to] if counter.applies_to != "both" else []
    return ":".join(pieces)


class Moved(msgspec.Struct, frozen=True, gc=False):
    """A counter whose windows lie elsewhere than before."""

    rule: LimitRule
    before: LimitRule


def moving_counters(before: AccountIndex, after: AccountIndex) -> Generator[None, None, list[Moved]]:
    """Counters with windows that another zone, or another start of the week, places elsewhere; in small steps.

    Objects whose limits and zone are what they were cost a glance.
    """
    found: list[Moved] = []
    if before.config is after.config:
        return found
    for place, (was, limited) in enumerate(_placed_anew(before, after)):
        if place % _OBJECTS_A_STEP == 0:
            yield
        if was is None or limited is None:
            continue
        calendar = Calendar()
        placed = {rule.counter: rule for rule in _rules(before, was, calendar) if rule.windowed}
        for rule in _rules(after, limited, calendar):
            known = placed.get(rule.counter)
            if known is not None and known.placing != rule.placing:
                found.append(Moved(rule, known))
    return found


class _Placed(Protocol):
    """An object with limits, and the zone that they count in when neither they nor what stands above says another."""

    @property
    def limits(self) -> tuple[Limit, ...]: ...

    @property
    def timezone(self) -> str | None: ...


_NOTHING: Final = (None, None)


def _placed_anew(before: AccountIndex, after: AccountIndex) -> Iterator[tuple[Limited, Limited] | tuple[None, None]]:
    """What the limits of an object were and are, by level from the top, where they may count elsewhere.

    Nothing, twice, for each of the others. Objects that are new have counted nowhere.
    """
    old, new = Limits(before), Limits(after)
    moved = before.config.account.timezone != after.config.account.timezone

    def still(was: _Placed, thing: _Placed) -> bool:
        return not moved and (was is thing or (was.limits == thing.limits and was.timezone == thing.timezone))

    yield old.of_account(), new.of_account()
    for key, campaign in after.campaigns.items():
        held = before.campaigns.get(key)
        yield _NOTHING if held is None or still(held, campaign) else (old.of_campaign(held), new.of_campaign(campaign))
    for key, publisher in after.publishers.items():
        paid = before.publishers.get(key)
        yield (
            _NOTHING
            if paid is None or still(paid, publisher)
            else (old.of_publisher(paid), new.of_publisher(publisher))
        )
    for key, group in after.groups.items():
        joined = before.groups.get(key)
        yield _NOTHING if joined is None or still(joined, group) else (old.of_group(joined), new.of_group(group))
    for key, buyer in after.buyers.items():
        known = before.buyers.get(key)
        yield _NOTHING if known is None or still(known, buyer) else (old.of_buyer(known), new.of_buyer(buyer))
    elsewhere: set[str] = set()  # targets whose buyers have another zone, or that have another buyer
    for key, target in after.targets.items():
        rung = before.targets.get(key)
        if rung is None:
            yield _NOTHING
            continue
        if moved or before.buyers[rung.buyer].timezone != after.buyers[target.buyer].timezone:
            elsewhere.add(key)
        elif still(rung, target) and rung.bid == target.bid:
            yield _NOTHING
            continue
        yield old.of_bidder(rung), new.of_bidder(target)
        yield old.of_target(rung), new.of_target(target)
    yield from _routes_anew(before, after, elsewhere, still)


def _routes_anew(
    before: AccountIndex, after: AccountIndex, elsewhere: Set[str], still: Callable[[Route, Route], bool]
) -> Iterator[tuple[Limited, Limited] | tuple[None, None]]:
    """The same of routes; `elsewhere` are targets below which other zones count."""
    old, new = Limits(before), Limits(after)
    known: dict[str, Route] = {}
    for name, route in _named_routes(before):
        known[name] = route
        yield _NOTHING
    for name, route in _named_routes(after):
        was = known.get(name)
        if was is None or (was.target == route.target and route.target not in elsewhere and still(was, route)):
            yield _NOTHING
        else:
            yield old.of_route(name, was), new.of_route(name, route)


def _named_routes(index: AccountIndex) -> Iterator[tuple[str, Route]]:
    for plan in index.config.plans:
        for tier in plan.tiers:
            for route in tier.routes:
                yield route_id(plan.key, tier.key or "", route.key or route.target), route
