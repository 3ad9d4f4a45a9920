"""Asks bidders what they pay: everybody of an auction at once, within one deadline, whatever any of them does.

Nothing is asked that cannot be asked in time: too many open requests, a bidder that does not answer any more, a switch
that has more to do than it can. What is left out is `shed`, with the reason, so that what is sent keeps its deadline.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Final

import msgspec

from trunkline.config.schema import Bid as BidSettings
from trunkline.engine.bidders.breaker import Command, Event, State
from trunkline.engine.bidders.dialect import dialect_of
from trunkline.engine.bidders.loops import installation_of
from trunkline.engine.bidders.reading import Reading
from trunkline.engine.bidders.room import Room
from trunkline.engine.routing.auction import Bid
from trunkline.engine.routing.deadlines import LAG_MS, LATE_MS, allowed_ms, ask_within_ms, lag_ms, told_ms
from trunkline.engine.routing.offer import Auction, Bidder
from trunkline.events.auctions import BidLate
from trunkline.events.entry import Entry
from trunkline.events.switch import TargetDown, TargetUp
from trunkline.kernel.http import Answer
from trunkline.outbound.client import NoAnswer, Why
from trunkline.switch.bidding.acquaintance import Acquaintance
from trunkline.switch.bidding.asking import MS_PER_S, Asking
from trunkline.switch.bidding.confirming import is_confirmed
from trunkline.switch.bidding.inquiry import Inquiry
from trunkline.switch.bidding.pacing import Pace
from trunkline.switch.bidding.repeats import Question, RepeatBids, question_of

if TYPE_CHECKING:
    from trunkline.switch.plant import Plant
    from trunkline.switch.world import World

log = logging.getLogger("trunkline.bidding")

LOOK_S: Final = 0.5
LAGS_S: Final = 1.0
"""After something was done too late by us, silence is so long not held against those who were asked."""

Name = tuple[str, str]
"""Account and target."""


class _Errand(msgspec.Struct, frozen=True):
    """One bidder that is to be asked: in which auction, how long it has, and what its bid would be remembered by."""

    asking: Asking
    bidder: Bidder
    known: Acquaintance
    allowed: int
    question: Question | None


def _slowest_first(errand: _Errand) -> float:
    return -errand.known.latencies.usual_ms


class BiddingDesk:
    """Everybody who is asked for bids by one switch."""

    def __init__(self, plant: Plant) -> None:
        self._plant = plant
        self._known: dict[Name, Acquaintance] = {}
        self._repeats = RepeatBids()
        self._pace = Pace(plant.loop)
        self._lags_until_s = 0.0
        self.room = Room()
        """How many requests may be open."""
        self._down: dict[str, frozenset[str]] = {}
        self.open = 0
        """Requests that are open now."""
        self.installation = installation_of(plant.contact_secret)
        """The name under which our pings say that they have passed us."""

    async def ask(self, auction: Auction, inquiry: Inquiry) -> Mapping[str, Bid]:
        """What everybody has answered, by target, as soon as nobody is waited for any more."""
        asking = self.begin(auction, inquiry)
        await asking.wait()
        return asking.bids

    def begin(self, auction: Auction, inquiry: Inquiry) -> Asking:
        """Ask everybody now; the answer is to be waited for."""
        loop = self._plant.loop
        asking = Asking(loop, auction, inquiry, self._silent)
        question = question_of(inquiry)
        inquiry = asking.inquiry = self.passing(inquiry)
        errands: list[_Errand] = []
        for bidder in auction.bidders:
            bid = self._without_asking(bidder, inquiry, question)
            if bid is not None:
                asking.bids[bidder.target] = bid
                continue
            known = self._of((inquiry.account, bidder.target))
            allowed = allowed_ms(auction.deadline_ms, bidder.timeout_ms, known.adaptive_ms(bidder.settings))
            known.asked(loop.time())
            self.open += 1
            asking.expect(bidder.target, allowed)
            errands.append(_Errand(asking, bidder, known, allowed, question))
        errands.sort(key=_slowest_first)  # whoever takes longest is asked while the others are still being written to
        self._pace.begin(partial(self._send, errand) for errand in errands)
        asking.begin()
        return asking

    def _send(self, errand: _Errand) -> None:
        """It is this request's turn: send it, unless it has become too late for that, or nobody wants it any more."""
        asking, waited_ms = errand.asking, errand.asking.elapsed_ms()
        if waited_ms >= lag_ms(errand.allowed):
            self._lags(self._plant.loop.time())
        if not asking.closed and waited_ms <= ask_within_ms(errand.allowed):
            asking.sent(errand.bidder.target)
            task = self._plant.loop.create_task(self._ask(errand))
            asking.tasks.add(task)
            task.add_done_callback(partial(self._over, errand))
            return
        self._closed(errand, came=False)
        if not asking.closed:
            self._count("shed")
            why = f"its turn came only {waited_ms} ms after the auction's beginning"
            asking.answer(errand.bidder.target, Bid("shed", after_ms=waited_ms, detail=why))

    def _closed(self, errand: _Errand, *, came: bool) -> None:
        """A request that was counted as open is over; `came` says whether anything is known of its bidder by it."""
        self.open -= 1
        errand.known.closed()
        if not came:
            self._tell((errand.asking.inquiry.account, errand.bidder.target), errand.known, Event.DROPPED)

    def passing(self, inquiry: Inquiry) -> Inquiry:
        """The inquiry as it goes on from here: it says that it has passed us."""
        asked = msgspec.structs.replace(inquiry.asked, hops=(*inquiry.asked.hops, self.installation))
        return msgspec.structs.replace(inquiry, asked=asked)

    def used(self, inquiry: Inquiry, target: str) -> None:
        """An offer is made of this target's bid: it stands for nobody any more."""
        question = question_of(inquiry)
        if question is not None:
            self._repeats.use(question, target)

    def bidders_down(self) -> int:
        """How many bidders are not asked for now."""
        return sum(map(len, self._down.values()))

    def use(self, world: World) -> None:
        """Forget bidders that a configuration does not have."""
        wanted = {
            (key, target)
            for key, index in world.accounts.items()
            for target, settings in index.targets.items()
            if settings.bid is not None
        }
        for name in [name for name in self._known if name not in wanted]:
            del self._known[name]
        for account, targets in tuple(self._down.items()):
            left = frozenset(target for target in targets if (account, target) in wanted)
            if left != targets:
                self._publish(account, left, {})

    async def run(self) -> None:
        """Let bidders be tried again whose time it is, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_S)
            self.look(self._plant.loop.time())

    def look(self, now_s: float) -> None:
        """Let those be tried again whose time it is (seconds of the loop's clock)."""
        for account, targets in tuple(self._down.items()):
            for target in targets:
                name = (account, target)
                known = self._known.get(name)
                if known is not None:
                    self._take(name, known, known.tell(Event.TICK, now_s))

    # -- one bidder --------------------------------------------------------------------------------------------------

    def _of(self, name: Name) -> Acquaintance:
        known = self._known.get(name)
        if known is None:
            known = self._known[name] = Acquaintance()
        return known

    def _without_asking(self, bidder: Bidder, inquiry: Inquiry, question: Question | None) -> Bid | None:
        """What is known of a bidder that is not asked: its bid still stands, or why it is shed; None: it is asked."""
        if question is not None:
            bid = self._repeats.get(question, bidder.target, self._plant.clock().utc_ms)
            if bid is not None:
                self._count("repeated")
                return msgspec.structs.replace(bid, after_ms=0, detail="its bid for the same caller still stands")
        known = self._known.get((inquiry.account, bidder.target))
        why = None if known is None else known.refusal(bidder.settings)
        if why is None and self.open >= self.room.most:
            why = f"{self.open} requests to bidders are open, as many as can be answered in time"
        if why is None:
            return None
        self._count("shed")
        return Bid("shed", detail=why)

    async def _ask(self, errand: _Errand) -> bool:
        """Ask one bidder, and tell what came of it; whether anything did."""
        asking, bidder = errand.asking, errand.bidder
        try:
            settings = errand.known.with_secrets(bidder.settings, asking.inquiry.secrets)
            bid = await self._exchange(asking, settings, errand.allowed)
            self._answered(errand, bid)
        except Exception:
            log.exception("bidder %s of %s cannot be asked: an error of ours", bidder.target, asking.inquiry.account)
            asking.answer(bidder.target, Bid("http_error", after_ms=asking.elapsed_ms(), detail="internal_error"))
            return False
        return True

    def _over(self, errand: _Errand, task: asyncio.Task[bool]) -> None:
        """The request is no longer open. One that was given up may never have begun."""
        errand.asking.tasks.discard(task)
        self._closed(errand, came=not task.cancelled() and task.result())

    async def _exchange(self, asking: Asking, settings: BidSettings, allowed: int) -> Bid:
        plant, inquiry = self._plant, asking.inquiry
        waited_ms = asking.elapsed_ms()
        dialect = dialect_of(settings.dialect)
        ping = plant.ids.make("bid", plant.clock().utc_ms)
        request = dialect.ping(settings, inquiry.asked, told_ms(allowed - waited_ms), ping)
        until_s = asking.began_s + (allowed + LATE_MS) / MS_PER_S
        answer = await plant.http.exchange(request, until_s)
        after_ms = asking.elapsed_ms()
        if isinstance(answer, NoAnswer):
            if answer.why is Why.TIMEOUT:
                return Bid("timeout", after_ms=after_ms, detail=answer.detail)
            return Bid("http_error", after_ms=after_ms, detail=f"{answer.why.value}: {answer.detail}")
        bid = self._read(answer, settings, inquiry, ping, after_ms)
        if bid.detail is None:
            return bid
        return msgspec.structs.replace(bid, detail=inquiry.kept(bid.detail))

    def _read(self, answer: Answer, settings: BidSettings, inquiry: Inquiry, ping: str, after_ms: int) -> Bid:
        dialect, utc_ms = dialect_of(settings.dialect), self._plant.clock().utc_ms
        reading: Reading = dialect.read(settings, answer, inquiry.currency, utc_ms)
        if reading.answered == "error":
            return Bid("http_error", after_ms=after_ms, detail=reading.reason, status=answer.status)
        if reading.answered == "no_bid":
            return Bid("no_bid", after_ms=after_ms, id=reading.id, detail=reading.reason, status=answer.status)
        return Bid(
            "bid",
            reading.amount,
            after_ms,
            id=reading.id,
            status=answer.status,
            dial=reading.dial,
            duration_s=reading.duration_s,
            expires_ms=_stands_until(reading, settings, utc_ms),
            confirm=is_confirmed(settings, inquiry.asked, reading, ping),
            ping=ping,
        )

    def _answered(self, errand: _Errand, bid: Bid) -> None:
        """An answer is there, or none will come: note it, and what it says of the bidder."""
        asking, bidder, known, question = errand.asking, errand.bidder, errand.known, errand.question
        name = (asking.inquiry.account, bidder.target)
        in_time = asking.answer(bidder.target, bid)
        self._count(bid.answered if in_time or bid.answered == "timeout" else "late")
        match bid.answered:
            case "timeout":  # its silence was told when its time was over
                known.latencies.took(bidder.settings.timeout_ms)
            case "http_error":
                if in_time:
                    self._tell(name, known, Event.FAILED, bid.detail or "http_error")
            case _:
                known.latencies.took(bid.after_ms)
                if not in_time:
                    self._late(asking, bidder.target, bid)
                    return
                self.room.kept_up()
                self._tell(name, known, Event.WORKED)
                if question is not None and bid.answered == "bid":
                    self._repeats.keep(question, bidder.target, bid)

    def _silent(self, asking: Asking, target: str, late_ms: float) -> None:
        """A bidder's time is over, and we have noticed so much later.

        While we lag behind, its answer may be there and unread: that says nothing of the bidder.
        """
        name, now_s = (asking.inquiry.account, target), self._plant.loop.time()
        if late_ms >= LAG_MS:
            self._lags(now_s)
        known = self._known.get(name)
        if known is not None:
            # Whether a try whether it answers again has failed, we cannot say: then the next auction tries.
            event = Event.FAILED if now_s >= self._lags_until_s else Event.DROPPED
            self._tell(name, known, event, "timeout")

    def _lags(self, now_s: float) -> None:
        """Something was done too late: by us, not by those who were asked."""
        self._lags_until_s = now_s + LAGS_S
        self.room.lagged(self.open, now_s)

    def _late(self, asking: Asking, target: str, bid: Bid) -> None:
        """Record an answer that is not used. As long as the auction is open, its own entry tells of it."""
        if not asking.closed:
            return
        late = BidLate(
            account=asking.inquiry.account,
            call=asking.inquiry.call,
            at_ms=self._plant.clock().utc_ms,
            plan=asking.auction.plan,
            tier=asking.auction.tier,
            target=target,
            after_ms=bid.after_ms,
            amount=bid.amount,
            detail=bid.detail,
        )
        self._plant.write([Entry(late)], patient=True)

    def _count(self, fate: str) -> None:
        self._plant.metrics.bidder_pings.labels(fate).inc()

    # -- who is not asked for now ------------------------------------------------------------------------------------

    def _tell(self, name: Name, known: Acquaintance, event: Event, reason: str = "") -> None:
        """Tell a breaker something, unless a configuration has left its bidder out: nobody would let it be tried."""
        if self._known.get(name) is not known:
            return
        self._take(name, known, known.tell(event, self._plant.loop.time(), reason))

    def _take(self, name: Name, known: Acquaintance, commands: Iterable[Command]) -> None:
        """What a breaker has changed is a fact."""
        account, target = name
        for command in commands:
            down = self._down.get(account, frozenset())
            if command is Command.DOWN:
                log.warning("bidder %s of %s is not asked for now: %s", target, account, known.breaker.reason)
                self._publish(account, down | {target}, {target: known.breaker.reason})
            else:
                log.info("bidder %s of %s is tried again", target, account)
                self._publish(account, down - {target}, {})

    def _publish(self, account: str, down: frozenset[str], reasons: Mapping[str, str]) -> None:
        """Have decisions pass over these bidders, and no others, from now on."""
        if down:
            self._down[account] = down
        else:
            self._down.pop(account, None)
        gone, back, version = self._plant.facts.take_down(account, "bidders", down)
        at_ms = self._plant.clock().utc_ms
        entries = [
            Entry(
                TargetDown(
                    at_ms=at_ms,
                    account=account,
                    target=target,
                    reason=f"bidder: {reasons.get(target, '')}",
                    facts=version,
                )
            )
            for target in gone
        ]
        entries += [Entry(TargetUp(at_ms=at_ms, account=account, target=target, facts=version)) for target in back]
        self._plant.write(entries)

    def states(self, account: str) -> Iterable[tuple[str, State]]:
        """Every bidder of an account that was asked, with the state of its breaker."""
        return (
            (target, known.breaker.state) for (owner, target), known in sorted(self._known.items()) if owner == account
        )


def _stands_until(reading: Reading, settings: BidSettings, utc_ms: int) -> int | None:
    """When the bid ends (UTC): as it says, but no later than is configured; None when neither says anything."""
    if settings.ttl_seconds is None:
        return reading.expires_ms
    configured = utc_ms + settings.ttl_seconds * MS_PER_S
    return configured if reading.expires_ms is None else min(configured, reading.expires_ms)
