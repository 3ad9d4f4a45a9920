"""Outgoing calls: INVITE, its responses, giving up before and while it rings (RFC 3261 9.1, 13.2)."""

from __future__ import annotations

from math import inf

import msgspec

from trunkline.sip import headers, session
from trunkline.sip.authenticator import RETRIES_MAX
from trunkline.sip.body import SDP_LINE
from trunkline.sip.byes import Byes
from trunkline.sip.core import ClientTx, Core
from trunkline.sip.dialog import Dialog, LegIdentifiers, from_response, identify_invite
from trunkline.sip.digest import Credentials
from trunkline.sip.errors import LocalSipError
from trunkline.sip.events import (
    Answered,
    CancelledLate,
    Ended,
    NoResponse,
    Provisional,
    Refused,
    TransportFailed,
)
from trunkline.sip.headers import MAX_FORWARDS, MAX_FORWARDS_MAX
from trunkline.sip.hops import TRANSPORTS, Hop
from trunkline.sip.legs import Leg, LegState, Trigger
from trunkline.sip.message import Header, Response
from trunkline.sip.pracks import Pracks
from trunkline.sip.requests import Outgoing, further_lines, header_lines, nth_try
from trunkline.sip.session_timers import SessionTimers
from trunkline.sip.terms import PLAIN, CallTerms
from trunkline.sip.timers import TIMER_B
from trunkline.sip.transactions.machine import Input
from trunkline.sip.uri import is_safe_uri, is_usable

_SESSION_FIELDS = frozenset({"Session-Expires", "Min-SE"})


class InviteTarget(msgspec.Struct, frozen=True, gc=False):
    """Whom to call, and as whom.

    `destination` is the next hop: an IP literal, its port and its transport. `to` and `from_uri` are addresses
    without brackets; `to` None means the Request-URI. `headers` are added as they are. `first_response_s` is the
    patience for any response at all, 100 included; None leaves it to Timer B (32 s). `login` answers challenges to the
    INVITE and to all requests in the call; `terms` is what is asked for beyond the call itself. `max_forwards`, 0 to
    255, is how many hops the INVITE may take: one less than the INVITE it is made for, so that loops end (RFC 7332).
    """

    request_uri: str
    destination: Hop
    to: str | None
    from_uri: str
    from_display: str | None
    sdp: bytes
    headers: tuple[Header, ...] = ()
    first_response_s: float | None = 4.0
    login: Credentials | None = None
    terms: CallTerms = PLAIN
    max_forwards: int = MAX_FORWARDS


class PreparedInvite:
    """An INVITE written but not sent, so that its identifiers can be stored before anybody hears of the call."""

    __slots__ = ("data", "first_response_s", "launched", "request", "sdp", "terms")

    def __init__(self, request: Outgoing, data: bytes, target: InviteTarget) -> None:
        self.request = request
        self.data = data
        self.sdp = target.sdp
        self.terms = target.terms
        self.first_response_s = target.first_response_s
        self.launched = False

    def identifiers(self) -> LegIdentifiers:
        """What another process needs to CANCEL the call once it is launched."""
        further = (0 if self.request.login is None else RETRIES_MAX) + (self.terms.session_s is not None)
        return identify_invite(self.request, further)


class Cancels:
    """Sends CANCEL. What counts is the end of the INVITE; the response to the CANCEL itself changes nothing."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def send(self, leg: Leg, now: float) -> None:
        """Send the CANCEL of the leg's INVITE, once, and give the INVITE 64*T1 to end (9.1)."""
        core, tx = self._core, leg.invite_tx
        if leg.cancel_sent or leg.invite is None or not isinstance(tx, ClientTx):
            return
        leg.cancel_sent = True
        extra = [f"Reason: {leg.reason}"] if leg.reason else []
        core.start(leg.invite.cancel(), now, self, leg.id, extra)
        core.limit(tx, now)

    def response(self, tx: ClientTx, response: Response, now: float) -> None:
        """A refusal is kept for an orphan's owner.

        481 is said of a call that never was and of one just answered alike (9.2), so the INVITE is waited for: its 2xx
        may be on the way, and must be hung up.
        """
        leg = self._core.legs.get(tx.leg)
        if response.status >= 300 and leg is not None:
            leg.cancel_status = response.status

    def unanswered(self, tx: ClientTx, now: float, transport_failed: bool) -> None:
        """The limit on the INVITE frees the leg."""


