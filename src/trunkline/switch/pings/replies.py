"""What publishers are answered, as JSON."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from trunkline.kernel.clock import iso
from trunkline.switch.leads.answers import Answer, invalid, refusal
from trunkline.switch.pings.orders import Bidding, Confirmed, NoBidding, Refusal

_encode: Final = msgspec.json.Encoder().encode


def told(answer: Bidding | NoBidding | Refusal) -> Answer:
    """The answer to a ping."""
    if isinstance(answer, Refusal):
        return refused(answer)
    if isinstance(answer, NoBidding):
        return Answer(200, _encode({"status": "no_bid", "reasons": list(answer.reasons)}))
    return Answer(200, _encode({"status": "bid"} | _terms(answer)))


def confirmed(answer: Confirmed | Refusal | Answer) -> Answer:
    """The answer to a confirmation."""
    if isinstance(answer, Answer):
        return answer
    if isinstance(answer, Refusal):
        return refused(answer)
    if answer.held:
        return Answer(200, _encode({"status": "confirmed"} | _terms(answer.bidding)))
    message = "the room went meanwhile; the bid has ended"
    return Answer(200, _encode({"status": "no_target", "ping_id": answer.bidding.token, "message": message}))


def refused(answer: Refusal) -> Answer:
    """What cannot be done."""
    if answer.errors:
        return invalid(answer.errors)
    return refusal(answer.status, answer.code, answer.message, answer.retry_s)


def _terms(bidding: Bidding) -> dict[str, Any]:
    document: dict[str, Any] = {
        "ping_id": bidding.token,
        "bid": str(bidding.bid),
        "currency": bidding.bid.currency,
        "expires_at": iso(bidding.expires_ms),
    }
    if bidding.test:
        document["test"] = True
    if bidding.number is not None:
        document["number"] = bidding.number
        if bidding.sip is not None:
            document["sip"] = bidding.sip
        document["terms"] = {"event": bidding.event}
        if bidding.event == "duration":
            document["terms"]["seconds"] = bidding.after_ms // 1000
    return document
