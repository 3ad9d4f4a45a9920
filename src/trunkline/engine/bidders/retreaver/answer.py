"""Retreaver's answers: a reservation, and whether it could be confirmed."""

from __future__ import annotations

from typing import Final

from trunkline.config.bids import Bid
from trunkline.engine.bidders.confirming import accepted_at
from trunkline.engine.bidders.destinations import dial_of
from trunkline.engine.bidders.reading import (
    DURATION_S_MAX,
    Confirmation,
    Reading,
    amount_at,
    error,
    expires_at,
    id_at,
    never_fails,
    no_bid,
    refused,
    seconds_at,
    words_at,
)
from trunkline.engine.payloads.documents import Document
from trunkline.kernel.http import Answer

RESERVED: Final = frozenset({"reserved", "confirmed"})
ADDRESSES: Final = ("sip_address", "inbound_number")


@never_fails
def read(bid: Bid, answer: Answer, currency: str, utc_ms: int) -> Reading:
    """What the answer to a ping means at `utc_ms`, in an account of `currency`."""
    document = Document(answer)
    status = refused(answer)
    if status is not None:
        return error(words_at(document, "error") or status)
    if not isinstance(document.json, dict):
        return error("the answer is no JSON object")
    said = words_at(document, "status")
    if said not in RESERVED:
        return no_bid(words_at(document, "error") or said)
    amount = amount_at(document, "retreaver_payout", currency)
    if amount is None or amount.minor == 0:
        return no_bid(said)
    number = id_at(document, "uuid")
    if number is None:
        return error("the reservation has no uuid, so that it cannot be confirmed")
    return Reading(
        answered="bid",
        amount=amount,
        id=number,
        dial=dial_of([document.words(name) for name in ADDRESSES], bid.allow),
        duration_s=seconds_at(document, "retreaver_seconds", DURATION_S_MAX),
        expires_ms=expires_at(document, "expires_at", utc_ms),
    )


def confirmed(bid: Bid, answer: Answer) -> Confirmation:
    """Whether the reservation stands: `no-target` when the room went in the meantime."""
    document = Document(answer)
    said = words_at(document, "status")
    if not 200 <= answer.status < 300 or said != "confirmed":
        return Confirmation(accepted=False, reason=said or f"status {answer.status}")
    return accepted_at(document, ADDRESSES, bid)
