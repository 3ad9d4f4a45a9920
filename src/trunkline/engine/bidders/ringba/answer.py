"""Ringba's answer: a bid with its terms, or an amount of nothing and the reason."""

from __future__ import annotations

from typing import Any, Final

from trunkline.config.bids import Bid
from trunkline.engine.bidders.destinations import dial_of
from trunkline.engine.bidders.reading import (
    DURATION_S_MAX,
    LASTS_S_MAX,
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
from trunkline.engine.payloads.json_values import words
from trunkline.kernel.http import Answer

SANDBOX: Final = "222"
"""The warning that a bid is not meant."""
ADDRESSES: Final = ("sipAddress", "phoneNumber", "phoneNumberNoPlus")
_LIST_MAX: Final = 20


@never_fails
def read(bid: Bid, answer: Answer, currency: str, utc_ms: int) -> Reading:
    """What the answer means at `utc_ms`, in an account of `currency`."""
    document = Document(answer)
    reason = words_at(document, "rejectReason")
    status = refused(answer)
    if status is not None:
        return error(reason or status)
    if not isinstance(document.json, dict):
        return error("the answer is no JSON object")
    amount = amount_at(document, "bidAmount", currency)
    if amount is None or amount.minor == 0 or reason is not None:
        return no_bid(reason)
    if SANDBOX in _each(document.value("warnings"), "code"):
        return no_bid("a bid of the sandbox (warning 222)")
    lasts_s = seconds_at(document, "expireInSeconds", LASTS_S_MAX)
    return Reading(
        answered="bid",
        amount=amount,
        id=id_at(document, "bidId"),
        dial=dial_of([document.words(name) for name in ADDRESSES], bid.allow),
        duration_s=_duration_s(document),
        expires_ms=None if lasts_s is None else utc_ms + lasts_s * 1_000,
    )


def _duration_s(document: Document) -> int | None:
    """The longest of the durations that the terms name: below it something is not owed."""
    terms = document.value("bidTerms")
    count = min(len(terms), _LIST_MAX) if isinstance(terms, list) else 0
    found = [seconds_at(document, f"bidTerms[{place}].callMinDuration", DURATION_S_MAX) for place in range(count)]
    return max((each for each in found if each is not None), default=None)


def _each(value: Any, name: str) -> list[str | None]:
    items = value[:_LIST_MAX] if isinstance(value, list) else []
    return [words(item.get(name)) for item in items if isinstance(item, dict)]
