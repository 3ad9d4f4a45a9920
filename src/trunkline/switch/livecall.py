"""One live call: carries out what its machine says, and tells the machine what came of it.

Inputs are taken one at a time and in order, whatever they cause. What a cascade of inputs writes is one append to the
journal, made when the machine waits for it or when the cascade is over; so the seats of a lease, the event that names
it and the identifiers of the leg it is for are durable together or not at all.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

import msgspec

from trunkline.engine.calls import commands as c
from trunkline.engine.calls import inputs as i
from trunkline.engine.calls.machine import CallMachine
from trunkline.engine.calls.table import State
from trunkline.engine.routing.router import Router
from trunkline.events.calls import (
    AttemptConnected,
    AttemptEnded,
    CallEnded,
    CallPromised,
    CallReceived,
    OfferReserved,
    RecordingEnded,
    RecordingStarted,
)
from trunkline.events.changes import CallDrop, CallPut, Change, ContactSeen, LegPut, StoredLeg
from trunkline.events.entry import Entry, Event
from trunkline.kernel.clock import Instant
from trunkline.kernel.leases import DECIDED_LATER
from trunkline.media.errors import BadRemote
from trunkline.sip import sdp
from trunkline.switch.audio import Audio
from trunkline.switch.buyers import Buyers
from trunkline.switch.early import Early
from trunkline.switch.farewells import farewell
from trunkline.switch.history import CallHistory
from trunkline.switch.legs import CallerLeg
from trunkline.switch.plant import Plant
from trunkline.switch.registry import Registry, Whose
from trunkline.switch.searching import NewCursor, Searching
from trunkline.switch.sessions import remote_media
from trunkline.switch.unfinished import Unfinished
from trunkline.switch.world import World

log = logging.getLogger("trunkline.calls")


class LiveCall(Searching):
    """The executor of one call machine. It enters itself into the registry, and leaves it when nothing is left."""

    promised: CallPromised | None = None
    """What its publisher was bid for it before it came."""

    def __init__(
        self,
        plant: Plant,
        world: World,
        machine: CallMachine,
        router: Router,
        new_cursor: NewCursor,
        caller: CallerLeg,
        registry: Registry,
        seen: ContactSeen | None,
        history: CallHistory | None = None,
    ) -> None:
        super().__init__(plant, world, machine, router, new_cursor, history)
        self.caller = caller
        self.registry = registry
        self.buyers = Buyers(self)
        self.audio = Audio(self)
        self.early = Early(self)
        registry.calls[machine.context.call] = self
        registry.sip[caller.sip] = registry.media[caller.media] = Whose(self, None)
        self._running = False
        self._over = False
        self.answer_waits = False  # for the PRACK of an early description; the caller is not connected before
        self._changes: list[Change] = [] if seen is None else [seen]
        self._first_append: asyncio.Future[Any] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_ns = 0
        self._unfinished = Unfinished()

    # -- inputs ----------------------------------------------------------------------------------------------------

    def tell(self, event: i.Input | None) -> None:
        """Tell the machine something, and carry out what follows from it; None is no news."""
        if event is None:
            return
        self._inbox.append(event)
        if self._running or self._over:
            return
        self._running = True
        try:
            while self._inbox and not self._over:
                now = self.plant.clock()
                for command in self.machine.handle(self._inbox.popleft(), now):
                    self._do(command, now)
                if not self._inbox and self.machine.is_due(now):
                    # What is earned by connecting is earned now: it shares the append with what earned it.
                    self._inbox.append(i.Tick())
            self.plant.sip.send_pending()  # an ACK, a BYE: people wait for them, and nobody for the journal
            self._append(patient=True)
        except Exception:
            self.plant.metrics.call_errors.inc()
            log.exception("call %s is ended by an error of ours", self.machine.context.call)
            self._fail()
        finally:
            self._running = False
        self._arm()
        self.plant.sip.flush()

    def cancelled(self) -> None:
        """The caller has cancelled. What follows happens at once, but 487 waits: the call must be on disk before."""
        self.tell(i.CallerLeft())
        self._refuse_caller(487)

    def _refuse_caller(self, status: int) -> None:
        """Refuse a caller who was not answered, as soon as the first append has said that the call was received."""
        status = self.caller.trunk.response_for(status)
        headers = (("Retry-After", "10"),) if status == 503 else ()

        def refuse() -> None:
            self.plant.sip.endpoint.reject(self.caller.sip, status, self.plant.sip.now(), headers=headers)

        def refuse_later(_kept: object) -> None:
            refuse()
            self.plant.sip.flush()

        if self._first_append is None or self._first_append.done():
            refuse()
        else:
            self._first_append.add_done_callback(refuse_later)

    def _arm(self) -> None:
        """Wake up when the machine's next timer is due."""
        due = None if self._over else self.machine.next_timer()
        if due is not None and self._timer is not None and self._timer_ns <= due:
            return  # wakes up early once, which costs less than re-arming at every step of a call
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if due is not None:
            self._timer_ns = due
            delay_s = max(0.0, (due - self.plant.clock().mono_ns) / 1e9)
            self._timer = self.plant.loop.call_later(delay_s, self._wake)

    def _wake(self) -> None:
        self._timer = None
        if self.machine.is_due(self.plant.clock()):
            self.tell(i.Tick())
        else:
            self._arm()

    def _do(self, command: c.Command, now: Instant) -> None:
        """Carry out one command. One that fails keeps none of the others from being carried out, but ends the call."""
        try:
            _DO[type(command)](self, command, now)
        except Exception:
            self.plant.metrics.call_errors.inc()
            log.exception("call %s is ended: %s failed", self.machine.context.call, type(command).__name__)
            self._inbox.append(i.HangUp("internal_error", fault=True))

    def _fail(self) -> None:
        """The machine itself has failed: its call ends without it, all others go on. What it holds is given back.

        What has an end already gets no second one; what the machine believes is not asked, only what was written.
        """
        now = self.plant.clock()
        self._inbox.clear()
        for recording in self._unfinished.files:
            self.plant.media.stop_record(recording)
        for end in self._unfinished.ends(self.machine.context, now):
            self._write(c.Write(end), now)
        if self.lease is not None:
            self.plant.capacity.release(self.lease, now)
        self._changes.append(CallDrop(self.machine.context.call))
        self._finish()
        self._append(patient=True)
        self._hang_up_caller(c.HangUpCaller(500), now)

    def _note(self, event: i.Input | None) -> None:
        """Something that a command has led to at once: the machine is told when the command's list is done."""
        if event is not None:
            self._inbox.append(event)

    # -- the journal -----------------------------------------------------------------------------------------------

    def _write(self, command: c.Write, _now: Instant) -> None:
        event, unfinished = command.event, self._unfinished
        self._entries.append(Entry(event, self.machine.context.contact))
        if self.promised is not None and isinstance(event, CallReceived):
            self._entries.append(Entry(self.promised, self.machine.context.contact))
        if self._history is not None:
            self._history.follow(event, unfinished.attempt, self._entries, self._changes)
        if isinstance(event, CallEnded):
            unfinished.ended = True
            self.plant.queues.leave(self)  # although its recording may still have to be closed
            self.plant.metrics.calls.labels(event.outcome).inc()
        elif isinstance(event, AttemptEnded):
            if unfinished.attempt is not None:
                entries, changes = self.plant.presence.ended(event.account, unfinished.attempt.target, event.outcome)
                self._entries += entries
                self._changes += changes
            unfinished.attempt = None
            self.plant.metrics.attempts.labels(event.outcome).inc()
        elif isinstance(event, OfferReserved):
            unfinished.attempt, unfinished.connected = event, False
        elif isinstance(event, AttemptConnected):
            unfinished.connected = True
        elif isinstance(event, RecordingStarted):
            unfinished.files[event.recording] = event.path
        elif isinstance(event, RecordingEnded):
            unfinished.files.pop(event.recording, None)

    def _remember(self, command: c.Remember, _now: Instant) -> None:
        kept = command.call
        self._changes.append(CallDrop(self.machine.context.call) if kept is None else CallPut(kept))

    def keep(self, change: Change) -> None:
        """Change a state table, with what is written next."""
        self._changes.append(change)

    def note(self, event: Event) -> None:
        """Write an event that the machine does not have to know, with what is written next."""
        self._entries.append(Entry(event, self.machine.context.contact))

    def save(self) -> asyncio.Future[Any] | None:
        """Write at once what was kept outside of a cascade of inputs; None when there is nothing."""
        assert not self._running, "a cascade writes what it keeps itself"
        return self._append()

    def _append(self, *, patient: bool = False) -> asyncio.Future[Any] | None:
        """Hand everything written since the last append to the journal, as one transaction; None for nothing.

        The first is never `patient`: a refusal waits for it.
        """
        future = self.plant.write(
            self._entries,
            self._changes,
            finishing=self.machine.state not in _BEGINNING,
            patient=patient and self._first_append is not None,
        )
        self._entries, self._changes = [], []
        self._first_append = self._first_append or future
        return future

    def _await(self, command: c.Await, _now: Instant) -> None:
        started_s = time.perf_counter()
        entries, changes = self._entries, self._changes
        future = self._append()
        assert future is not None, "there is always something to wait for"

        def tell(done: asyncio.Future[Any]) -> None:
            self.plant.metrics.journal.observe(time.perf_counter() - started_s)
            failed = done.cancelled() or done.exception() is not None
            if failed:  # so that the call's end, which is tried in any case, is not an end without a beginning
                self._entries[:0], self._changes[:0] = entries, changes
            self.tell(i.NotDurable(command.ticket) if failed else i.Durable(command.ticket))

        future.add_done_callback(tell)

    # -- capacity --------------------------------------------------------------------------------------------------

    def _settle(self, command: c.Settle, now: Instant) -> None:
        self.plant.capacity.settle(command.lease, command.measure, now, command.amount)

    def _release(self, command: c.Release, now: Instant) -> None:
        self.plant.capacity.release(
            command.lease, now, DECIDED_LATER if command.keep_s else frozenset(), 1000 * command.keep_s
        )
        if command.lease == self.lease:
            self.lease = None
        self.plant.queues.freed()

    # -- the caller's leg ------------------------------------------------------------------------------------------

    def _alert(self, _command: c.Alert, _now: Instant) -> None:
        self.plant.sip.endpoint.ring(self.caller.sip, self.plant.sip.now())

    def _pass_early(self, command: c.PassEarly, _now: Instant) -> None:
        self.early.pass_on(command)

    def _end_early(self, command: c.EndEarly, _now: Instant) -> None:
        self.early.end(command)

    def _answer_caller(self, _command: c.AnswerCaller, now: Instant) -> None:
        plant, caller = self.plant, self.caller
        if caller.offer is None:
            body = caller.description.offer()
        else:
            body, agreed = caller.description.answer(caller.offer)
            self.connect(caller.media, agreed)
        caller.description.said(body)
        self.answered = True
        self.answer_waits = not plant.sip.endpoint.answer(caller.sip, body, plant.sip.now())
        if not self.answer_waits:
            self._caller_talks(now)

    def answer_left(self) -> None:
        """The 200 that waited for a PRACK has left."""
        self.answer_waits = False
        self._caller_talks(self.plant.clock())
        self.save()

    def _caller_talks(self, now: Instant) -> None:
        """The caller's trunk counts minutes from now on, and after a crash the caller is sent a BYE."""
        caller, context = self.caller, self.machine.context
        caller.seat.answered(now.mono_ns)
        identifiers = msgspec.json.encode(self.plant.sip.endpoint.identifiers(caller.sip))
        leg = StoredLeg(
            leg=caller.media,
            account=context.account,
            call=context.call,
            contact=context.contact,
            attempt=None,
            confirmed=True,
            identifiers=identifiers,
        )
        self.keep(LegPut(leg))

    def connect(self, leg: str, agreed: sdp.AudioMedia) -> None:
        """Send the caller's audio where its SDP says; one that names no place to send to ends its own call."""
        try:
            self.plant.media.connect(leg, remote_media(agreed))
        except BadRemote as error:
            log.warning("call %s: %s", self.machine.context.call, error.message)
            self._inbox.append(i.HangUp("no_common_audio"))

    def _hang_up_caller(self, command: c.HangUpCaller, _now: Instant) -> None:
        if self.answered:
            self.plant.sip.endpoint.hangup(self.caller.sip, self.plant.sip.now(), farewell(command.reason))
        else:
            self._refuse_caller(command.status)

    # -- the buyer and the audio -----------------------------------------------------------------------------------

    def _hang_up_buyer(self, command: c.HangUpBuyer, _now: Instant) -> None:
        if self._bidding is not None:
            self._bidding.let_go()
        self.buyers.hang_up(command.attempt, command.reason)

    def _prepare_buyer(self, command: c.PrepareBuyer, _now: Instant) -> None:
        self.buyers.prepare(command.attempt, command.ring)

    def _ring_buyer(self, command: c.RingBuyer, _now: Instant) -> None:
        self._inbox.extend(self.buyers.ring(command.attempt))

    def _drop_leg(self, command: c.DropLeg, _now: Instant) -> None:
        self.buyers.drop(command.attempt, command.leg, command.reason)

    def _send_digits(self, command: c.SendDigits, _now: Instant) -> None:
        self.audio.send_digits(command)

    def _play(self, command: c.Play, _now: Instant) -> None:
        self._note(self.audio.play(command))

    def _ringback(self, command: c.Ringback, _now: Instant) -> None:
        self.audio.ringback(command)

    def _hold_music(self, command: c.HoldMusic, _now: Instant) -> None:
        self.audio.hold_music(command)

    def _stop_play(self, command: c.StopPlay, _now: Instant) -> None:
        self.audio.stop_play(command)

    def _bridge(self, _command: c.Bridge, _now: Instant) -> None:
        self.audio.bridge()

    def _record(self, command: c.Record, _now: Instant) -> None:
        self._note(self.audio.record(command, self.plant.data))

    def _pause_record(self, command: c.PauseRecord, _now: Instant) -> None:
        self.plant.media.pause_record(command.recording)

    def _resume_record(self, command: c.ResumeRecord, _now: Instant) -> None:
        self.plant.media.resume_record(command.recording)

    def _stop_record(self, command: c.StopRecord, _now: Instant) -> None:
        self.plant.media.stop_record(command.recording)

    # -- the end ---------------------------------------------------------------------------------------------------

    def _done(self, _command: c.Done, _now: Instant) -> None:
        self._finish()

    def _finish(self) -> None:
        if self._over:
            return
        self._over = True
        self.plant.queues.leave(self)
        self.give_seat_back(self.plant.clock())
        if self._bidding is not None:
            self._bidding.let_go()
            self._bidding.break_off(self.plant.clock())
            self._bidding = None  # which knows the call that owns it
        self.buyers.hang_up_all()
        self.plant.media.close(self.caller.media)
        self.caller.seat.ended(self.plant.clock().mono_ns)
        self.registry.forget(self)


