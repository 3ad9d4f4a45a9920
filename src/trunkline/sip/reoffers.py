"""New offers of ours in a call that stands (RFC 3261 14.1)."""

from __future__ import annotations

from trunkline.sip.body import SDP_LINE
from trunkline.sip.byes import Byes, lose_dialog
from trunkline.sip.core import ClientTx, Core
from trunkline.sip.dialog import Dialog
from trunkline.sip.errors import LocalSipError
from trunkline.sip.events import Reanswered, ReofferRefused
from trunkline.sip.legs import Leg, LegState
from trunkline.sip.message import Response


class Reoffers:
    """Re-INVITEs of ours, and what the dialog's loss means (12.2.1.2, 14.1)."""

    def __init__(self, core: Core, byes: Byes) -> None:
        self._core = core
        self._byes = byes

    def send(self, leg: Leg, sdp: bytes, now: float) -> None:
        """Offer a new session. Raises LocalSipError while another offer is open or the leg is not confirmed."""
        if leg.state != LegState.CONFIRMED or leg.dialog is None:
            raise LocalSipError(f"leg {leg.id} is {leg.state.name}, so no new offer can be made")
        if leg.reoffer_in is not None or leg.reoffer_out is not None or leg.pending_2xx is not None:
            raise LocalSipError(f"leg {leg.id} has an open offer; wait for its end")
        core = self._core
        request = core.in_dialog(leg.dialog, "INVITE")
        extra = [core.contact_line(request.destination, request.uri), core.allow_line, SDP_LINE]
        leg.reoffer_out = core.start(request, now, self, leg.id, extra, sdp)

    def response(self, tx: ClientTx, response: Response, now: float) -> None:
        """See ClientUser."""
        core = self._core
        leg = core.legs.get(tx.leg)
        if response.status < 200:
            core.limit(tx, now)
        elif response.status < 300:
            if core.reacknowledge(tx, response):
                return
            if leg is not None and leg.dialog is not None:
                leg.dialog.refresh_target(response)
                core.acknowledge(tx, leg.dialog)
                leg.reoffer_out = None
                if leg.state == LegState.CONFIRMED:
                    core.tell(Reanswered(leg.id, response.sdp))
            else:
                self._acknowledge_without_leg(tx, response)
        elif leg is not None:
            leg.reoffer_out = None
            if leg.state == LegState.CONFIRMED:
                self._refused(leg, response, now)

    def unanswered(self, tx: ClientTx, now: float, transport_failed: bool) -> None:
        """No answer to a re-INVITE means that the peer is lost."""
        leg = self._core.legs.get(tx.leg)
        if leg is not None:
            leg.reoffer_out = None
            lose_dialog(self._core, self._byes, leg, "INVITE", 408, now)

    def _refused(self, leg: Leg, response: Response, now: float) -> None:
        status = response.status
        if status in (408, 481):
            lose_dialog(self._core, self._byes, leg, "INVITE", status, now)
            return
        wait_s: float | None = response.retry_after_s
        if status == 491:
            # 14.1: the side that made the Call-ID waits 2.1 to 4 s, the other 0 to 2 s, so that they part.
            wait_s = (2.1 if leg.outgoing else 0.0) + self._core.chance(190) / 100
        self._core.tell(ReofferRefused(leg.id, status, wait_s))

    def _acknowledge_without_leg(self, tx: ClientTx, response: Response) -> None:
        request = tx.request
        ack = Dialog(
            call_id=request.call_id, local_tag="", remote_tag=response.to.tag or "", local=request.from_header,
            remote=request.to_header, local_seq=request.cseq, remote_seq=None, remote_target=request.uri,
            route_set=request.routes, source=request.destination, login=request.login,
        )  # fmt: skip
        self._core.acknowledge(tx, ack)
