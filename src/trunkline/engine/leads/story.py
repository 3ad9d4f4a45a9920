"""The story of one lead in words: what happened, when, and why every route that was not offered was not."""

from __future__ import annotations

from collections.abc import Sequence

from trunkline.engine.routing.auction_story import tell_auction, tell_confirmed, tell_late
from trunkline.engine.routing.telling import (
    tell_money,
    tell_offer,
    tell_promise,
    tell_repeated,
    tell_routed,
    why_unsold,
)
from trunkline.engine.terms.returned import tell_return
from trunkline.events.auctions import AuctionHeld, BidConfirmed, BidLate
from trunkline.events.calls import CallPromised, CallRepeated, CallRouted, Converted, OfferReserved, PayoutEarned
from trunkline.events.deliveries import (
    DeliveryDead,
    DeliveryDropped,
    DeliveryQueued,
    DeliveryReplayed,
    DeliverySent,
    DeliveryTried,
)
from trunkline.events.entry import Event
from trunkline.events.leads import (
    DeliveryEnded,
    DeliveryLate,
    LeadAccepted,
    LeadAged,
    LeadAgedOut,
    LeadClaimed,
    LeadEnded,
    LeadHeld,
    LeadReceived,
    LeadReviewed,
    LeadUnmatched,
)
from trunkline.events.returns import ReturnEvent
from trunkline.kernel.clock import iso

_DELIVERIES = {
    "accepted": "took the lead",
    "rejected": "refused the lead",
    "duplicate": "has the lead already",
    "timeout": "did not answer in time",
    "http_error": "could not be asked, or answered with an error",
    "queued": "gets the lead: it waits to go out",
    "capacity_lost": "lost its seat before the lead left",
    "interrupted": "may or may not have got the lead: nobody knows",
}
_ENDS = {
    "unsold": "not sold",
    "duplicate": "refused as a duplicate",
    "blocked": "blocked",
    "failed": "failed through an error of ours",
    "interrupted": "cut off by an interruption of the switch",
}
_TOLD_OF_LEAD = ("geo.zip", "geo.state", "geo.county", "caller.repeat", "tag.")


def tell_lead(events: Sequence[Event]) -> list[str]:
    """One line for each thing that happened, in order, each with its time in seconds since the lead came in."""
    start_ms = events[0].at_ms if events else 0
    offers = {event.attempt: event for event in events if isinstance(event, OfferReserved)}
    lines: list[str] = []
    for event in events:
        seconds, ms = divmod(max(0, event.at_ms - start_ms), 1000)
        for index, line in enumerate(_told(event, offers)):
            lines.append(f"+{seconds:>4d}.{ms:03d}s  {line}" if index == 0 else f"{' ' * 10}  {line}")
    return lines


def _told(event: Event, offers: dict[str, OfferReserved]) -> list[str]:
    match event:
        case LeadReceived():
            return _received(event)
        case CallRepeated():
            return tell_repeated(event)
        case CallPromised():
            return [tell_promise(event)]
        case OfferReserved():
            return [tell_offer(event)]
        case CallRouted():
            return tell_routed(event)
        case Converted() | PayoutEarned():
            return [tell_money(event)]
        case AuctionHeld():
            return tell_auction(event)
        case BidLate():
            return [tell_late(event)]
        case BidConfirmed():
            return [tell_confirmed(event)]
        case ReturnEvent():
            return [tell_return(event)]
        case DeliveryQueued():
            return [f"waits to go to {event.buyer} by {event.kind}"]
        case DeliveryTried():
            return [f"did not go out ({event.reason}); tried again at {iso(event.next_ms)}"]
        case DeliverySent():
            return [f"went out as {event.name}"]
        case DeliveryDead():
            return [f"is a dead letter ({event.reason}): nobody tries any more"]
        case DeliveryReplayed():
            return ["somebody wants it tried again"]
        case DeliveryDropped():
            return ["somebody wants it sent no more"]
        case _:
            return _of_lead(event, offers)


def _received(event: LeadReceived) -> list[str]:
    source = f", source {event.source}" if event.source else ""
    flags = f", {', '.join(event.flags)}" if event.flags else ""
    test = ", a test" if event.test else ""
    known = [
        f"{name} = {value} ({event.basis.get(name, '?')})"
        for name, value in sorted(event.attributes.items())
        if name.startswith(_TOLD_OF_LEAD)
    ]
    ignored = f"; not in the form: {', '.join(event.ignored)}" if event.ignored else ""
    return [
        f"{iso(event.at_ms)}: a lead for campaign {event.campaign} by {event.via}{flags}{test}",
        f"publisher {event.publisher}{source}; configuration {event.snapshot[:12]}",
        f"known: {', '.join(known) or 'nothing but its fields'}{ignored}",
    ]


def _of_lead(event: Event, offers: dict[str, OfferReserved]) -> list[str]:
    match event:
        case LeadClaimed():
            why = f" ({event.reason})" if event.reason else ""
            return [f"its certificate: {event.outcome}{why}"]
        case LeadHeld():
            more = f" ({event.detail})" if event.detail else ""
            return [f"held for a person to look at: {event.reason}{more}"]
        case LeadReviewed():
            return [f"{event.decision} by {event.by}"]
        case DeliveryEnded():
            return [_delivered(event, offers)]
        case DeliveryLate():
            offer = offers.get(event.attempt)
            who = offer.buyer if offer is not None else event.attempt
            return [f"{who} answered after {event.after_ms} ms, too late: {event.outcome}; it owes nothing"]
        case LeadAccepted():
            paid = "the publisher earns nothing" if event.payout is None else f"the publisher earns {event.payout}"
            why = f" ({event.not_paid})" if event.not_paid else ""
            buyers = ", ".join(offers[each].buyer if each in offers else each for each in event.attempts)
            return [f"sold to {buyers} after {event.took_ms} ms; {paid}{why}"]
        case LeadUnmatched():
            return [f"not sold: {why_unsold(event.reason)} ({event.reason}) after {event.took_ms} ms"]
        case LeadEnded():
            of = f" of {event.of}" if event.of else ""
            return [f"{_ENDS.get(event.outcome, event.outcome)}{of} ({event.reason})"]
        case LeadAged():
            return [f"offered again, for the {event.round}. time, by plan {event.plan}"]
        case LeadAgedOut():
            return [f"not offered again: {event.reason}"]
        case _:
            return []


def _delivered(event: DeliveryEnded, offers: dict[str, OfferReserved]) -> str:
    offer = offers.get(event.attempt)
    who = offer.buyer if offer is not None else event.attempt
    status = f", status {event.status}" if event.status is not None else ""
    reason = f" ({event.reason})" if event.reason else ""
    took = "" if event.took_ms is None else f" after {event.took_ms} ms"
    sent = "" if event.sent or event.outcome == "queued" else ", nothing was sent"
    return f"{who} {_DELIVERIES.get(event.outcome, event.outcome)}{reason}{status}{took}{sent}"
