"""Calls that publishers were bid for: confirmed, so that a seat is held, and then arriving.

A bid binds from its confirmation to its end: the call that comes in between takes the seat that is held and the terms
that were named. One that was not confirmed runs like any other call, and earns the bid when it is sold to somebody
whose price covers it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import msgspec

from trunkline.config.schema import Kind
from trunkline.engine.routing.auction import Bid, amounts
from trunkline.engine.routing.offer import Auction, Offer, Query
from trunkline.engine.terms.promises import Promise, told
from trunkline.events.changes import PingDrop, PingPut, StoredPing
from trunkline.events.entry import Entry
from trunkline.events.pings import PingConfirmed, PingNoTarget, PingUsed
from trunkline.switch.leads.answers import Answer, refusal
from trunkline.switch.pings.auctions import PingAuctions
from trunkline.switch.pings.orders import Confirmed, Refusal
from trunkline.switch.pings.posting import expired, forged
from trunkline.switch.pings.questions import CallFacts, facts_again, known_of_call
from trunkline.switch.pings.terms import promise_of
from trunkline.switch.pings.tokens import BadToken

if TYPE_CHECKING:
    from trunkline.engine.routing.profile import CallerProfile
    from trunkline.kernel.clock import Instant
    from trunkline.switch.leads.publishers import Sender
    from trunkline.switch.livecall import LiveCall
    from trunkline.switch.pings.desk import PingDesk
    from trunkline.switch.plant import Plant

_facts: Final = msgspec.msgpack.Decoder(dict[str, str])
_bids: Final = msgspec.msgpack.Decoder(dict[str, Bid])


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """A call that was bid for has come: what was promised, what was stated of it, the seat that is held for it."""

    ping: StoredPing
    promise: Promise
    facts: CallFacts
    bids: Mapping[str, Bid] | None
    seat: str | None

    def tell(self, profile: CallerProfile) -> None:
        """Let the call know what was stated of it."""
        for name, each in self.facts.stated.items():
            profile.learn(name, each.value, each.basis)

    def promised(self, query: Query) -> Query:
        """The search of the call, as it was when the bid was made."""
        return msgspec.structs.replace(query, promise=self.promise, bids=self.bids, seed=self.ping.seed)


class CallBook:
    """Bids for calls, from their confirmation to the call."""

    def __init__(self, plant: Plant, desk: PingDesk) -> None:
        self._plant = plant
        self._desk = desk
        self._holding: dict[str, asyncio.Task[Confirmed | Answer]] = {}

    async def confirm(self, sender: Sender, token: str) -> Confirmed | Refusal | Answer:
        """Hold a seat for the call until the end of its bid; asked again, say so again."""
        now = self._plant.clock()
        if self._desk.tokens.read(token, sender.account, sender.publisher, now.utc_ms) is BadToken.FORGED:
            return forged()
        found = self._desk.book.find(token.partition(".")[0])
        if found is None:
            return expired()
        if found.kind != "call":
            return refusal(400, "wrong_kind", "this ping asked for a lead: post it")
        if found.by is not None:
            return refusal(409, "used", f"the call has come, as {found.by}")
        if now.utc_ms >= found.expires_ms:
            return expired()
        holding = self._holding.get(found.ping)
        if holding is None:
            if found.lease is not None:
                return Confirmed(held=True, bidding=self._desk.told(found))
            holding = self._holding[found.ping] = self._plant.loop.create_task(self._hold(found, now))
            holding.add_done_callback(lambda _done: self._holding.pop(found.ping))
        return await asyncio.shield(holding)

    async def _hold(self, ping: StoredPing, now: Instant) -> Confirmed | Answer:
        plant, told = self._plant, self._desk.told(ping)
        offer = await self._reserved(ping, now)
        now, current = plant.clock(), self._desk.book.find(ping.ping)
        if current is None or current.by is not None:  # it came, or its bid ended, while bidders were asked
            if isinstance(offer, Offer):
                plant.capacity.release(offer.lease.id, now)
            return expired() if current is None else refusal(409, "used", f"the call has come, as {current.by}")
        if not isinstance(offer, Offer):
            gone = PingNoTarget(account=ping.account, call=ping.ping, at_ms=now.utc_ms, reason=offer)
            self._desk.book.drop(ping)
            plant.metrics.pings.labels("call", "no_target").inc()
            await self._desk.write([Entry(gone, ping.contact)], [PingDrop(ping.ping)])
            return Confirmed(held=False, bidding=told)
        lease, route = offer.lease, offer.candidate.route
        held = msgspec.structs.replace(
            ping, lease=lease.id, attempt=lease.attempt, route=route, target=offer.candidate.target
        )
        self._desk.book.put(held)
        confirmed = PingConfirmed(
            account=ping.account, call=ping.ping, at_ms=now.utc_ms, lease=lease.id, attempt=lease.attempt, route=route
        )
        if not await self._desk.write([Entry(confirmed, ping.contact)], [PingPut(held)]):
            plant.capacity.release(lease.id, plant.clock())
            if self._desk.book.find(ping.ping) is held:
                self._desk.book.put(ping)
            return refusal(503, "not_ready", "nothing can be promised for the moment", 5)
        plant.metrics.pings.labels("call", "confirmed").inc()
        return Confirmed(held=True, bidding=told)

    async def _reserved(self, ping: StoredPing, now: Instant) -> Offer | str:
        """The best offer that covers the bid, its seats held; why there is none when there is none."""
        plant, world = self._plant, self._plant.world
        router = world.routers.get(ping.account)
        if router is None or ping.campaign not in world.accounts[ping.account].campaigns:
            return "no_route"
        asking = Query(
            account=ping.account,
            kind=Kind.CALL,
            campaign=ping.campaign,
            publisher=ping.publisher,
            source=ping.source,
            number=ping.number,
            attributes={},
            now=now,
            seed=ping.seed,
            bids=bids_of(ping),
            geo=plant.geo.overlay.version,
            promise=promise_of(ping, binding=True),
        )
        query = known_of_call(plant, world, asking, facts_of(ping), ping.contact, now)
        cursor = router.cursor(query, plant.facts.of(ping.account))
        lease, attempt = plant.ids.make("lease", now.utc_ms), plant.ids.make("att", now.utc_ms)
        auctions = PingAuctions(plant, ping.ping, ping.contact, ping.currency, known=ping.caller == ping.contact)
        while isinstance(found := cursor.next(plant.capacity, lease, attempt, ping.ping, plant.clock()), Auction):
            await auctions.ask(found, cursor)
        return found if isinstance(found, Offer) else found.reason

    def expects(self, account: str, number: str, caller: str, contact: str, now: Instant) -> Expected | None:
        """The bid by which this call comes; None for a call that nobody was bid for."""
        ping = self._desk.book.expects(account, number, caller, contact, now.utc_ms)
        if ping is None:
            return None
        promise = promise_of(ping, binding=ping.lease is not None)
        return Expected(ping=ping, promise=promise, facts=facts_of(ping), bids=bids_of(ping), seat=ping.lease)

    def arrived(self, expected: Expected, call: LiveCall, now: Instant) -> None:
        """The call has taken up its bid; that is written with its beginning, and nobody else can take it."""
        ping, name = expected.ping, call.machine.context.call
        used = msgspec.structs.replace(ping, by=name)
        self._desk.book.put(used)
        call.seat = expected.seat
        call.promised = told(expected.promise, ping.account, name, now.utc_ms, amounts(expected.bids))
        if expected.bids:
            call.know_bids()
        call.keep(PingPut(used))
        call.note(PingUsed(account=ping.account, call=ping.ping, at_ms=now.utc_ms, by=name, held=call.seat is not None))
        self._plant.metrics.pings.labels("call", "used").inc()

    def renew(self, now: Instant) -> None:
        """Keep the seats that wait for their calls."""
        for ping in self._desk.book.waiting():
            if ping.lease is not None:
                self._plant.capacity.renew(ping.lease, now)


def facts_of(ping: StoredPing) -> CallFacts:
    """What was told of a caller."""
    return facts_again({} if ping.facts is None else _facts.decode(ping.facts))


def bids_of(ping: StoredPing) -> dict[str, Bid] | None:
    """What bidders said when they were asked, by target."""
    return None if ping.bids is None else _bids.decode(ping.bids)