_BEGINNING = frozenset({State.NEW, State.SAVING, State.RESERVING})
"""States whose appends promise something new; all others finish what was begun."""


_DO: dict[type, Callable[[LiveCall, Any, Instant], None]] = {
    c.Write: LiveCall._write,
    c.Remember: LiveCall._remember,
    c.Await: LiveCall._await,
    c.Seek: LiveCall._seek,
    c.Enqueue: LiveCall._enqueue,
    c.Dequeue: LiveCall._dequeue,
    c.TellPlace: LiveCall._tell_place,
    c.WriteRouting: LiveCall._write_routing,
    c.Settle: LiveCall._settle,
    c.Release: LiveCall._release,
    c.Alert: LiveCall._alert,
    c.PassEarly: LiveCall._pass_early,
    c.EndEarly: LiveCall._end_early,
    c.AnswerCaller: LiveCall._answer_caller,
    c.HangUpCaller: LiveCall._hang_up_caller,
    c.Confirm: LiveCall._confirm,
    c.PrepareBuyer: LiveCall._prepare_buyer,
    c.RingBuyer: LiveCall._ring_buyer,
    c.HangUpBuyer: LiveCall._hang_up_buyer,
    c.DropLeg: LiveCall._drop_leg,
    c.SendDigits: LiveCall._send_digits,
    c.Play: LiveCall._play,
    c.Ringback: LiveCall._ringback,
    c.HoldMusic: LiveCall._hold_music,
    c.StopPlay: LiveCall._stop_play,
    c.Bridge: LiveCall._bridge,
    c.Record: LiveCall._record,
    c.PauseRecord: LiveCall._pause_record,
    c.ResumeRecord: LiveCall._resume_record,
    c.StopRecord: LiveCall._stop_record,
    c.Done: LiveCall._done,
}
"""What carries out each command."""
