"""Requests of the peer inside a dialog: BYE, re-INVITE, UPDATE, INFO (RFC 3261 12.2.2, 14.2, 15.1.2; 3311; 6086)."""

from __future__ import annotations

from trunkline.sip import dtmf_info
from trunkline.sip.answers import Answers
from trunkline.sip.body import ACCEPT, SDP_LINE
from trunkline.sip.core import Core, ServerKey, ServerTx
from trunkline.sip.errors import LocalSipError
from trunkline.sip.events import Cancelled, Ended, InfoReceived, Reoffered
from trunkline.sip.hops import Hop
from trunkline.sip.legs import EARLY, Leg, LegState, Trigger
from trunkline.sip.message import Request
from trunkline.sip.reliable import Provisionals
from trunkline.sip.session import MIN_SE, is_too_small
from trunkline.sip.session_timers import SessionTimers
from trunkline.sip.uas import Uas


class Requests:
    """Requests of the peer in a dialog."""

    def __init__(
        self, core: Core, uas: Uas, answers: Answers, provisionals: Provisionals, sessions: SessionTimers
    ) -> None:
        self._core = core
        self._uas = uas
        self._answers = answers
        self._provisionals = provisionals
        self._sessions = sessions

    def receive(self, request: Request, source: Hop, key: ServerKey, leg: Leg, now: float) -> None:
        """A new INVITE, BYE, INFO, UPDATE or PRACK in the leg's dialog."""
        core = self._core
        method, number = request.method, request.cseq.number
        dialog = leg.dialog_of(request.from_.tag)
        if dialog is None or (leg.outgoing and leg.state in EARLY and method not in ("UPDATE", "INFO")):
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
        dialog.moved(source)
        tx = ServerTx(core.server_machine(method, source, now), key, request, source, dialog.local_tag)
        tx.leg = leg.id
        core.adopt(tx)
        if leg.terms.session_s is not None and method in ("INVITE", "UPDATE") and is_too_small(request):
            core.respond(tx, 422, now, [MIN_SE])
            return
        if method == "BYE":
            self._bye(leg, tx, now)
        elif method == "INFO":
            self._info(leg, tx, now)
        elif method == "PRACK":
            if self._provisionals.acknowledged(leg, tx, now):
                self._uas.go_on(leg, now)
        elif method == "UPDATE" and not request.body:
            dialog.refresh_target(request)
            core.respond(tx, 200, now, [*self._contact_lines(tx), *self._accept_session(leg, request, now)])
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

    def _contact_lines(self, tx: ServerTx) -> list[str]:
        return [self._core.contact_line(tx.source, tx.request.uri), self._core.allow_line]

    def _accept_session(self, leg: Leg, request: Request, now: float) -> list[str]:
        return self._sessions.accept(leg, request, now) if leg.state == LegState.CONFIRMED else []

    def _offer(self, leg: Leg, tx: ServerTx, now: float) -> None:
        core, request = self._core, tx.request
        state = leg.state
        if state in (LegState.ENDING, LegState.CLOSING, LegState.CANCELLING):
            core.respond(tx, 487 if request.method == "INVITE" else 481, now)
        elif leg.reoffer_in is not None or (leg.pending_2xx is not None and state == LegState.CONFIRMED):
            self._refuse_glare(tx, 500, now)
        elif state == LegState.INCOMING and (request.method == "INVITE" or (not leg.exchanged and leg.heard)):
            # The peer's own first offer still waits for its answer (14.2, RFC 3311 5.2).
            self._refuse_glare(tx, 500, now)
        elif leg.reoffer_out is not None or (state != LegState.CONFIRMED and not leg.exchanged):
            # Both offered at once, or ours has no answer yet (14.2, RFC 3311 5.2).
            self._refuse_glare(tx, 491, now)
        elif request.body and request.sdp is None:
            core.counters["refused_media_type"] += 1
            core.respond(tx, 415, now, [ACCEPT])
        else:
            if request.method == "INVITE":
                core.respond(tx, 100, now)
            leg.reoffer_in = tx
            core.tell(Reoffered(leg.id, request.sdp))

    def _refuse_glare(self, tx: ServerTx, status: int, now: float) -> None:
        core = self._core
        core.counters["refused_glare"] += 1
        core.respond(tx, status, now, [f"Retry-After: {core.chance(10)}"] if status == 500 else [])

    def reanswer(self, leg: Leg, sdp: bytes, now: float) -> None:
        """Take the peer's new offer. Raises LocalSipError when there is none."""
        core, tx = self._core, self._take_offer(leg)
        if tx is None:
            return
        request = tx.request
        dialog = leg.dialog_of(request.from_.tag)
        if dialog is not None and request.method != "PRACK":
            dialog.refresh_target(request)
        if request.method == "INVITE":
            self._answers.send(leg, tx, sdp, now)
            return
        leg.said, leg.heard = sdp, request.sdp or leg.heard
        lines = [] if request.method == "PRACK" else self._contact_lines(tx)
        lines += self._accept_session(leg, request, now) if request.method == "UPDATE" else []
        core.respond(tx, 200, now, [*lines, SDP_LINE], sdp)
        self._uas.go_on(leg, now)

    def refuse_reoffer(self, leg: Leg, status: int, now: float) -> None:
        """Refuse the peer's new offer; the session stays as it was. Raises LocalSipError when there is none."""
        tx = self._take_offer(leg)
        if tx is not None:
            self._core.respond(tx, status, now)
            self._uas.go_on(leg, now)

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
