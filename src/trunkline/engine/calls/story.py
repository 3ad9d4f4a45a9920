"""The story of one call in words: what happened, when, and why every route that was not offered was not.

Everything is told from the journal's events, so it can be told of any call at any later time.
"""

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
from trunkline.events.calls import (
    AnyCallEvent,
    AttemptConnected,
    AttemptEnded,
    AttemptMoved,
    CallAnswered,
    CallAttested,
    CallBlocked,
    CallDequeued,
    CallEnded,
    CallPromised,
    CallQualified,
    CallQueued,
    CallReceived,
    CallRepeated,
    CallRouted,
    Converted,
    LegEnded,
    LegMeasured,
    OfferReserved,
    PayoutEarned,
    RecordingEnded,
    RecordingPaused,
    RecordingResumed,
    RecordingStarted,
)
from trunkline.events.returns import AnyReturnEvent, ReturnEvent
from trunkline.kernel.clock import iso

_TOLD_OF_CALLER = ("geo.", "caller.language", "ivr.", "tag.")
"""The attributes that a story names; the others are plain from the rest of it."""

_ATTEMPTS = {
    "connected": "took the call",
    "busy": "was busy",
    "no_answer": "did not answer",
    "timeout": "gave no sign of life",
    "declined": "declined",
    "not_accepted": "answered but did not accept the call",
    "failed": "could not be reached",
    "caller_gone": "was let go because the caller hung up",
    "capacity_lost": "lost its seat before it was connected",
    "interrupted": "was cut off",
}
_CALLS = {
    "sold": "sold",
    "unsold": "not sold",
    "abandoned": "abandoned by the caller before anybody took it",
    "ivr_ended": "ended by the flow",
    "voicemail": "ended with a message",
    "blocked": "blocked",
    "failed": "failed through an error of ours",
    "interrupted": "cut off by an interruption of the switch",
}

_MOVED = {
    "no_response": "no response",
    "transport": "the server could not be reached",
}
_BLOCKED = {
    "same_caller": "the same caller called this number a moment before",
    "caller_live": "the caller has as many calls going on as the trunk allows",
    "suppression": "a list keeps the caller away",
}


def tell(events: Sequence[AnyCallEvent | AnyReturnEvent]) -> list[str]:
    """One line for each thing that happened, in order, each with its time in seconds since the call came in."""
    start_ms = events[0].at_ms if events else 0
    routes = {event.attempt: event for event in events if isinstance(event, OfferReserved)}
    lines: list[str] = []
    for event in events:
        told = [tell_return(event)] if isinstance(event, ReturnEvent) else _told(event, routes)
        for index, line in enumerate(told):
            lines.append(f"{_since(event.at_ms, start_ms) if index == 0 else ' ' * 10}  {line}")
    return lines


def _since(at_ms: int, start_ms: int) -> str:
    seconds, ms = divmod(max(0, at_ms - start_ms), 1000)  # a wall clock that was set back tells no negative times
    return f"+{seconds:>4d}.{ms:03d}s"


