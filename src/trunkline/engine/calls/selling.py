"""The second phase: an offer is saved, the buyer is rung, takes the call or does not, and talks to the caller."""

from __future__ import annotations

from trunkline.config.flows import Prompt
from trunkline.engine.calls import commands as c
from trunkline.engine.calls import inputs as i
from trunkline.engine.calls.books import OpenSale
from trunkline.engine.calls.core import OpenAttempt
from trunkline.engine.calls.greeting import Greeting
from trunkline.engine.calls.outcomes import AttemptOutcome, CallOutcome, outcome_of_status
from trunkline.engine.calls.table import State
from trunkline.engine.calls.timers import Timer
from trunkline.engine.routing.offer import Ring
from trunkline.events.calls import AttemptConnected, OfferReserved
from trunkline.kernel.clock import SECOND

PRESS_PROMPT = "You have a call. Press 1 to accept."
"""Said to a buyer who must press 1 and has no whisper of its own."""


class Selling(Greeting):
    """Offer, ring, accept, connect."""

    _briefing: tuple[Prompt, ...] = ()

    def _offered(self, event: i.Offered) -> None:
        offer, candidate = event.offer, event.offer.candidate
        sale = OpenSale(event.attempt, offer.lease.id, candidate.route, candidate.buyer, candidate.terms)
        self.attempt = OpenAttempt(event.attempt, offer, sale)
        self.books.offered(sale)
        self._out.append(
            c.Write(
                OfferReserved(
                    account=self.context.account,
                    call=self.context.call,
                    at_ms=self._now.utc_ms,
                    attempt=event.attempt,
                    lease=offer.lease.id,
                    rank=offer.rank,
                    route=candidate.route,
                    target=candidate.target,
                    buyer=candidate.buyer,
                    tier=candidate.tier,
                    method=candidate.method,
                    price=candidate.terms.price,
                    conversion=candidate.terms.rule,
                    decision_us=event.decision_us,
                    snapshot=self.context.snapshot,
                )
            )
        )
        self._remember()
        self._out.append(c.PrepareBuyer(event.attempt, self._ring()))
        self.state = State.RESERVING
        self._await()

    def _reserved(self, event: i.Durable) -> None:
        if event.ticket != self._tickets:
            return
        self._saved = True
        attempt = self._open_attempt()
        ring = self._ring()
        attempt.rang_at = self._now
        self.state = State.RINGING
        self._timers.set(Timer.RING, self._now.mono_ns + ring.ring_seconds * SECOND)
        self._out.append(c.RingBuyer(attempt.id))

    def _dialled(self, event: i.Dialled) -> None:
        if not self._is_current(event.attempt):
            return
        if self._post_dial_us is None:
            self._post_dial_us = event.post_dial_us
        self._out += self.books.dialled(self._now)

    def _buyer_rings(self, event: i.BuyerRings) -> None:
        if self._is_current(event.attempt) and not self._answered and not self._alerted:
            self._alerted = True
            self._out.append(c.Alert())

    def _buyer_refused(self, event: i.BuyerRefused) -> None:
        if self._is_current(event.attempt):
            self._next(outcome_of_status(event.sip_status), status=event.sip_status)

    def _buyer_silent(self, event: i.BuyerSilent) -> None:
        if self._is_current(event.attempt):
            self._next(AttemptOutcome.TIMEOUT)

    def _buyer_unreachable(self, event: i.BuyerUnreachable) -> None:
        if self._is_current(event.attempt):
            self._next(AttemptOutcome.FAILED, reason=event.reason)

    def _buyer_declined(self, event: i.BuyerLeft) -> None:
        if self._is_current(event.attempt):
            self._next(AttemptOutcome.DECLINED)

    def _ring_time_over(self, _event: i.Tick) -> None:
        self._next(AttemptOutcome.NO_ANSWER, reason="ring_seconds")

    def _next(self, outcome: AttemptOutcome, *, reason: str | None = None, status: int | None = None) -> None:
        """This attempt failed: look for the next buyer."""
        self._end_attempt(outcome, reason=reason, status=status)
        self._remember()
        self.state = State.SEEKING
        self._out.append(c.Seek(self._plan))

    def _buyer_answered(self, event: i.BuyerAnswered) -> None:
        if not self._is_current(event.attempt):
            return
        self._timers.set(Timer.RING, None)
        ring = self._ring()
        self._tape.rule(ring.recording)
        self._briefing = (*_whisper(ring), *self._tape.announcement_for("buyer"))
        if ring.press_to_accept is None:
            self._connect()
            return
        self.state = State.PRESSING
        prompts = self._briefing if _whisper(ring) else (Prompt(say=PRESS_PROMPT), *self._briefing)
        self._play("buyer", prompts)

    def _pressing_heard(self, event: i.Played) -> None:
        if not self._heard_out(event):
            return
        self._buyer_briefed(event.completed)
        self._timers.set(Timer.PRESS, self._now.mono_ns + self._ring().press_seconds * SECOND)

    def _pressing_key(self, event: i.KeyPressed) -> None:
        if event.side != "buyer":
            return
        self._timers.set(Timer.PRESS, None)
        if event.digit != self._ring().press_to_accept:
            self._next(AttemptOutcome.NOT_ACCEPTED, reason="other_key")
            return
        if self._awaited_tag:
            self._out.append(c.StopPlay("buyer"))
            self._briefing = self._tape.announcement_for("buyer")
        self._connect()

    def _not_accepted(self, _event: i.Tick) -> None:
        self._next(AttemptOutcome.NOT_ACCEPTED, reason="no_key")

    def _pressing_left(self, event: i.BuyerLeft) -> None:
        if self._is_current(event.attempt):
            self._timers.set(Timer.PRESS, None)
            self._next(AttemptOutcome.NOT_ACCEPTED, reason="hung_up")

    def _connect(self) -> None:
        """The buyer has taken the call. What it still has to hear comes first, the caller hears ringing meanwhile."""
        attempt = self._open_attempt()
        assert attempt.rang_at is not None
        attempt.connected = self._now
        self._out.append(
            c.Write(
                AttemptConnected(
                    account=self.context.account,
                    call=self.context.call,
                    at_ms=self._now.utc_ms,
                    attempt=attempt.id,
                    ring_ms=self._now.ms_since(attempt.rang_at),
                )
            )
        )
        self._timers.set(Timer.MAX_DURATION, self._now.mono_ns + self._ring().max_duration_seconds * SECOND)
        self._out += self.books.connected(self._now)
        if self._briefing:
            self.state = State.BRIEFING
            self._play("buyer", self._briefing)
        else:
            self._join()
        self._out.append(c.WriteRouting("sold", None))
        self._remember()

    def _briefed(self, event: i.Played) -> None:
        if not self._heard_out(event):
            return
        self._buyer_briefed(event.completed)
        self._join()

    def _buyer_briefed(self, completed: bool) -> None:
        """What the buyer had to hear has ended; the announcement, where there was one, was its last part."""
        self._briefing = ()
        if self._tape.announcement_for("buyer"):
            self._do(self._tape.announced("buyer", completed, self._now))

    def _join(self) -> None:
        """Let caller and buyer hear each other; a caller who was not answered yet is answered now."""
        self.state = State.CONNECTED
        if self._answered:
            self._out.append(c.StopPlay("caller"))
        self._answer_caller("buyer")
        self._out.append(c.Bridge())
        self._do(self._tape.connected(self._now))
        announcement = self._tape.announcement_for("caller")
        self._await_no_prompt()
        if announcement:
            self._play("caller", announcement)

    def _announced_over_bridge(self, event: i.Played) -> None:
        if self._heard_out(event):
            self._do(self._tape.announced("caller", event.completed, self._now))

    def _buyer_left(self, event: i.BuyerLeft) -> None:
        if self._is_current(event.attempt):
            self._end(CallOutcome.SOLD, None, "buyer")

    def _too_long(self, _event: i.Tick) -> None:
        self._end(CallOutcome.SOLD, "max_duration", "system")

    def _open_attempt(self) -> OpenAttempt:
        assert self.attempt is not None
        return self.attempt

    def _ring(self) -> Ring:
        ring = self._open_attempt().offer.candidate.ring
        assert ring is not None, "a call is only offered to targets that can be rung"
        return ring

    def _is_current(self, attempt: str) -> bool:
        """Whether news is about the running attempt: legs that were let go still send some."""
        return self.attempt is not None and self.attempt.id == attempt


def _whisper(ring: Ring) -> tuple[Prompt, ...]:
    return () if ring.whisper is None else (ring.whisper,)
