"""Requests inside a dialog, in both directions: BYE, re-INVITE, UPDATE, INFO, and the repetition of our 2xx.

RFC 3261 12.2, 13.3.1.4, 14, 15; RFC 3311 (UPDATE); RFC 6086 (INFO).
"""

from __future__ import annotations

from trunkline.sip import dtmf_info
from trunkline.sip.core import ClientTx, Core, ServerKey, ServerTx
from trunkline.sip.dialog import Dialog
from trunkline.sip.errors import LocalSipError
from trunkline.sip.events import (
    Acknowledged,
    Cancelled,
    Ended,
    InfoReceived,
    Reanswered,
    Reoffered,
    ReofferRefused,
    Unacknowledged,
)
from trunkline.sip.legs import EARLY, Leg, LegState, Pending2xx, Trigger
from trunkline.sip.message import Request, Response
from trunkline.sip.timers import ACK_WAIT, T1, T2
from trunkline.sip.uri import Address

SDP_LINE = "Content-Type: application/sdp"
ACCEPT = "Accept: application/sdp, application/dtmf-relay, application/dtmf"


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
        core.start(core.client_machine("BYE", now), request, now, self, leg.id if leg else 0, extra)

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


class Answers:
    """Repeats a 2xx to an INVITE until its ACK."""

    def __init__(self, core: Core, byes: Byes) -> None:
        self._core = core
        self._byes = byes

    def send(self, leg: Leg, tx: ServerTx, sdp: bytes, now: float) -> None:
        """Answer an INVITE, first or later, with 200."""
        core = self._core
        extra = [core.contact_line, core.allow_line, core.server_line]
        extra += [f"Record-Route: {value}" for value in tx.request.lines("Record-Route")]
        if sdp:
            extra.append(SDP_LINE)
        cseq, offered = tx.request.cseq.number, tx.request.sdp is None
        pending = Pending2xx(core.respond(tx, 200, now, extra, sdp), tx.destination, cseq, offered)
        pending.interval_s = T1
        pending.repeat_at = now + T1
        pending.deadline_at = now + ACK_WAIT
        leg.pending_2xx = pending

    def repeat(self, leg: Leg) -> None:
        """Send the waiting 2xx again."""
        if leg.pending_2xx is not None:
            self._core.counters["retransmissions_out"] += 1
            self._core.send(leg.pending_2xx.data, leg.pending_2xx.destination)

    def fire(self, leg: Leg, now: float) -> None:
        """The leg's 2xx timer is due."""
        pending = leg.pending_2xx
        if pending is None:
            return
        if pending.deadline_at <= now:
            leg.pending_2xx = None
            assert leg.dialog is not None
            leg.move(Trigger.UNACKED)
            self._core.tell(Unacknowledged(leg.id))
            self._byes.send(leg.dialog, now, leg, leg.reason)
        elif pending.repeat_at <= now:
            pending.interval_s = min(pending.interval_s * 2, T2)
            pending.repeat_at = now + pending.interval_s
            self.repeat(leg)

    def acknowledged(self, leg: Leg, ack: Request, now: float) -> None:
        """The ACK of a 2xx came; one that is not waited for is a repetition."""
        pending = leg.pending_2xx
        if pending is None or ack.cseq.number != pending.cseq:
            self._core.absorb()
            return
        leg.pending_2xx = None
        answer = ack.sdp if pending.offered else None
        if leg.state == LegState.CONFIRMED:
            if answer is not None:
                self._core.tell(Reanswered(leg.id, answer))
            return
        closing = leg.state == LegState.CLOSING
        leg.move(Trigger.ACK)
        self._core.tell(Acknowledged(leg.id, answer))
        if closing:
            assert leg.dialog is not None
            self._byes.send(leg.dialog, now, leg, leg.reason)


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
        extra = [core.contact_line, core.allow_line, SDP_LINE]
        request = core.in_dialog(leg.dialog, "INVITE")
        leg.reoffer_out = core.start(core.client_machine("INVITE", now), request, now, self, leg.id, extra, sdp)

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
            route_set=request.routes, source=request.destination,
        )  # fmt: skip
        self._core.acknowledge(tx, ack)


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
        core.start(
            core.client_machine("INFO", now), request, now, self, leg.id, [f"Content-Type: {content_type}"], body
        )

    def response(self, tx: ClientTx, response: Response, now: float) -> None:
        """See ClientUser."""
        leg = self._core.legs.get(tx.leg)
        if response.status == 481 and leg is not None:
            lose_dialog(self._core, self._byes, leg, "INFO", 481, now)

    def unanswered(self, tx: ClientTx, now: float, transport_failed: bool) -> None:
        """Counted by the core already."""


def lose_dialog(core: Core, byes: Byes, leg: Leg, method: str, status: int, now: float) -> None:
    """The peer knows nothing of the dialog any more: tell, and hang up to be sure (12.2.1.2)."""
    if leg.state != LegState.CONFIRMED or leg.dialog is None:
        return
    leg.move(Trigger.DIALOG_LOST)
    core.tell(Ended(leg.id, method, None, status))
    byes.send(leg.dialog, now, leg)


