"""The desk that answers pings: what would be paid for a lead or a call, which it remembers for as long as it binds.

A ping holds nothing. It is decided by the same search as the lead or call that may follow, looks at the first offer
that this would be made, and bids what that leaves. The bid is durable before anybody hears of it.
"""

from __future__ import annotations

import asyncio
import logging
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

import msgspec

from trunkline.config.schema import Kind
from trunkline.engine.bidders.loops import is_loop
from trunkline.engine.leads.hints import Hints
from trunkline.engine.routing.auction import Bid
from trunkline.engine.routing.offer import Auction, Candidate, Query, unasked
from trunkline.engine.routing.views import for_publisher
from trunkline.engine.terms.margins import NoBid
from trunkline.events.changes import Change, PingDrop, PingPut, StoredPing
from trunkline.events.entry import Entry
from trunkline.events.pings import PingBid, PingLapsed
from trunkline.journal.errors import JournalUnavailable
from trunkline.kernel.money import Money
from trunkline.kernel.phone import parse_number
from trunkline.switch.pings.auctions import PingAuctions
from trunkline.switch.pings.book import PingBook, is_seat
from trunkline.switch.pings.budgets import Budgets
from trunkline.switch.pings.orders import Bidding, CallPing, LeadPing, NoBidding, PingOrder, Refusal
from trunkline.switch.pings.questions import Question, ask_of_call, ask_of_lead, read_facts
from trunkline.switch.pings.terms import Selling, earned_by, selling
from trunkline.switch.pings.tokens import PingToken, Tokens

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trunkline.config.schema import Number
    from trunkline.kernel.clock import Instant
    from trunkline.kernel.leases import Lease
    from trunkline.switch.plant import Plant
    from trunkline.switch.world import World

log = logging.getLogger("trunkline.pings")

NOT_ASKED: Final = "not_bought_by_ping"
"""The campaign makes no bids of this kind."""
NO_NUMBER: Final = "no_number"
"""The publisher has no tracking number on the campaign to send the call to."""
FULL: Final = "too_many_bids"
LOOP: Final = "loop"
"""The question has come back to us, or has gone through too many hands."""
_pack: Final = msgspec.msgpack.Encoder().encode


