"""The call machine: one call, from its INVITE to its last settled seat.

It owns no socket, clock or file. It is told what happened (`inputs`), answers with what is to be done (`commands`, in
order), and names the moment at which it wants a `Tick`. Timers that are due are always fired before the input at hand
and at their own due time, so a late event loop changes neither a conversion nor a ring time.
"""

from __future__ import annotations

from trunkline.engine.calls import commands as c
from trunkline.engine.calls import inputs as i
from trunkline.engine.calls.core import STATUS_BUSY_HERE
from trunkline.engine.calls.outcomes import AttemptOutcome, CallOutcome
from trunkline.engine.calls.selling import Selling
from trunkline.engine.calls.table import TRANSITIONS, State
from trunkline.engine.calls.timers import Timer
from trunkline.kernel.clock import Instant


class CallMachine(Selling):
    """All phases together, and what can happen in any of them."""

    def handle(self, event: i.Input, now: Instant) -> list[c.Command]:
        """Take one input at `now`; what is to be done, in order."""
        self._out = []
        self._fire_due(now)
        self._now = now
        if not isinstance(event, i.Tick):
            self._step(event)
        commands, self._out = self._out, []
        return commands

    def _fire_due(self, now: Instant) -> None:
        while (due := self._timers.take_due(now.mono_ns)) is not None:
            timer, due_ns = due
            self._now = now.later(due_ns - now.mono_ns)
            if timer is Timer.CONVERSION:
                self._out += self.books.conversion_due(self._now)
            elif timer is Timer.PAYOUT:
                self._out += self.books.payout_due(self._now)
            elif timer is Timer.PROMPT:
                self._step(i.Played(self._awaited_tag, completed=False))
            elif timer is Timer.LEG:
                self._step(i.LegDue())
            elif timer is Timer.PLACE:
                self._step(i.PlaceDue())
            else:
                self._step(i.Tick())

    def _step(self, event: i.Input) -> None:
        step = TRANSITIONS.get((self.state, type(event)))
        if step is None:
            return
        action, leads_to = step
        before = self.state
        getattr(self, action)(event)
        assert self.state in leads_to, f"{action} led from {before} to {self.state}"

    def _caller_left(self, event: i.CallerLeft) -> None:
        self._caller_here = False
        outcome, reason = self._outcome_so_far()
        if self.state in ROUTING:
            self._out.append(c.WriteRouting("abandoned", None))
        self._end(outcome, event.reason if outcome is CallOutcome.SOLD else reason, "caller")

    def _outcome_so_far(self) -> tuple[CallOutcome, str | None]:
        """What the call is if it ends now by somebody's hanging up."""
        if self.attempt is not None and self.attempt.connected is not None:
            return CallOutcome.SOLD, None
        if self._message_taken:
            return CallOutcome.VOICEMAIL, self._unsold_reason
        if self._unsold_reason is not None:
            return CallOutcome.UNSOLD, self._unsold_reason
        return CallOutcome.ABANDONED, None

    def _system_hangs_up(self, event: i.HangUp) -> None:
        outcome, _ = self._outcome_so_far()
        if event.fault:
            outcome = CallOutcome.FAILED
        elif outcome is CallOutcome.ABANDONED:
            outcome = CallOutcome.INTERRUPTED
        if self.state in ROUTING:
            self._out.append(c.WriteRouting("failed" if event.fault else "interrupted", event.reason))
        self._end(outcome, event.reason, "system", status=STATUS_BUSY_HERE)

    def _media_lost(self, _event: i.MediaLost) -> None:
        if self.state in ROUTING:
            self._out.append(c.WriteRouting("failed", "media_lost"))
        self._end(CallOutcome.FAILED, "media_lost", "system", status=STATUS_BUSY_HERE)

    def _not_durable(self, event: i.NotDurable) -> None:
        """The journal cannot keep a promise: nothing new is begun for this call."""
        awaited = self.state in (State.SAVING, State.RESERVING) or (
            self.state is State.SEEKING and self._rings_when_saved
        )
        if event.ticket == self._tickets and awaited:
            if self.state in ROUTING:
                self._out.append(c.WriteRouting("failed", "journal"))
            if self.attempt is not None:
                self._end_attempt(AttemptOutcome.CAPACITY_LOST, reason="journal")
            self._end(CallOutcome.FAILED, "journal", "system", status=STATUS_BUSY_HERE)

    def _last_file_closed(self, event: i.Recorded) -> None:
        self._recorded(event)
        if not self._tape.files:
            self._over()

    def _file_given_up(self, _event: i.Tick) -> None:
        for recording in tuple(self._tape.files):
            self._out += self._tape.closed(recording, 0, "not_closed", self._now)
        self._over()

    def _too_late(self, event: i.Offered) -> None:
        self._out.append(c.Release(event.offer.lease.id))


ROUTING = frozenset({State.QUEUED, State.SEEKING, State.RESERVING, State.CONFIRMING, State.RINGING, State.PRESSING})
"""The states in which a buyer is being looked for."""
