"""Calls that were really made, read back from the journal as traffic: who came, and what each buyer did with it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from statistics import median, pstdev

import msgspec

from trunkline.config.schema import AccountConfig
from trunkline.engine.routing.auction import Fate
from trunkline.events.auctions import AuctionHeld
from trunkline.events.calls import (
    AttemptConnected,
    AttemptEnded,
    CallEnded,
    CallQualified,
    CallReceived,
    CallRouted,
    Converted,
    OfferReserved,
    PayoutEarned,
)
from trunkline.events.entry import Record
from trunkline.events.switch import RatesPublished
from trunkline.kernel.clock import iso
from trunkline.worker.simulation.behaviour import Model, Observed, Spread
from trunkline.worker.simulation.bidding import NONE
from trunkline.worker.simulation.tally import AccountTally
from trunkline.worker.simulation.traffic import Arrival, Header

SAMPLES_MIN = 20
"""Offers of a target from which its own behaviour is read; fewer count with all others'."""
STATED = frozenset({"ivr", "set", "stated"})
"""How attributes are known that nothing else says: the rest follows from the caller and the number again."""


class Told(msgspec.Struct):
    """One call as far as the journal has told of it."""

    arrival: Arrival
    utc_ms: int
    account: str
    campaign: str
    routed: CallRouted | None = None
    attempts: dict[str, OfferReserved] = msgspec.field(default_factory=dict)


