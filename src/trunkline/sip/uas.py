"""Incoming calls: the first INVITE, our responses to it, its CANCEL (RFC 3261 9.2, 13.3)."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

from trunkline.sip.answers import Answers
from trunkline.sip.body import SDP_LINE
from trunkline.sip.core import Core, ServerKey, ServerTx
from trunkline.sip.dialog import from_request
from trunkline.sip.errors import LocalSipError
from trunkline.sip.events import AnswerSent, Cancelled, Incoming
from trunkline.sip.hops import Hop
from trunkline.sip.legs import Leg, LegState, Trigger
from trunkline.sip.message import Header, Request
from trunkline.sip.reliable import Provisionals
from trunkline.sip.requests import header_lines
from trunkline.sip.terms import CallTerms, allows, has_option
from trunkline.sip.timers import PROVISIONAL_REFRESH


class Uas:
    """The called side of the endpoint."""

    def __init__(self, core: Core, answers: Answers, provisionals: Provisionals) -> None:
        self._core = core
        self._answers = answers
        self._provisionals = provisionals

    def receive(self, request: Request, source: Hop, key: ServerKey, now: float) -> None:
        """A new INVITE outside any dialog. Raises RemoteSipError(400) when no dialog could come of it."""
        core = self._core
        dialog = from_request(request, core.token(), source)
        tx = ServerTx(core.server_machine("INVITE", source, now), key, request, source, dialog.local_tag)
        leg = core.new_leg(False, LegState.INCOMING, source)
        tx.leg = leg.id
        tx.merge_key = (request.call_id, dialog.remote_tag, request.cseq.number)
        leg.dialog = dialog
        leg.invite_tx = tx
        leg.heard = request.sdp
        if has_option(request, "Require", "100rel"):
            self._begin_reliably(leg, request, required=True)
        core.adopt(tx)
        core.merged[tx.merge_key] = tx
        core.half_open += 1
        core.half_open_of[source.host] += 1
        core.register(leg, dialog)
        core.tell(Incoming(leg.id, request, source, leg.heard))

    def set_terms(self, leg: Leg, terms: CallTerms) -> None:
        """The terms of the call, as soon as its owner knows whose it is: before the first response above 100."""
        tx = self._waiting(leg)
        if tx is not None:
            leg.terms = terms
            if terms.reliable != "off" and has_option(tx.request, "Supported", "100rel"):
                self._begin_reliably(leg, tx.request, required=False)

    def _begin_reliably(self, leg: Leg, request: Request, required: bool) -> None:
        self._provisionals.begin(leg, request, required)
        leg.updates = allows(request, "UPDATE")

    def trying(self, leg: Leg, now: float, patience_s: float) -> None:
        """Send 100 when nothing else has been said `patience_s` from now. Ignored once something was."""
        tx = self._waiting(leg)
        if tx is None or tx.data is not None:
            return
        if patience_s > 0.0:
            leg.provisional_at = now + patience_s
            self._core.timers.arm(leg)
        else:
            self._core.respond(tx, 100, now)

    def provisional(self, leg: Leg, status: int, sdp: bytes | None, now: float) -> None:
        """Send 101 to 199, which is repeated every minute (13.3.1.1). Ignored once the leg is decided."""
        core, tx = self._core, self._waiting(leg)
        if tx is None:
            return
        lines = self._dialog_lines(tx, sdp)
        if leg.reliable is None or not self._provisionals.send(leg, tx, status, sdp, lines, now):
            core.respond(tx, status, now, lines, sdp or b"")
        if tx.data is not None:
            leg.provisional_at = now + PROVISIONAL_REFRESH
        core.timers.arm(leg)

    def answer(self, leg: Leg, sdp: bytes, now: float) -> bool:
        """Send 200 and repeat it until the ACK, or keep it until an open reliable response is acknowledged.

        Whether it has left. Raises LocalSipError for a second answer.
        """
        tx = self._waiting(leg)
        if tx is None:
            if leg.state in (LegState.ANSWERED, LegState.CONFIRMED):
                raise LocalSipError(f"leg {leg.id} is answered already")
            return False
        leg.provisional_at = inf
        if self._provisionals.holds_answer(leg, sdp):
            return False
        self._answers.send(leg, tx, sdp, now)
        self._core.move(leg, Trigger.ANSWER)
        self._core.timers.arm(leg)
        return True

    def go_on(self, leg: Leg, now: float) -> None:
        """Send what has waited for a PRACK."""
        waiting = self._provisionals.take_waiting(leg)
        if waiting is None:
            return
        status, sdp = waiting
        if status == 200:
            if self.answer(leg, sdp or b"", now):
                self._core.tell(AnswerSent(leg.id))
        else:
            self.provisional(leg, status, sdp, now)

    def reject(self, leg: Leg, status: int, now: float, reason: str | None, headers: Sequence[Header]) -> None:
        """Send 300 to 699; the leg is gone at once, its transaction sees to the ACK."""
        if not 300 <= status <= 699:
            raise LocalSipError(f"{status} is no refusal")
        core, tx = self._core, self._waiting(leg)
        if tx is None:
            return
        core.respond(tx, status, now, header_lines(headers), reason=reason)
        core.move(leg, Trigger.REJECT)
        core.gone(leg, now)

    def cancelled(self, leg: Leg, reason: str | None, now: float) -> None:
        """The caller's CANCEL; 200 to it has left."""
        core, tx = self._core, self._waiting(leg)
        if tx is None:
            return
        if core.config.defer_487:
            if leg.reliable is not None:
                leg.reliable.stop()
            if not leg.cancelled:
                leg.cancelled = True
                core.tell(Cancelled(leg.id, reason))
            return
        core.respond(tx, 487, now)
        core.move(leg, Trigger.PEER_CANCEL)
        core.tell(Cancelled(leg.id, reason))
        core.gone(leg, now)

    def fire(self, leg: Leg, now: float) -> None:
        """A reliable response is due, a 100 is, or the minute in which proxies on the way remember a ringing call."""
        if leg.reliable is not None:
            self._provisionals.fire(leg, now)
        tx = leg.invite_tx
        if leg.provisional_at > now or not isinstance(tx, ServerTx):
            return
        if tx.data is None:
            leg.provisional_at = inf
            self._core.respond(tx, 100, now)
        else:
            leg.provisional_at = now + PROVISIONAL_REFRESH
            self._core.send(tx.data, tx.destination)

    def _waiting(self, leg: Leg) -> ServerTx | None:
        tx = leg.invite_tx
        if leg.outgoing or not isinstance(tx, ServerTx):
            raise LocalSipError(f"leg {leg.id} is an outgoing call")
        if leg.state == LegState.INCOMING:
            return tx
        self._core.counters["late_commands"] += 1
        return None

    def _dialog_lines(self, tx: ServerTx, sdp: bytes | None) -> list[str]:
        core = self._core
        lines = [core.contact_line(tx.source, tx.request.uri), core.allow_line, core.server_line]
        lines += [f"Record-Route: {value}" for value in tx.request.lines("Record-Route")]
        if sdp:
            lines.append(SDP_LINE)
        return lines
