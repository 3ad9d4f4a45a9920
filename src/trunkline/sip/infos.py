"""INFO requests of ours (RFC 6086)."""

from __future__ import annotations

from trunkline.sip.byes import Byes, lose_dialog
from trunkline.sip.core import ClientTx, Core
from trunkline.sip.errors import LocalSipError
from trunkline.sip.legs import Leg, LegState
from trunkline.sip.message import Response


class Infos:
    """INFO requests of ours. A peer that ignores them keeps its call; one that has lost the dialog does not."""

    def __init__(self, core: Core, byes: Byes) -> None:
        self._core = core
        self._byes = byes

    def send(self, leg: Leg, content_type: str, body: bytes, now: float) -> None:
        """Send INFO. Raises LocalSipError when the leg is not confirmed."""
        if leg.state != LegState.CONFIRMED or leg.dialog is None:
            raise LocalSipError(f"leg {leg.id} is {leg.state.name}, so no INFO can be sent")
        core = self._core
        request = core.in_dialog(leg.dialog, "INFO")
        core.start(request, now, self, leg.id, [f"Content-Type: {content_type}"], body)

    def response(self, tx: ClientTx, response: Response, now: float) -> None:
        """See ClientUser."""
        leg = self._core.legs.get(tx.leg)
        if response.status == 481 and leg is not None:
            lose_dialog(self._core, self._byes, leg, "INFO", 481, now)

    def unanswered(self, tx: ClientTx, now: float, transport_failed: bool) -> None:
        """Counted by the core already."""
