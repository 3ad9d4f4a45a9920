"""What plays to a leg: frames of 20 ms on an absolute schedule, so that they neither drift nor bunch.

It begins as soon as its party can be reached and no key is pressed any more. From then on it keeps its own time; of
which a party on hold, or one that hears a key instead, has missed something, so it was not heard whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trunkline.codec.g711 import SILENCE, Law, transcode

if TYPE_CHECKING:
    from trunkline.media.embedded.leg import Leg

FRAME: Final = 160
FRAME_S: Final = 0.02
LATE_S_MAX: Final = 0.1
"""When the loop was held up for longer than this, frames are not sent in a burst: the schedule starts anew."""


class Player:
    """One `play` order being played."""

    __slots__ = ("_begun", "_leg", "_loop", "_place", "_sound", "_whole", "due", "law", "tag")

    def __init__(self, leg: Leg, tag: int, sound: bytes, law: Law, loop: bool, now: float) -> None:
        assert sound
        self.tag = tag
        self.law = law
        self.due = now
        self._leg = leg
        self._sound = sound
        self._loop = loop
        self._place = 0
        self._begun = False
        self._whole = True

    def convert(self, law: Law) -> None:
        """Go on in the other law: the party has renegotiated."""
        self._sound = transcode(self.law, law, self._sound)
        self.law = law

    def step(self, now: float) -> float | None:
        """Send the frame that is due. Gives the time of the next, or None when this was the last or another plays."""
        leg = self._leg
        if leg.player is not self:
            return None
        if self._place >= len(self._sound) and not self._loop:
            # A frame's time after the last frame: now it has been heard.
            leg.play_ended(completed=self._whole)
            return None
        if not self._begun:
            if leg.remote is None or leg.keys is not None:
                self.due = now + FRAME_S
                return self.due
            self._begun = True
        if now - self.due > LATE_S_MAX:
            self.due = now
            leg.out.cut()
        frame = self._frame()
        if leg.keys is None:
            leg.out.speak(leg.payload_type, frame, now)
        if leg.keys is not None or leg.out.address is None:
            self._whole = False
        self.due += FRAME_S
        return self.due

    def _frame(self) -> bytes:
        sound = self._sound
        start = self._place
        frame = sound[start : start + FRAME]
        self._place = start + FRAME
        if self._loop and self._place >= len(sound):
            self._place -= len(sound)
            while len(frame) < FRAME:
                frame += sound[: FRAME - len(frame)]
            self._place %= len(sound)
        elif len(frame) < FRAME:
            frame += bytes((SILENCE[self.law],)) * (FRAME - len(frame))
        return frame
