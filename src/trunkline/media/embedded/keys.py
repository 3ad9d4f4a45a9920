"""Keys that we press: RFC 4733 events, or in-band tones for a party that did not agree to events.

Every key takes ten steps of 20 ms. Steps 0 to 3 are the running event, step 4 its end, which steps 5 and 6 repeat;
the rest is the pause before the next key. In-band, steps 0 to 4 are the tone and the rest silence.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from trunkline.codec import tones
from trunkline.codec.dtmf import DIGITS, Event, pack_event
from trunkline.codec.g711 import SILENCE, encode
from trunkline.media.embedded.player import FRAME, FRAME_S

if TYPE_CHECKING:
    from trunkline.media.embedded.leg import Leg

QUEUE_MAX: Final = 128
PRESSED_MAX: Final = 16
"""Three seconds: more than anybody is ahead of five keys a second, which is what goes out."""
_STEPS: Final = 10
_END_STEP: Final = 4
_REPEATS: Final = 2
_PRESS_MS: Final = 100


class Keys:
    """The keys still to be pressed on one leg."""

    __slots__ = ("_leg", "_queue", "_step", "_tone", "due")

    def __init__(self, leg: Leg, now: float) -> None:
        self.due = now
        self._leg = leg
        self._queue: deque[str] = deque()
        self._step = 0
        self._tone = b""

    def add(self, digits: str) -> None:
        """Queue keys; what is no key, or past the limit of the queue, is left out.

        A single key is one that the other party has just pressed: with `PRESSED_MAX` waiting it is dropped and counted,
        because while keys are sent the parties do not hear each other.
        """
        if len(digits) == 1 and len(self._queue) >= PRESSED_MAX:
            self._leg.keys_dropped += 1
            return
        self._queue.extend([digit for digit in digits.upper() if digit in DIGITS][: QUEUE_MAX - len(self._queue)])

    def step(self, now: float) -> float | None:
        """Do the step that is due. Gives the time of the next, or None when all keys are sent."""
        leg = self._leg
        if leg.keys is not self:
            return None
        if self._step == _STEPS:
            self._queue.popleft()
            self._step = 0
        if not self._queue:
            leg.keys_ended()
            return None
        if leg.dtmf_payload_type is None:
            self._send_tone(now)
        else:
            self._send_event(leg.dtmf_payload_type, now)
        self._step += 1
        self.due = max(self.due + FRAME_S, now)
        return self.due

    def _send_event(self, payload_type: int, now: float) -> None:
        step = self._step
        if step <= _END_STEP + _REPEATS:
            duration = min(step + 1, _END_STEP + 1) * FRAME
            event = Event(DIGITS.index(self._queue[0]), step >= _END_STEP, duration)
            self._leg.out.event(payload_type, pack_event(event), step == 0, duration, now)

    def _send_tone(self, now: float) -> None:
        leg = self._leg
        if self._step == 0:
            self._tone = encode(leg.law, tones.key(self._queue[0], _PRESS_MS))
        frame = self._tone[self._step * FRAME : (self._step + 1) * FRAME] or bytes((SILENCE[leg.law],)) * FRAME
        leg.out.speak(leg.payload_type, frame, now)
