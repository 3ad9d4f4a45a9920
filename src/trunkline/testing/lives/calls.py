"""The life of a call: blocked, lost in the flow, unsold or sold, with whatever comes with it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from trunkline.events.auctions import AuctionHeld, BidConfirmed, BidLate, Ping
from trunkline.events.calls import (
    AttemptConnected,
    AttemptEnded,
    CallAnswered,
    CallAttested,
    CallBlocked,
    CallDequeued,
    CallEnded,
    CallQualified,
    CallQueued,
    CallReceived,
    CallRepeated,
    LegMeasured,
    OfferReserved,
    PayoutEarned,
    RecordingEnded,
    RecordingStarted,
)
from trunkline.events.entry import Event
from trunkline.kernel.money import Money
from trunkline.testing.lives.life import SOURCES, Life

AUCTIONED: Final = 0.25
"""How many calls are sold by auction."""
BID_CONFIRMED: Final = 0.1
"""How many offers are confirmed by their bidders before anybody is rung."""
_FATES: Final = ("lost", "lost", "below_floor", "no_bid", "timeout", "http_error", "filtered")
_REFUSED: Final = (("busy", 486), ("no_answer", 480), ("declined", 603), ("timeout", None))


class CallLife(Life):
    """One call."""

    def events(self) -> Iterator[Event]:
        """A call: blocked, lost in the flow, unsold or sold, with whatever comes with it."""
        draw = self._random.random
        yield CallReceived(
            **self._about(0),
            number=f"+1833555{self._random.randrange(100):04}",
            campaign=self._campaign,
            publisher=self._publisher,
            source=self._random.choice(SOURCES),
            caller=f"+1512555{self._random.randrange(10_000):04}",
            caller_given="sip:caller@192.0.2.7",
            trunk="carrier",
            snapshot="5" * 64,
            attestation=self._random.choice(("A", "B", None)),
        )
        if draw() < 0.3:
            yield CallRepeated(**self._about(1), duplicate=draw() < 0.5, duplicate_of=None, seen=())
        if draw() < 0.05:
            yield CallBlocked(**self._about(1), reason="suppressed", detail="account.list")
            yield self._over("blocked", "suppressed", "system")
            return
        yield CallAnswered(**self._about(3), by="flow")
        if draw() < 0.1:
            yield self._over("ivr_ended", None, "caller")
            return
        yield CallQualified(**self._about(9_000), node="route", attributes={"geo.state": "TX"}, basis={})
        if draw() < 0.05:
            yield CallQueued(**self._about(1), node="hold", plan="p", position=1)
            yield CallDequeued(**self._about(8_000), waited_ms=8_000, reason=None)
        yield from self._offers()

    def _offers(self) -> Iterator[Event]:
        draw, sold, hop = self._random.random, False, 0
        offered: list[str] = []
        if draw() < AUCTIONED:
            yield from self._auction()
        while not sold and len(offered) < 5:
            offer = self._offer(offered, hop)
            yield offer
            if draw() < BID_CONFIRMED:
                yield BidConfirmed(
                    **self._about(90), attempt=offer.attempt, target=offer.target, fate="accepted", took_ms=90
                )
            if draw() < 0.5:
                outcome, status = self._random.choice(_REFUSED)
                yield AttemptEnded(
                    **self._about(900), attempt=offer.attempt, outcome=outcome, sip_status=status, ring_ms=700
                )
                if draw() < 0.2:
                    break
                continue
            yield AttemptConnected(**self._about(4_000), attempt=offer.attempt, ring_ms=4_000)
            yield from self._talk(offer)
            sold, again = True, draw() < 0.03
            if again and hop == 0:
                sold, hop = False, 1
        yield self._routed("sold" if sold else "unsold", None if sold else "no_buyer", offered, hop)
        if draw() < 0.9:  # the others go on at the end of the journal
            yield self._over("sold" if sold else "unsold", None if sold else "no_buyer", "caller")
            if draw() < 0.8:
                yield self._measured("caller", None)
            if draw() < 0.1:
                yield CallAttested(
                    **self._about(5),
                    attestation="A",
                    result=self._random.choice(("valid", "invalid", "unknown")),
                    reason=None,
                    origin_id="",
                    certificate="",
                )

    def _auction(self) -> Iterator[Event]:
        """Bidders are asked; those that do not answer in time may do so later."""
        bidders = self._random.randrange(2, 7)
        fates = ["won", *(self._random.choice(_FATES) for _ in range(bidders - 1))]
        pings = tuple(self._ping(f"bidder-{number}", fate) for number, fate in enumerate(fates))
        yield AuctionHeld(
            **self._about(400), plan="plan", tier="market", deadline_ms=1_500, took_ms=400, pings=pings, settled=True
        )
        if "timeout" in fates:
            late = f"bidder-{fates.index('timeout')}-intake"
            yield BidLate(**self._about(900), plan="plan", tier="market", target=late, after_ms=1_700)

    def _ping(self, bidder: str, fate: str) -> Ping:
        answers = fate in {"won", "lost", "below_floor"}
        return Ping(
            route=f"plan.market.{bidder}",
            target=f"{bidder}-intake",
            fate=fate,
            amount=Money(self._random.randrange(500, 9_000), "USD") if answers else None,
            after_ms=self._random.randrange(20, 400) if answers or fate == "no_bid" else None,
            status=200 if answers else None,
            detail="paused" if fate == "filtered" else None,
        )

    def _talk(self, offer: OfferReserved) -> Iterator[Event]:
        draw = self._random.random
        path = f"recordings/{offer.attempt}.wav"
        yield RecordingStarted(**self._about(2), recording=f"rec_{offer.attempt}", path=path, purpose="call")
        duration_ms = self._random.randrange(2_000, 240_000)
        if duration_ms > 90_000:
            yield self._converted(offer, 90_000, "duration:90")
            amount = Money(self._random.randrange(100, offer.price.minor + 200), "USD")
            yield PayoutEarned(
                **self._about(0),
                attempt=offer.attempt,
                publisher=self._publisher,
                amount=amount,
                rule="p",
                loss=offer.price < amount,
            )
        error = "the disk was full" if draw() < 0.02 else None
        length_ms = 0 if error else duration_ms
        yield RecordingEnded(
            **self._about(1_000), recording=f"rec_{offer.attempt}", path=path, duration_ms=length_ms, error=error
        )
        yield AttemptEnded(
            **self._about(0), attempt=offer.attempt, outcome="connected", duration_ms=duration_ms, sip_status=None
        )
        if draw() < 0.8:
            yield self._measured("buyer", offer.attempt)

    def _measured(self, side: Any, attempt: str | None) -> LegMeasured:
        return LegMeasured(
            **self._about(1),
            side=side,
            attempt=attempt,
            mos=round(1 + 3 * self._random.random(), 2),
            peer_mos=self._random.choice((None, 4.0)),
            packets_in=5_000,
            packets_out=5_000,
            lost=0,
            late=0,
            dropped=0,
            jitter_ms=2.5,
            round_trip_ms=None,
            peer_lost=None,
            peer_jitter_ms=None,
        )

    def _over(self, outcome: str, reason: str | None, by: Any) -> CallEnded:
        return CallEnded(
            **self._about(500),
            outcome=outcome,
            reason=reason,
            ended_by=by,
            duration_ms=100_000,
            not_converted=self._random.choice((None, "too_short")),
            post_dial_us=self._random.choice((None, 1_200)),
        )