class History:
    """Takes a journal's records in order and gives the calls that were routed, with what came of them."""

    def __init__(self, accounts: Iterable[AccountConfig]) -> None:
        """`accounts` are those whose calls are looked at, as they are configured now."""
        self.actual: dict[str, AccountTally] = {}
        self._plans: dict[tuple[str, str], str] = {}
        for config in accounts:
            self.actual[config.account.key] = AccountTally(config.account.currency)
            for campaign in config.campaigns:
                self._plans[config.account.key, campaign.key] = campaign.plan
        self.rates: dict[str, str] = {}
        """The version of the rate book that was published last, by account."""
        self.not_routed = 0
        """Calls that ended before the flow wanted to sell them."""
        self.erased = 0
        """Calls of which the caller was erased: they count as anonymous."""
        self._open: dict[str, Told] = {}
        self._done: list[Told] = []
        self._replies: dict[str, list[Observed]] = {}

    def take(self, records: Iterable[Record]) -> None:
        """Read on."""
        for record in records:
            event = record.event
            if isinstance(event, RatesPublished):
                self.rates[event.account] = event.rates
            elif isinstance(event, CallReceived):
                self.erased += record.erased
                self._received(event)
            else:
                told = self._open.get(getattr(event, "call", None) or "")
                if told is not None:
                    self._tell(told, event)

    def arrivals(self) -> Iterator[tuple[int, int, Arrival]]:
        """The calls in the order in which they were routed, as `Simulation.run` takes them."""
        self._done.sort(key=lambda told: told.utc_ms)
        for number, told in enumerate(self._done, start=1):
            yield number, told.utc_ms, told.arrival

    def header(self) -> Header:
        """How the buyers behaved, for callers that were offered to others than then."""
        every = [reply for replies in self._replies.values() for reply in replies]
        targets = {target: _model(replies) for target, replies in self._replies.items() if len(replies) >= SAMPLES_MIN}
        return Header(targets=targets, default=_model(every) if len(every) >= SAMPLES_MIN else Model())

    def _received(self, event: CallReceived) -> None:
        if event.account in self.actual:
            arrival = Arrival(
                at=iso(event.at_ms), to=event.number, caller=event.caller, source=event.source, observed={}, bids={}
            )
            self._open[event.call] = Told(arrival, event.at_ms, event.account, event.campaign)

    def _tell(self, told: Told, event: object) -> None:
        match event:
            case CallQualified():
                stated = {name: value for name, value in event.attributes.items() if event.basis.get(name) in STATED}
                told.utc_ms = event.at_ms
                told.arrival = msgspec.structs.replace(told.arrival, at=iso(event.at_ms), attributes=stated)
            case OfferReserved():
                told.attempts[event.attempt] = event
                self.actual[told.account].buyer(event.buyer).offers += 1
            case AttemptConnected():
                offer = told.attempts.get(event.attempt)
                if offer is not None:
                    self.actual[told.account].buyer(offer.buyer).connected += 1
                    told.arrival.observed[offer.target] = Observed(answered=True, answer_s=event.ring_ms / 1000)
            case AttemptEnded():
                self._attempt_ended(told, event)
            case CallRouted(hop=0):
                told.routed = event
                told.arrival = msgspec.structs.replace(told.arrival, seed=event.seed)
                if event.plan != self._plans.get((told.account, told.campaign)):  # the flow has chosen another one
                    told.arrival = msgspec.structs.replace(told.arrival, plan=event.plan)
            case AuctionHeld():
                told.arrival.bids.update(_bids(event))
            case Converted():
                tally = self.actual[told.account]
                buyer = tally.buyer(event.buyer)
                buyer.converted += 1
                buyer.revenue += event.amount.minor
                tally.revenue += event.amount.minor
            case PayoutEarned():
                self.actual[told.account].payout += event.amount.minor
            case CallEnded():
                self._ended(told, event)

    def _attempt_ended(self, told: Told, event: AttemptEnded) -> None:
        offer = told.attempts.get(event.attempt)
        if offer is None:
            return
        seen = told.arrival.observed.get(offer.target)
        if seen is not None:
            seconds = None if event.duration_ms is None else event.duration_ms / 1000
            seen = told.arrival.observed[offer.target] = msgspec.structs.replace(seen, duration_s=seconds)
        elif event.outcome not in {"caller_gone", "interrupted", "capacity_lost"}:  # of those nobody knows
            rang_s = None if event.ring_ms is None else event.ring_ms / 1000
            seen = told.arrival.observed[offer.target] = Observed(answered=False, answer_s=rang_s)
        if seen is not None:
            self._replies.setdefault(offer.target, []).append(seen)

    def _ended(self, told: Told, event: CallEnded) -> None:
        del self._open[event.call]
        if told.routed is None:
            self.not_routed += 1
            return
        tally = self.actual[told.account]
        tally.calls += 1
        if told.routed.outcome == "sold":
            tally.sold += 1
        else:
            tally.lost(told.routed.reason or told.routed.outcome)
        self._done.append(told)


def _bids(event: AuctionHeld) -> dict[str, str]:
    """What bidders said, by target. Of those that were not asked nobody knows."""
    found: dict[str, str] = {}
    for ping in event.pings:
        if ping.after_ms is None or ping.fate in {Fate.SHED, Fate.NOT_ASKED, Fate.SENT}:
            continue
        in_time = ping.amount is not None and ping.fate not in {Fate.LATE, Fate.CURRENCY, Fate.NO_BID}
        found[ping.target] = str(ping.amount) if in_time else NONE
    return found


def _model(replies: list[Observed]) -> Model:
    taken = [reply for reply in replies if reply.answered]
    waits = sorted(reply.answer_s for reply in taken if reply.answer_s is not None)
    talks = [reply.duration_s for reply in taken if reply.duration_s]
    return Model(
        answer=len(taken) / len(replies),
        busy=_busy([reply for reply in replies if not reply.answered]),
        answer_s=(waits[len(waits) // 10], waits[len(waits) * 9 // 10]) if waits else None,
        duration_s=Spread(median(talks), pstdev([math.log(talk) for talk in talks])) if talks else None,
    )


def _busy(refusals: list[Observed]) -> float | None:
    """The share of refusals that came within two seconds."""
    if not refusals:
        return None
    return sum(reply.answer_s is not None and reply.answer_s < 2 for reply in refusals) / len(refusals)
