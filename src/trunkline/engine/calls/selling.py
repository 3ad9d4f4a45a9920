"""The second phase: an offer is saved, the buyer is rung, on one phone or several, and takes the call or does not."""

from __future__ import annotations

from trunkline.config.flows import Prompt
from trunkline.engine.calls import commands as c
from trunkline.engine.calls import inputs as i
from trunkline.engine.calls.books import OpenSale
from trunkline.engine.calls.core import PROMPT_S_MAX, OpenAttempt
from trunkline.engine.calls.digits import key_steps
from trunkline.engine.calls.legs import ELSEWHERE, Leg, Phase
from trunkline.engine.calls.outcomes import AttemptOutcome, outcome_of_status
from trunkline.engine.calls.table import State
from trunkline.engine.calls.talking import Talking
from trunkline.engine.routing.offer import Ring
from trunkline.events.calls import OfferReserved
from trunkline.kernel.clock import SECOND

PRESS_PROMPT = "You have a call. Press 1 to accept."
"""Said to a buyer who must press 1 and has no whisper of its own."""


class Selling(Talking):
    """Offer, ring, accept."""

    def _offered(self, event: i.Offered) -> None:
        offer, candidate = event.offer, event.offer.candidate
        odds = candidate.odds
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
                    hop=self._hop,
                    p=None if odds is None else odds.p,
                    propensity=None if odds is None else odds.propensity,
                )
            )
        )
        self._remember()
        if not self.attempt.unconfirmed:
            self._out.append(c.PrepareBuyer(event.attempt, self.attempt.ring))
        self.state = State.RESERVING
        self._await()

    def _reserved(self, event: i.Durable) -> None:
        if event.ticket != self._tickets:
            return
        self._saved = True
        self._ring_in_auction()
        attempt = self._open_attempt()
        if attempt.unconfirmed:
            self.state = State.CONFIRMING
            self._out.append(c.Confirm(attempt.id, attempt.offer))
            return
        attempt.rang_at = self._now
        self.state = State.RINGING
        attempt.legs.ring_until(self._now.mono_ns + attempt.ring.ring_seconds * SECOND)
        self._arm_legs()
        self._out.append(c.RingBuyer(attempt.id))

    def _confirmed(self, event: i.Confirmed) -> None:
        """The winner stands by its bid: what identifies its legs is saved, then it is rung."""
        attempt = self._open_attempt()
        if event.attempt != attempt.id:
            return
        attempt.confirmed(event.dial)
        self._out.append(c.PrepareBuyer(attempt.id, attempt.ring))
        self.state = State.RESERVING
        self._await()

    def _not_confirmed(self, event: i.NotConfirmed) -> None:
        if event.attempt == self._open_attempt().id:
            outcome = AttemptOutcome.TIMEOUT if event.silent else AttemptOutcome.DECLINED
            self._next(outcome, reason=event.reason)

    # -- what comes of ringing -------------------------------------------------------------------------------------

    def _dialled(self, event: i.Dialled) -> None:
        attempt = self.attempt
        if attempt is None or attempt.id != event.attempt or attempt.sale.dialled is not None:
            return
        if self._post_dial_us is None:
            self._post_dial_us = event.post_dial_us
        self._out += self.books.dialled(self._now)

    def _buyer_rings(self, event: i.BuyerRings) -> None:
        leg = self._ringing(event.attempt, event.leg)
        if leg is None:
            return
        if event.early and self._early is None and self.context.early_media == "pass":
            self._await_no_prompt()
            self._early, self._alerted = leg, True
            self._out.append(c.PassEarly(event.attempt, leg.number))
        elif not self._answered and not self._alerted:
            self._alerted = True
            self._out.append(c.Alert())

    def _buyer_moved(self, event: i.BuyerMoved) -> None:
        self._end_early(self._ringing(event.attempt, event.leg))

    def _buyer_refused(self, event: i.BuyerRefused) -> None:
        outcome = outcome_of_status(event.sip_status)
        # What could be proved has been by now: nobody gave us credentials, or they are wrong.
        reason = "credentials" if event.sip_status in (401, 407) else event.reason
        leg = self._ringing(event.attempt, event.leg)
        self._leg_failed(leg, outcome, reason=reason, status=event.sip_status)

    def _buyer_silent(self, event: i.BuyerSilent) -> None:
        self._leg_failed(self._ringing(event.attempt, event.leg), AttemptOutcome.TIMEOUT)

    def _buyer_unreachable(self, event: i.BuyerUnreachable) -> None:
        self._leg_failed(self._ringing(event.attempt, event.leg), AttemptOutcome.FAILED, reason=event.reason)

    def _leg_left(self, event: i.BuyerLeft) -> None:
        leg = self._leg(event.attempt, event.leg)
        if leg is None or leg.phase is Phase.RINGING:
            self._leg_failed(leg, AttemptOutcome.DECLINED, reason=event.reason)
        else:
            self._leg_failed(leg, AttemptOutcome.NOT_ACCEPTED, reason="hung_up")

    def _leg_due(self, _event: i.LegDue) -> None:
        """What a leg was waited for has not come, or the keys that were sent to it are through."""
        for leg in self._open_attempt().legs.due(self._now.mono_ns):
            leg.due_ns = None
            match leg.phase:
                case Phase.RINGING:
                    self._leg_failed(leg, AttemptOutcome.NO_ANSWER, reason="ring_seconds")
                case Phase.KEYING:
                    self._ask(leg)
                case Phase.ASKED:
                    self._let_choose(leg, heard=False)
                case _:
                    self._leg_failed(leg, AttemptOutcome.NOT_ACCEPTED, reason="no_key")
        self._arm_legs()

    def _leg_failed(
        self, leg: Leg | None, outcome: AttemptOutcome, *, reason: str | None = None, status: int | None = None
    ) -> None:
        """One leg is out. When it was the last, the attempt has failed as the one did that came nearest to a sale."""
        if leg is None:
            return
        self._end_early(leg)
        attempt = self._open_attempt()
        legs = attempt.legs
        leg.end(outcome, self._now, reason, status)
        if legs.all_open():
            self._out.append(c.DropLeg(attempt.id, leg.number, reason))
            self.state = State.PRESSING if legs.asking else State.RINGING
            self._arm_legs()
            return
        nearest = legs.nearest()
        self._next(AttemptOutcome(nearest.outcome or outcome), reason=nearest.reason, status=nearest.sip_status)

    def _next(self, outcome: AttemptOutcome, *, reason: str | None = None, status: int | None = None) -> None:
        """This attempt failed: look for the next buyer."""
        self._end_attempt(outcome, reason=reason, status=status)
        self._remember()
        self.state = State.SEEKING
        self._seek()

    # -- who takes it ----------------------------------------------------------------------------------------------

    def _buyer_answered(self, event: i.BuyerAnswered) -> None:
        leg = self._ringing(event.attempt, event.leg)
        if leg is None:
            return
        ring = self._open_attempt().ring
        leg.due_ns = None
        if ring.post_answer_digits is not None:
            leg.steps = key_steps(ring.post_answer_digits)
        self._tape.rule(ring.recording)
        if ring.press_to_accept is None:
            self._briefing = (*_whisper(ring), *self._tape.announcement_for("buyer"))
            self._taken_by(leg)
            return
        self._end_early(leg)
        self.state = State.PRESSING
        self._ask(leg)
        self._arm_legs()

    def _ask(self, leg: Leg) -> None:
        """Let one phone hear what it may take; keys that must be sent to it first go before."""
        if leg.steps:
            leg.phase = Phase.KEYING
            self._send_keys(leg)
            return
        ring = self._open_attempt().ring
        words = _whisper(ring) or (Prompt(say=PRESS_PROMPT),)
        prompts = (*words, *self._tape.announcement_for("buyer"))
        leg.phase = Phase.ASKED
        leg.tag = self._play_unawaited("buyer", prompts, leg.number)
        leg.due_ns = self._now.mono_ns + PROMPT_S_MAX * len(prompts) * SECOND

    def _leg_heard(self, event: i.Played) -> None:
        leg = self._open_attempt().legs.hearing(event.tag)
        if leg is not None:
            self._let_choose(leg, heard=event.completed)
            self._arm_legs()

    def _let_choose(self, leg: Leg, *, heard: bool) -> None:
        leg.phase, leg.tag, leg.heard = Phase.CHOOSING, 0, heard
        leg.due_ns = self._now.mono_ns + self._open_attempt().ring.press_seconds * SECOND

    def _leg_key(self, event: i.KeyPressed) -> None:
        attempt = self._open_attempt()
        leg = attempt.legs.open(event.leg) if event.side == "buyer" else None
        if leg is None or leg.phase not in (Phase.ASKED, Phase.CHOOSING):
            return
        if event.digit != attempt.ring.press_to_accept:
            self._leg_failed(leg, AttemptOutcome.NOT_ACCEPTED, reason="other_key")
            return
        self._briefing = ()
        if leg.phase is Phase.ASKED:
            leg.tag = 0
            self._out.append(c.StopPlay("buyer", leg.number))
            self._briefing = self._tape.announcement_for("buyer")
        else:
            self._announced_to_buyer(leg.heard)
        self._taken_by(leg)

    def _taken_by(self, leg: Leg) -> None:
        """One phone has the call: all others of its group are let go."""
        attempt = self._open_attempt()
        for other in attempt.legs.take(leg, self._now):
            self._out.append(c.DropLeg(attempt.id, other.number, ELSEWHERE))
        self._connect()
        self._arm_legs()

    def _leg(self, attempt: str, number: int) -> Leg | None:
        """The leg that news is about, if it still matters: legs that were let go still send some."""
        running = self.attempt
        return running.legs.open(number) if running is not None and running.id == attempt else None

    def _ringing(self, attempt: str, number: int) -> Leg | None:
        leg = self._leg(attempt, number)
        return leg if leg is not None and leg.phase is Phase.RINGING else None


def _whisper(ring: Ring) -> tuple[Prompt, ...]:
    return () if ring.whisper is None else (ring.whisper,)
