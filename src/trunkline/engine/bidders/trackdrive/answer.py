"""TrackDrive's answers: the buyers with their bids, and where the call goes."""

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
    id_at,
    never_fails,
    no_bid,
    refused,
    seconds_at,
    words_at,
)
from trunkline.engine.payloads.documents import Document
from trunkline.kernel.http import Answer
from trunkline.kernel.money import Money

BUYERS_MAX: Final = 100
ADDRESSES: Final = ("forwarding_number_sip_address", "forwarding_number")
_AMOUNTS: Final = ("bid", "bid_price", "payout")
_FINE: Final = frozenset({"success", "accepted"})


@never_fails
def read(bid: Bid, answer: Answer, currency: str, utc_ms: int) -> Reading:
    """What the answer to a ping means, in an account of `currency`: the best of the buyers' bids."""
    document = Document(answer)
    status = refused(answer)
    if status is not None:
        return error(_reason(document) or status)
    if not isinstance(document.json, dict):
        return error("the answer is no JSON object")
    if not _succeeded(document):
        return no_bid(_reason(document))
    best = _best(document, currency)
    if best is None:
        return no_bid(_reason(document))
    amount, buyer = best
    number = id_at(document, f"{buyer}.ping_id") or id_at(document, "try_all_buyers_ping_id")
    if number is None:
        return error("the bid has no ping_id, so that it cannot be posted")
    return Reading(
        answered="bid",
        amount=amount,
        id=number,
        dial=dial_of([document.words(f"{buyer}.{name}") for name in ADDRESSES], bid.allow),
        duration_s=seconds_at(document, f"{buyer}.duration", DURATION_S_MAX),
    )


def confirmed(bid: Bid, answer: Answer) -> Confirmation:
    """What the post for a call has come to, and where the call goes."""
    said = posted(bid, answer)
    return accepted_at(Document(answer), ADDRESSES, bid) if said.accepted else said


def posted(bid: Bid, answer: Answer) -> Confirmation:
    """What the post of a lead has come to. Where a call would go is nothing to it."""
    document = Document(answer)
    if 200 <= answer.status < 300 and _succeeded(document):
        return Confirmation(accepted=True)
    return Confirmation(accepted=False, reason=_reason(document) or f"status {answer.status}")


def _best(document: Document, currency: str) -> tuple[Money, str] | None:
    """The highest bid above nothing, the first of equal ones, and the path of its buyer. Raises Unusable."""
    best: tuple[Money, str] | None = None
    buyers = document.value("buyers")
    for place in range(min(len(buyers), BUYERS_MAX) if isinstance(buyers, list) else 0):
        path = f"buyers[{place}]"
        amounts = (amount_at(document, f"{path}.{name}", currency) for name in _AMOUNTS)
        amount = next((each for each in amounts if each is not None), None)
        if amount is not None and amount.minor > (0 if best is None else best[0].minor):
            best = amount, path
    return best


def _succeeded(document: Document) -> bool:
    success = words_at(document, "success")
    return success == "true" if success is not None else words_at(document, "status") in _FINE


def _reason(document: Document) -> str | None:
    return words_at(document, "errors[0]") or words_at(document, "status")
