"""Dialogs: who talks to whom, over which route, with which numbers (RFC 3261 12).

`Dialog` is plain data, so that a process can store what it needs to end a call it may not live to end itself;
`LegIdentifiers` is that, together with what a CANCEL needs.
"""

from __future__ import annotations

import msgspec

from trunkline.sip.digest import Credentials
from trunkline.sip.errors import RemoteSipError
from trunkline.sip.headers import format_name_addr, parse_name_addr
from trunkline.sip.hops import TRANSPORTS, Hop, default_port, transport_of
from trunkline.sip.message import Request, Response
from trunkline.sip.requests import Outgoing, nth_try
from trunkline.sip.uri import is_inward, is_usable, parse_uri

DialogKey = tuple[str, str, str]  # Call-ID, local tag, remote tag: never the Call-ID alone

# How far a process that lost its memory jumps ahead in CSeq: past whatever it sent after it last stored its numbers.
# A gap is legal (12.2.2), a number used twice is refused.
ORPHAN_CSEQ_GAP = 1_000


class Dialog(msgspec.Struct, gc=False):
    """One dialog as this side sees it.

    `local` and `remote` are From and To of requests we send, tags included. `source` is where the peer's messages
    come from: requests go there when the route names a host we would have to look up, which this package cannot.
    `login` answers challenges to our requests.
    """

    call_id: str
    local_tag: str
    remote_tag: str
    local: str
    remote: str
    local_seq: int
    remote_seq: int | None
    remote_target: str
    route_set: tuple[str, ...]
    source: Hop
    login: Credentials | None = None

    @property
    def key(self) -> DialogKey:
        """What a request of the peer is matched by."""
        return (self.call_id, self.local_tag, self.remote_tag)

    def next_seq(self) -> int:
        """The number of our next request (12.2.1.1)."""
        self.local_seq += 1
        return self.local_seq

    def request_target(self) -> tuple[str, tuple[str, ...], Hop]:
        """Request-URI, Route values and destination of a request in this dialog (12.2.1.1).

        A first route without `lr` is a strict router: it goes into the Request-URI and the target to the end.
        """
        if not self.route_set:
            return self.remote_target, (), self._hop(self.remote_target)
        first = parse_name_addr(self.route_set[0]).uri
        if parse_uri(first).loose:
            return self.remote_target, self.route_set, self._hop(first)
        return first.partition("?")[0], (*self.route_set[1:], f"<{self.remote_target}>"), self._hop(first)

    def refresh_target(self, message: Request | Response) -> None:
        """Take the Contact of a target refresh (12.2.2); a missing or unusable one changes nothing."""
        try:
            self.remote_target = contact_uri(message) or self.remote_target
        except RemoteSipError:
            return

    def moved(self, source: Hop) -> None:
        """The peer's messages come from `source` now; the name its certificate must show stays."""
        known = self.source
        self.source = source._replace(name=known.name) if known.name and source.transport == "tls" else source

    def _hop(self, uri: str) -> Hop:
        """Where to send what is addressed to `uri`.

        A peer that came by a stream and does not ask for another transport is sent to by the stream: many leave
        `transport=tcp` out of their Contact, and RFC 3263 4.1 would have us try UDP. Nobody outside names addresses
        that are ours alone, such as those of this machine's own services.
        """
        parsed, source = parse_uri(uri), self.source
        transport = transport_of(parsed)
        same_host = parsed.host == source.host
        if transport is None:
            transport = source.transport if same_host else "udp"
        port = parsed.port or default_port(transport)
        if not is_usable((parsed.host, port)) or transport not in TRANSPORTS:
            return source
        if not same_host and is_inward(parsed.host) and not is_inward(source.host):
            return source
        same_family = (":" in parsed.host) == (":" in source.host)
        if transport == source.transport and (same_host or (transport == "udp" and same_family)):
            return Hop(parsed.host, port, transport, source.flow, source.name)
        return Hop(parsed.host, port, transport, 0, source.name if transport == "tls" else "")


class LegIdentifiers(msgspec.Struct, frozen=True, gc=False):
    """Everything needed to CANCEL or BYE a leg from another process; plain data, encodes with msgspec.

    `branch` and `cseq` are those of our INVITE, or of our last request once the dialog stands; `from_header` and
    `to_header` are written into our requests as they are. `remote_tag` None means that there is no dialog yet, so only
    a CANCEL makes sense, and only for an outgoing leg. `sent_by` is that of our INVITE's Via, which a CANCEL repeats;
    None in those stored by versions that had one address only. `login` is the name of the credentials, never what is
    in them. `further` is how often the INVITE may have been sent again with what its refusal asked for.
    """

    outgoing: bool
    call_id: str
    local_tag: str
    remote_tag: str | None
    branch: str
    cseq: int
    request_uri: str
    destination: Hop
    from_header: str
    to_header: str
    remote_target: str | None = None
    route_set: tuple[str, ...] = ()
    sent_by: str | None = None
    login: str | None = None
    further: int = 0

    def tries(self) -> tuple[LegIdentifiers, ...]:
        """The INVITE as it may have been sent last: this one, and `further` tries more.

        Which of them has been sent only the process knew that sent them; each has a CANCEL of its own.
        """
        if self.remote_tag is not None:
            return (self,)
        found = (nth_try(self.branch, self.cseq, number) for number in range(self.further + 1))
        return tuple(msgspec.structs.replace(self, branch=branch, cseq=cseq) for branch, cseq in found)

    def dialog(self) -> Dialog | None:
        """The dialog as far as it was known when this was stored, None before there was one."""
        if self.remote_tag is None or self.remote_target is None:
            return None
        return Dialog(
            call_id=self.call_id,
            local_tag=self.local_tag,
            remote_tag=self.remote_tag,
            local=self.from_header,
            remote=self.to_header,
            local_seq=self.cseq + ORPHAN_CSEQ_GAP,
            remote_seq=None,
            remote_target=self.remote_target,
            route_set=self.route_set,
            source=self.destination,
        )


