"""The searches for a buyer that a call has made, read from its events: what the router was asked, what came of it."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from trunkline.config.flows import Collect, Menu
from trunkline.config.schema import AccountConfig, Kind
from trunkline.engine.geo.overlay import Overlay
from trunkline.engine.routing.attributes import derive
from trunkline.engine.routing.auction import Bid
from trunkline.engine.routing.offer import Attribute, Query
from trunkline.engine.routing.replay import Told
from trunkline.engine.routing.router import Router
from trunkline.engine.terms.promises import promise_of
from trunkline.events.auctions import AuctionHeld
from trunkline.events.calls import (
    AnyCallEvent,
    CallPromised,
    CallQualified,
    CallReceived,
    CallRepeated,
    CallRouted,
    OfferReserved,
)
from trunkline.events.contacts import Seen
from trunkline.kernel.clock import MS, Instant

_SAID = frozenset({"ivr", "set", "stated"})
"""How attributes are known that the flow has learned; all others follow from them and from the arrival."""
_PLACED = ("geo.country", "geo.state", "geo.timezone", "geo.area_code", "geo.exchange")


class Search(msgspec.Struct, frozen=True, kw_only=True):
    """One search, ended by `routed`. `taken` are targets of the call's offers before, `before` the plan of the search
    before it.
    """

    received: CallReceived
    qualified: CallQualified
    routed: CallRouted
    offers: tuple[OfferReserved, ...]
    taken: frozenset[str]
    before: str | None
    history: tuple[Seen, ...]
    auctions: tuple[AuctionHeld, ...] = ()
    promised: CallPromised | None = None

    @property
    def began_ms(self) -> int:
        """When it began (UTC milliseconds)."""
        return self.routed.began_ms or self.qualified.at_ms

    def told(self) -> Told:
        """What the journal says of it. A search that made no offer has come to its end, whatever the caller did, unless
        it did it in the middle of an auction.
        """
        routed = self.routed
        auctions = tuple(event for event in self.auctions if event.at_ms >= self.began_ms)
        broken_off = any(not event.settled for event in auctions)
        return Told(
            offered=routed.offered,
            rejected=routed.rejected,
            more=routed.more,
            ended=routed.outcome == "unsold" or not (routed.offered or broken_off),
            reason=routed.reason,
            auctions=auctions,
        )


def searches(events: Sequence[AnyCallEvent]) -> list[Search]:
    """All searches of one call, in order. `events` are the call's, in order."""
    found: list[Search] = []
    received: CallReceived | None = None
    qualified: CallQualified | None = None
    history: tuple[Seen, ...] = ()
    offers: list[OfferReserved] = []
    auctions: list[AuctionHeld] = []
    before: str | None = None
    promised: CallPromised | None = None
    for event in events:
        match event:
            case CallReceived():
                received = event
            case CallQualified():
                qualified = event
            case CallRepeated():
                history = event.seen
            case CallPromised():
                promised = event
            case OfferReserved():
                offers.append(event)
            case AuctionHeld():
                auctions.append(event)
            case CallRouted():
                assert received is not None, "a call is received before it is routed"
                assert qualified is not None, "a call is qualified before it is routed"
                first = len(offers) - len(event.offered)
                found.append(
                    Search(
                        received=received,
                        qualified=qualified,
                        routed=event,
                        offers=tuple(offers[first:]),
                        taken=frozenset(offer.target for offer in offers[:first]),
                        before=before,
                        history=history,
                        auctions=tuple(auctions),
                        promised=promised,
                    )
                )
                before = event.plan
                auctions.clear()
            case _:
                pass
    return found


def query_of(search: Search, router: Router, overlay: Overlay) -> Query:
    """What the router was asked. `overlay` is the import of the numbering plan that counted."""
    received, routed, promised = search.received, search.routed, search.promised
    again = search.before is not None and routed.hop > 0 and router.programs[search.before].plan.reroute_again
    return Query(
        account=received.account,
        kind=Kind.CALL,
        campaign=received.campaign,
        publisher=received.publisher,
        source=received.source,
        number=received.number,
        attributes=_attributes(search, router, overlay),
        now=Instant(search.began_ms * MS, search.began_ms),
        seed=routed.seed,
        plan=routed.plan,
        taken=frozenset() if again else search.taken,
        history=search.history,
        hop=routed.hop,
        geo=overlay.version,
        promise=None if promised is None else promise_of(promised, received.publisher),
        bids=None if promised is None else {target: Bid("bid", amount) for target, amount in promised.bids.items()},
    )


def unkept(config: AccountConfig, search: Search) -> list[str]:
    """Attributes that the caller may have stated and that are never stored."""
    campaign = next(each for each in config.campaigns if each.key == search.received.campaign)
    flow = next(each for each in config.flows if each.key == campaign.flow)
    asked = [
        getattr(node, "into", None) or f"ivr.{key}"
        for key, node in flow.nodes.items()
        if isinstance(node, Menu | Collect) and node.sensitive
    ]
    return [name for name in asked if name not in search.qualified.attributes]


def _attributes(search: Search, router: Router, overlay: Overlay) -> dict[str, Attribute]:
    """What was known: what is stored, as it was stored; what time it was; and the chances that follow from the number.

    Chances only count where all else that follows from the number is what it was.
    """
    received, qualified = search.received, search.qualified
    stored = {name: Attribute(value, qualified.basis.get(name, "")) for name, value in qualified.attributes.items()}
    origin = router.origin(
        received.caller, received.publisher, received.source, received.number, None, received.attestation, overlay
    )
    said = {name: value for name, value in stored.items() if value.basis in _SAID}
    derived = derive(origin, said, search.began_ms)
    found = {
        name: derived[name] if name in derived and _same(value, derived[name]) else value
        for name, value in stored.items()
    }
    if all(_same(stored.get(name), derived.get(name)) for name in _PLACED):
        found |= {name: value for name, value in derived.items() if value.chances and name not in stored}
    if search.began_ms != qualified.at_ms:
        found |= {name: value for name, value in derived.items() if name.startswith("time.") and name in stored}
    return found


def _same(one: Attribute | None, other: Attribute | None) -> bool:
    if one is None or other is None:
        return one is other
    return (one.value, one.basis) == (other.value, other.basis)
