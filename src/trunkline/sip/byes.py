"""Hanging up: BYE, and what the loss of a dialog means (RFC 3261 12.2.1.2, 15)."""

from __future__ import annotations

from trunkline.sip.core import ClientTx, Core
from trunkline.sip.dialog import Dialog
from trunkline.sip.events import Ended
from trunkline.sip.legs import Leg, LegState, Trigger
from trunkline.sip.message import Response


class Byes:
    """Hangs up, and waits for the response to have freed the leg."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def send(self, dialog: Dialog, now: float, leg: Leg | None = None, reason: str | None = None) -> None:
        """Send BYE; with a leg, which must be ENDING, its end frees the leg."""
        core = self._core
        if leg is not None:
            leg.pending_2xx = None
        request = core.in_dialog(dialog, "BYE")
        extra = [f"Reason: {reason}"] if reason else []
        core.start(request, now, self, leg.id if leg else 0, extra)

    def response(self, tx: ClientTx, response: Response, now: float) -> None:
        """Any final response ends the dialog, a refusal as much as 200 (15.1.1)."""
        self._done(tx, now, response.status)

    def unanswered(self, tx: ClientTx, now: float, transport_failed: bool) -> None:
        """Nobody there to hang up on."""
        self._done(tx, now, None)

    def _done(self, tx: ClientTx, now: float, status: int | None) -> None:
        leg = self._core.legs.get(tx.leg)
        if leg is not None and leg.can(Trigger.BYE_DONE):
            leg.move(Trigger.BYE_DONE)
            self._core.gone(leg, now, status)


def lose_dialog(core: Core, byes: Byes, leg: Leg, method: str, status: int, now: float) -> None:
    """The peer knows nothing of the dialog any more: tell, and hang up to be sure (12.2.1.2)."""
    if leg.state != LegState.CONFIRMED or leg.dialog is None:
        return
    leg.move(Trigger.DIALOG_LOST)
    core.tell(Ended(leg.id, method, None, status))
    byes.send(leg.dialog, now, leg)