def identify_invite(invite: Outgoing, further: int = 0) -> LegIdentifiers:
    """The identifiers of an INVITE that has no answer yet, and that may leave `further` times more."""
    return LegIdentifiers(
        outgoing=True,
        call_id=invite.call_id,
        local_tag=invite.from_header.rpartition(";tag=")[2],
        remote_tag=None,
        branch=invite.branch,
        cseq=invite.cseq,
        request_uri=invite.uri,
        destination=_lasting(invite.destination),
        from_header=invite.from_header,
        to_header=invite.to_header,
        sent_by=invite.sent_by,
        login=invite.login.name if invite.login else None,
        further=further,
    )


def identify_dialog(dialog: Dialog, invite: Outgoing | None) -> LegIdentifiers:
    """The identifiers of a leg with a dialog; `invite` None when it is an incoming one."""
    return LegIdentifiers(
        outgoing=invite is not None,
        call_id=dialog.call_id,
        local_tag=dialog.local_tag,
        remote_tag=dialog.remote_tag,
        branch=invite.branch if invite else "",
        cseq=dialog.local_seq,
        request_uri=invite.uri if invite else dialog.remote_target,
        destination=_lasting(dialog.source),
        from_header=dialog.local,
        to_header=dialog.remote,
        remote_target=dialog.remote_target,
        route_set=dialog.route_set,
        login=dialog.login.name if dialog.login else None,
    )


def _lasting(hop: Hop) -> Hop:
    """The hop without its connection or socket, whose number means nothing to another process."""
    return hop._replace(flow=0) if hop.flow else hop


def contact_uri(message: Request | Response) -> str | None:
    """The first Contact, checked; None when there is none. Raises RemoteSipError(400) for one of no use."""
    values = message.values("Contact")
    if not values:
        return None
    uri = parse_name_addr(values[0]).uri
    if parse_uri(uri).scheme == "tel":
        raise RemoteSipError(400, "Contact is no SIP address")
    return uri


def record_route(message: Request | Response) -> tuple[str, ...]:
    """The Record-Route values in order, each checked. Raises RemoteSipError(400)."""
    if message.header("Record-Route") is None:
        return ()
    values = tuple(message.values("Record-Route"))
    for value in values:
        if parse_uri(parse_name_addr(value).uri).scheme == "tel":
            raise RemoteSipError(400, "Bad Record-Route")
    return values


def from_request(request: Request, local_tag: str, source: Hop) -> Dialog:
    """The dialog a UAS enters with its first response above 100 (12.1.1).

    Raises RemoteSipError(400) when the request lacks a From tag or a Contact that could be used.
    """
    remote_tag = request.from_.tag
    target = contact_uri(request)
    if remote_tag is None or target is None:
        raise RemoteSipError(400, "Missing From tag or Contact", request)
    return Dialog(
        call_id=request.call_id,
        local_tag=local_tag,
        remote_tag=remote_tag,
        local=f"{request.header('To')};tag={local_tag}",
        remote=request.header("From") or "",
        local_seq=0,
        remote_seq=request.cseq.number,
        remote_target=target,
        route_set=record_route(request),
        source=source,
    )


def from_response(local: str, local_tag: str, request_uri: str, response: Response, source: Hop) -> Dialog:
    """The dialog a UAC enters with a response (12.1.2): the route is Record-Route backwards.

    A Contact or Record-Route of no use must not leave an answered call that cannot be hung up: without the first the
    Request-URI is the target, without the second the packets take the way the response came.
    """
    try:
        target = contact_uri(response) or request_uri
    except RemoteSipError:
        target = request_uri
    try:
        route = record_route(response)[::-1]
    except RemoteSipError:
        route = ()
    return Dialog(
        call_id=response.call_id,
        local_tag=local_tag,
        remote_tag=response.to.tag or "",
        local=local,
        remote=response.header("To") or format_name_addr(request_uri),
        local_seq=response.cseq.number,
        remote_seq=None,
        remote_target=target,
        route_set=route,
        source=source,
    )
