"""Proves who we are when a peer asks for it: 401 and 407 to any request of ours (RFC 3261 22.1 to 22.3).

A request with a login that is refused with challenges leaves again, with the next CSeq, a new branch, and proofs; its
user does not hear of the refusal. The ACK of a refused INVITE has left by then, as the transaction sends it first.
Whether a second refusal may be answered depends on what it says: another realm asks for the first time (a proxy and
the server behind it both may), `stale` only wants a newer nonce; anything else means that the credentials are
wrong, and the user is told.

Only realms of the login's own server are answered, so that nobody behind a carrier, and no host that the far side of a
call has named, collects proofs to guess the password from: see `realms`.

What was learnt is kept per login and next hop, and proofs are then written ahead with a growing nonce count, so that
calls after the first cost no extra round trip.

A process that dies must be able to leave behind what cancels its INVITE, before the INVITE leaves. So every further
try has a branch and a CSeq that follow from those of the first: see `nth_try`.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from trunkline.sip.digest import Challenge, Credentials, next_nonce, prove, read_challenges
from trunkline.sip.events import ForeignRealm
from trunkline.sip.headers import parse_name_addr
from trunkline.sip.legs import EARLY, Leg, LegState, Trigger
from trunkline.sip.message import Response
from trunkline.sip.realms import Realms
from trunkline.sip.requests import Outgoing, further_lines, nth_try
from trunkline.sip.timers import TIMER_B

if TYPE_CHECKING:
    from trunkline.sip.core import ClientTx, Core

RETRIES_MAX = 3
"""Further tries of one request: a proxy, the server behind it, and one nonce that went stale."""
HOPS_MAX = 1_000
"""Pairs of login and next hop that are remembered; the longest unused is forgotten first."""
REALMS_MAX = 8
"""Realms that are remembered for one of them."""

Realm = tuple[bool, str]  # whether it is a proxy's, and its name
LoginAt = tuple[Credentials, str, int]  # a login, and host and port of the next hop


class _Session:
    """A challenge in use, and how often its nonce was used."""

    __slots__ = ("challenge", "count")

    def __init__(self, challenge: Challenge) -> None:
        self.challenge = challenge
        self.count = 0


class Authenticator:
    """The logins of one endpoint at work."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._hops: OrderedDict[LoginAt, dict[Realm, _Session]] = OrderedDict()
        self._realms = Realms()

    def sign(self, request: Outgoing) -> None:
        """Put proofs into a request that is about to be written, as far as it is known what will be asked for."""
        login = request.login
        if login is None or request.method == "CANCEL":
            return
        hop = _hop(login, request)
        sessions = self._hops.get(hop)
        if sessions:
            self._hops.move_to_end(hop)
            request.authorization = tuple(self._proofs(request, login, sessions))

    def _proofs(self, request: Outgoing, login: Credentials, sessions: dict[Realm, _Session]) -> Iterator[str]:
        for session in sessions.values():
            session.count += 1
            yield prove(session.challenge, login, request.method, request.uri, session.count, self._core.token())[0]

    def answers(self, tx: ClientTx, response: Response, now: float) -> bool:
        """Look at a response to a request with a login; True when it was a challenge that is answered now."""
        if response.status in (401, 407):
            return self._answer(tx, response, now)
        if 200 <= response.status < 300:
            self._renew(tx.request, response)
        return False

    def _answer(self, tx: ClientTx, response: Response, now: float) -> bool:
        core, request, login = self._core, tx.request, tx.request.login
        leg = core.legs.get(tx.leg)
        if login is None or not _still_wanted(request.method, leg):
            return False
        asked = read_challenges(response)
        challenges = self._realms.answerable(request, leg, asked)
        if len(challenges) < len(asked):
            self._foreign(tx, next(each for each in asked if each not in challenges))
            if not challenges:
                return False
        new = [each for each in challenges if each.stale or (each.proxy, each.realm) not in request.answered]
        if not challenges or len(new) < len(challenges) or request.tries >= RETRIES_MAX:
            core.counters["credentials_refused"] += 1
            self._hops.pop(_hop(login, request), None)
            return False
        sessions = self._hops.setdefault(_hop(login, request), {})
        if request.method == "REGISTER":
            for proxy, realm in list(sessions):
                if any(each.proxy == proxy and each.realm != realm for each in challenges):
                    del sessions[proxy, realm]  # a registrar that changed its realm
        for challenge in challenges:
            sessions[challenge.proxy, challenge.realm] = _Session(challenge)
        while len(sessions) > REALMS_MAX:
            del sessions[next(iter(sessions))]
        if len(self._hops) > HOPS_MAX:
            self._hops.popitem(last=False)
        core.counters["challenges_answered"] += 1
        self._again(tx, leg, tuple((each.proxy, each.realm) for each in challenges), now)
        return True

    def _foreign(self, tx: ClientTx, challenge: Challenge) -> None:
        """Note a challenge that is not answered; the first of a login is told."""
        core, login = self._core, tx.request.login
        assert login is not None
        core.counters["foreign_challenges"] += 1
        if self._realms.reports(login):
            core.tell(ForeignRealm(tx.leg, login.name, challenge.realm))

    def _again(self, tx: ClientTx, leg: Leg | None, realms: tuple[Realm, ...], now: float) -> None:
        """Send the request once more, with proofs, and let the leg know which one counts now."""
        core, before = self._core, tx.request
        dialog = None if leg is None else leg.dialog_of(parse_name_addr(before.to_header).tag)
        branch, cseq = nth_try(before.branch, before.cseq, 1, before.tries)
        request = msgspec.structs.replace(
            before,
            branch=branch,
            cseq=cseq if dialog is None else dialog.next_seq(),
            tries=before.tries + 1,
            answered=(*before.answered, *realms),
        )
        request, data = core.write(request, *further_lines(tx.data))
        new = core.launch(request, data, now, tx.user, tx.leg)
        if leg is None:
            return
        if leg.invite_tx is tx:
            leg.invite_tx, leg.invite = new, request
            leg.move(Trigger.CHALLENGED)
            leg.begin_again()
            leg.timer_c_at = now + core.config.timer_c_s
            if leg.first_response_s is not None and leg.first_response_s < TIMER_B:
                leg.first_response_at = now + leg.first_response_s
            core.timers.arm(leg)
        elif leg.reoffer_out is tx:
            leg.reoffer_out = new

    def _renew(self, request: Outgoing, response: Response) -> None:
        """Take the nonce that a server wants to be used next (RFC 7616 3.5); it does not say for which realm."""
        text = response.header("Authentication-Info")
        if text is None or request.login is None:
            return
        nonce = next_nonce(text)
        sessions = self._hops.get(_hop(request.login, request), {})
        own = [session for (proxy, _), session in sessions.items() if not proxy]
        if nonce is not None and len(own) == 1:
            own[0].challenge = msgspec.structs.replace(own[0].challenge, nonce=nonce)
            own[0].count = 0


def _hop(login: Credentials, request: Outgoing) -> LoginAt:
    """The same over every transport, as it is the same server."""
    return (login, *request.destination[:2])


def _still_wanted(method: str, leg: Leg | None) -> bool:
    """Whether the request still serves anybody: not an INVITE that was given up, nor news in a call that is over."""
    if method in ("CANCEL", "ACK"):
        return False  # 22.1: neither may be challenged
    if leg is None or method == "BYE":
        return True
    return leg.state == LegState.CONFIRMED or (leg.state in EARLY and leg.state != LegState.CANCELLING)
