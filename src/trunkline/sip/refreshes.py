"""Keeps sessions alive that we must refresh, and ends those that nobody refreshed (RFC 4028 7.4, 10)."""

from __future__ import annotations

from trunkline.sip.byes import Byes, lose_dialog
from trunkline.sip.core import ClientTx, Core
from trunkline.sip.events import Ended
from trunkline.sip.legs import Leg, LegState, Trigger
from trunkline.sip.message import Response
from trunkline.sip.reoffers import Reoffers
from trunkline.sip.session_timers import SessionTimers

AGAIN_S = 40.0  # above Timer F, so that the refresh before has come to its end
BUSY_S = 5.0  # how long an open offer, or a peer that is busy with one, is waited for
EXPIRED = 'SIP;cause=408;text="Session timer expired"'


class Refreshes:
    """Sends the refreshes of all legs; itself the user of those made by UPDATE."""

    def __init__(self, core: Core, byes: Byes, sessions: SessionTimers, reoffers: Reoffers) -> None:
        self._core = core
        self._byes = byes
        self._sessions = sessions
        self._reoffers = reoffers

    def fire(self, now: float) -> None:
        """Look after every leg whose time has come."""
        for number in self._core.appointments.take_due(now):
            leg = self._core.legs.get(number)
            if leg is not None:
                self._look_after(leg, now)

    def _look_after(self, leg: Leg, now: float) -> None:
        running = leg.session
        if running is None or leg.state != LegState.CONFIRMED:
            return
        if now >= running.expires_at or not running.ours:
            self._expire(leg, now)
        elif leg.has_open_offer():
            self._sessions.again_at(leg, now + BUSY_S)
        else:
            self._sessions.again_at(leg, now + AGAIN_S)
            self._refresh(leg, now)

    def _refresh(self, leg: Leg, now: float) -> None:
        assert leg.session is not None
        assert leg.dialog is not None
        core = self._core
        core.counters["session_refreshes"] += 1
        if leg.said and not leg.session.updates:
            self._reoffers.repeat(leg, now)
            return
        request = core.in_dialog(leg.dialog, "UPDATE")
        contact = core.contact_line(request.destination, request.uri)
        core.start(request, now, self, leg.id, [contact, core.allow_line, *self._sessions.lines(leg)])

    def _expire(self, leg: Leg, now: float) -> None:
        assert leg.dialog is not None
        self._core.counters["sessions_expired"] += 1
        leg.move(Trigger.DIALOG_LOST)
        self._core.tell(Ended(leg.id, "SESSION", EXPIRED, 408))
        self._byes.send(leg.dialog, now, leg, EXPIRED)

    def response(self, tx: ClientTx, response: Response, now: float) -> None:
        """See ClientUser."""
        leg, status = self._core.legs.get(tx.leg), response.status
        if leg is None or leg.session is None or leg.state != LegState.CONFIRMED or status < 200:
            return
        if status < 300:
            assert leg.dialog is not None
            leg.dialog.refresh_target(response)
            self._sessions.agreed(leg, response, now)
        elif status in (408, 481):
            lose_dialog(self._core, self._byes, leg, "UPDATE", status, now)
        elif status in (405, 501):
            leg.session.updates = False
            self._sessions.again_at(leg, now)
        else:
            if status == 422:
                self._sessions.raised(leg, response)
            # Never at once: a peer that refuses every interval would keep both sides busy until the session ends.
            self._sessions.again_at(leg, now + BUSY_S)

    def unanswered(self, tx: ClientTx, now: float, transport_failed: bool) -> None:
        """A peer that answers nothing is gone (12.2.1.2)."""
        leg = self._core.legs.get(tx.leg)
        if leg is not None:
            lose_dialog(self._core, self._byes, leg, "UPDATE", 408, now)
