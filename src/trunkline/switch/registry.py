"""Which call a leg or a recording belongs to. Drivers know numbers and names; news finds its call here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from trunkline.switch.livecall import LiveCall


class Whose(msgspec.Struct, frozen=True):
    """A leg's call, and the attempt it serves as its leg number `leg` (None: it is the caller's).

    `stored` is the name under which a SIP leg is on disk.
    """

    call: LiveCall
    attempt: str | None
    leg: int = 0
    stored: str = ""


class Registry:
    """All live calls with their SIP legs, media legs and recordings.

    `closing` are media legs that have been told to close and have not said yet what passed through them.
    """

    def __init__(self) -> None:
        self.calls: dict[str, LiveCall] = {}
        self.sip: dict[int, Whose] = {}
        self.media: dict[str, Whose] = {}
        self.closing: dict[str, Whose] = {}
        self.recordings: dict[str, LiveCall] = {}

    def part(self, leg: str) -> None:
        """A media leg is told to close: of its news only the last is still wanted."""
        whose = self.media.pop(leg, None)
        if whose is not None:
            self.closing[leg] = whose

    def lose(self, leg: str) -> Whose | None:
        """A media leg is gone without a last word; whose it was when its call had not let it go."""
        self.closing.pop(leg, None)
        return self.media.pop(leg, None)

    def forget(self, call: LiveCall) -> None:
        """The call is over. Its SIP legs stay until the core has let them go."""
        name = call.machine.context.call
        self.calls.pop(name, None)
        self.part(call.caller.media)
        for recording in [key for key, owner in self.recordings.items() if owner is call]:
            del self.recordings[recording]
