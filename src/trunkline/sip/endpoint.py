"""The SIP endpoint: datagrams and the clock go in, datagrams and events come out. It never touches a socket.

After every call to a method that takes `now`: send `datagrams()`, act on `events()`, and wake up at `next_timer()` to
call `handle_timer`. `now` is monotonic seconds and never runs backwards. Legs are numbers: given by the endpoint with
`Incoming`, returned by `invite`. A command for a leg that is already gone is counted and otherwise ignored, because
the peer's goodbye may have crossed it; one that could never be right raises LocalSipError.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from trunkline.sip import replies
from trunkline.sip.answers import Answers
from trunkline.sip.appointments import Appointments
from trunkline.sip.byes import Byes
from trunkline.sip.core import ClientTx, Core, ServerTx
from trunkline.sip.dialog import LegIdentifiers, identify_dialog, identify_invite
from trunkline.sip.digest import Credentials
from trunkline.sip.errors import LocalSipError, RemoteSipError
from trunkline.sip.events import SipEvent
from trunkline.sip.hops import Face, Hop
from trunkline.sip.in_dialog import Requests
from trunkline.sip.infos import Infos
from trunkline.sip.legs import EARLY, Leg, LegState, Trigger
from trunkline.sip.message import Header, Request
from trunkline.sip.outside import Outside, OutsideRequest
from trunkline.sip.receiver import Receiver
from trunkline.sip.refreshes import Refreshes
from trunkline.sip.reliable import Provisionals
from trunkline.sip.reoffers import Reoffers
from trunkline.sip.requests import Outgoing
from trunkline.sip.session_timers import SessionTimers
from trunkline.sip.settings import Datagram, EndpointConfig
from trunkline.sip.terms import CallTerms
from trunkline.sip.uac import InviteTarget, PreparedInvite, Uac
from trunkline.sip.uas import Uas

__all__ = [
    "CallTerms",
    "Datagram",
    "EndpointConfig",
    "Hop",
    "InviteTarget",
    "LegIdentifiers",
    "OutsideRequest",
    "PreparedInvite",
    "SipEndpoint",
]

HANGUP_STATUS = 480  # what a caller hears when `hangup` meets a call that was never answered
CANCELLED_STATUS = 487  # and what one hears that has cancelled it (RFC 3261 9.2)


class SipEndpoint:
    """One SIP address: any number of calls, in and out.

    `entropy(n)` returns `n` unpredictable bytes; identifiers and tags come from it.
    """

    def __init__(self, config: EndpointConfig, entropy: Callable[[int], bytes]) -> None:
        self._core = core = Core(config, entropy)
        self._byes = Byes(core)
        sessions, provisionals = SessionTimers(core), Provisionals(core)
        self._answers = Answers(core, self._byes, sessions)
        self._reoffers = Reoffers(core, self._byes, sessions)
        self._refreshes = Refreshes(core, self._byes, sessions, self._reoffers)
        self._infos = Infos(core, self._byes)
        self._outside = Outside(core)
        self._uac = Uac(core, self._byes, sessions)
        self._uas = Uas(core, self._answers, provisionals)
        self._requests = Requests(core, self._uas, self._answers, provisionals, sessions)
        self._receiver = Receiver(core, self._uas, self._requests, self._answers)

    # -- the wire and the clock ----------------------------------------------------------------------------------

    def receive(self, data: bytes, source: Hop, now: float) -> None:
        """Take one datagram, or one message off a stream, that came from `source`. Never raises, whatever is in it."""
        self._receiver.receive(data, source, now)

    def refuse(self, head: bytes, source: Hop, status: int) -> None:
        """Answer a request of which only the head can be read, off a stream that is then closed (18.3)."""
        self._receiver.refuse(head, source, status)

    def datagrams(self) -> list[Datagram]:
        """What is to be sent, in this order; each datagram is handed out once."""
        out, self._core.outbox = self._core.outbox, []
        return out

    def events(self) -> list[SipEvent]:
        """What happened, in this order; each event is handed out once."""
        told, self._core.told = self._core.told, []
        return told

    def next_timer(self) -> float | None:
        """When to call `handle_timer`, in monotonic seconds; None when nothing is waited for."""
        return self._core.timers.next_due()

    def handle_timer(self, now: float) -> None:
        """Let everything happen that is due at `now`."""
        core = self._core
        while (owner := core.timers.pop_due(now)) is not None:
            if isinstance(owner, (ClientTx, ServerTx)):
                core.fire(owner, now)
                continue
            if isinstance(owner, Appointments):
                self._refreshes.fire(now)
                core.timers.arm(owner)
                continue
            assert isinstance(owner, Leg)
            if owner.outgoing:
                self._uac.fire(owner, now)
            else:
                self._uas.fire(owner, now)
            self._answers.fire(owner, now)
            self._reoffers.fire(owner, now)
            core.timers.arm(owner)

    def face(self, peer: Hop) -> Face:
        """How `peer` is told to reach us, and which of our sockets it is sent from."""
        return self._core.faces.toward(peer)

    def transport_failed(self, where: int | Hop, now: float) -> None:
        """The transport reports that a leg's peer, or a hop, cannot be reached: ICMP, a lost connection (18.4).

        Calls that have heard nothing yet end with TransportFailed; those that have do not, as a lone error means
        little then.
        """
        if isinstance(where, int):
            leg = self._core.leg(where)
            if leg is not None:
                self._uac.fail_transport(leg, now)
        else:
            self._core.fail_destination(where, now)

    # -- state ---------------------------------------------------------------------------------------------------

    @property
    def counters(self) -> Counter[str]:
        """What was absorbed, repeated, refused (by reason), malformed, undeliverable, since the start."""
        return self._core.counters

    @property
    def draining(self) -> bool:
        """Whether new calls are refused with 503 and Retry-After; calls in progress go on."""
        return self._receiver.draining

    @draining.setter
    def draining(self, value: bool) -> None:
        self._receiver.draining = value

    @property
    def live_legs(self) -> int:
        """How many legs are not gone."""
        return len(self._core.legs)

    @property
    def live_transactions(self) -> int:
        """How many transactions are remembered, those that only absorb duplicates included."""
        return len(self._core.clients) + len(self._core.servers)

    def identifiers(self, leg: int) -> LegIdentifiers:
        """What another process needs to CANCEL or BYE the leg. Raises LocalSipError when the leg is gone."""
        found = self._core.leg(leg)
        if found is None:
            raise LocalSipError(f"leg {leg} is gone")
        if found.dialog is not None:
            return identify_dialog(found.dialog, found.invite)
        assert found.invite is not None
        return identify_invite(found.invite)

    # -- incoming calls ------------------------------------------------------------------------------------------

    def set_terms(self, leg: int, terms: CallTerms) -> None:
        """What is asked of an incoming call, as soon as its owner knows whose it is; without it nothing is.

        Must come before the first response above 100. Raises LocalSipError for an outgoing call: see InviteTarget.
        """
        found = self._core.leg(leg)
        if found is not None:
            self._uas.set_terms(found, terms)

    def trying(self, leg: int, now: float, patience_s: float = 0.0) -> None:
        """Send 100, so that the caller stops repeating its INVITE. Nothing else answers an INVITE by itself.

        Unless something else is said within `patience_s`; 17.2.1 allows 0.2 s at most.
        """
        found = self._core.leg(leg)
        if found is not None:
            self._uas.trying(found, now, patience_s)

    def ring(self, leg: int, now: float, status: int = 180, sdp: bytes | None = None) -> None:
        """Send 101 to 199, with a session description for early media. Raises LocalSipError for another status."""
        if not 101 <= status <= 199:
            raise LocalSipError(f"{status} is no ringing status")
        self._provisional(leg, status, sdp, now)

    def _provisional(self, leg: int, status: int, sdp: bytes | None, now: float) -> None:
        found = self._core.leg(leg)
        if found is not None:
            self._uas.provisional(found, status, sdp, now)

    def answer(self, leg: int, sdp: bytes, now: float) -> bool:
        """Answer the call with 200, which repeats until the ACK; ends in Acknowledged or Unacknowledged.

        Whether it has left. If it waits for the PRACK of an early description, AnswerSent is told when it leaves.
        """
        found = self._core.leg(leg)
        return found is not None and self._uas.answer(found, sdp, now)

    def reject(
        self, leg: int, status: int, now: float, reason: str | None = None, headers: Sequence[Header] = ()
    ) -> None:
        """Refuse the call with 300 to 699. Raises LocalSipError for another status or a header not to be sent."""
        found = self._core.leg(leg)
        if found is not None:
            self._uas.reject(found, status, now, reason, headers)

    # -- outgoing calls ------------------------------------------------------------------------------------------

    def invite(self, target: InviteTarget, now: float) -> int:
        """Call somebody; returns the leg. Raises LocalSipError for a target that must not go on the wire."""
        return self._uac.launch(self._uac.prepare(target), now).id

    def prepare(self, target: InviteTarget) -> PreparedInvite:
        """Write an INVITE without sending it, so that its `identifiers()` can be stored first.

        Raises LocalSipError as `invite` does. One that is never launched costs nothing.
        """
        return self._uac.prepare(target)

    def launch(self, prepared: PreparedInvite, now: float) -> int:
        """Send a prepared INVITE; returns the leg. Raises LocalSipError for one that was sent before."""
        return self._uac.launch(prepared, now).id

    def cancel(self, leg: int, now: float, reason: str | None = None) -> None:
        """Give up a call that was not answered; a second time changes nothing.

        CANCEL waits for the first provisional response. Ends in Ended("CANCEL"), or CancelledLate when an answer won.
        `reason` is the value of a Reason header (RFC 3326). An answered call is left alone: use `hangup`.
        """
        found = self._core.leg(leg)
        if found is None:
            return
        if not found.outgoing:
            raise LocalSipError(f"leg {leg} is an incoming call; use reject or hangup")
        _check_reason(reason)
        found.reason = found.reason or reason
        self._uac.cancel(found, now)

    def use_login(self, leg: int, login: Credentials) -> None:
        """Answer challenges to our requests in an incoming call, such as a BYE that its carrier's proxy stops."""
        found = self._core.leg(leg)
        if found is not None and found.dialog is not None:
            found.dialog.login = login

    # -- both ----------------------------------------------------------------------------------------------------

    def hangup(self, leg: int, now: float, reason: str | None = None) -> None:
        """End the call whatever its state; a second time changes nothing.

        BYE when confirmed; as the called side before the ACK, BYE after it (RFC 3261 15); CANCEL while it rings;
        480 when the call was never answered, 487 when its caller has cancelled it (9.2). `reason` is the value of a
        Reason header (RFC 3326).
        """
        found = self._core.leg(leg)
        if found is None:
            return
        _check_reason(reason)
        found.reason = found.reason or reason
        if found.state == LegState.INCOMING:
            status = CANCELLED_STATUS if found.cancelled else HANGUP_STATUS
            self._uas.reject(found, status, now, None, [("Reason", reason)] if reason else [])
        elif found.state in EARLY:
            self._uac.cancel(found, now)
        elif found.can(Trigger.HANGUP):
            found.move(Trigger.HANGUP)
            if found.state == LegState.ENDING:
                assert found.dialog is not None
                self._byes.send(found.dialog, now, found, found.reason)

    def reoffer(self, leg: int, sdp: bytes, now: float) -> None:
        """Offer the peer a new session, for instance to hold it; ends in Reanswered or ReofferRefused.

        By re-INVITE once the leg is confirmed; before, by UPDATE, when the first exchange was made reliably. After
        glare it is made again by itself. Raises LocalSipError where neither is possible or another offer is open.
        """
        found = self._core.leg(leg)
        if found is not None and found.state != LegState.ENDING:
            self._reoffers.send(found, sdp, now)
            self._core.timers.arm(found)

    def reanswer(self, leg: int, sdp: bytes, now: float) -> None:
        """Take the offer that came as Reoffered. Raises LocalSipError when there was none."""
        found = self._core.leg(leg)
        if found is not None:
            self._requests.reanswer(found, sdp, now)
            self._core.timers.arm(found)

    def refuse_reoffer(self, leg: int, status: int, now: float) -> None:
        """Refuse the offer that came as Reoffered, with 300 to 699. Raises LocalSipError when there was none."""
        if not 300 <= status <= 699:
            raise LocalSipError(f"{status} is no refusal")
        found = self._core.leg(leg)
        if found is not None:
            self._requests.refuse_reoffer(found, status, now)

    def info(self, leg: int, content_type: str, body: bytes, now: float) -> None:
        """Send an INFO. Raises LocalSipError unless the leg is confirmed."""
        found = self._core.leg(leg)
        if found is not None and found.state != LegState.ENDING:
            self._infos.send(found, content_type, body, now)

    def challenge(self, request: Request, source: Hop, lines: Sequence[str]) -> Datagram | None:
        """A 401 with these header lines, to be sent without anything being remembered; None when it cannot be made."""
        try:
            data = self._core.stateless(request, source, 401, lines)
        except RemoteSipError:
            return None
        return Datagram(data, replies.reply_hop(request, source))

    def ask(self, request: OutsideRequest, now: float) -> int:
        """Send a request that belongs to no call; its number. Ends in OutsideEnded, whatever becomes of it.

        Raises LocalSipError for what must not go on the wire.
        """
        return self._outside.send(request, now)

    # -- legs of an earlier process ------------------------------------------------------------------------------

    def orphan_bye(self, ids: LegIdentifiers, now: float, login: Credentials | None = None) -> int:
        """Hang up an answered leg of a process that died; ends in OrphanEnded. Raises LocalSipError without a dialog.

        The CSeq jumps ahead of whatever that process may have sent after it stored the identifiers. `login` are the
        credentials that these name, if they are still known.
        """
        dialog = ids.dialog()
        if dialog is None:
            raise LocalSipError("these identifiers hold no dialog; use orphan_cancel")
        leg = self._core.new_leg(ids.outgoing, LegState.ENDING, ids.destination)
        leg.orphan = True
        leg.dialog = dialog
        dialog.login = login
        try:
            self._byes.send(dialog, now, leg)
        except RemoteSipError:
            leg.move(Trigger.BYE_DONE)
            self._core.gone(leg, now)
        else:
            self._core.register(leg, dialog)
        return leg.id

    def orphan_cancel(self, ids: LegIdentifiers, now: float, login: Credentials | None = None) -> int:
        """Cancel a ringing leg of a process that died, and hang up if it answers; ends in OrphanEnded.

        Of an INVITE with a login there may have been further tries: see `LegIdentifiers.tries`. Raises LocalSipError
        for an incoming leg, which only its caller can cancel.
        """
        if not ids.outgoing:
            raise LocalSipError("an incoming leg cannot be cancelled by the called side")
        leg = self._core.new_leg(True, LegState.CANCELLING, ids.destination)
        leg.orphan = True
        self._uac.adopt_cancel(leg, self._invite_of(ids, login), now)
        return leg.id

    def _invite_of(self, ids: LegIdentifiers, login: Credentials | None) -> Outgoing:
        return Outgoing(
            method="INVITE",
            uri=ids.request_uri,
            branch=ids.branch,
            sent_by=ids.sent_by or self._core.faces.toward(ids.destination).sent_by,
            call_id=ids.call_id,
            cseq=ids.cseq,
            from_header=ids.from_header,
            to_header=ids.to_header,
            destination=ids.destination,
            login=login,
        )


def _check_reason(reason: str | None) -> None:
    if reason is not None and any(character in reason for character in "\r\n\0"):
        raise LocalSipError("carriage return, line feed or NUL in a Reason")
