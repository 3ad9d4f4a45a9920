"""The auctions of one live lead: whoever sent it waits, so it is one thing after another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from trunkline.config.schema import Bid as BidSettings
from trunkline.config.schema import Kind
from trunkline.engine.bidders.asked import Asked
from trunkline.engine.bidders.dialect import Dialect, dialect_of
from trunkline.engine.leads.context import LeadContext
from trunkline.engine.leads.inputs import Delivered
from trunkline.engine.leads.outcomes import DeliveryOutcome
from trunkline.engine.leads.sales import Sale
from trunkline.engine.routing.auction import Bid, Fate
from trunkline.engine.routing.auction_log import Lot
from trunkline.engine.routing.cursor import Cursor
from trunkline.engine.routing.offer import Auction, Candidate
from trunkline.events.auctions import AuctionHeld, BidConfirmed
from trunkline.kernel.clock import Instant
from trunkline.kernel.http import Request
from trunkline.outbound.client import NoAnswer, Why
from trunkline.switch.bidding.book import AuctionBook
from trunkline.switch.bidding.confirming import confirm, reading_of
from trunkline.switch.bidding.inquiry import Inquiry

if TYPE_CHECKING:
    from trunkline.switch.plant import Plant
    from trunkline.switch.world import World

_UNTESTED = Bid("not_asked", detail="a test lead, and the target has no test_url")


class LeadBidding:
    """Made when a lead comes to its first auction, or to a sale that was made in one."""

    def __init__(self, plant: Plant, world: World, context: LeadContext) -> None:
        self._plant = plant
        self._world = world
        self._context = context
        self._currency = world.accounts[context.account].config.account.currency
        self._book = AuctionBook(Lot(account=context.account, call=context.lead, currency=self._currency))

    async def ask(self, auction: Auction, cursor: Cursor) -> None:
        """Ask everybody, and settle. Of a test lead only those are asked whose target can be tested."""
        untested: Mapping[str, Bid] = {}
        if self._context.test:
            targets = self._world.accounts[self._context.account].targets
            untested = {each.target: _UNTESTED for each in auction.bidders if targets[each.target].test_url is None}
            bidders = tuple(each for each in auction.bidders if each.target not in untested)
            auction = msgspec.structs.replace(auction, bidders=bidders)
        asking = self._plant.bidding.begin(auction, self._inquiry())
        await asking.wait()
        self._book.asked(asking)
        self._plant.metrics.auction.observe(asking.elapsed_ms() / 1000)
        cursor.settle({**asking.bids, **untested})

    def entries(self, cursor: Cursor, now: Instant) -> list[AuctionHeld]:
        """The events of what was settled since this was asked last."""
        return list(self._book.entries(cursor, now.utc_ms))

    def offered(self, candidate: Candidate) -> None:
        """An offer is made; a bid that it is made of stands for no other lead."""
        if candidate.bid is not None:
            self._plant.bidding.used(self._inquiry(), candidate.target)

    async def confirm(self, sale: Sale) -> BidConfirmed | None:
        """Ask the winner whether it stands by its bid, before it is sent the lead; None where nobody wants to know.

        A network that takes the lead itself with its confirmation is not asked twice.
        """
        settings, bid = self._settings(sale), sale.bid
        if settings is None or bid is None or not bid.confirm:
            return None
        inquiry = self._plant.bidding.passing(self._inquiry())
        if settings.confirm is None and self._request(settings, inquiry, bid) is not None:
            return None
        said = await confirm(self._plant, inquiry.secrets.of(settings), inquiry.asked, bid)
        return BidConfirmed(
            account=self._context.account,
            call=self._context.lead,
            at_ms=self._plant.clock().utc_ms,
            attempt=sale.attempt,
            target=sale.target,
            fate=said.fate.value,
            took_ms=said.took_ms,
            status=said.status,
            detail=inquiry.kept(said.detail),
        )

    async def post(self, sale: Sale, deadline_ms: int) -> Delivered | None:
        """Send the lead in the way of the bidder's network; None where the target's `deliver` says how.

        Silence is a timeout: the network may have taken the lead, and nobody is billed for it.
        """
        settings, bid = self._settings(sale), sale.bid
        if settings is None or bid is None:
            return None
        inquiry = self._plant.bidding.passing(self._inquiry())
        request = self._request(settings, inquiry, bid)
        if request is None:
            return None
        loop = self._plant.loop
        began_s = loop.time()
        answer = await self._plant.http.exchange(request, began_s + deadline_ms / 1000)
        took_ms = int((loop.time() - began_s) * 1000)
        if isinstance(answer, NoAnswer):
            outcome = DeliveryOutcome.TIMEOUT if answer.why is Why.TIMEOUT else DeliveryOutcome.HTTP_ERROR
            return Delivered(outcome, answer.why.value, took_ms=took_ms, sent=answer.sent)
        said = self._dialect(settings).posted(settings, answer)
        outcome = DeliveryOutcome.ACCEPTED if said.accepted else DeliveryOutcome.REJECTED
        reason = inquiry.kept(said.reason)
        return Delivered(outcome, reason, answer.status, took_ms, bid.id)

    def _request(self, settings: BidSettings, inquiry: Inquiry, bid: Bid) -> Request | None:
        filled = inquiry.secrets.of(settings)
        return self._dialect(settings).post(filled, inquiry.asked, reading_of(bid), bid.ping or "")

    @staticmethod
    def _dialect(settings: BidSettings) -> Dialect:
        return dialect_of(settings.dialect)

    def _settings(self, sale: Sale) -> BidSettings | None:
        target = self._world.accounts[self._context.account].targets.get(sale.target)
        return None if target is None else target.bid

    def _inquiry(self) -> Inquiry:
        context = self._context
        asked = Asked(kind=Kind.LEAD, campaign=context.campaign, attributes=context.attributes, source=context.source)
        return Inquiry(
            account=context.account,
            call=context.lead,
            contact=context.contact,
            currency=self._currency,
            asked=asked,
            secrets=self._world.secrets,
        )


def refused(event: BidConfirmed) -> Delivered | None:
    """What has become of a lead whose winner was asked to confirm; None when it stands by its bid."""
    if event.fate == Fate.ACCEPTED:
        return None
    reason = f"{Fate.REJECTED_AT_POST.value}: {event.detail}" if event.detail else Fate.REJECTED_AT_POST.value
    return Delivered(DeliveryOutcome.REJECTED, reason, event.status, event.took_ms, sent=False)


def places_of(bid: Bid | None) -> dict[str, str]:
    """What the post of a lead may say of the bid that it was won by, by the names of templates."""
    if bid is None:
        return {}
    places = {"ping.id": bid.ping, "bid.id": bid.id}
    if bid.amount is not None:
        places |= {"bid.amount": str(bid.amount), "bid.currency": bid.amount.currency}
    return {name: value for name, value in places.items() if value is not None}
