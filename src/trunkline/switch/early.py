"""Early media: the caller hears a buyer's phone that has not answered yet, and that phone hears nothing.

The caller gets 183 with our answer to its offer, once, and then whatever there is to be heard before the answer. One
that made no offer cannot be answered early: it is told that it rings, and hears the buyer when the buyer answers.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from trunkline.engine.calls import commands as c
from trunkline.engine.calls.legs import leg_name
from trunkline.media.errors import BadRemote
from trunkline.sip.errors import RemoteSipError
from trunkline.switch.part import Part
from trunkline.switch.sessions import remote_media, unheard

if TYPE_CHECKING:
    from trunkline.switch.legs import BuyerLeg
    from trunkline.switch.livecall import LiveCall

log = logging.getLogger("trunkline.calls")


class Early(Part):
    """The early media of one live call. `said` is whether the caller's offer has been answered by 183."""

    __slots__ = ("_complained", "said")

    def __init__(self, call: LiveCall) -> None:
        super().__init__(call)
        self.said = False
        self._complained: frozenset[str] = frozenset()

    def hears(self, leg: BuyerLeg | None, body: bytes | None) -> bool:
        """Whether a phone that rings can be heard and shall be; its audio is taken from then on, and none is sent."""
        if body is None or leg is None or leg.description is None:
            return False
        if self._call.machine.context.early_media != "pass":
            return False
        try:
            remote = unheard(remote_media(leg.description.accept(body)))
            self._call.plant.media.connect(leg.media, remote)
        except (RemoteSipError, BadRemote) as error:
            if leg.media not in self._complained:  # a phone may send as many provisional responses as it likes
                self._complained |= {leg.media}
                log.warning("%s: early audio cannot be heard: %s", leg.media, error)
            return False
        leg.early = remote.direction == "recvonly"
        return leg.early

    def pass_on(self, command: c.PassEarly) -> None:
        """Let the caller hear that phone."""
        call = self._call
        sip, now_s = call.plant.sip, call.plant.sip.now()
        if not call.answered and not self.said:
            caller = call.caller
            if caller.offer is None:
                sip.endpoint.ring(caller.sip, now_s)
                return
            body, agreed = caller.description.answer(caller.offer)
            caller.description.said(body)
            self.said = True
            call.connect(caller.media, agreed)
            sip.endpoint.ring(caller.sip, now_s, 183, body)
        call.plant.media.stop_play(call.caller.media)
        call.plant.media.bridge(call.caller.media, leg_name(command.attempt, command.leg))

    def end(self, command: c.EndEarly) -> None:
        """Let the caller hear ringing instead, if it hears anything yet."""
        call = self._call
        call.plant.media.unbridge(call.caller.media, leg_name(command.attempt, command.leg))
        if call.answered or self.said:
            call.audio.ringback(c.Ringback(command.music))
