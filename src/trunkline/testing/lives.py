"""Lives of calls and leads that never were, as the events a switch would have written: journals to try things on.

    for event, contact in lives(Random(7), calls=100, leads=50):
        ...

What happens to each is drawn, and the order of what happens is that of a switch. Times are drawn too, so that lives
overlap. The same seed gives the same journal.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from random import Random
from typing import Any, Final

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
    CallRouted,
    Converted,
    LegMeasured,
    OfferReserved,
    PayoutEarned,
    RecordingEnded,
    RecordingStarted,
    Rejection,
    RoutingOutcome,
    Versions,
)
from trunkline.events.entry import Event
from trunkline.events.leads import (
    DeliveryEnded,
    LeadAccepted,
    LeadEnded,
    LeadHeld,
    LeadReceived,
    LeadReviewed,
    LeadUnmatched,
)
from trunkline.kernel.money import Money

BEGIN_MS: Final = 1_795_363_200_000
"""2026-11-22 16:00 UTC."""
SPACING_MS: Final = 40
"""Between one life's beginning and the next one's, on average."""
_BUYERS: Final = tuple(f"buyer-{number}" for number in range(20))
_PUBLISHERS: Final = ("adwave", "leadflow", "northside")
_SOURCES: Final = ("search-tx", "fb-12", None)
_VERSIONS: Final = Versions("5" * 64, "none", "1.0")
_REFUSED: Final = (("busy", 486), ("no_answer", 480), ("declined", 603), ("timeout", None))

Lived = tuple[Event, str]
"""An event and the keyed hash of whom it is about."""


def lives(random: Random, calls: int, leads: int = 0, begin_ms: int = BEGIN_MS) -> list[Lived]:
    """All that happens to so many calls and leads from `begin_ms` (UTC) on, in the order in which it happens."""
    told: list[tuple[int, int, Lived]] = []
    kinds = ["call"] * calls + ["lead"] * leads
    random.shuffle(kinds)
    for number, kind in enumerate(kinds):
        at_ms = begin_ms + number * SPACING_MS + random.randrange(SPACING_MS)
        contact = hashlib.sha256(str(random.randrange(1 + len(kinds) // 2)).encode()).hexdigest()[:32]
        life = _Life(random, f"{kind}_{at_ms:011X}{random.getrandbits(60):015X}", at_ms)
        events = life.call() if kind == "call" else life.lead()
        for event in events:
            told.append((event.at_ms, len(told), (event, contact)))
    told.sort(key=lambda each: each[:2])
    return [lived for _, _, lived in told]


class _Life:
    """One call or lead on its way."""

    def __init__(self, random: Random, name: str, at_ms: int) -> None:
        self._random = random
        self._name = name
        self._at_ms = at_ms
        self._attempts = 0
        self._campaign = random.choice(("injury", "storm"))
        self._publisher = random.choice(_PUBLISHERS)

    def call(self) -> Iterator[Event]:
        """A call: blocked, lost in the flow, unsold or sold, with whatever comes with it."""
        draw = self._random.random
        yield CallReceived(
            **self._about(0),
            number=f"+1833555{self._random.randrange(100):04}",
            campaign=self._campaign,
            publisher=self._publisher,
            source=self._random.choice(_SOURCES),
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
        while not sold and len(offered) < 5:
            offer = self._offer(offered, hop)
            yield offer
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

    def _talk(self, offer: OfferReserved) -> Iterator[Event]:
        draw = self._random.random
        path = f"recordings/{offer.attempt}.wav"
        yield RecordingStarted(**self._about(2), recording=f"rec_{offer.attempt}", path=path, purpose="call")
        duration_ms = self._random.randrange(2_000, 240_000)
        if duration_ms > 90_000:
            yield Converted(
                **self._about(90_000),
                attempt=offer.attempt,
                buyer=offer.buyer,
                route=offer.route,
                amount=offer.price,
                rule="duration:90",
            )
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

    def lead(self) -> Iterator[Event]:
        """A lead: held or not, a duplicate or not, posted until somebody takes it or nobody does."""
        draw = self._random.random
        yield LeadReceived(
            **self._about(0),
            campaign=self._campaign,
            publisher=self._publisher,
            source=self._random.choice(_SOURCES),
            via=self._random.choice(("post", "ping_post", "batch")),
            attributes={"lead.phone": "+15125550100"},
            basis={},
            consent={},
            ignored=(),
            snapshot="5" * 64,
            flags=self._random.choice(((), ("honeypot", "too_fast"))),
            test=draw() < 0.05,
        )
        if draw() < 0.1:
            of = f"lead_{self._random.randrange(1000)}"
            yield LeadEnded(**self._about(1), outcome="duplicate", reason="same_phone", of=of)
            return
        if draw() < 0.2:
            yield LeadHeld(**self._about(1), reason="review")
            if draw() < 0.3:
                return
            decision: Any = self._random.choice(("approved", "rejected"))
            yield LeadReviewed(**self._about(60_000), decision=decision, by="mia@office")
            if decision == "rejected":
                yield LeadEnded(**self._about(1), outcome="unsold", reason="rejected")
                return
        yield from self._posts()

    def _posts(self) -> Iterator[Event]:
        offered: list[str] = []
        taken: list[OfferReserved] = []
        wanted = self._random.choice((1, 1, 2))
        while len(taken) < wanted and len(offered) < 4:
            offer = self._offer(offered, 0)
            yield offer
            outcome = self._random.choice(("accepted", "rejected", "duplicate", "timeout", "http_error"))
            status = None if outcome == "timeout" else self._random.choice((200, 201, 422, 503))
            yield DeliveryEnded(
                **self._about(180), attempt=offer.attempt, outcome=outcome, status=status, took_ms=180, buyers_id=None
            )
            if outcome == "accepted":
                taken.append(offer)
                yield Converted(
                    **self._about(0),
                    attempt=offer.attempt,
                    buyer=offer.buyer,
                    route=offer.route,
                    amount=offer.price,
                    rule="accepted",
                )
        yield self._routed("sold" if taken else "unsold", None if taken else "no_buyer", offered, 0)
        if taken:
            payout = Money(700, "USD")
            yield PayoutEarned(**self._about(0), attempt=None, publisher=self._publisher, amount=payout, rule="p")
            yield LeadAccepted(
                **self._about(0), attempts=tuple(offer.attempt for offer in taken), payout=payout, took_ms=400
            )
        else:
            yield LeadUnmatched(**self._about(0), reason="no_buyer", took_ms=400)

    def _about(self, later_ms: int) -> dict[str, Any]:
        self._at_ms += later_ms
        return {"account": "acme", "call": self._name, "at_ms": self._at_ms}

    def _offer(self, offered: list[str], hop: int) -> OfferReserved:
        buyer = self._random.choice(_BUYERS)
        offered.append(f"plan.contract.{buyer}")
        self._attempts += 1
        name = f"att_{self._name.partition('_')[2]}{self._attempts}"
        return OfferReserved(
            **self._about(1),
            attempt=name,
            lease=f"lease_{name}",
            rank=len(offered),
            route=offered[-1],
            target=f"{buyer}-intake",
            buyer=buyer,
            tier="contract",
            method="priority",
            price=Money(self._random.randrange(1_000, 15_000), "USD"),
            conversion="duration:90",
            decision_us=self._random.randrange(8, 60),
            snapshot="5" * 64,
            hop=hop,
        )

    def _routed(self, outcome: RoutingOutcome, reason: str | None, offered: list[str], hop: int) -> CallRouted:
        others = [f"plan.contract.other-{number}" for number in range(self._random.randrange(8))]
        rejected = tuple(Rejection(route, route.rpartition(".")[2], "criteria") for route in others)
        return CallRouted(
            **self._about(0),
            plan="plan",
            seed=self._random.randrange(2**32),
            versions=_VERSIONS,
            routed_ms=1,
            outcome=outcome,
            reason=reason,
            offered=tuple(offered),
            rejected=rejected,
            hop=hop,
        )

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
