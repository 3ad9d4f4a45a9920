"""The life of a lead: held or not, a duplicate or not, posted until somebody takes it; and of a ping before it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from trunkline.events.calls import OfferReserved, PayoutEarned
from trunkline.events.deliveries import (
    DeliveryDead,
    DeliveryDropped,
    DeliveryQueued,
    DeliveryReplayed,
    DeliverySent,
    DeliveryTried,
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
from trunkline.events.pings import PingBid, PingConfirmed, PingLapsed, PingNoTarget, PingUsed
from trunkline.events.returns import ReturnApproved, ReturnExpired, ReturnRejected, ReturnRequested
from trunkline.kernel.money import Money
from trunkline.testing.lives.life import SOURCES, Life


class LeadLife(Life):
    """One lead."""

    def events(self) -> Iterator[Event]:
        """A lead: held or not, a duplicate or not, posted until somebody takes it or nobody does."""
        draw = self._random.random
        yield LeadReceived(
            **self._about(0),
            campaign=self._campaign,
            publisher=self._publisher,
            source=self._random.choice(SOURCES),
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
            outcome = self._random.choice(("accepted", "rejected", "duplicate", "timeout", "http_error", "queued"))
            status = None if outcome in {"timeout", "queued"} else self._random.choice((200, 201, 422, 503))
            if outcome == "queued":
                yield self._queued(offer)
            yield DeliveryEnded(
                **self._about(180), attempt=offer.attempt, outcome=outcome, status=status, took_ms=180, buyers_id=None
            )
            if outcome in {"accepted", "queued"}:
                taken.append(offer)
                yield self._converted(offer, 0, "accepted")
        yield self._routed("sold" if taken else "unsold", None if taken else "no_buyer", offered, 0)
        if taken:
            payout = Money(700, "USD")
            yield PayoutEarned(**self._about(0), attempt=None, publisher=self._publisher, amount=payout, rule="p")
            yield LeadAccepted(
                **self._about(0), attempts=tuple(offer.attempt for offer in taken), payout=payout, took_ms=400
            )
            for offer in taken:
                yield from self._outbox(offer)
                yield from self._return(offer)
        else:
            yield LeadUnmatched(**self._about(0), reason="no_buyer", took_ms=400)

    def _queued(self, offer: OfferReserved) -> DeliveryQueued:
        return DeliveryQueued(
            **self._about(0),
            attempt=offer.attempt,
            kind=self._random.choice(("email", "sftp", "sms")),
            buyer=offer.buyer,
            target=offer.target,
            campaign=self._campaign,
            due_ms=self._at_ms,
            values={"lead.phone": "+15125550100"},
        )

    def _outbox(self, offer: OfferReserved) -> Iterator[Event]:
        """What becomes of a delivery that was queued; the views take it as it comes, also of one that was not."""
        about: dict[str, Any] = {"attempt": offer.attempt}
        tries = self._random.randrange(3)
        for number in range(1, tries + 1):
            next_ms = self._at_ms + 60_000
            yield DeliveryTried(**self._about(5), **about, tries=number, reason="smtp", detail="450", next_ms=next_ms)
        if tries == 2 and self._random.random() < 0.5:
            yield DeliveryDead(**self._about(60_000), **about, tries=3, reason="smtp", detail="550")
            if self._random.random() < 0.5:
                yield DeliveryDropped(**self._about(60_000), **about)
                return
            yield DeliveryReplayed(**self._about(60_000), **about)
        if self._random.random() < 0.8:
            yield DeliverySent(**self._about(9_000), **about, delivery="d1", name="<1@example>", tries=tries)

    def _return(self, offer: OfferReserved) -> Iterator[Event]:
        if self._random.random() < 0.8:
            return
        about: dict[str, Any] = {
            "id": f"ret_{offer.attempt}",
            "attempt": offer.attempt,
            "buyer": offer.buyer,
            "target": offer.target,
            "route": offer.route,
            "publisher": self._publisher,
            "source": None,
            "reason": "wrong_number",
            "sold_ms": self._at_ms,
        }
        credit, clawback = offer.price, Money(700, "USD")
        if self._random.random() < 0.9:
            yield ReturnRequested(
                **self._about(86_400_000),
                **about,
                by="mia",
                role="buyer",
                credit=credit,
                clawback=clawback,
                expires_ms=self._at_ms + 1,
            )
        decided = self._random.choice((ReturnApproved, ReturnRejected, ReturnExpired, None))
        if decided is ReturnApproved:
            yield ReturnApproved(**self._about(5), **about, by="policy", credit=credit, clawback=clawback)
        elif decided is not None:
            yield decided(**self._about(5), **about, by="policy")


class PingLife(Life):
    """What a publisher was bid."""

    def events(self) -> Iterator[Event]:
        """A bid to a publisher, and whether it came to something."""
        yield PingBid(
            **self._about(0),
            kind=self._random.choice(("lead", "call")),
            campaign=self._campaign,
            publisher=self._publisher,
            source=None,
            bid=Money(700, "USD"),
            price=Money(2_000, "USD"),
            route="plan.contract.ace",
            target="ace-intake",
            buyer="ace",
            expires_ms=self._at_ms + 60_000,
            attributes={"geo.zip": "78701"},
            seed=1,
            snapshot="5" * 64,
        )
        if self._random.random() < 0.3:
            yield PingConfirmed(**self._about(900), lease="lease_1", attempt="att_1", route="plan.contract.ace")
            if self._random.random() < 0.3:
                yield PingLapsed(**self._about(60_000))
                return
        elif self._random.random() < 0.2:
            yield PingNoTarget(**self._about(900), reason="limit")
            return
        if self._random.random() < 0.7:
            yield PingUsed(**self._about(5_000), by="lead_1", held=False)
