"""What was compared when a route was turned away: the caller's value, and what was asked of it.

A rejection names the first reason that fails. Here the same guard is looked at once more for the values behind it: of
criteria the first condition that is not true, of hours the local time, of a floor the price.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Final

import msgspec

from trunkline.config.criteria import All, AnyOf, Condition, Node, Not, Operator
from trunkline.engine.routing.case import Case
from trunkline.engine.routing.contest import MILLION, chance, counted_bid
from trunkline.engine.routing.criteria import judge
from trunkline.engine.routing.guards import ATTESTATION, SKILLS, Guards, Stand
from trunkline.engine.routing.program import Line
from trunkline.engine.routing.reasons import Reason
from trunkline.events.calls import Rejection
from trunkline.kernel.money import Money
from trunkline.kernel.windows import zone_of

SHOWN_MAX: Final = 8
"""Values of a list, and chances of a county, that are shown."""


class Compared(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One comparison that failed: `what` was `found` (None: unknown), `asked` was something else.

    `basis` says how the value is known. `also` counts further conditions that failed beside this one, in an `any`.
    """

    what: str
    asked: str
    found: str | None = None
    basis: str | None = None
    also: int = 0


def compared(line: Line, case: Case, rejection: Rejection) -> Compared | None:
    """The values behind a guard's rejection of this route; None where its own fields say everything."""
    above, own, known = case.entrance.guards, line.guards, case.known
    clocks, types, utc_ms = case.shared.clocks, case.shared.types, case.query.now.utc_ms
    match Reason(rejection.reason):
        case Reason.CRITERIA:
            unmet = above.unmet(known, types) or own.unmet(known, types)
            return _criteria(line, case, unmet if unmet is not None and unmet.level == rejection.level else None)
        case Reason.HOURS:
            return _hours(above.closed(clocks, utc_ms) or own.closed(clocks, utc_ms), utc_ms)
        case Reason.FLOOR:
            return _floor(line, case)
        case Reason.ATTESTATION:
            stand = above.unattested(case.query.kind, known) or own.unattested(case.query.kind, known)
            enough = () if stand is None else sorted(level.upper() for level in stand.attested or ())
            return _of_caller(case, ATTESTATION, f"in [{_listed(enough)}]", 0)
        case Reason.HOP:
            return Compared(what="hop", found=str(case.query.hop), asked=f"in [{_listed(map(str, line.route.hops))}]")
        case Reason.SCORE:
            least = next((least for level, least in line.min_scores if level == rejection.level), 0)
            p, basis, _, _ = chance(line, case)
            return Compared(what="chance", found=f"{p:.4f}", basis=basis, asked=f"gte {least / MILLION:.4f}")
        case Reason.KIND:
            return Compared(what="kind", found=case.query.kind.value, asked=f"eq {line.kind.value}")
        case _:
            return None


def condition_text(condition: Condition, *, negated: bool = False) -> str:
    """What a condition asks, as the configuration writes it; of a long list the beginning."""
    few = condition.op in {Operator.EQ, Operator.REGEX, Operator.EXISTS} or len(condition.values) == 1
    values = condition.values[0] if few else f"[{_listed(condition.values)}]"
    if condition.op is Operator.NEAR:
        values = f"{condition.values[0]} within {condition.values[1]} miles"
    return f"{'not ' if negated else ''}{condition.op.value} {values}"


def _listed(values: Iterable[str]) -> str:
    whole = tuple(values)
    more = f" and {len(whole) - SHOWN_MAX} more" if len(whole) > SHOWN_MAX else ""
    return ", ".join(whole[:SHOWN_MAX]) + more


def _criteria(line: Line, case: Case, unmet: Stand | None) -> Compared:
    if unmet is None or unmet.criteria is None:  # the skills of the target, which need no criteria
        return _of_caller(case, SKILLS, f"in [{_listed(line.target.skills)}]", 0)
    failed = list(_failing(unmet.criteria, case, negated=False))
    condition, negated = failed[0]
    return _of_caller(case, condition.attr, condition_text(condition, negated=negated), len(failed) - 1)


def _failing(node: Node, case: Case, *, negated: bool) -> Iterator[tuple[Condition, bool]]:
    """The conditions for which a node that is not true (negated: not false) is not: one of `all`, each of `any`."""
    if isinstance(node, Condition):
        yield node, negated
        return
    if isinstance(node, Not):
        yield from _failing(node.node, case, negated=not negated)
        return
    wanted = not negated
    children = [child for child in node.nodes if judge(child, case.known, case.shared.types) is not wanted]
    every = isinstance(node, AnyOf) if wanted else isinstance(node, All)
    for child in children if every else children[:1]:
        yield from _failing(child, case, negated=negated)


def _of_caller(case: Case, name: str, asked: str, also: int) -> Compared:
    known = case.query.attributes.get(name)
    if known is None:
        return Compared(what=name, asked=asked, also=also)
    found = known.value
    if known.chances:
        likely = tuple(f"{value} {share:.2f}" for value, share in known.chances)
        found = f"one of {_listed(likely)}"
    return Compared(what=name, asked=asked, found=found, basis=known.basis, also=also)


def _hours(stand: Stand | None, utc_ms: int) -> Compared | None:
    if stand is None or stand.times is None or stand.opening is None:
        return None
    local = datetime.fromtimestamp(utc_ms // 1000, UTC).astimezone(zone_of(stand.times.zone))
    found = f"{local:%a %Y-%m-%d %H:%M} {stand.times.zone}"
    return Compared(what="local time", found=found, asked=stand.opening.opens(utc_ms))


def _floor(line: Line, case: Case) -> Compared | None:
    price = counted_bid(line, case)[2] if line.bids else line.price_for(case.entrance.price)
    if price is None:
        return None
    stand = case.entrance.guards.above(price) or line.guards.above(price)
    if stand is None:
        return None
    asked, found = (str(Money(minor, case.shared.account.currency)) for minor in (stand.floor, price))
    return Compared(what="bid" if line.bids else "price", found=found, asked=f"gte {asked}")


def open_until(line: Line, above: Guards, utc_ms: int) -> int | None:
    """When hours first close on a route that is open (UTC milliseconds); None when none do within 400 days."""
    ends = (above.open_until(utc_ms), line.guards.open_until(utc_ms))
    return min((end for end in ends if end is not None), default=None)
