"""The answer of a bidder of the configuration's own description."""

from __future__ import annotations

from trunkline.config.bids import Bid
from trunkline.config.xml_paths import is_xml_path
from trunkline.engine.bidders.destinations import dial_of
from trunkline.engine.bidders.reading import (
    DURATION_S_MAX,
    Reading,
    amount_at,
    currency_at,
    error,
    expires_at,
    id_at,
    never_fails,
    no_bid,
    seconds_at,
    words_at,
)
from trunkline.engine.bidders.rules import holds
from trunkline.engine.payloads.documents import Document
from trunkline.kernel.http import Answer


@never_fails
def read(bid: Bid, answer: Answer, currency: str, utc_ms: int) -> Reading:
    """What the answer means at `utc_ms`, in an account of `currency`."""
    document = Document(answer)
    reason = words_at(document, bid.reason_path)
    if answer.status == 204:
        return no_bid(reason)
    rule = bid.bids_when
    fine = 200 <= answer.status < 300 if rule is None or rule.status is None else answer.status == rule.status
    if not fine:
        return error(reason or f"status {answer.status}")
    if not document.readable(bid.bid_path):
        return error("the answer is no XML" if is_xml_path(bid.bid_path) else "the answer is no JSON")
    if rule is not None and not holds(rule, document):
        return no_bid(reason)
    amount = amount_at(document, bid.bid_path, currency_at(document, bid.currency_path) or currency)
    if amount is None or amount.minor == 0:
        return no_bid(reason)
    return Reading(
        answered="bid",
        amount=amount,
        id=id_at(document, bid.id_path),
        dial=dial_of([document.words(bid.number_path)], bid.allow),
        duration_s=seconds_at(document, bid.duration_path, DURATION_S_MAX),
        expires_ms=expires_at(document, bid.expires_path, utc_ms),
    )
