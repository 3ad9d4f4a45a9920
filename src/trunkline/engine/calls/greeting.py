"""The first phase: the call is saved, the caller is answered where something is to be heard, the flow is walked."""

from __future__ import annotations

from trunkline.config.flows import Prompt
from trunkline.config.schema import NoBuyer
from trunkline.engine.calls import commands as c
from trunkline.engine.calls import inputs as i
from trunkline.engine.calls.books import Books
from trunkline.engine.calls.core import CallCore
from trunkline.engine.calls.outcomes import CallOutcome
from trunkline.engine.calls.table import State
from trunkline.engine.calls.timers import Timer
from trunkline.engine.flow import effects as f
from trunkline.events.calls import CallQualified, CallReceived
from trunkline.kernel.clock import SECOND

BEEP = Prompt(file="builtin:beep")
"""The tone after which a caller speaks."""


class Greeting(CallCore):
    """Arrival, flow, voicemail, and what a caller hears when nobody buys."""

    _effects: tuple[f.Effect, ...] = ()
    _treatment: NoBuyer | None = None
    _rings_when_saved = False
    """Whether an auction has begun, and the caller, who is to hear ringing, waits for the call to be on disk."""

    def _arrived(self, _event: i.Arrived) -> None:
        context, now = self.context, self._now
        self._arrived_at = now
        self._books = Books(context, now, self._timers)
        self._out.append(
            c.Write(
                CallReceived(
                    account=context.account,
                    call=context.call,
                    at_ms=now.utc_ms,
                    number=context.number,
                    campaign=context.campaign,
                    publisher=context.publisher,
                    source=context.source,
                    caller=context.caller,
                    caller_given=context.caller_given,
                    trunk=context.trunk,
                    snapshot=context.snapshot,
                    attestation=context.attestation,
                    attested_by=context.attested_by,
                    diverted_from=context.diverted_from,
                )
            )
        )
        self._remember()
        if context.refusal is not None:
            self._unsold_reason = context.refusal
            self._save()
            return
        self._out += self.books.received(now)
        self._follow(self._flow.start(now))

    def _save(self) -> None:
        """What comes next is said to the caller: the call must be on disk before."""
        self.state = State.SAVING
        self._await()

    def _go_on_saved(self) -> None:
        """The call is on disk: go on with what was to be said."""
        self._saved = True
        if self.context.refusal is not None:
            self._end(CallOutcome.UNSOLD, self.context.refusal, "system")
        elif self._treatment is not None:
            self._close(self._treatment)
        else:
            effects, self._effects = self._effects, ()
            self._follow(list(effects))

    def _saved_step(self, event: i.Durable) -> None:
        if event.ticket == self._tickets:
            self._go_on_saved()

    def _follow(self, effects: list[f.Effect]) -> None:
        """Carry out what the flow asks for; what is to be heard waits until the call is saved and answered."""
        self._timers.set(Timer.FLOW, self._flow.next_timer())
        if effects and not isinstance(effects[-1], f.Sell) and not self._ready_to_speak(effects):
            return
        for effect in effects:
            match effect:
                case f.Say():
                    self._out += self._tape.guard(effect.sensitive, self._now)
                    self.state = State.TALKING
                    self._play("caller", effect.prompts)
                case f.Listen():
                    self._out += self._tape.guard(effect.sensitive, self._now)
                    self.state = State.TALKING
                case f.Hush():
                    self._await_no_prompt()
                    self._out.append(c.StopPlay("caller"))
                case f.Sell():
                    self._out += self._tape.guard(False, self._now)
                    self._sell(effect)
                case f.Queue():
                    self._out += self._tape.guard(False, self._now)
                    self._hold(effect)
                case f.TakeMessage():
                    self._out += self._tape.guard(False, self._now)
                    self._take_message(effect.prompts, effect.seconds)
                case f.Finish():
                    self._out += self._tape.guard(False, self._now)
                    self._flow_finished(effect.reason)

    def _ready_to_speak(self, effects: list[f.Effect]) -> bool:
        """Whether the effects may be carried out now; else they are kept until the call is saved and announced."""
        if not self._saved:
            self._effects = tuple(effects)
            self._save()
            return False
        if isinstance(effects[-1], f.Finish) or self._answered:
            return True
        self._answer_caller("flow")
        return not self._announce_first(tuple(effects))

    def _announce_first(self, effects: tuple[f.Effect, ...]) -> bool:
        """Let a caller who has just been answered hear that the call may be recorded, before anything else."""
        announcement = self._tape.announcement_for("caller")
        if not announcement:
            return False
        self._effects = effects
        self.state = State.ANNOUNCING
        self._timers.set(Timer.FLOW, None)
        self._play("caller", announcement)
        return True

    def _announced_to_caller(self, event: i.Played) -> None:
        if not self._heard_out(event):
            return
        self._do(self._tape.announced("caller", event.completed, self._now))
        if self._treatment is not None:
            self._close(self._treatment)
            return
        self._flow.resume(self._now)
        effects, self._effects = self._effects, ()
        self._follow(list(effects))

    def _flow_heard(self, event: i.Played) -> None:
        if self._heard_out(event):
            self._follow(self._flow.handle(f.Heard(), self._now))

    def _flow_key(self, event: i.KeyPressed) -> None:
        if event.side == "caller":
            self._follow(self._flow.handle(f.Key(event.digit), self._now))

    def _flow_tick(self, _event: i.Tick) -> None:
        self._follow(self._flow.handle(f.Tick(), self._now))

    def _flow_finished(self, reason: str | None) -> None:
        if self._unsold_reason is not None and not self._message_taken:
            self._end(CallOutcome.UNSOLD, self._unsold_reason, "system")
        elif self._message_taken:
            self._end(CallOutcome.VOICEMAIL, self._unsold_reason, "system")
        else:
            self._end(CallOutcome.IVR_ENDED, reason, "system")

    def _sell(self, effect: f.Sell) -> None:
        """The flow has qualified the caller: look for a buyer."""
        self._plan = effect.plan
        self._unsold_reason = None  # of the search before this one, if there was one
        self._write_qualified(effect.node)
        if self._answered:
            self._out.append(c.Ringback(self.context.ringback))
        self.state = State.SEEKING
        self._out.append(c.Seek(effect.plan, self._hop, self._again))

    def _hold(self, effect: f.Queue) -> None:
        """The flow wants the caller to be held until somebody has room."""
        raise AssertionError("the phase that holds callers builds on this one")

    def _write_qualified(self, node: str) -> None:
        values, basis = self.profile.stored(self._now)
        self._out.append(
            c.Write(
                CallQualified(
                    account=self.context.account,
                    call=self.context.call,
                    at_ms=self._now.utc_ms,
                    node=node,
                    attributes=values,
                    basis=basis,
                )
            )
        )

    def _asking(self, _event: i.Asking) -> None:
        """Bidders are asked, and the caller hears ringing meanwhile, as soon as the call is on disk."""
        if self._answered:
            return
        self._rings_when_saved = True
        if self._saved:
            self._ring_in_auction()
        else:
            self._await()

    def _saved_in_auction(self, event: i.Durable) -> None:
        if event.ticket == self._tickets:
            self._saved = True
            self._ring_in_auction()

    def _ring_in_auction(self) -> None:
        """Let the caller of an auction hear that the call goes on: by answering it where the flow may."""
        if not self._rings_when_saved:
            return
        self._rings_when_saved = False
        if self.context.answer == "flow":
            self._answer_caller("flow")
            announcement = self._tape.announcement_for("caller")
            if announcement:
                self._play("caller", announcement)
            else:
                self._out.append(c.Ringback(self.context.ringback))
        elif not self._alerted:
            self._alerted = True
            self._out.append(c.Alert())

    def _announced_in_auction(self, event: i.Played) -> None:
        if self._heard_out(event):
            self._do(self._tape.announced("caller", event.completed, self._now))
            self._out.append(c.Ringback(self.context.ringback))

    def _exhausted(self, event: i.Exhausted) -> None:
        """Nobody (more) buys: the flow may go on, else the plan says what the caller hears."""
        self._rings_when_saved = False
        self._await_no_prompt()
        self._unsold_reason = event.reason
        self._out.append(c.WriteRouting("unsold", event.reason))
        if self._answered:
            self._out.append(c.StopPlay("caller"))
        effects = self._flow.handle(f.Unsold(), self._now)
        if effects != [f.Finish("unsold")]:
            self._follow(effects)
            return
        self._treatment = event.treatment or NoBuyer()
        if self._saved:
            self._close(self._treatment)
        else:
            self._save()

    def _close(self, treatment: NoBuyer) -> None:
        """Say the plan's last words to the caller, then hang up or take a message."""
        words = _words(treatment)
        silent = not words and treatment.then == "hang_up"
        if silent or (self.context.answer == "buyer" and not self._answered):
            self._end(CallOutcome.UNSOLD, self._unsold_reason, "system")
            return
        if not self._answered:
            self._answer_caller("flow")
            if self._announce_first(()):
                return
        if not words:
            self._take_message((), MESSAGE_SECONDS)
            return
        self.state = State.CLOSING
        self._play("caller", words)

    def _last_words_heard(self, event: i.Played) -> None:
        if not self._heard_out(event):
            return
        assert self._treatment is not None
        if self._treatment.then == "voicemail":
            self._take_message((), MESSAGE_SECONDS)
        else:
            self._end(CallOutcome.UNSOLD, self._unsold_reason, "system")

    def _take_message(self, prompts: tuple[Prompt, ...], seconds: int) -> None:
        self.state = State.MESSAGE
        self._message_seconds = seconds
        self._play("caller", (*prompts, BEEP))

    _message_seconds = 0

    def _message_prompt_heard(self, event: i.Played) -> None:
        if not self._heard_out(event):
            return
        self._message_taken = True
        self._do(self._tape.message(self._tape.path("-message", self._now), self._now))
        self._timers.set(Timer.MESSAGE, self._now.mono_ns + self._message_seconds * SECOND)

    def _message_key(self, event: i.KeyPressed) -> None:
        if event.side == "caller" and event.digit == "#" and not self._awaited_tag:  # not before the tone
            self._message_over(event)

    def _message_over(self, _event: i.KeyPressed | i.Tick) -> None:
        self._timers.set(Timer.MESSAGE, None)
        self._out += self._tape.stop()
        if self._treatment is not None:
            self._end(CallOutcome.VOICEMAIL, self._unsold_reason, "system")
        else:
            self._follow(self._flow.handle(f.MessageTaken(), self._now))


MESSAGE_SECONDS = 120
"""How long a message may be that a plan's no-buyer treatment takes."""


def _words(treatment: NoBuyer) -> tuple[Prompt, ...]:
    if treatment.file is not None or treatment.say is not None:
        return (Prompt(say=treatment.say, file=treatment.file, lang=treatment.lang),)
    return ()
