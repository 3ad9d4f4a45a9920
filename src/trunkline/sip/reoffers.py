"""New offers of ours in a call that stands, or in an early one whose first exchange is over.

RFC 3261 14.1 (re-INVITE), RFC 3311 (UPDATE, which is what an early dialog allows), RFC 3264 4 and RFC 6337: one offer
is open at a time. When both sides offer at once both get 491; ours is made again after the wait of 14.1.
"""

from __future__ import annotations

from math import inf

from trunkline.sip.body import SDP_LINE
from trunkline.sip.byes import Byes, lose_dialog
from trunkline.sip.core import ClientTx, Core
from trunkline.sip.dialog import Dialog
from trunkline.sip.errors import LocalSipError
from trunkline.sip.events import Reanswered, ReofferRefused
from trunkline.sip.legs import EARLY, Leg, LegState
from trunkline.sip.message import Response
from trunkline.sip.session_timers import SessionTimers

TRIES = 4  # how often one offer is made before glare is reported
WAIT_MAX_S = 30  # a Retry-After beyond it is a refusal


class Reoffers:
    """Makes our offers, one at a time on each leg."""

    def __init__(self, core: Core, byes: Byes, sessions: SessionTimers) -> None:
        self._core = core
        self._byes = byes
        self._sessions = sessions

    def send(self, leg: Leg, sdp: bytes, now: float) -> None:
        """Offer a new session; one that waits for its next try is replaced.

        Raises LocalSipError while another offer is open, or where no offer can be made.
        """
        if leg.reoffer_at < inf:
            leg.offered, leg.refreshing = sdp, False
            return
        if _dialog(leg) is None:
            raise LocalSipError(f"leg {leg.id} is {leg.state.name}, so no new offer can be made")
        if leg.has_open_offer():
            raise LocalSipError(f"leg {leg.id} has an open offer; wait for its end")
        leg.offered, leg.refreshing, leg.reoffer_tries = sdp, False, TRIES
        self._offer(leg, now)

    def repeat(self, leg: Leg, now: float) -> None:
        """Offer what the peer knows already, to refresh the session (RFC 4028 7.4)."""
        leg.offered, leg.refreshing, leg.reoffer_tries = leg.said, True, TRIES
        self._offer(leg, now)

    def fire(self, leg: Leg, now: float) -> None:
        """The wait after glare may be over."""
        if leg.reoffer_at > now:
            return
        leg.reoffer_at = inf
        if _dialog(leg) is None:
            return
        if leg.has_open_offer():
            leg.reoffer_at = now + 1.0
        else:
            self._offer(leg, now)

    def _offer(self, leg: Leg, now: float) -> None:
        core, dialog = self._core, _dialog(leg)
        assert dialog is not None
        leg.reoffer_tries -= 1
        request = core.in_dialog(dialog, "INVITE" if leg.state == LegState.CONFIRMED else "UPDATE")
        extra = [core.contact_line(request.destination, request.uri), core.allow_line, *self._sessions.lines(leg)]
        leg.reoffer_out = core.start(request, now, self, leg.id, [*extra, SDP_LINE], leg.offered or b"")

    def response(self, tx: ClientTx, response: Response, now: float) -> None:
        """See ClientUser."""
        core = self._core
        leg = core.legs.get(tx.leg)
        if response.status < 200:
            if tx.request.method == "INVITE":
                core.limit(tx, now)
        elif response.status < 300:
            self._accepted(tx, leg, response, now)
        elif leg is not None:
            leg.reoffer_out = None
            self._refused(leg, tx.request.method, response, now)
            core.timers.arm(leg)

    def _accepted(self, tx: ClientTx, leg: Leg | None, response: Response, now: float) -> None:
        core, by_invite = self._core, tx.request.method == "INVITE"
        if by_invite and core.reacknowledge(tx, response):
            return
        dialog = None if leg is None else leg.dialog_of(response.to.tag)
        if leg is None or dialog is None:
            if by_invite:
                self._acknowledge_without_leg(tx, response)
            return
        dialog.refresh_target(response)
        if by_invite:
            core.acknowledge(tx, dialog)
        leg.reoffer_out = None
        refreshed = leg.refreshing and response.sdp in (None, leg.heard)
        leg.said, leg.heard = leg.offered, response.sdp or leg.heard
        if leg.state == LegState.CONFIRMED:
            self._sessions.agreed(leg, response, now)
        if not refreshed and leg.state not in (LegState.ENDING, LegState.CANCELLING):
            core.tell(Reanswered(leg.id, response.sdp))

    def unanswered(self, tx: ClientTx, now: float, transport_failed: bool) -> None:
        """No answer to a re-INVITE means that the peer is lost."""
        leg = self._core.legs.get(tx.leg)
        if leg is not None:
            leg.reoffer_out = None
            lose_dialog(self._core, self._byes, leg, tx.request.method, 408, now)

    def _refused(self, leg: Leg, method: str, response: Response, now: float) -> None:
        status = response.status
        if _dialog(leg) is None:
            return
        if status in (408, 481):
            lose_dialog(self._core, self._byes, leg, method, status, now)
            return
        if status == 422 and leg.reoffer_tries and self._sessions.raised(leg, response):
            self._offer(leg, now)
            return
        wait_s = self._wait_s(leg, response)
        if wait_s is not None and leg.reoffer_tries:
            leg.reoffer_at = now + wait_s
        elif not leg.refreshing:
            self._core.tell(ReofferRefused(leg.id, status, wait_s or response.retry_after_s))

    def _wait_s(self, leg: Leg, response: Response) -> float | None:
        """How long to wait before the offer is made again; None when it must not be."""
        if response.status == 491:
            # 14.1: the side that made the Call-ID waits 2.1 to 4 s, the other 0 to 2 s, so that they part.
            return (2.1 if leg.outgoing else 0.0) + self._core.chance(190) / 100
        wait_s = response.retry_after_s
        if response.status == 500 and wait_s is not None and wait_s <= WAIT_MAX_S:
            return float(wait_s)  # 14.2: it was busy with an offer of its own
        return None

    def _acknowledge_without_leg(self, tx: ClientTx, response: Response) -> None:
        request = tx.request
        ack = Dialog(
            call_id=request.call_id, local_tag="", remote_tag=response.to.tag or "", local=request.from_header,
            remote=request.to_header, local_seq=request.cseq, remote_seq=None, remote_target=request.uri,
            route_set=request.routes, source=request.destination, login=request.login,
        )  # fmt: skip
        self._core.acknowledge(tx, ack)


def _dialog(leg: Leg) -> Dialog | None:
    """The dialog in which the leg can make an offer now; None when it cannot."""
    if leg.state == LegState.CONFIRMED:
        return leg.dialog
    if not (leg.exchanged and leg.updates):
        return None
    if leg.state == LegState.INCOMING:
        return leg.dialog
    early = leg.early
    if leg.state in EARLY and leg.state != LegState.CANCELLING and early is not None and len(early) == 1:
        return next(iter(early.values())).dialog
    return None
