"""Says why a route was not offered: the first failing reason, judged one by one in the order of `reasons.py`.

The hot path asks bitmaps and keeps no reasons. When somebody wants to know, the same guards are asked again here for
one route; property tests prove that both give the same answer.
"""

from __future__ import annotations

from typing import Final

from trunkline.config.schema import Kind
from trunkline.engine.routing.auction import FATE_WORDS, Bid, Fate
from trunkline.engine.routing.case import Case
from trunkline.engine.routing.contest import below_score, chance, counted_bid
from trunkline.engine.routing.duplicates import Repetition
from trunkline.engine.routing.guards import ATTESTATION, skills_missing
from trunkline.engine.routing.limits import Full
from trunkline.engine.routing.named_sellers import why_not_named
from trunkline.engine.routing.program import Line
from trunkline.engine.routing.promised import breach
from trunkline.engine.routing.reasons import Reason
from trunkline.events.calls import Rejection
from trunkline.kernel.clock import iso
from trunkline.kernel.leases import FUNDS, Usage

_DOWN_TO_CAMPAIGN: Final = frozenset({"account", "campaign"})
"""Levels that are told before the consent that a campaign asks for."""


def guard_rejection(line: Line, case: Case) -> Rejection | None:
    """The first guard that turns this caller away from the route, None when all let it through."""
    entrance, known, shared, query, facts = case.entrance, case.known, case.shared, case.query, case.facts
    utc_ms = query.now.utc_ms
    if line.kind is not query.kind:
        return _because(line, Reason.KIND, "target")
    above, own = entrance.guards, line.guards
    if stand := above.paused or own.paused:
        return _because(line, Reason.PAUSED, stand.level, stand.closed_by)
    if stand := above.closed(shared.clocks, utc_ms) or own.closed(shared.clocks, utc_ms):
        opens = None if stand.opening is None else stand.opening.opens(utc_ms)
        return _because(line, Reason.HOURS, stand.level, opens)
    unmet = above.unmet(known, shared.types) or own.unmet(known, shared.types)
    if (unmet is None or unmet.level == "route") and (missing := skills_missing(line.target, known)):
        return _because(line, Reason.CRITERIA, "target", f"no skill {', '.join(missing)}")
    if unmet is not None:
        return _because(line, Reason.CRITERIA, unmet.level)
    kept_away = above.screened(case) or own.screened(case)
    if kept_away is None or kept_away[0].level not in _DOWN_TO_CAMPAIGN:
        unnamed = _unnamed(line, case)
        if unnamed is not None:
            return _because(line, Reason.SUPPRESSION, "campaign", unnamed)
    if kept_away is not None:
        keeper, words, screen = kept_away
        opening = case.screening.opening(screen)
        told = words if opening is None else f"{words}; opens {opening}"
        return _because(line, Reason.SUPPRESSION, keeper.level, told)
    if case.repetition is not None and (why := _repeated(line, case.repetition)) is not None:
        return _because(line, Reason.DUPLICATE, *why)
    if stand := above.unattested(query.kind, known) or own.unattested(query.kind, known):
        claimed = known.text(ATTESTATION)
        return _because(line, Reason.ATTESTATION, stand.level, "not attested" if claimed is None else claimed.upper())
    price = line.price_for(entrance.price)
    fate, bid = Fate.LOST, None
    if line.bids:
        fate, bid, price = counted_bid(line, case)
    if price is not None and (stand := above.above(price) or own.above(price)):
        return _because(line, Reason.FLOOR, stand.level)
    if query.promise is not None and (late := breach(line, case)) is not None:
        return _because(line, Reason.FLOOR, "ping", late)
    if query.hop not in line.route.hops:
        return _because(line, Reason.HOP, "route", f"hop {query.hop}")
    if line.target.key in facts.out:
        return _because(line, Reason.TARGET_DOWN, "target", facts.unavailable.get(line.target.key))
    if price is None:
        return _unpriced(line, fate, bid)
    if line.min_scores and (level := below_score(line, case)):
        return _because(line, Reason.SCORE, level, f"chance {chance(line, case)[0]:.4f}")
    return None


def _unnamed(line: Line, case: Case) -> str | None:
    """Why the consent of a lead keeps it from the buyer, None when it does not."""
    if not case.entrance.named or case.query.kind is not Kind.LEAD:
        return None
    return why_not_named(line.buyer.key, case.known, case.shared.buyers_called)


def _unpriced(line: Line, fate: Fate, bid: Bid | None) -> Rejection:
    """Why there is no price to offer at."""
    if line.bids:
        return _because(line, Reason.BID, "bidder", (bid and bid.detail) or FATE_WORDS[fate])
    words = "no price stands at any level" if line.target.bid is None else "a bidder is asked in auctions only"
    return _because(line, Reason.METHOD_UNAVAILABLE, None, words)


def _repeated(line: Line, repetition: Repetition) -> tuple[str, str] | None:
    """The level that wants no such contact here, and why."""
    buyer, of = line.buyer.key, repetition.of
    refused = repetition.only not in {None, buyer} or buyer in repetition.never
    if of is not None and (repetition.nowhere or refused):
        whom = "" if of.buyer is None else f" with {of.buyer}"
        return "campaign", f"{of.event}{whom} at {iso(of.at_ms)}"
    if buyer in repetition.unwelcome:
        return "buyer", f"seen within {line.buyer.not_seen_days} days"
    return None


def capacity_rejection(line: Line, full: Full, usage: Usage, utc_ms: int) -> Rejection:
    """The limit, or the buyer's funds, that had no room; what only has to wait says until when."""
    counter = full.demand.counter
    funds = counter.measure == FUNDS
    wait = full.rule.wait(full.demand, full.used, usage, utc_ms)
    return Rejection(
        route=line.id,
        target=line.target.key,
        reason=(Reason.FUNDS if funds else Reason.LIMIT).value,
        level=counter.level,
        measure=counter.measure,
        per=counter.per or None,
        max=full.rule.max_told(full.demand, full.used),
        used=full.used,
        detail=counter.key if wait is None else f"{counter.key}: {wait.words}, the next at {iso(wait.until_ms)}",
    )


def late_rejection(line: Line, reason: Reason, detail: str | None = None) -> Rejection:
    """`already_offered`, `out_of_patience`, or a `bid` that has expired when its turn came."""
    return _because(line, reason, "bidder" if reason is Reason.BID else None, detail)


def _because(line: Line, reason: Reason, level: str | None, detail: str | None = None) -> Rejection:
    return Rejection(route=line.id, target=line.target.key, reason=reason.value, level=level, detail=detail)
