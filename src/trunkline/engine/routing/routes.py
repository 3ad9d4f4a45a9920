"""What a trace says of one route: offered, rejected or not reached, with everything that its place rests on."""

from __future__ import annotations

from typing import Literal

import msgspec

from trunkline.engine.routing.case import Case
from trunkline.engine.routing.compared import Compared, compared, open_until
from trunkline.engine.routing.offer import Candidate
from trunkline.engine.routing.performance import Odds
from trunkline.engine.routing.program import Line
from trunkline.engine.routing.report import guard_rejection
from trunkline.events.calls import Rejection
from trunkline.kernel.money import Money


class RouteTrace(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One route before one caller.

    `outcome` is offered (as number `rank`), rejected, or waiting: it stood behind the last offer. `price` is what an
    offer costs, the bid in an auction, None when there is none. `rejection` has the first failing reason (also of a
    route that waits and would not have come), `compared` the values behind it. `weight` counts in weighted and equal
    priority tiers, `odds` are those of an offer by performance. `open_until_ms` says when hours first close on it.
    """

    route: str
    target: str
    buyer: str
    plan: str
    tier: str
    method: str
    outcome: Literal["offered", "rejected", "waiting"]
    rank: int | None = None
    price: Money | None = None
    priority: int | None = None
    weight: int | None = None
    rejection: Rejection | None = None
    compared: Compared | None = None
    odds: Odds | None = None
    open_until_ms: int | None = None


def offered_trace(line: Line, case: Case, rank: int, offer: Candidate) -> RouteTrace:
    """A route that became offer number `rank`."""
    bare = _trace(line, case, "offered")
    until_ms = open_until(line, case.entrance.guards, case.query.now.utc_ms)
    return msgspec.structs.replace(bare, rank=rank, price=offer.terms.price, odds=offer.odds, open_until_ms=until_ms)


def rejected_trace(line: Line, case: Case, rejection: Rejection) -> RouteTrace:
    """A route that was not offered."""
    bare = _trace(line, case, "rejected")
    return msgspec.structs.replace(bare, rejection=rejection, compared=compared(line, case, rejection))


def waiting_trace(line: Line, case: Case) -> RouteTrace:
    """A route behind the last offer; what guards say of it all the same."""
    bare, rejection = _trace(line, case, "waiting"), guard_rejection(line, case)
    if rejection is None:
        return bare
    return msgspec.structs.replace(bare, rejection=rejection, compared=compared(line, case, rejection))


def _trace(line: Line, case: Case, outcome: Literal["offered", "rejected", "waiting"]) -> RouteTrace:
    minor = line.price_for(case.entrance.price)
    method = line.tier.method.value
    return RouteTrace(
        route=line.id,
        target=line.target.key,
        buyer=line.buyer.key,
        plan=line.plan,
        tier=line.tier.key or "",
        method=method,
        outcome=outcome,
        price=None if minor is None else Money(minor, case.shared.account.currency),
        priority=line.route.priority if method in {"priority", "auction"} else None,
        weight=line.route.weight if method in {"priority", "weighted"} else None,
    )