class Requests:
    """Requests of the peer in a dialog."""

    def __init__(self, core: Core, byes: Byes, answers: Answers) -> None:
        self._core = core
        self._byes = byes
        self._answers = answers

    def receive(self, request: Request, source: Address, key: ServerKey, leg: Leg, now: float) -> None:
        """A new INVITE, BYE, INFO or UPDATE in the leg's dialog."""
        core = self._core
        method, number = request.method, request.cseq.number
        dialog = leg.dialog
        if dialog is None or (leg.outgoing and leg.state in EARLY):
            # 15: the called side must not send BYE before its 2xx is acknowledged; nothing else is of use here.
            core.refuse(request, source, 481, "refused_no_dialog")
            return
        if dialog.remote_seq is not None and number <= dialog.remote_seq:
            core.refuse(request, source, 500, "refused_old_cseq")
            return
        limits = core.config.state_limits
        if method != "BYE" and core.per_source[source[0]] >= limits.max_transactions_per_source:
            core.refuse(request, source, 503, "refused_source_limit", ["Retry-After: 1"])
            return
        dialog.remote_seq = number
        dialog.source = source
        tx = ServerTx(core.server_machine(method, now), key, request, source, dialog.local_tag)
        tx.leg = leg.id
        core.adopt(tx)
        if method == "BYE":
            self._bye(leg, tx, now)
        elif method == "INFO":
            self._info(leg, tx, now)
        elif method == "UPDATE" and not request.body:
            dialog.refresh_target(request)
            core.respond(tx, 200, now, [core.contact_line, core.allow_line])
        else:
            self._offer(leg, tx, now)

    def _bye(self, leg: Leg, tx: ServerTx, now: float) -> None:
        core = self._core
        reason = tx.request.header("Reason")
        core.respond(tx, 200, now)
        state = leg.state
        if state == LegState.INCOMING and core.config.defer_487:
            # Some callers hang up the early dialog instead of cancelling (15.1.1 allows it): the same to our owner.
            if not leg.cancelled:
                leg.cancelled = True
                core.tell(Cancelled(leg.id, reason))
            return
        core.move(leg, Trigger.PEER_BYE)
        if state == LegState.INCOMING:
            invite = leg.invite_tx
            assert isinstance(invite, ServerTx)
            core.respond(invite, 487, now)
        if state != LegState.ENDING and not leg.reported:
            core.tell(Ended(leg.id, "BYE", reason))
        core.gone(leg, now, 200)

    def _info(self, leg: Leg, tx: ServerTx, now: float) -> None:
        core, request = self._core, tx.request
        if request.content_type in dtmf_info.CONTENT_TYPES:
            core.respond(tx, 200, now)
            if leg.state != LegState.ENDING:
                core.tell(InfoReceived(leg.id, request.content_type, request.body))
        elif not request.body:
            core.respond(tx, 200, now)
        else:
            core.counters["refused_media_type"] += 1
            core.respond(tx, 415, now, [ACCEPT])

    def _offer(self, leg: Leg, tx: ServerTx, now: float) -> None:
        core, request = self._core, tx.request
        if leg.state == LegState.ENDING or leg.state == LegState.CLOSING:
            core.respond(tx, 487 if request.method == "INVITE" else 481, now)
        elif leg.state != LegState.CONFIRMED or leg.reoffer_out is not None:
            # Both offered at once, or the peer offers before the first exchange is over (14.2, RFC 3311 5.2).
            core.counters["refused_glare"] += 1
            core.respond(tx, 491, now)
        elif leg.reoffer_in is not None or leg.pending_2xx is not None:
            core.counters["refused_glare"] += 1
            core.respond(tx, 500, now, [f"Retry-After: {core.chance(10)}"])
        elif request.body and request.sdp is None:
            core.counters["refused_media_type"] += 1
            core.respond(tx, 415, now, [ACCEPT])
        else:
            if request.method == "INVITE":
                core.respond(tx, 100, now)
            leg.reoffer_in = tx
            core.tell(Reoffered(leg.id, request.sdp))

    def reanswer(self, leg: Leg, sdp: bytes, now: float) -> None:
        """Take the peer's new offer. Raises LocalSipError when there is none."""
        core, tx = self._core, self._take_offer(leg)
        if tx is None or leg.dialog is None:
            return
        leg.dialog.refresh_target(tx.request)
        if tx.request.method == "INVITE":
            self._answers.send(leg, tx, sdp, now)
        else:
            core.respond(tx, 200, now, [core.contact_line, core.allow_line, SDP_LINE], sdp)

    def refuse_reoffer(self, leg: Leg, status: int, now: float) -> None:
        """Refuse the peer's new offer; the session stays as it was. Raises LocalSipError when there is none."""
        tx = self._take_offer(leg)
        if tx is not None:
            self._core.respond(tx, status, now)

    def _take_offer(self, leg: Leg) -> ServerTx | None:
        tx = leg.reoffer_in
        if tx is None:
            if leg.reoffer_withdrawn or leg.state == LegState.ENDING:
                self._core.counters["late_commands"] += 1
                leg.reoffer_withdrawn = False
                return None
            raise LocalSipError(f"leg {leg.id} has no offer to answer")
        leg.reoffer_in = None
        return tx

    def cancel(self, leg: Leg, tx: ServerTx, now: float) -> None:
        """The peer takes its INVITE back: the first one, or a new offer (9.2)."""
        core = self._core
        if leg.reoffer_in is tx:
            leg.reoffer_in = None
            leg.reoffer_withdrawn = True
            core.respond(tx, 487, now)
