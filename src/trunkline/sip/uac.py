"""Outgoing calls: INVITE, its responses, giving up before and while it rings (RFC 3261 9.1, 13.2)."""

from __future__ import annotations

from math import inf

import msgspec

from trunkline.sip import headers
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
from trunkline.sip.hops import TRANSPORTS, Hop
from trunkline.sip.legs import Leg, LegState, Trigger
from trunkline.sip.message import Header, Response
from trunkline.sip.requests import Outgoing, header_lines
from trunkline.sip.timers import TIMER_B
from trunkline.sip.transactions.machine import Input
from trunkline.sip.uri import is_safe_uri, is_usable


class InviteTarget(msgspec.Struct, frozen=True):
    """Whom to call, and as whom.

    `destination` is the next hop: an IP literal, its port and its transport. `to` and `from_uri` are addresses
    without brackets; `to` None means the Request-URI. `headers` are added as they are. `first_response_s` is the
    patience for any response at all, 100 included; None leaves it to Timer B (32 s). `login` answers challenges to the
    INVITE and to all requests in the call.
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


class PreparedInvite:
    """An INVITE written but not sent, so that its identifiers can be stored before anybody hears of the call."""

    __slots__ = ("data", "first_response_s", "launched", "request")

    def __init__(self, request: Outgoing, data: bytes, first_response_s: float | None) -> None:
        self.request = request
        self.data = data
        self.first_response_s = first_response_s
        self.launched = False

    def identifiers(self) -> LegIdentifiers:
        """What another process needs to CANCEL the call once it is launched."""
        return identify_invite(self.request)


class Cancels:
    """Sends CANCEL. What counts is the end of the INVITE; the response to the CANCEL itself changes little."""

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
        """A refusal tells an orphan's owner that the peer has forgotten the call; other legs learn it in time."""
        leg = self._core.legs.get(tx.leg)
        if response.status >= 300 and leg is not None and leg.orphan and leg.can(Trigger.SILENCE):
            leg.move(Trigger.SILENCE)
            self._core.gone(leg, now, response.status)

    def unanswered(self, tx: ClientTx, now: float, transport_failed: bool) -> None:
        """The limit on the INVITE frees the leg."""


class Uac:
    """The calling side of the endpoint."""

    def __init__(self, core: Core, byes: Byes) -> None:
        self._core = core
        self._byes = byes
        self._cancels = Cancels(core)

    def prepare(self, target: InviteTarget) -> PreparedInvite:
        """Write an INVITE. Raises LocalSipError for anything in the target that must not go on the wire."""
        core = self._core
        request = self._request(target)
        contact = core.contact_line(request.destination, request.uri)
        extra = [contact, core.allow_line, core.agent_line, *header_lines(target.headers)]
        if target.sdp:
            extra.append(SDP_LINE)
        return PreparedInvite(*core.write(request, extra, target.sdp), target.first_response_s)

    def launch(self, prepared: PreparedInvite, now: float) -> Leg:
        """Send a prepared INVITE. Raises LocalSipError for one that was sent before."""
        if prepared.launched:
            raise LocalSipError("this INVITE has been sent already")
        prepared.launched = True
        core, request = self._core, prepared.request
        leg = core.new_leg(True, LegState.CALLING, request.destination)
        leg.invite = request
        leg.first_response_s = prepared.first_response_s
        if prepared.first_response_s is not None and prepared.first_response_s < TIMER_B:
            leg.first_response_at = now + prepared.first_response_s
        leg.timer_c_at = now + core.config.timer_c_s
        leg.invite_tx = core.launch(request, prepared.data, now, self, leg.id)
        core.timers.arm(leg)
        return leg

    def _request(self, target: InviteTarget) -> Outgoing:
        core = self._core
        if not is_usable(target.destination) or target.destination.transport not in TRANSPORTS:
            raise LocalSipError(f"{target.destination} is not an IP literal with a port in 1..65535 and a transport")
        to_uri = target.to or target.request_uri
        for uri in (target.request_uri, to_uri, target.from_uri):
            if not is_safe_uri(uri):
                raise LocalSipError(f"unsafe address {uri!r}")
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
                self._provisional(leg, response, now)
        elif response.status < 300:
            self._success(tx, leg, response, now)
        elif leg is not None:
            self._failure(leg, response, now)

    def _provisional(self, leg: Leg, response: Response, now: float) -> None:
        core = self._core
        leg.move(Trigger.PROVISIONAL)
        leg.first_response_at = inf
        if leg.state == LegState.CANCELLING:
            self._cancels.send(leg, now)
            return
        if response.status > 100:
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
        core.acknowledge(tx, dialog)
        if leg is None or leg.dialog is not None or not leg.can(Trigger.SUCCESS):
            # Another fork answered as well, or too late for anybody to care (13.2.2.4).
            core.counters["forked_answers"] += 1
            self._byes.send(dialog, now)
            return
        self._establish(leg, dialog)
        leg.move(Trigger.SUCCESS)
        if leg.state == LegState.CONFIRMED:
            core.tell(Answered(leg.id, response.status, response.sdp))
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
        leg.move(Trigger.FAILURE)
        if gave_up:
            self._tell_cancelled(leg, response.status)
        else:
            core.tell(Refused(leg.id, response.status, response.reason, response.retry_after_s, response))
        core.gone(leg, now, response.status)

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
        core.gone(leg, now)

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
