"""For whom bids are asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from trunkline.config.secrets import Secrets
from trunkline.engine.bidders.asked import Asked
from trunkline.engine.payloads.echoes import without_echoes
from trunkline.engine.routing.offer import Query

if TYPE_CHECKING:
    from trunkline.switch.world import World


class Inquiry(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One call or lead (`call` is its id) that is up for auction.

    `contact` is the keyed hash of whose it is, None where nobody can know: a bid is only remembered for a known one.
    `currency` is the account's. `asked` is what bidders are told, `secrets` are those that their requests may need.
    """

    account: str
    call: str
    contact: str | None
    currency: str
    asked: Asked
    secrets: Secrets

    def kept(self, words: str | None) -> str | None:
        """What a bidder has said, as it may be kept: without our secrets, and without what it repeats of a person."""
        return None if words is None else without_echoes(self.secrets.masked(words), self.asked.attributes)


def inquiry_of(world: World, query: Query, call: str, contact: str | None, hops: tuple[str, ...] = ()) -> Inquiry:
    """The inquiry for whoever looks for a buyer by `query`; `hops` are the installations that it has passed."""
    asked = Asked(
        kind=query.kind,
        campaign=query.campaign,
        attributes={name: each.value for name, each in query.attributes.items() if each.value},
        source=query.source,
        hops=hops,
    )
    currency = world.accounts[query.account].config.account.currency
    return Inquiry(
        account=query.account,
        call=call,
        contact=contact,
        currency=currency,
        asked=asked,
        secrets=world.secrets,
    )
