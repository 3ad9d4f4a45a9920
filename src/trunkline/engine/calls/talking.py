"""The second phase's end: a buyer has taken the call, is briefed, and talks to the caller."""

from __future__ import annotations

from trunkline.config.flows import Prompt
from trunkline.engine.calls import commands as c
from trunkline.engine.calls import inputs as i
from trunkline.engine.calls.core import OpenAttempt
from trunkline.engine.calls.legs import Leg
from trunkline.engine.calls.outcomes import AttemptOutcome, CallOutcome
from trunkline.engine.calls.queueing import Queueing
from trunkline.engine.calls.table import State
from trunkline.engine.calls.timers import Timer
from trunkline.events.calls import AttemptConnected
from trunkline.kernel.clock import MS, SECOND

HOPS_MAX = 5
"""How often a call is rerouted at most."""


class Talking(Queueing):
    """Connect, brief, join, talk."""

    _briefing: tuple[Prompt, ...] = ()
    _caller_holds = False
    _music: frozenset[i.Side] = frozenset()
    _early: Leg | None = None
    """The phone that the caller hears although it has not answered."""
    _heard_early = False

    def _connect(self) -> None:
        """The buyer has taken the call. What it still has to hear comes first, the caller hears ringing meanwhile."""
        attempt = self._open_attempt()
        assert attempt.rang_at is not None
        assert attempt.legs.taken is not None
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
        self._timers.set(Timer.MAX_DURATION, self._now.mono_ns + attempt.ring.max_duration_seconds * SECOND)
        self._out += self.books.connected(self._now)
        if self._early is not attempt.legs.taken or attempt.legs.taken.steps or self._briefing:
            self._end_early(self._early)
        if attempt.legs.taken.steps:
            self.state = State.KEYING
            self._send_keys(attempt.legs.taken)
            self._arm_legs()
        else:
            self._brief()
        self._out.append(c.WriteRouting("sold", None))
        self._remember()

    def _send_keys(self, leg: Leg) -> None:
        """Send the next of the keys that reach an extension, and wait until they are through."""
        step, leg.steps = leg.steps[0], leg.steps[1:]
        if step.digits:
            self._out.append(c.SendDigits("buyer", step.digits, leg.number))
        leg.due_ns = self._now.mono_ns + step.ms * MS

    def _keys_sent(self, _event: i.LegDue) -> None:
        leg = self._open_attempt().legs.taken
        assert leg is not None
        leg.due_ns = None
        if leg.steps:
            self._send_keys(leg)
        else:
            self._brief()
        self._arm_legs()

    def _end_early(self, leg: Leg | None) -> None:
        """The caller hears ringing again where it heard this phone."""
        if leg is None or leg is not self._early:
            return
        self._early = None
        self._heard_early = True
        self._out.append(c.EndEarly(self._open_attempt().id, leg.number, self.context.ringback))

    def _arm_legs(self) -> None:
        """Wait for whatever comes first on any of the buyer's legs."""
        self._timers.set(Timer.LEG, None if self.attempt is None else self.attempt.legs.next_ns())

    def _brief(self) -> None:
        """Let the buyer hear what it still has to hear, then let the two talk."""
        if self._briefing:
            self.state = State.BRIEFING
            self._play("buyer", self._briefing)
        else:
            self._join()

    def _briefed(self, event: i.Played) -> None:
        if not self._heard_out(event):
            return
        self._briefing = ()
        self._announced_to_buyer(event.completed)
        self._join()

    def _announced_to_buyer(self, completed: bool) -> None:
        """What the buyer had to hear has ended; the announcement, where there was one, was its last part."""
        if self._tape.announcement_for("buyer"):
            self._do(self._tape.announced("buyer", completed, self._now))

    def _join(self) -> None:
        """Let caller and buyer hear each other; a caller who was not answered yet is answered now."""
        self.state = State.CONNECTED
        if self._answered or self._heard_early:
            self._out.append(c.StopPlay("caller"))
        self._early = None
        self._answer_caller("buyer")
        self._out.append(c.Bridge())
        self._do(self._tape.connected(self._now))
        announcement = self._tape.announcement_for("caller")
        self._await_no_prompt()
        if announcement:
            self._play("caller", announcement)
        self._play_to_held()

    def _announced_over_bridge(self, event: i.Played) -> None:
        if self._heard_out(event):
            self._do(self._tape.announced("caller", event.completed, self._now))
            self._play_to_held()

    # -- what happens while they talk ------------------------------------------------------------------------------

    def _key_over_bridge(self, event: i.KeyPressed) -> None:
        """Let the other side have a key that the bridge could not carry; the buyer's may pause the recording."""
        number = self._open_attempt().leg
        if event.side == "caller":
            if event.relay:
                self._out.append(c.SendDigits("buyer", event.digit, number))
        elif event.leg == number:
            if event.relay:
                self._out.append(c.SendDigits("caller", event.digit))
            self._out += self._tape.key(event.digit, self._now)

    def _held(self, event: i.Held) -> None:
        leg = None if self.attempt is None else self.attempt.legs.open(event.leg)
        if event.side == "caller":
            self._caller_holds = event.held
        elif leg is not None:
            leg.holds = event.held
        if self.state is State.CONNECTED:
            self._play_to_held()

    def _play_to_held(self) -> None:
        """Whoever is held and listens hears music; the announcement that a caller has to hear goes before it."""
        music = self.context.hold_music
        if music is None:
            return
        leg = self._open_attempt().legs.taken
        assert leg is not None
        listening: set[i.Side] = set()
        if leg.holds and not self._caller_holds and not self._awaited_tag:
            listening.add("caller")
        if self._caller_holds and not leg.holds:
            listening.add("buyer")
        self._out += [c.StopPlay(side, leg.number) for side in sorted(self._music - listening)]
        self._out += [c.HoldMusic(side, music) for side in sorted(listening - self._music)]
        self._music = frozenset(listening)

    def _buyer_left(self, event: i.BuyerLeft) -> None:
        attempt = self._open_attempt()
        if (event.attempt, event.leg) != (attempt.id, attempt.leg):
            return
        connected, within_s = attempt.connected, attempt.offer.reroute_seconds
        assert connected is not None
        if self._hop < HOPS_MAX and self._now.mono_ns - connected.mono_ns < within_s * SECOND:
            self._reroute(attempt, event.reason)
        else:
            self._end(CallOutcome.SOLD, event.reason, "buyer")

    def _reroute(self, attempt: OpenAttempt, reason: str | None) -> None:
        """The buyer hung up so soon that another one is looked for. What it owes by then it owes."""
        self._await_no_prompt()
        self._briefing, self._music, self._alerted = (), frozenset(), False
        self._out += self._tape.parted(self._now)
        self._again = attempt.offer.reroute_again
        self._end_attempt(AttemptOutcome.CONNECTED, reason=reason)
        self._remember()
        self._hop += 1
        if self._answered:
            self._out.append(c.Ringback(self.context.ringback))
        self.state = State.SEEKING
        self._seek()

    def _seek(self) -> None:
        """Look for the next buyer."""
        self._out.append(c.Seek(self._plan, self._hop, self._again))

    def _too_long(self, _event: i.Tick) -> None:
        self._end(CallOutcome.SOLD, "max_duration", "system")

    def _open_attempt(self) -> OpenAttempt:
        assert self.attempt is not None
        return self.attempt
