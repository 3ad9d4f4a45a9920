"""Our 2xx to an INVITE, first or later, and its repetition until the ACK (RFC 3261 13.3.1.4)."""

from __future__ import annotations

from trunkline.sip.body import SDP_LINE
from trunkline.sip.byes import Byes
from trunkline.sip.core import Core, ServerTx
from trunkline.sip.events import Acknowledged, Reanswered, Unacknowledged
from trunkline.sip.legs import Leg, LegState, Pending2xx, Trigger
from trunkline.sip.message import Request
from trunkline.sip.session_timers import SessionTimers
from trunkline.sip.timers import ACK_WAIT, T1, T2


class Answers:
    """Repeats a 2xx to an INVITE until its ACK."""

    def __init__(self, core: Core, byes: Byes, sessions: SessionTimers) -> None:
        self._core = core
        self._byes = byes
        self._sessions = sessions

    def send(self, leg: Leg, tx: ServerTx, sdp: bytes, now: float) -> None:
        """Answer an INVITE, first or later, with 200.

        No description goes into it once the first exchange was made by reliable provisional responses (13.2.1).
        """
        core = self._core
        over = leg.exchanged and leg.state == LegState.INCOMING
        if over:
            sdp = b""
        else:
            leg.said, leg.heard = sdp, tx.request.sdp or leg.heard
        extra = [core.contact_line(tx.source, tx.request.uri), core.allow_line, core.server_line]
        extra += self._sessions.accept(leg, tx.request, now)
        extra += [f"Record-Route: {value}" for value in tx.request.lines("Record-Route")]
        if sdp:
            extra.append(SDP_LINE)
        cseq, offered = tx.request.cseq.number, tx.request.sdp is None and not over
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
        leg.heard = answer or leg.heard
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