class PingDesk:
    """Bids of one switch. `book` holds those that stand."""

    def __init__(self, plant: Plant) -> None:
        self._plant = plant
        self.tokens = Tokens(plant.contact_secret)
        self.book = PingBook()
        self._budgets = Budgets(plant.capacity)
        self._hints: dict[tuple[str, str], Hints] = {}
        self._numbers: dict[tuple[str, str, str], tuple[Number, ...]] = {}
        self._world: World | None = None
        self._deciding: dict[tuple[str, str, str], asyncio.Task[Bidding | NoBidding | Refusal]] = {}

    def restore(self, pings: Iterable[StoredPing], leases: Iterable[Lease]) -> None:
        """Take over the bids of before the start, and give back the seats of calls that it has cut off."""
        self.book.restore(pings)
        waited_for = {each.lease for each in self.book.waiting()}
        for lease in leases:
            if is_seat(lease) and lease.id not in waited_for:
                self._plant.capacity.release(lease.id, self._plant.clock())

    async def ask_for_lead(self, order: LeadPing) -> Bidding | NoBidding | Refusal:
        """What is bid for a lead, durably."""
        world, now = self._here(), self._plant.clock()
        form = (order.account, order.campaign)
        hints = self._hints.get(form)
        if hints is None:
            fields = world.accounts[order.account].campaigns[order.campaign].lead_fields
            hints = self._hints[form] = Hints(fields, world.form(*form))
        asked = hints.read(order.fields)
        if asked.filled.errors:
            return _invalid(asked.filled.errors)
        asking = self._asking(order, Kind.LEAD, None, now)
        question = ask_of_lead(self._plant, world, self.tokens, asked, order.consent, asking, now, test=order.test)
        return await self._bid(order, world, question, now)

    async def ask_for_call(self, order: CallPing) -> Bidding | NoBidding | Refusal:
        """What is bid for a call, durably, and where it is to be sent."""
        world, now = self._here(), self._plant.clock()
        facts = read_facts(order.caller, order.caller_sha256, order.caller_prefix, order.facts)
        if isinstance(facts, tuple):
            return _invalid(facts)
        number = self._number_for(world, order)
        if number is None:
            return self._none(Kind.CALL, (NO_NUMBER,))
        asking = self._asking(order, Kind.CALL, number.number, now)
        question = ask_of_call(self._plant, world, self.tokens, facts, asking, number, now)
        return await self._bid(order, world, question, now)

    async def _bid(
        self, order: PingOrder, world: World, question: Question, now: Instant
    ) -> Bidding | NoBidding | Refusal:
        plant = self._plant
        name = (order.account, order.publisher, question.repeat)
        deciding = self._deciding.get(name)  # what is being written is told to nobody before it is durable
        if deciding is None:
            known = self.book.again(*name, now.utc_ms)
            if known is not None:
                plant.metrics.pings.labels(question.kind, "repeated").inc()
                return self.told(known, repeated=True)
            deciding = self._deciding[name] = plant.loop.create_task(self._decide(order, world, question, now))
            deciding.add_done_callback(lambda _done: self._deciding.pop(name))
        return await asyncio.shield(deciding)

    async def _decide(
        self, order: PingOrder, world: World, question: Question, now: Instant
    ) -> Bidding | NoBidding | Refusal:
        """Decide a question that nobody is deciding yet."""
        plant, index = self._plant, world.accounts[order.account]
        publisher = index.publishers.get(order.publisher)
        if publisher is None:
            return Refusal(status=401, code="unauthorized", message="there is no such publisher any more")
        if is_loop(order.hops, plant.bidding.installation):
            return self._none(question.query.kind, (LOOP,))
        spent = self._budgets.take(index.config.account, publisher, now)
        if spent is not None:
            plant.metrics.pings.labels(question.kind, "refused").inc()
            return Refusal(status=429, code=spent.code, message="no more pings for now", retry_s=spent.retry_s)
        if self.book.full(order.account, order.publisher):
            plant.metrics.pings.labels(question.kind, "refused").inc()
            return Refusal(status=429, code=FULL, message="too many bids stand; wait until some have ended", retry_s=5)
        how = selling(index.campaigns[order.campaign], publisher, world.routers[order.account], question.query)
        if how is None:
            return self._none(question.query.kind, (NOT_ASKED,))
        if how.pricing.margin is None and how.pricing.payout is None:
            return self._none(question.query.kind, (NoBid.NO_MARGIN.value,))
        promise = how.asking(question.ping, order.publisher)
        query = msgspec.structs.replace(question.query, promise=promise)
        cursor = world.routers[order.account].cursor(query, plant.facts.of(order.account))
        asking = PingAuctions(
            plant,
            question.ping,
            question.contact,
            how.pricing.currency,
            known=question.known,
            hops=order.hops or (),
        )
        while isinstance(found := cursor.candidate(plant.capacity, plant.clock()), Auction):
            if question.test:
                cursor.settle(unasked(found))
            else:
                await asking.ask(found, cursor)
        entries = asking.entries(cursor, plant.clock())
        if not isinstance(found, Candidate):
            if entries:
                plant.write(entries, patient=True)
            rejected = [each.reason for each in found.rejected]
            return self._none(question.query.kind, for_publisher("unsold", found.reason, rejected).reasons)
        bid = how.pricing.bid(found.terms.price.minor)
        if isinstance(bid, NoBid):
            return self._none(question.query.kind, (bid.value,))
        return await self._made(world, question, how, found, asking.bids, bid, entries)

    async def _made(
        self,
        world: World,
        question: Question,
        how: Selling,
        found: Candidate,
        bids: dict[str, Bid],
        bid: int,
        entries: list[Entry],
    ) -> Bidding | Refusal:
        """Write the bid down, durably; only then it is told."""
        plant, now, query = self._plant, self._plant.clock(), question.query
        event, after_ms = earned_by(query.kind, found.terms.conversion)
        kept = StoredPing(
            ping=question.ping,
            account=query.account,
            publisher=query.publisher,
            source=query.source,
            campaign=query.campaign,
            kind=question.kind,
            made_ms=now.utc_ms,
            expires_ms=_until(now.utc_ms + how.ttl_ms, found),
            bid=bid,
            floor=how.pricing.least_price(bid),
            currency=how.pricing.currency,
            route=found.route,
            target=found.target,
            seed=query.seed,
            contact=question.contact,
            repeat=question.repeat,
            event=event,
            after_ms=after_ms,
            said=question.said,
            bids=_pack(bids) if bids else None,
            number=question.number,
            caller=question.caller,
            facts=_pack(question.facts) if question.facts else None,
            test=question.test,
        )
        told = PingBid(
            account=query.account,
            call=question.ping,
            at_ms=now.utc_ms,
            kind=question.kind,
            campaign=query.campaign,
            publisher=query.publisher,
            source=query.source,
            bid=Money(bid, kept.currency),
            price=found.terms.price,
            route=found.route,
            target=found.target,
            buyer=found.buyer,
            expires_ms=kept.expires_ms,
            attributes={name: each.value for name, each in query.attributes.items() if not each.chances},
            seed=query.seed,
            snapshot=world.snapshot.digest,
            event=event,
            after_ms=after_ms,
            number=question.number,
            test=question.test,
        )
        self.book.put(kept)  # at once: the same question, asked meanwhile, gets the same bid
        if not await self.write([*entries, Entry(told, question.contact)], [PingPut(kept)]):
            self.book.drop(kept)
            return not_kept()
        plant.metrics.pings.labels(question.kind, "bid").inc()
        return self.told(kept)

    def told(self, ping: StoredPing, *, repeated: bool = False) -> Bidding:
        """What the publisher is told of a bid."""
        token = self.tokens.make(ping.account, ping.publisher, PingToken(ping.ping, ping.expires_ms))
        call = ping.kind == "call"
        return Bidding(
            token=token,
            bid=Money(ping.bid, ping.currency),
            expires_ms=ping.expires_ms,
            number=ping.number,
            sip=None if ping.number is None else self._address(ping.number),
            event=ping.event if call else None,
            after_ms=ping.after_ms,
            repeated=repeated,
            test=ping.test,
        )

    def _address(self, number: str) -> str | None:
        """The SIP address of a number of ours, for whoever sends calls without a carrier; None where none is known."""
        host, port = self._plant.sip.public
        if ip_address(host).is_unspecified:
            return None
        return f"sip:{number}@[{host}]:{port}" if ":" in host else f"sip:{number}@{host}:{port}"

    async def write(self, entries: list[Entry], changes: list[Change]) -> bool:
        """Whether it is durable now."""
        future = self._plant.write(entries, changes, finishing=False)
        assert future is not None, "there is something to write"
        try:
            await future
        except JournalUnavailable:
            return False
        return True

    def sweep(self, now: Instant) -> None:
        """Forget bids that are over; the seats of calls that were confirmed and have not come are free again."""
        entries: list[Entry] = []
        changes: list[Change] = []
        for ping in self.book.sweep(now.utc_ms):
            changes.append(PingDrop(ping.ping))
            if ping.lease is not None and ping.by is None:
                self._plant.capacity.release(ping.lease, now)
                self._plant.queues.freed()
                lapsed = PingLapsed(account=ping.account, call=ping.ping, at_ms=now.utc_ms)
                entries.append(Entry(lapsed, ping.contact))
                self._plant.metrics.pings.labels(ping.kind, "lapsed").inc()
        if changes:
            self._plant.write(entries, changes, patient=True)

    def _none(self, kind: Kind, reasons: tuple[str, ...]) -> NoBidding:
        self._plant.metrics.pings.labels(kind.value, "no_bid").inc()
        return NoBidding(reasons=reasons)

    def _here(self) -> World:
        """The configuration in force. What was made of the one before is forgotten."""
        if self._world is not self._plant.world:
            self._world = self._plant.world
            self._hints, self._numbers = {}, {}
        return self._plant.world

    def _asking(self, order: PingOrder, kind: Kind, number: str | None, now: Instant) -> Query:
        return Query(
            account=order.account,
            kind=kind,
            campaign=order.campaign,
            publisher=order.publisher,
            source=order.source,
            number=number,
            attributes={},
            now=now,
            seed=int.from_bytes(self._plant.entropy(8)) >> 1,
            geo=self._plant.geo.overlay.version,
        )

    def _number_for(self, world: World, order: CallPing) -> Number | None:
        """The publisher's tracking number on the campaign: the one that it says, else one of that source, else any.

        Several callers may be sent to one number: they are told apart by who calls.
        """
        name = (order.account, order.campaign, order.publisher)
        numbers = self._numbers.get(name)
        if numbers is None:
            numbers = self._numbers[name] = tuple(
                each
                for each in world.accounts[order.account].config.numbers
                if (each.campaign, each.publisher, each.paused) == (order.campaign, order.publisher, False)
            )
        said = None if order.number is None else parse_number(order.number, "US")
        if said is not None:
            return next((each for each in numbers if each.number == said), None)
        return next((each for each in numbers if each.source == order.source), numbers[0] if numbers else None)


def _until(ours_ms: int, found: Candidate) -> int:
    """When our bid ends: no later than the one that it is made of."""
    theirs_ms = None if found.bid is None else found.bid.expires_ms
    return ours_ms if theirs_ms is None else min(ours_ms, theirs_ms)


def _invalid(errors: tuple[object, ...]) -> Refusal:
    return Refusal(status=422, code="invalid", message="fields are missing or wrong", errors=errors)  # type: ignore[arg-type]


def not_kept() -> Refusal:
    """The journal could not keep what would have been promised."""
    return Refusal(status=503, code="not_ready", message="nothing can be promised for the moment", retry_s=5)
