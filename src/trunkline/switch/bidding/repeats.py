"""Bids that still stand for a caller who comes again: the same contact, about whom the same is known.

A bidder that has just said what it pays is not asked again while its bid stands; it would count as a second request,
and some answer the repetition of a question with nothing. A bid that an offer was made of is used up.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Final

from trunkline.engine.routing.auction import Bid
from trunkline.switch.bidding.inquiry import Inquiry

KEPT_MAX: Final = 50_000
"""Bids that are remembered at once, about 400 bytes each; the oldest are forgotten first."""
_PASSING: Final = ("time.", "score.", "caller.repeat")
"""Attributes that are others a moment later, although nothing new is known of the caller."""

Question = tuple[str, str, int]
"""Account, contact, and a hash of what is known."""


def question_of(inquiry: Inquiry) -> Question | None:
    """What two inquiries have in common that are answered by the same bids; None for an unknown contact."""
    if inquiry.contact is None:
        return None
    asked = inquiry.asked
    known = frozenset(_lasting(asked.attributes))
    return inquiry.account, inquiry.contact, hash((asked.kind, asked.campaign, asked.source, known))


def _lasting(attributes: Mapping[str, str]) -> list[tuple[str, str]]:
    return [each for each in attributes.items() if not each[0].startswith(_PASSING)]


class RepeatBids:
    """The bids that stand, by question and target."""

    def __init__(self, most: int = KEPT_MAX) -> None:
        self._bids: OrderedDict[tuple[Question, str], Bid] = OrderedDict()
        self._most = most

    def __len__(self) -> int:
        return len(self._bids)

    def get(self, question: Question, target: str, utc_ms: int) -> Bid | None:
        """The bid of that target that still stands."""
        bid = self._bids.get((question, target))
        if bid is None or not bid.expired(utc_ms):
            return bid
        del self._bids[question, target]
        return None

    def keep(self, question: Question, target: str, bid: Bid) -> None:
        """Remember a bid that says how long it stands."""
        if bid.expires_ms is None:
            return
        self._bids[question, target] = bid
        self._bids.move_to_end((question, target))
        if len(self._bids) > self._most:
            self._bids.popitem(last=False)

    def use(self, question: Question, target: str) -> None:
        """An offer is made of the bid: it stands no more."""
        self._bids.pop((question, target), None)
