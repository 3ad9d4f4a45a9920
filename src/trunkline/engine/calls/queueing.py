"""A caller who is held until somebody has room.

Whoever has to wait hears the node's prompts, then music, and now and then its place in the line. An offer that is
refused brings the caller back to its old place, as long as somebody else may still become free. The longest wait ends
the holding, not the ringing: a buyer that is being rung may still answer.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.config.flows import HoldQueue, Prompt
from trunkline.engine.calls import commands as c
from trunkline.engine.calls import inputs as i
from trunkline.engine.calls.greeting import Greeting
from trunkline.engine.calls.table import State
from trunkline.engine.calls.timers import Timer
from trunkline.engine.flow import effects as f
from trunkline.engine.routing.reasons import Unsold
from trunkline.events.calls import CallDequeued, CallQueued
from trunkline.kernel.clock import SECOND, Instant

_NUMBERS = (
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen",
    "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty",
)  # fmt: skip
FIRST = Prompt(say="You are the next caller in line.")
FAR = Prompt(say="There are more than twenty callers before you.")


def place_prompt(position: int) -> Prompt:
    """What tells a caller its place in the line, counted from 1."""
    assert position > 0
    if position == 1:
        return FIRST
    return Prompt(say=f"You are number {_NUMBERS[position - 1]} in line.") if position <= len(_NUMBERS) else FAR


def queue_sounds(node: HoldQueue) -> Iterator[Prompt]:
    """What has to be ready to be heard, besides the node's prompts."""
    if node.music is not None:
        yield node.music
    if node.position_seconds is not None:
        yield from (place_prompt(position) for position in range(1, len(_NUMBERS) + 1))
        yield FAR


class Queueing(Greeting):
    """Hold, tell the place, let go."""

    _queue: HoldQueue | None = None
    _node = ""
    _queue_until_ns = 0
    _queued_at: Instant | None = None
    _told = False
    """Whether the caller has heard the node's prompts."""

    def _hold(self, effect: f.Queue) -> None:
        self._plan, self._queue, self._node, self._told = effect.terms.plan, effect.terms, effect.node, False
        self._unsold_reason = None  # of the search before this one, if there was one
        self._write_qualified(effect.node)
        self._queue_until_ns = self._now.mono_ns + effect.terms.seconds * SECOND
        self._enqueue(effect.terms, fresh=True)

    def _enqueue(self, queue: HoldQueue, *, fresh: bool) -> None:
        self.state = State.QUEUED
        self._timers.set(Timer.QUEUE, self._queue_until_ns)
        self._out.append(c.Enqueue(self._plan, queue.max_callers, fresh, self._hop, self._again))

    def _queued(self, event: i.Queued) -> None:
        queue = self._holding()
        self._queued_at = self._now
        self._out.append(
            c.Write(
                CallQueued(
                    account=self.context.account,
                    call=self.context.call,
                    at_ms=self._now.utc_ms,
                    node=self._node,
                    plan=event.plan,
                    position=event.position,
                )
            )
        )
        if queue.prompts and not self._told:
            self._play("caller", queue.prompts)
        else:
            self._pass_the_time()
        self._told = True
        self._place_later()

    def _heard_in_queue(self, event: i.Played) -> None:
        if self._heard_out(event):
            self._pass_the_time()

    def _pass_the_time(self) -> None:
        self._out.append(c.Ringback(self._holding().music or self.context.hold_music or self.context.ringback))

    def _place_later(self) -> None:
        every_s = self._holding().position_seconds
        self._timers.set(Timer.PLACE, None if every_s is None else self._now.mono_ns + every_s * SECOND)

    def _place_due(self, _event: i.PlaceDue) -> None:
        self._out.append(c.TellPlace())
        self._place_later()

    def _tell_place(self, event: i.Placed) -> None:
        if not self._awaited_tag:  # what is being heard is not cut off
            self._play("caller", (place_prompt(event.position),))

    def _waited_too_long(self, _event: i.Tick) -> None:
        self._out.append(c.Dequeue(Unsold.WAITED_TOO_LONG.value))

    def _served(self, event: i.Offered) -> None:
        self._let_go(None)
        self._out.append(c.Ringback(self.context.ringback))
        self._offered(event)

    def _offered(self, event: i.Offered) -> None:
        raise AssertionError("the phase that makes offers builds on this one")

    def _not_served(self, event: i.Exhausted) -> None:
        self._let_go(event.reason)
        self._queue = None
        super()._exhausted(event)

    def _exhausted(self, event: i.Exhausted) -> None:
        """Nobody took it: back into the line when somebody else may still become free."""
        queue, self._queue = self._queue, None
        if queue is not None and event.waits and self._now.mono_ns < self._queue_until_ns:
            self._queue = queue
            self._enqueue(queue, fresh=False)
        else:
            super()._exhausted(event)

    def _let_go(self, reason: str | None) -> None:
        """The caller is held no longer."""
        self._timers.set(Timer.QUEUE, None)
        self._timers.set(Timer.PLACE, None)
        self._await_no_prompt()
        since, self._queued_at = self._queued_at, None
        if since is not None:
            self._out.append(
                c.Write(
                    CallDequeued(
                        account=self.context.account,
                        call=self.context.call,
                        at_ms=self._now.utc_ms,
                        waited_ms=self._now.ms_since(since),
                        reason=reason,
                    )
                )
            )

    def _holding(self) -> HoldQueue:
        assert self._queue is not None
        return self._queue