def _told(event: AnyCallEvent, offers: dict[str, OfferReserved]) -> list[str]:
    match event:
        case CallReceived():
            who = event.caller or "a caller without a number"
            source = f", source {event.source}" if event.source else ""
            vouched = "" if event.attestation is None else f", attested {event.attestation} ({event.attested_by})"
            sent_on = "" if event.diverted_from is None else f", sent on from {event.diverted_from}"
            return [
                f"{iso(event.at_ms)}: {who} called {event.number} by trunk {event.trunk}{vouched}{sent_on}",
                f"campaign {event.campaign}, publisher {event.publisher}{source}; configuration {event.snapshot[:12]}",
            ]
        case CallAttested():
            why = f" ({event.reason})" if event.reason else ""
            return [f"the signature of the caller's number, level {event.attestation}: {event.result}{why}"]
        case CallRepeated():
            return tell_repeated(event)
        case CallPromised():
            return [tell_promise(event)]
        case CallBlocked():
            more = "" if event.detail is None else f" ({event.detail})"
            return [f"blocked: {_BLOCKED.get(event.reason, event.reason)}{more}"]
        case CallAnswered():
            return ["answered: something was to be heard" if event.by == "flow" else "answered: a buyer took the call"]
        case CallQualified():
            return [f"at {event.node}: {_known(event)}"]
        case CallQueued():
            return [f"waits for somebody of plan {event.plan} to have room, number {event.position} in line"]
        case CallDequeued():
            why = "somebody had room" if event.reason is None else why_unsold(event.reason)
            return [f"waited {_seconds(event.waited_ms)}: {why}"]
        case OfferReserved():
            return [tell_offer(event)]
        case AttemptMoved():
            why = _MOVED.get(event.reason, event.reason)
            by = f" by trunk {event.trunk}" if event.trunk is not None else ""
            return [f"{_who(event.attempt, offers)}: {why}; {event.server} is asked{by}"]
        case AttemptConnected():
            return [f"{_who(event.attempt, offers)} took the call after ringing {_seconds(event.ring_ms)}"]
        case AttemptEnded():
            return [_attempt_ended(event, offers), *(_leg_ended(leg) for leg in event.legs or ())]
        case CallRouted():
            return tell_routed(event)
        case Converted() | PayoutEarned():
            return [tell_money(event)]
        case RecordingStarted():
            return [f"recording into {event.path}"]
        case RecordingPaused():
            return [f"recording paused by the {event.by}"]
        case RecordingResumed():
            return ["recording goes on"]
        case RecordingEnded():
            broken = f", but not whole: {event.error}" if event.error else ""
            return [f"recorded {_seconds(event.duration_ms)} into {event.path}{broken}"]
        case LegMeasured():
            return [_measured(event, offers)]
        case CallEnded():
            return _ended(event)
        case AuctionHeld():
            return tell_auction(event)
        case BidLate():
            return [tell_late(event)]
        case BidConfirmed():
            return [tell_confirmed(event)]


def _known(event: CallQualified) -> str:
    told = [
        f"{name} = {value} ({event.basis.get(name, '?')})"
        for name, value in sorted(event.attributes.items())
        if name.startswith(_TOLD_OF_CALLER)
    ]
    return "ready to be sold; " + (", ".join(told) if told else "nothing is known of the caller")


def _who(attempt: str, offers: dict[str, OfferReserved]) -> str:
    offer = offers.get(attempt)
    return offer.buyer if offer is not None else attempt


def _seconds(ms: int | None) -> str:
    return "an unknown time" if ms is None else f"{ms / 1000:.1f} s"


def _attempt_ended(event: AttemptEnded, offers: dict[str, OfferReserved]) -> str:
    who, why = _who(event.attempt, offers), _ATTEMPTS.get(event.outcome, event.outcome)
    if event.outcome == "connected":
        return f"{who} was on the line {_seconds(event.duration_ms)}"
    status = f" (SIP {event.sip_status})" if event.sip_status else ""
    reason = f" ({event.reason})" if event.reason else ""
    return f"{who} {why}{status}{reason} after {_seconds(event.ring_ms)}"


def _leg_ended(leg: LegEnded) -> str:
    status = f" (SIP {leg.sip_status})" if leg.sip_status else ""
    reason = f" ({leg.reason})" if leg.reason else ""
    what = "was let go: another phone took the call" if leg.outcome == "elsewhere" else _ATTEMPTS.get(leg.outcome)
    return f"  {leg.dial} {what or leg.outcome}{status}{reason} after {_seconds(leg.ring_ms)}"


def _measured(event: LegMeasured, offers: dict[str, OfferReserved]) -> str:
    who = "the caller" if event.attempt is None else _who(event.attempt, offers)
    score = "not at all" if event.mos is None else f"at {event.mos:.1f} of 4.4"
    told = f"{who} was heard {score} ({event.lost} of {event.packets_in + event.lost} packets lost, "
    told += f"jitter {event.jitter_ms:.1f} ms"
    if event.round_trip_ms is not None:
        told += f", round trip {event.round_trip_ms:.0f} ms"
    heard = "" if event.peer_mos is None else f" and heard us at {event.peer_mos:.1f}"
    return f"{told}){heard}"


def _ended(event: CallEnded) -> list[str]:
    what = _CALLS.get(event.outcome, event.outcome)
    reason = f" ({event.reason})" if event.reason else ""
    lines = [f"{what}{reason}; ended by {event.ended_by} after {_seconds(event.duration_ms)}"]
    if event.not_converted:
        lines.append(f"the buyer owes nothing: {event.not_converted}")
    if event.not_paid:
        lines.append(f"the publisher earns nothing: {event.not_paid}")
    return lines
