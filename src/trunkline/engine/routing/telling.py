"""What routing has decided, and what came of it, in words: for the stories of calls and of leads."""

from __future__ import annotations

from trunkline.engine.routing.facts import NO_FACTS
from trunkline.engine.routing.reasons import ROUTE_WORDS, UNSOLD_WORDS, Reason, Unsold
from trunkline.events.calls import (
    CallPromised,
    CallRepeated,
    CallRouted,
    Converted,
    OfferReserved,
    PayoutEarned,
    Rejection,
)
from trunkline.kernel.clock import iso


def tell_offer(event: OfferReserved) -> str:
    """An offer."""
    hop = f", rerouted {event.hop} times" if event.hop else ""
    took = f"{hop}, found in {event.decision_us} µs"
    price = f"{event.price} {event.price.currency}"
    odds = "" if event.p is None else f", chance {event.p:.3f}, propensity {event.propensity:.3f}"
    return f"offer {event.rank} to {event.buyer} ({event.route}) at {price}{took}{odds}"


def tell_money(event: Converted | PayoutEarned) -> str:
    """What a buyer owes, or a publisher earns."""
    if isinstance(event, Converted):
        return f"converted: {event.buyer} owes {event.amount} {event.amount.currency} by {event.rule}"
    loss = ", more than the buyer pays" if event.loss else ""
    return f"payout: {event.publisher} earns {event.amount} {event.amount.currency} by {event.rule}{loss}"


def tell_promise(event: CallPromised) -> str:
    """What the publisher was bid for it before it came."""
    when = f"after {event.after_ms // 1000} s" if event.event == "duration" else f"at {event.event}"
    covers = "" if not event.floor.minor else f"; prices from {event.floor} cover it"
    return f"the publisher was bid {event.bid} {event.bid.currency} for it by {event.ping}, earned {when}{covers}"


def why_unsold(reason: str) -> str:
    """Why nobody was found."""
    try:
        return UNSOLD_WORDS[Unsold(reason)].operator
    except ValueError:
        return reason


def tell_routed(event: CallRouted) -> list[str]:
    """How a search ended, with every route's reason."""
    head = {
        "sold": f"routing by plan {event.plan} ended with a sale",
        "unsold": f"routing by plan {event.plan} found no buyer: {event.reason}",
        "abandoned": f"routing by plan {event.plan} ended because the caller hung up",
    }.get(event.outcome, f"routing by plan {event.plan} {event.outcome}: {event.reason}")
    facts = "" if event.versions.facts == NO_FACTS.version else f", facts {event.versions.facts}"
    geo = f", geo {event.versions.geo}" if event.versions.geo else ""
    lines = [f"{head} (seed {event.seed}{facts}{geo}, engine {event.versions.engine})"]
    lines += [f"  not offered: {rejection.route}: {why_rejected(rejection)}" for rejection in event.rejected]
    if event.more:
        lines.append(f"  and {event.more} more routes that were not offered")
    return lines


def why_rejected(rejection: Rejection) -> str:
    """One rejection in words."""
    if rejection.measure is not None:
        per = f" per {rejection.per}" if rejection.per else ""
        level = f"{rejection.level} has" if rejection.level else "there is"
        return f"{level} {rejection.used} of {rejection.max} {rejection.measure}{per} in use"
    try:
        words = ROUTE_WORDS[Reason(rejection.reason)].operator
    except ValueError:
        words = rejection.reason
    level = f" [{rejection.level}]" if rejection.level else ""
    detail = f" ({rejection.detail})" if rejection.detail else ""
    return f"{rejection.reason}{level}: {words}{detail}"


def tell_repeated(event: CallRepeated) -> list[str]:
    """That the contact was here before, with the newest of what happened then."""
    of = "" if event.duplicate_of is None else f" of {event.duplicate_of}"
    what = f"a duplicate{of}" if event.duplicate else "no duplicate, but the contact was here before"
    last = event.seen[-1]
    whom = "" if last.buyer is None else f" with {last.buyer}"
    more = f", and {len(event.seen) - 1} things before that" if len(event.seen) > 1 else ""
    return [f"{what}: {last.event}{whom} on {last.campaign} at {iso(last.at_ms)}{more}"]
