"""One caller before the routes of one account: everything that a guard may ask about, found out once."""

from __future__ import annotations

from trunkline.config.schema import Campaign
from trunkline.engine.routing.duplicates import Repetition, is_anonymous, last_seen_ms, repetition
from trunkline.engine.routing.entrance import Entrance
from trunkline.engine.routing.facts import Facts
from trunkline.engine.routing.offer import Query
from trunkline.engine.routing.screening import Screening
from trunkline.engine.routing.shared import Shared
from trunkline.engine.routing.values import Known
from trunkline.engine.terms.payouts import Traffic


class Case:
    """A query with what it comes in by, what is known, and what its history means (None: nothing).

    `asks` says that bidders may be asked for what `query.bids` does not have yet.
    """

    __slots__ = ("_screening", "asks", "entrance", "facts", "known", "query", "repetition", "shared")

    def __init__(self, shared: Shared, entrance: Entrance, query: Query, facts: Facts) -> None:
        self.shared = shared
        self.entrance = entrance
        self.query = query
        self.asks = query.bids is None or query.promise is not None
        self.facts = facts
        self.known = Known(query.attributes, shared.types)
        self._screening: Screening | None = None
        self.repetition: Repetition | None = None
        if query.history:
            self.repetition = repetition(
                query.history,
                entrance.campaign,
                shared.not_seen_days,
                anonymous=is_anonymous(self.known),
                utc_ms=query.now.utc_ms,
            )

    @property
    def screening(self) -> Screening:
        """What lists say of the caller."""
        if self._screening is None:
            number = self.query.attributes.get("caller.number")
            account = self.shared.account
            day = self.shared.clocks.at(self.query.now.utc_ms, account.timezone).ordinal
            where = (self.query.attributes, self.query.now.utc_ms)
            self._screening = Screening(None if number is None else number.value, self.facts.lists, day, where)
        return self._screening


def traffic_of(query: Query, campaign: Campaign, known: Known, zone: str) -> Traffic:
    """What payout rules select and judge this caller by; `zone` is the account's."""
    seen_ms = None
    if query.history:
        anonymous = is_anonymous(known)
        seen_ms = last_seen_ms(query.history, campaign, anonymous=anonymous, utc_ms=query.now.utc_ms)
    return Traffic(query.publisher, query.source, query.kind, zone, seen_ms)
