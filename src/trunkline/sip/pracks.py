"""Reliable provisional responses of the peer: their order, the PRACK of each, the early dialogs they make (RFC 3262 4).

Several called parties behind a forking proxy each have a dialog and a numbering of their own (RFC 3261 12.1.2).
"""

from __future__ import annotations

from trunkline.sip import headers
from trunkline.sip.core import ClientTx, Core
from trunkline.sip.dialog import Dialog, from_response
from trunkline.sip.legs import EarlyDialog, Leg
from trunkline.sip.message import Response
from trunkline.sip.terms import allows, has_option

RESPONSES_MAX = 100  # in one early dialog: each costs a PRACK
_RSEQ_MAX = 2**32 - 1


class Pracks:
    """Acknowledges provisional responses; itself the user of the PRACKs."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def receive(self, leg: Leg, tx: ClientTx, response: Response, now: float) -> bool:
        """Take a response from 101 to 199 that has an RSeq; whether it is news that may be told.

        One out of order is left for its repetition, one that came before is dropped (4).
        """
        rseq, tag = response.header("RSeq") or "", response.to.tag
        if tag is None or not has_option(response, "Require", "100rel"):
            return True
        if not (rseq.isascii() and rseq.isdigit()) or len(rseq) > 10 or not 0 < int(rseq) <= _RSEQ_MAX:
            self._core.counters["unusable_rseq"] += 1
            return False
        early = self._early(leg, tx, tag, response)
        if early is None or early.count >= RESPONSES_MAX:
            self._core.counters["refused_forks" if early is None else "refused_provisionals"] += 1
            return False
        number = int(rseq)
        if early.rseq and number != early.rseq + 1:
            self._core.counters["provisionals_out_of_order" if number > early.rseq else "retransmissions_in"] += 1
            return False
        early.rseq = number
        early.count += 1
        sdp = response.sdp
        if sdp is not None and early.sdp is None:
            early.sdp = leg.heard = sdp
            leg.exchanged = True
            leg.updates = allows(response, "UPDATE")
        self._acknowledge(leg, tx, early.dialog, number, now)
        return True

    def established(self, leg: Leg, dialog: Dialog) -> bytes | None:
        """A 2xx makes a dialog of an early one, whose numbers go on; the answer it has brought, if any.

        The other early dialogs are over (13.2.2.4).
        """
        early = None if leg.early is None else leg.early.get(dialog.remote_tag)
        leg.early = None
        if early is None:
            return None
        dialog.local_seq = max(dialog.local_seq, early.dialog.local_seq)
        dialog.remote_seq = early.dialog.remote_seq
        return early.sdp

    def response(self, tx: ClientTx, response: Response, now: float) -> None:
        """Whatever the peer says to a PRACK, the INVITE decides what becomes of the call."""

    def unanswered(self, tx: ClientTx, now: float, transport_failed: bool) -> None:
        """Counted by the core already."""

    def _early(self, leg: Leg, tx: ClientTx, tag: str, response: Response) -> EarlyDialog | None:
        core = self._core
        if leg.early is None:
            leg.early = {}
        found = leg.early.get(tag)
        if found is None:
            if len(leg.early) >= core.config.state_limits.max_forks:
                return None
            request = tx.request
            local_tag = headers.parse_name_addr(request.from_header).tag or ""
            dialog = from_response(request.from_header, local_tag, request.uri, response, tx.source)
            dialog.login = request.login
            found = leg.early[tag] = EarlyDialog(dialog)
            core.register(leg, dialog)
        return found

    def _acknowledge(self, leg: Leg, tx: ClientTx, dialog: Dialog, rseq: int, now: float) -> None:
        core = self._core
        core.start(core.in_dialog(dialog, "PRACK"), now, self, leg.id, [f"RAck: {rseq} {tx.request.cseq} INVITE"])
