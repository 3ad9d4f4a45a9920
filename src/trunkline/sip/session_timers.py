"""The session timer of each leg that has one: started with a 2xx, refreshed or waited for, and what its end means.

RFC 4028 7.2, 7.4, 9, 10. We refresh by UPDATE where the peer allows it, else by a re-INVITE with the description it
knows; both in `refreshes`.
"""

from __future__ import annotations

from trunkline.sip import session
from trunkline.sip.core import Core
from trunkline.sip.legs import Leg
from trunkline.sip.message import Request, Response
from trunkline.sip.session import Session


class SessionTimers:
    """Agrees on session timers and keeps their time."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def accept(self, leg: Leg, request: Request, now: float) -> list[str]:
        """Take what an INVITE or UPDATE of the peer asks for; the lines of our 2xx (9)."""
        if leg.terms.session_s is None:
            return []
        agreed, lines = session.accept(request, leg.terms.session_s, now)
        self._start(leg, agreed, now)
        return lines

    def agreed(self, leg: Leg, response: Response, now: float) -> None:
        """Take what the peer's 2xx to an INVITE or UPDATE of ours says (7.2)."""
        if leg.terms.session_s is not None:
            self._start(leg, session.agreed(response, leg.terms.session_s, now), now)

    def lines(self, leg: Leg) -> list[str]:
        """What a re-INVITE or UPDATE of ours says of the running timer: the roles stay as they are (7.4)."""
        running = leg.session
        if running is None:
            return []
        role = "uac" if running.ours else "uas"
        return ["Supported: timer", *session.offer_lines(running.interval_s, running.floor_s, role)]

    def raised(self, leg: Leg, response: Response) -> bool:
        """Take the larger interval of a 422 (7.3); whether it is one, so that the request is worth sending again."""
        running, floor_s = leg.session, session.min_session_s(response)
        if running is None or floor_s <= running.interval_s:
            return False
        running.floor_s = running.interval_s = floor_s
        return True

    def again_at(self, leg: Leg, at: float) -> None:
        """Look after the leg's session at `at`, or at its end if that is sooner."""
        assert leg.session is not None
        self._core.appointments.set(leg.id, min(at, leg.session.expires_at))
        self._core.timers.arm(self._core.appointments)

    def _start(self, leg: Leg, agreed: Session | None, now: float) -> None:
        before, leg.session = leg.session, agreed
        if agreed is None:
            self._core.appointments.drop(leg.id)
            return
        if before is not None:
            agreed.floor_s = before.floor_s
        self.again_at(leg, agreed.next_at(now))