class Uac:
    """The calling side of the endpoint."""

    def __init__(self, core: Core, byes: Byes, sessions: SessionTimers) -> None:
        self._core = core
        self._byes = byes
        self._sessions = sessions
        self._cancels = Cancels(core)
        self._pracks = Pracks(core)

    def prepare(self, target: InviteTarget) -> PreparedInvite:
        """Write an INVITE. Raises LocalSipError for anything in the target that must not go on the wire."""
        core = self._core
        request = self._request(target)
        contact = core.contact_line(request.destination, request.uri)
        extra = [contact, core.allow_line, core.agent_line, *header_lines(target.headers)]
        if target.terms is not PLAIN:
            extra += [*_extension_lines(target.terms), *session.offer_lines(target.terms.session_s)]
        if target.sdp:
            extra.append(SDP_LINE)
        return PreparedInvite(*core.write(request, extra, target.sdp), target)

    def launch(self, prepared: PreparedInvite, now: float) -> Leg:
        """Send a prepared INVITE. Raises LocalSipError for one that was sent before."""
        if prepared.launched:
            raise LocalSipError("this INVITE has been sent already")
        prepared.launched = True
        request = prepared.request
        leg = self._core.new_leg(True, LegState.CALLING, request.destination)
        leg.terms, leg.said = prepared.terms, prepared.sdp
        leg.first_response_s = prepared.first_response_s
        self._invite(leg, request, prepared.data, now)
        return leg

    def _invite(self, leg: Leg, request: Outgoing, data: bytes, now: float) -> None:
        core = self._core
        leg.invite = request
        if leg.first_response_s is not None and leg.first_response_s < TIMER_B:
            leg.first_response_at = now + leg.first_response_s
        leg.timer_c_at = now + core.config.timer_c_s
        leg.invite_tx = core.launch(request, data, now, self, leg.id)
        core.timers.arm(leg)

    def _request(self, target: InviteTarget) -> Outgoing:
        core = self._core
        if not is_usable(target.destination) or target.destination.transport not in TRANSPORTS:
            raise LocalSipError(f"{target.destination} is not an IP literal with a port in 1..65535 and a transport")
        to_uri = target.to or target.request_uri
        for uri in (target.request_uri, to_uri, target.from_uri):
            if not is_safe_uri(uri):
                raise LocalSipError(f"unsafe address {uri!r}")
        if not 0 <= target.max_forwards <= MAX_FORWARDS_MAX:
            raise LocalSipError(f"{target.max_forwards} hops are not in 0..{MAX_FORWARDS_MAX}")
        tag = core.token()
        return Outgoing(
            method="INVITE",
            uri=target.request_uri,
            branch=core.branch(),
            sent_by=core.faces.toward(target.destination).sent_by,
            call_id=core.token(16),
            cseq=1,
            from_header=headers.format_name_addr(target.from_uri, target.from_display, tag),
            to_header=headers.format_name_addr(to_uri),
            destination=target.destination,
            login=target.login,
            max_forwards=target.max_forwards,
        )

    def cancel(self, leg: Leg, now: float) -> None:
        """Give the call up; the CANCEL waits for a provisional response when there was none (9.1)."""
        if leg.can(Trigger.CANCEL):
            self._give_up(leg, now)

    def _give_up(self, leg: Leg, now: float) -> None:
        heard = leg.state == LegState.PROCEEDING
        leg.move(Trigger.CANCEL)
        leg.stop_timers()
        if heard:
            self._cancels.send(leg, now)

    # -- what the peer says --------------------------------------------------------------------------------------

    def response(self, tx: ClientTx, response: Response, now: float) -> None:
        """See ClientUser."""
        leg = self._core.legs.get(tx.leg)
        if response.status < 200:
            if leg is not None:
                self._provisional(tx, leg, response, now)
        elif response.status < 300:
            self._success(tx, leg, response, now)
        elif leg is not None:
            self._failure(leg, response, now)

    def _provisional(self, tx: ClientTx, leg: Leg, response: Response, now: float) -> None:
        core = self._core
        if not leg.can(Trigger.PROVISIONAL) or leg.invite_tx is not tx:
            return
        news = response.header("RSeq") is None or response.status == 100 or self._pracks.receive(leg, tx, response, now)
        leg.move(Trigger.PROVISIONAL)
        leg.first_response_at = inf
        if leg.state == LegState.CANCELLING:
            self._cancels.send(leg, now)
            return
        if response.status > 100 and news:
            leg.timer_c_at = now + core.config.timer_c_s
            told = (response.status, response.sdp)
            if told == leg.last_provisional:
                core.absorb()
            else:
                leg.last_provisional = told
                core.tell(Provisional(leg.id, *told))
        core.timers.arm(leg)

    def _success(self, tx: ClientTx, leg: Leg | None, response: Response, now: float) -> None:
        core = self._core
        if core.reacknowledge(tx, response):
            return
        if len(tx.acks) >= core.config.state_limits.max_forks:
            core.counters["refused_forks"] += 1
            return
        request = tx.request
        local_tag = headers.parse_name_addr(request.from_header).tag or ""
        dialog = from_response(request.from_header, local_tag, request.uri, response, tx.source)
        dialog.login = request.login
        established = leg is not None and leg.dialog is None and leg.can(Trigger.SUCCESS)
        early_answer = self._pracks.established(leg, dialog) if leg is not None and established else None
        core.acknowledge(tx, dialog)
        if leg is None or not established:
            # Another fork answered as well, or too late for anybody to care (13.2.2.4).
            core.counters["forked_answers"] += 1
            self._byes.send(dialog, now)
            return
        self._establish(leg, dialog)
        leg.move(Trigger.SUCCESS)
        if leg.state == LegState.CONFIRMED:
            leg.heard = response.sdp or early_answer
            self._sessions.agreed(leg, response, now)
            core.tell(Answered(leg.id, response.status, leg.heard))
            return
        if not leg.orphan:
            core.tell(CancelledLate(leg.id))
        self._byes.send(dialog, now, leg, leg.reason)

    def _establish(self, leg: Leg, dialog: Dialog) -> None:
        leg.dialog = dialog
        leg.stop_timers()
        self._core.register(leg, dialog)

    def _failure(self, leg: Leg, response: Response, now: float) -> None:
        core = self._core
        gave_up = leg.state == LegState.CANCELLING
        if response.status == 422 and self._larger_session(leg, response, now):
            return
        leg.move(Trigger.FAILURE)
        if gave_up:
            self._tell_cancelled(leg, response.status)
        else:
            core.tell(Refused(leg.id, response.status, response.reason, response.retry_after_s, response))
        core.gone(leg, now, response.status)

    def _larger_session(self, leg: Leg, response: Response, now: float) -> bool:
        """Ask once more with the interval a 422 demands (RFC 4028 7.3); whether that makes sense."""
        floor_s, wanted_s, tx = session.min_session_s(response), leg.terms.session_s, leg.invite_tx
        if wanted_s is None or not isinstance(tx, ClientTx) or not leg.can(Trigger.CHALLENGED):
            return False
        if leg.min_session_s or floor_s <= wanted_s:
            return False  # once: what was stored for after a crash names one further try of this kind
        leg.min_session_s = floor_s
        leg.move(Trigger.CHALLENGED)
        leg.begin_again()
        before = tx.request
        branch, cseq = nth_try(before.branch, before.cseq, 1, before.tries)
        request = msgspec.structs.replace(before, branch=branch, cseq=cseq, tries=before.tries + 1)
        lines, body = further_lines(tx.data, _SESSION_FIELDS)
        lines += session.offer_lines(wanted_s, floor_s)
        self._invite(leg, *self._core.write(request, lines, body), now)
        return True

    def _tell_cancelled(self, leg: Leg, status: int | None) -> None:
        if not leg.reported and not leg.orphan:
            self._core.tell(Ended(leg.id, "CANCEL", None, status))

    def unanswered(self, tx: ClientTx, now: float, transport_failed: bool) -> None:
        """See ClientUser."""
        core = self._core
        leg = core.legs.get(tx.leg)
        if leg is None or not leg.can(Trigger.SILENCE):
            return
        if leg.state == LegState.CANCELLING:
            self._tell_cancelled(leg, None)
        else:
            core.tell(TransportFailed(leg.id) if transport_failed else NoResponse(leg.id, TIMER_B))
        leg.move(Trigger.SILENCE)
        core.gone(leg, now, leg.cancel_status)

    # -- what the clock says -------------------------------------------------------------------------------------

    def fire(self, leg: Leg, now: float) -> None:
        """The first response timer or Timer C is due."""
        core = self._core
        if leg.first_response_at <= now:
            assert leg.first_response_s is not None
            assert isinstance(leg.invite_tx, ClientTx)
            core.tell(NoResponse(leg.id, leg.first_response_s))
            # The owner tries elsewhere now, so no more copies: a peer that comes back must not ring for nothing.
            core.feed_client(leg.invite_tx, Input.ABANDONED, now)
        elif leg.timer_c_at <= now:
            core.counters["timer_c"] += 1
            core.tell(Refused(leg.id, 408, "Timer C", None))
        else:
            return
        leg.reported = True
        self._give_up(leg, now)

    def fail_transport(self, leg: Leg, now: float) -> None:
        """The transport cannot reach the leg's peer."""
        core = self._core
        if isinstance(leg.invite_tx, ClientTx):
            core.feed_client(leg.invite_tx, Input.TRANSPORT_ERROR, now)
        for tx in list(core.by_destination.get(leg.source, {}).values()):
            if tx.leg == leg.id:
                core.feed_client(tx, Input.TRANSPORT_ERROR, now)

    # -- legs of an earlier process ------------------------------------------------------------------------------

    def adopt_cancel(self, leg: Leg, request: Outgoing, now: float) -> None:
        """Take over an INVITE of an earlier process, as ringing, and cancel it."""
        core = self._core
        machine = core.client_machine(request, now)
        machine.handle(Input.PROVISIONAL, now)
        if (request.branch, "INVITE") in core.clients:
            raise LocalSipError("this INVITE belongs to a leg of this endpoint")
        leg.invite = request
        leg.invite_tx = core.adopt_client(machine, request, self, leg.id)
        self._cancels.send(leg, now)


def _extension_lines(terms: CallTerms) -> list[str]:
    """Supported and Require of an INVITE (RFC 3262 4, RFC 4028 7.1)."""
    supported = ["timer"] if terms.session_s is not None else []
    if terms.reliable != "off":
        supported.append("100rel")
    lines = [f"Supported: {', '.join(supported)}"] if supported else []
    return [*lines, "Require: 100rel"] if terms.reliable == "required" else lines
