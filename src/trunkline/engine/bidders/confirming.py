"""The confirmation that a configuration writes itself (`confirm:`), for any dialect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from trunkline.config.bids import Bid
from trunkline.engine.bidders.asked import Asked
from trunkline.engine.bidders.destinations import dial_of
from trunkline.engine.bidders.reading import Confirmation, Reading, words_at
from trunkline.engine.bidders.requests import filled, names_of, request_of
from trunkline.engine.bidders.rules import holds
from trunkline.engine.payloads.documents import Document, Unusable
from trunkline.kernel.http import Answer, Request

_FIELDS: Final[Mapping[str, str]] = {"ping_id": "[ping.id]", "bid_id": "[bid.id]", "bid": "[bid.amount]"}


def confirm(bid: Bid, asked: Asked, reading: Reading, ping: str) -> Request | None:
    """The request that tells the bidder that its bid has won; None when the configuration asks for none.

    It may say who the caller is: the bid is won.
    """
    way = bid.confirm
    if way is None:
        return None
    assert reading.amount is not None, "a bid that has won has an amount"
    known = {
        **asked.attributes,
        **names_of(asked, ping),
        "bid.id": reading.id or "",
        "bid.amount": str(reading.amount),
        "bid.currency": reading.amount.currency,
    }
    values = filled(way.fields or _FIELDS, known, bid.values)
    return request_of(
        bid,
        asked,
        known,
        values,
        url=way.url,
        headers=way.headers,
        method=way.method,
        form=way.format,
        root=way.root,
    )


def confirmed(bid: Bid, answer: Answer) -> Confirmation:
    """What the bidder says to it. Whatever is no clear yes is a no."""
    way = bid.confirm
    assert way is not None, "nothing was confirmed"
    document = Document(answer)
    reason = None if way.reason_path is None else words_at(document, way.reason_path)
    if not 200 <= answer.status < 300 and (way.accepted_when is None or way.accepted_when.status is None):
        return Confirmation(accepted=False, reason=reason or f"status {answer.status}")
    if way.accepted_when is not None and not holds(way.accepted_when, document):
        return Confirmation(accepted=False, reason=reason or "it does not accept")
    return accepted_at(document, [way.number_path or ""], bid)


def accepted_at(document: Document, paths: Sequence[str], bid: Bid) -> Confirmation:
    """A yes, with the address to dial that comes with it, the best path first; a no when it may not be dialled."""
    try:
        return Confirmation(accepted=True, dial=dial_of([document.words(path) for path in paths], bid.allow))
    except Unusable as objection:
        return Confirmation(accepted=False, reason=str(objection)[:200])
