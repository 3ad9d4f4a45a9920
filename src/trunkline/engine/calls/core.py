"""What all phases of a call share: its state, its timers, its journal entries, and the one way in which it ends."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from trunkline.config.flows import Prompt
from trunkline.engine.calls import commands as c
from trunkline.engine.calls.books import Books, OpenSale
from trunkline.engine.calls.context import CallContext
from trunkline.engine.calls.inputs import Played, Recorded, Side
from trunkline.engine.calls.legs import Legs
from trunkline.engine.calls.outcomes import AttemptOutcome, CallOutcome
from trunkline.engine.calls.profile import Profile
from trunkline.engine.calls.table import State
from trunkline.engine.calls.tape import Tape
from trunkline.engine.calls.timers import Timer, Timers
from trunkline.engine.flow.machine import FlowMachine
from trunkline.engine.routing.offer import Offer
from trunkline.events.calls import AttemptEnded, CallAnswered, CallEnded, EndedBy
from trunkline.events.changes import StoredCall
from trunkline.kernel.clock import SECOND, Instant

PROMPT_S_MAX = 660
"""How long one prompt is waited for at most: longer than any is, so only the loss of its end is felt."""
FILE_WAIT_S = 5
"""How long an ended call waits for its recording to be closed."""

STATUS_UNSOLD = 480
STATUS_BUSY_HERE = 503
"""SIP statuses for callers that were never answered: nobody is available; we cannot take calls now."""


class OpenAttempt:
    """The attempt that is going on."""

    __slots__ = ("connected", "id", "legs", "offer", "rang_at", "ring", "sale", "unconfirmed")

    def __init__(self, attempt: str, offer: Offer, sale: OpenSale) -> None:
        ring = offer.candidate.ring
        assert ring is not None, "a call is only offered to targets that can be rung"
        self.id = attempt
        self.offer = offer
        self.ring = ring
        self.legs = Legs(ring)
        self.sale = sale
        self.rang_at: Instant | None = None
        self.connected: Instant | None = None
        bid = offer.candidate.bid
        self.unconfirmed = bid is not None and bid.confirm
        """Whether its bidder has still to say that it stands by its bid."""

    def confirmed(self, dial: str | None) -> None:
        """The bidder stands by its bid, and wants the call sent to `dial`, None for where it was."""
        self.unconfirmed = False
        if dial is not None:
            self.ring = msgspec.structs.replace(self.ring, dial=dial, also_dial=())
            self.legs = Legs(self.ring)

    @property
    def leg(self) -> int:
        """The number of the leg that took the call; before that, of the first."""
        taken = self.legs.taken
        return 0 if taken is None else taken.number


class CallCore:
    """State and helpers; the phases are written in the classes that build on it."""

    def __init__(
        self, context: CallContext, flow: FlowMachine, profile: Profile, new_recording: Callable[[Instant], str]
    ) -> None:
        self.context = context
        self.state = State.NEW
        self.profile = profile
        self.attempt: OpenAttempt | None = None
        self._flow = flow
        self._timers = Timers()
        self._tape = Tape(context, new_recording)
        self._books: Books | None = None
        self._out: list[c.Command] = []
        self._now = Instant(0, 0)
        self._arrived_at = Instant(0, 0)
        self._answered = False
        self._caller_here = True
        self._saved = False
        self._tickets = 0
        self._tags = 0
        self._awaited_tag = 0
        self._alerted = False
        self._plan: str | None = None
        self._unsold_reason: str | None = None
        self._message_taken = False
        self._post_dial_us: int | None = None
        self._hop = 0
        self._again = False
        self._ended = False

    @property
    def books(self) -> Books:
        """The money side; exists from arrival on."""
        assert self._books is not None
        return self._books

    def next_timer(self) -> int | None:
        """The monotonic nanosecond at which `Tick` is due, if any."""
        return self._timers.next_ns()

    def is_due(self, now: Instant) -> bool:
        """Whether `Tick` is due already."""
        due_ns = self._timers.next_ns()
        return due_ns is not None and due_ns <= now.mono_ns

    def _await(self) -> None:
        self._tickets += 1
        self._out.append(c.Await(self._tickets))

    def _play(self, side: Side, prompts: tuple[Prompt, ...]) -> None:
        """Play and wait for its end under a new tag; news of older tags is late."""
        leg = self.attempt.leg if side == "buyer" and self.attempt is not None else 0
        self._awaited_tag = self._play_unawaited(side, prompts, leg)
        self._timers.set(Timer.PROMPT, self._now.mono_ns + PROMPT_S_MAX * len(prompts) * SECOND)

    def _play_unawaited(self, side: Side, prompts: tuple[Prompt, ...], leg: int) -> int:
        """Play to the caller, or to one leg of the buyer's; gives the tag under which its end will be told."""
        self._tags += 1
        self._out.append(c.Play(side, self._tags, prompts, leg))
        return self._tags

    def _heard_out(self, event: Played) -> bool:
        """Whether the end of a prompt is the one that is waited for; it is not waited for any more then."""
        if not self._awaited_tag or event.tag != self._awaited_tag:
            return False
        self._await_no_prompt()
        return True

    def _await_no_prompt(self) -> None:
        """The end of what is played changes nothing from now on."""
        self._awaited_tag = 0
        self._timers.set(Timer.PROMPT, None)

    def _answer_caller(self, by: str) -> None:
        if self._answered:
            return
        self._answered = True
        self._out.append(c.AnswerCaller())
        self._out.append(
            c.Write(
                CallAnswered(
                    account=self.context.account,
                    call=self.context.call,
                    at_ms=self._now.utc_ms,
                    by="buyer" if by == "buyer" else "flow",
                )
            )
        )

    def _remember(self, *, over: bool = False) -> None:
        """Keep what a restart needs to know of this call as it stands now."""
        if over:
            self._out.append(c.Remember(None))
            return
        attempt = self.attempt
        self._out.append(
            c.Remember(
                StoredCall(
                    call=self.context.call,
                    account=self.context.account,
                    contact=self.context.contact,
                    attempt=attempt.id if attempt is not None else None,
                    connected=attempt is not None and attempt.connected is not None,
                    recordings=tuple(self._tape.files.items()),
                    ended=self._ended,
                )
            )
        )

    def _do(self, commands: list[c.Command]) -> None:
        """Carry out what a part of the machine asks for; what opens a file is kept for a restart as well."""
        self._out += commands
        if any(isinstance(command, c.Record) for command in commands):
            self._remember()

    def _end_attempt(self, outcome: AttemptOutcome, *, reason: str | None = None, status: int | None = None) -> None:
        """The running attempt is over: its leg is ended, its outcome written, its seats are given back."""
        attempt = self.attempt
        assert attempt is not None
        self._out.append(c.HangUpBuyer(attempt.id, reason))
        self.books.close()
        self._timers.set(Timer.LEG, None)
        self._timers.set(Timer.MAX_DURATION, None)
        rang_until = attempt.connected or self._now
        self._out.append(
            c.Write(
                AttemptEnded(
                    account=self.context.account,
                    call=self.context.call,
                    at_ms=self._now.utc_ms,
                    attempt=attempt.id,
                    outcome=outcome,
                    reason=reason,
                    sip_status=status,
                    ring_ms=rang_until.ms_since(attempt.rang_at) if attempt.rang_at is not None else None,
                    duration_ms=self._now.ms_since(attempt.connected) if attempt.connected is not None else None,
                    legs=attempt.legs.ended(outcome, attempt.rang_at, self._now),
                )
            )
        )
        self._out.append(c.Release(attempt.offer.lease.id, self.books.keeps_s(attempt.id)))
        self.attempt = None
        self._tape.disconnected()

    def _end(self, outcome: CallOutcome, reason: str | None, by: EndedBy, *, status: int = STATUS_UNSOLD) -> None:
        """The call is over. The buyer is let go first, then the caller; a file that is open is closed last."""
        assert not self._ended
        if self._hop and outcome in _NOT_SOLD:
            outcome = CallOutcome.SOLD  # to the buyer that hung up so soon
        if self.attempt is not None:
            connected = self.attempt.connected is not None
            self._end_attempt(AttemptOutcome.CONNECTED if connected else _unconnected(outcome, by), reason=reason)
        if self._caller_here:
            self._out.append(c.HangUpCaller(status, reason))
            self._caller_here = False
        self._timers.clear()
        self._ended = True
        self._out += self._tape.stop()
        self._out.append(
            c.Write(
                CallEnded(
                    account=self.context.account,
                    call=self.context.call,
                    at_ms=self._now.utc_ms,
                    outcome=outcome,
                    reason=reason,
                    ended_by=by,
                    duration_ms=self._now.ms_since(self._arrived_at),
                    not_converted=self.books.why_not_converted(),
                    not_paid=self.books.why_not_paid(),
                    post_dial_us=self._post_dial_us,
                )
            )
        )
        if not self._tape.files:
            self._over()
            return
        self.state = State.ENDING
        self._timers.set(Timer.FILE, self._now.mono_ns + FILE_WAIT_S * SECOND)
        self._remember()

    def _over(self) -> None:
        self._timers.clear()
        self.state = State.OVER
        self._remember(over=True)
        self._out.append(c.Done())

    def _recorded(self, event: Recorded) -> None:
        self._out += self._tape.closed(event.recording, event.duration_ms, event.error, self._now)


_NOT_SOLD = frozenset({CallOutcome.UNSOLD, CallOutcome.ABANDONED, CallOutcome.IVR_ENDED, CallOutcome.VOICEMAIL})


def _unconnected(outcome: CallOutcome, by: EndedBy) -> AttemptOutcome:
    """What the end of the call makes of an attempt that was not connected."""
    if by == "caller":
        return AttemptOutcome.CALLER_GONE
    return AttemptOutcome.FAILED if outcome is CallOutcome.FAILED else AttemptOutcome.INTERRUPTED
