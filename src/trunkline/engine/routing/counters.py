"""Every counter of an account, found from its configuration: what an operator may look at and set by hand."""

from __future__ import annotations

from collections.abc import Generator, Iterator

import msgspec

from trunkline.config.lookup import AccountIndex
from trunkline.config.schema import Kind
from trunkline.engine.routing.limited import Limited, Limits
from trunkline.engine.routing.limits import Calendar, LimitRule, funds_rule, limit_rules
from trunkline.kernel.leases import CounterId


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
    """Counters with windows that another zone, or another start of the week, places elsewhere; in small steps."""
    if before.config is after.config:
        return []
    placed: dict[CounterId, LimitRule] = {}
    for rules in rules_by_object(before):
        placed.update((rule.counter, rule) for rule in rules if rule.windowed)
        yield
    found: list[Moved] = []
    for rules in rules_by_object(after):
        for rule in rules:
            known = placed.get(rule.counter)
            if known is not None and known.placing != rule.placing:
                found.append(Moved(rule, known))
        yield
    return found
