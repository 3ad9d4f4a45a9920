"""Routes that are never open: the hours of all levels must be open at once, and some never are.

A week is judged on the wall clock, so only levels of one zone are compared; date exceptions that open something
leave the question open.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.config.hours import Hours
from trunkline.config.schema import Plan, Route, Tier
from trunkline.config.shapes import WEEKDAYS
from trunkline.config.subject import Subject

DAY_MINUTES = 1_440
WEEK_MINUTES = 7 * DAY_MINUTES

Span = tuple[int, int]
"""Half-open minutes of a week that begins on Monday at 00:00."""


def check_never_open(subject: Subject) -> None:
    """Warn of routes whose levels are never open together. Hours that never open by themselves are told elsewhere."""
    for path, plan, tier, route in subject.routes():
        levels = [(level, hours, zone) for level, hours, zone in _levels(subject, plan, tier, route) if _decides(hours)]
        if len(levels) < 2 or len({zone for _, _, zone in levels}) > 1:
            continue
        common: list[Span] = [(0, WEEK_MINUTES)]
        for _, hours, _ in levels:
            common = meet(common, week_of(hours))
        if not common:
            named = " and ".join(level for level, _, _ in levels)
            message = f"this route can never be offered: {named} are never open at the same time"
            subject.findings.warning(path, "never_matches", message, "let their hours overlap")


def _decides(hours: Hours) -> bool:
    return bool(week_of(hours)) and not any(hours.exceptions.values())


def _levels(subject: Subject, plan: Plan, tier: Tier, route: Route) -> Iterator[tuple[str, Hours, str]]:
    """The hours above a route with the zone each is told in: its own, else the buyer's, else the account's."""
    account = subject.config.account
    target = subject.index.targets.get(route.target)
    buyer = subject.index.buyers.get(target.buyer) if target else None
    bid = target.bid if target else None
    buyer_zone = (buyer.timezone if buyer else None) or account.timezone
    held = [
        ("account", account.hours, account.timezone),
        ("plan", plan.hours, plan.timezone or account.timezone),
        ("tier", tier.hours, account.timezone),
        ("buyer", buyer.hours if buyer else None, buyer_zone),
        ("bidder", bid.hours if bid else None, (target.timezone if target else None) or buyer_zone),
        ("target", target.hours if target else None, (target.timezone if target else None) or buyer_zone),
        ("route", route.hours, route.timezone or buyer_zone),
    ]
    for level, hours, zone in held:
        if hours is not None:
            yield level, hours, zone


def week_of(hours: Hours) -> list[Span]:
    """The open spans of a week in order; what runs past Sunday's midnight is Monday's."""
    spans: list[Span] = []
    for place, day in enumerate(WEEKDAYS):
        for each in getattr(hours, day):
            start = place * DAY_MINUTES + each.start
            end = place * DAY_MINUTES + each.until + (DAY_MINUTES if each.until <= each.start else 0)
            spans.append((start, min(end, WEEK_MINUTES)))
            if end > WEEK_MINUTES:
                spans.append((0, end - WEEK_MINUTES))
    return sorted(spans)


def meet(left: list[Span], right: list[Span]) -> list[Span]:
    """What two lists of spans have in common."""
    return [(max(a[0], b[0]), min(a[1], b[1])) for a in left for b in right if max(a[0], b[0]) < min(a[1], b[1])]
