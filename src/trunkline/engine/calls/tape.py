"""Recording one call, and only what may be recorded.

Nothing of a party is stored before that party has heard the announcement to its end. If it cannot be played to either
of them, nothing of the call is recorded at all. While keys are asked for that may never be stored, the tape stands;
so it does from the buyer's pressing the keys for that until it presses them again.

`from_answer` records the caller as soon as the caller has heard it and the buyer from its connection; `from_connect`
records both from the moment the two are joined and have heard it.
"""

from __future__ import annotations

from collections.abc import Callable

from trunkline.config.flows import Prompt
from trunkline.config.schema import Recording
from trunkline.engine.calls.commands import Command, PauseRecord, Record, ResumeRecord, StopRecord, Write
from trunkline.engine.calls.context import DEFAULT_ANNOUNCEMENT, CallContext
from trunkline.engine.calls.inputs import Side
from trunkline.events.calls import PausedBy, RecordingEnded, RecordingPaused, RecordingResumed, RecordingStarted
from trunkline.kernel.clock import SECOND, Instant

KEYS_WITHIN_S = 3
"""A key that comes longer after the one before it begins a new sequence."""
PAUSES_MAX = 50
"""How often a buyer may pause one call; after the last time the tape stands to the end, as each pause is an entry."""


class Tape:
    """The state of one call's recordings. `files` are those not closed yet: id to path below the data folder."""

    __slots__ = (
        "_alone",
        "_connected",
        "_context",
        "_current",
        "_forbidden",
        "_heard",
        "_new_id",
        "_parts",
        "_paused_by",
        "_pauses",
        "_rule",
        "_sides",
        "_typed",
        "_typed_ns",
        "files",
    )

    def __init__(self, context: CallContext, new_id: Callable[[Instant], str]) -> None:
        self._context = context
        self._rule = context.record
        self._new_id = new_id
        self._heard: set[Side] = set()
        self._sides: tuple[Side, ...] = ()
        self._connected = False
        self._forbidden = False
        self._paused_by: tuple[PausedBy, ...] = ()
        self._alone = False
        """Whether the tape stands because the buyer has gone, and only both together are to be recorded."""
        self._pauses = 0
        self._parts = 0
        self._typed = ""
        self._typed_ns = 0
        self._current: str | None = None
        self.files: dict[str, str] = {}

    def rule(self, recording: Recording | None) -> None:
        """The offer's own settings replace the campaign's."""
        self._rule = recording

    def announcement_for(self, side: Side) -> tuple[Prompt, ...]:
        """What this side still has to hear before it may be recorded; empty when nothing."""
        if not self._wanted() or side in self._heard:
            return ()
        assert self._rule is not None
        if self._rule.announce_file is not None:
            return (Prompt(file=self._rule.announce_file, lang=self._rule.lang),)
        return (Prompt(say=self._rule.announce or DEFAULT_ANNOUNCEMENT, lang=self._rule.lang),)

    def announced(self, side: Side, completed: bool, now: Instant) -> list[Command]:
        """The announcement to this side has ended; if it was not heard whole, nothing may be recorded."""
        if completed:
            self._heard.add(side)
            return self._record(now)
        self._forbidden = True
        return self.stop()

    def connected(self, now: Instant) -> list[Command]:
        """The two parties are joined."""
        self._connected, self._alone = True, False
        if not self._wanted():
            return self.stop()
        return [*self._record(now), *self._go_on("flow", now)]

    def disconnected(self) -> None:
        """The buyer is gone, and its rule with it; the next one has heard nothing yet."""
        self._connected = False
        self._rule = self._context.record
        self._heard.discard("buyer")

    def parted(self, now: Instant) -> list[Command]:
        """The buyer has gone and another one is looked for; who only wants both recorded wants no lonely caller."""
        waits = self._alone = self._rule is not None and self._rule.mode == "from_connect"
        self._paused_by = tuple(by for by in self._paused_by if by != "buyer") if waits else self._paused_by
        out = self._stand_still("flow", now) if waits else self._go_on("buyer", now)
        self._sides = tuple(side for side in self._sides if side == "caller")
        return out

    def message(self, path: str, now: Instant) -> list[Command]:
        """Record the caller's message into a file of its own, whatever the rule for calls says."""
        out = self.stop()
        self._paused_by, self._alone = (), False  # that was of the call's tape
        return [*out, *self._start(path, ("caller",), "voicemail", now)]

    def guard(self, sensitive: bool, now: Instant) -> list[Command]:
        """Stand still while keys that may not be stored are asked for, and go on afterwards."""
        if sensitive:
            return self._stand_still("flow", now)
        return [] if self._alone else self._go_on("flow", now)

    def key(self, digit: str, now: Instant) -> list[Command]:
        """The buyer has pressed a key: with the last of its sequence the tape stands still, or goes on."""
        keys = None if self._rule is None else self._rule.pause_keys
        if not keys or not self._wanted():
            return []
        typed = self._typed if now.mono_ns - self._typed_ns <= KEYS_WITHIN_S * SECOND else ""
        self._typed, self._typed_ns = (typed + digit)[-len(keys) :], now.mono_ns
        if self._typed != keys:
            return []
        self._typed = ""
        if "buyer" not in self._paused_by:
            self._pauses += 1
            return self._stand_still("buyer", now)
        return self._go_on("buyer", now) if self._pauses < PAUSES_MAX else []

    def _stand_still(self, by: PausedBy, now: Instant) -> list[Command]:
        if by in self._paused_by:
            return []
        self._paused_by = (*self._paused_by, by)
        return self._pause(by, now) if len(self._paused_by) == 1 else []

    def _pause(self, by: PausedBy, now: Instant) -> list[Command]:
        if self._current is None:
            return []
        paused = RecordingPaused(
            account=self._context.account, call=self._context.call, at_ms=now.utc_ms, recording=self._current, by=by
        )
        return [PauseRecord(self._current), Write(paused)]

    def _go_on(self, by: PausedBy, now: Instant) -> list[Command]:
        if by not in self._paused_by:
            return []
        self._paused_by = tuple(each for each in self._paused_by if each != by)
        if self._paused_by or self._current is None:
            return []
        resumed = RecordingResumed(
            account=self._context.account, call=self._context.call, at_ms=now.utc_ms, recording=self._current, by=by
        )
        return [ResumeRecord(self._current), Write(resumed)]

    def stop(self) -> list[Command]:
        """Close the file that is being written, if any; `closed` will be told."""
        recording, self._current, self._sides = self._current, None, ()
        self._paused_by = tuple(by for by in self._paused_by if by != "buyer")
        return [] if recording is None else [StopRecord(recording)]

    def closed(self, recording: str, duration_ms: int, error: str | None, now: Instant) -> list[Command]:
        """A file is closed, by us or because it could not go on."""
        path = self.files.pop(recording, None)
        if path is None:
            return []
        if recording == self._current:
            self._current, self._sides = None, ()
        event = RecordingEnded(
            account=self._context.account,
            call=self._context.call,
            at_ms=now.utc_ms,
            recording=recording,
            path=path,
            duration_ms=duration_ms,
            error=error,
        )
        return [Write(event)]

    def path(self, suffix: str, now: Instant) -> str:
        """Where a file of this call lies below the data folder."""
        return f"recordings/{self._context.account}/{now.utc:%Y/%m/%d}/{self._context.call}{suffix}.wav"

    def _wanted(self) -> bool:
        return self._rule is not None and self._rule.mode != "off" and not self._forbidden

    def _record(self, now: Instant) -> list[Command]:
        """Start, or add the side that may be recorded now."""
        if not self._wanted():
            return []
        assert self._rule is not None
        both: tuple[Side, ...] = ("caller", "buyer") if self._connected else ("caller",)
        if self._rule.mode == "from_connect" and (not self._connected or not self._heard.issuperset(both)):
            return []
        sides = tuple(side for side in both if side in self._heard)
        if not sides or sides == self._sides:
            return []
        if self._current is not None:
            self._sides = sides
            return [Record(self._current, self.files[self._current], sides)]
        self._parts += 1
        suffix = "" if self._parts == 1 else f"-{self._parts}"  # another buyer's rule has closed the one before
        return self._start(self.path(suffix, now), sides, "call", now)

    def _start(self, path: str, sides: tuple[Side, ...], purpose: str, now: Instant) -> list[Command]:
        recording = self._new_id(now)
        self.files[recording] = path
        self._current, self._sides = recording, sides
        started = RecordingStarted(
            account=self._context.account,
            call=self._context.call,
            at_ms=now.utc_ms,
            recording=recording,
            path=path,
            purpose="voicemail" if purpose == "voicemail" else "call",
        )
        out: list[Command] = [Write(started), Record(recording, path, sides)]
        if self._paused_by:
            out += self._pause(self._paused_by[0], now)
        return out
