"""What the two sides of one live call hear, and what is recorded of them."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from trunkline.config.flows import Prompt
from trunkline.engine.calls import commands as c
from trunkline.engine.calls import inputs as i
from trunkline.engine.calls.greeting import BEEP
from trunkline.media.port import Prompt as Sound
from trunkline.switch.part import Part

if TYPE_CHECKING:
    from trunkline.switch.livecall import LiveCall

log = logging.getLogger("trunkline.calls")

RINGBACK = Sound("ringback")
BEEP_SOUND = Sound("beep")
UNAWAITED = 0
"""The tag of what nobody waits for the end of."""


class Audio(Part):
    """Turns the machine's commands into orders to the media backend."""

    def __init__(self, call: LiveCall) -> None:
        super().__init__(call)
        self._media = call.plant.media
        self._cut: set[int] = set()

    def _leg(self, side: i.Side, number: int | None = None) -> str | None:
        """The media leg of one side: of the buyer's the one of that number, else the one that took the call."""
        if side == "caller":
            return self._call.caller.media
        attempt = self._call.machine.attempt
        if attempt is None:
            return None
        leg = self._call.buyers.get(attempt.id, attempt.leg if number is None else number)
        return None if leg is None else leg.media

    def _sounds(self, prompts: tuple[Prompt, ...]) -> list[Sound]:
        """The sounds that could be prepared."""
        sounds = self._call.world.sounds
        found = (BEEP_SOUND if prompt == BEEP else sounds.get(prompt) for prompt in prompts)
        return [sound for sound in found if sound is not None]

    def play(self, command: c.Play) -> i.Input | None:
        """Play; what has come of it at once, when there is nothing to be played."""
        leg, sounds = self._leg(command.side, command.leg), self._sounds(command.prompts)
        whole = len(sounds) == len(command.prompts)
        if leg is None or not sounds:
            return i.Played(command.tag, completed=whole and leg is not None)
        if not whole:
            self._cut.add(command.tag)
        self._media.play(leg, command.tag, sounds)
        return None

    def played(self, tag: int, completed: bool) -> i.Input | None:
        """What was played has ended. It was not heard whole when a part of it could not be prepared."""
        return None if tag == UNAWAITED else i.Played(tag, completed and tag not in self._cut)

    def ringback(self, command: c.Ringback) -> None:
        """Let the caller hear ringing or music."""
        music = None if command.music is None else self._call.world.sounds.get(command.music)
        self._media.play(self._call.caller.media, UNAWAITED, [music or RINGBACK], loop=True)

    def hold_music(self, command: c.HoldMusic) -> None:
        """Let a held side hear music; one that could not be prepared is silence."""
        leg, music = self._leg(command.side), self._call.world.sounds.get(command.music)
        if leg is not None and music is not None:
            self._media.play(leg, UNAWAITED, [music], loop=True)

    def stop_play(self, command: c.StopPlay) -> None:
        """Silence one side."""
        leg = self._leg(command.side, command.leg)
        if leg is not None:
            self._media.stop_play(leg)

    def send_digits(self, command: c.SendDigits) -> None:
        """Press keys for one side."""
        leg = self._leg(command.side, command.leg)
        if leg is not None:
            self._media.send_digits(leg, command.digits)

    def bridge(self) -> None:
        """Join the caller and the buyer's leg that took the call."""
        buyer = self._leg("buyer")
        if buyer is not None:
            self._media.bridge(self._call.caller.media, buyer)

    def record(self, command: c.Record, folder: Path) -> i.Input | None:
        """Record into a file below `folder`; the caller is left, the buyer right. A call goes on without its file."""
        path = folder / command.path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            log.error("call %s is not recorded: %s", self._call.machine.context.call, error)
            return i.Recorded(command.recording, 0, "the folder cannot be made")
        self._call.registry.recordings[command.recording] = self._call
        left = self._leg("caller") if "caller" in command.sides else None
        right = self._leg("buyer") if "buyer" in command.sides else None
        self._media.record(command.recording, str(path), left, right)
        return None
