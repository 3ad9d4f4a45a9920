"""Requests of ours outside of any call: REGISTER, and OPTIONS to see whether somebody is there (RFC 3261 10, 11)."""

from __future__ import annotations

import msgspec

from trunkline.sip import headers
from trunkline.sip.core import ClientTx, Core
from trunkline.sip.digest import Credentials
from trunkline.sip.errors import LocalSipError
from trunkline.sip.events import OutsideEnded
from trunkline.sip.hops import TRANSPORTS, Hop
from trunkline.sip.message import Header, Response
from trunkline.sip.requests import Outgoing, header_lines
from trunkline.sip.uri import is_safe_uri, is_usable


class OutsideRequest(msgspec.Struct, frozen=True):
    """A request that belongs to no call. `uri` is asked for, `from_uri` asks, `to_uri` None is `uri`.

    A request that follows another of the same kind takes over its `call_id` and counts `cseq` on (RFC 3261 10.2).
    `contact_user` is the user part of our Contact.
    """

    method: str
    uri: str
    destination: Hop
    from_uri: str
    to_uri: str | None = None
    call_id: str | None = None
    cseq: int = 1
    headers: tuple[Header, ...] = ()
    login: Credentials | None = None
    contact_user: str | None = None


class Outside:
    """Sends such requests, and tells once what became of each."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def send(self, asked: OutsideRequest, now: float) -> int:
        """Send one; its number, by which OutsideEnded names it. Raises LocalSipError for what must not go out."""
        core, to_uri = self._core, asked.to_uri or asked.uri
        if not is_usable(asked.destination[:2]) or asked.destination.transport not in TRANSPORTS:
            raise LocalSipError(f"{asked.destination} is not an IP literal with a port in 1..65535 and a transport")
        named = () if asked.contact_user is None else (f"sip:{asked.contact_user}@h",)
        for uri in (asked.uri, to_uri, asked.from_uri, *named):
            if not is_safe_uri(uri):
                raise LocalSipError(f"unsafe address {uri!r}")
        request = Outgoing(
            method=asked.method,
            uri=asked.uri,
            branch=core.branch(),
            sent_by=core.faces.toward(asked.destination).sent_by,
            call_id=asked.call_id or core.token(16),
            cseq=asked.cseq,
            from_header=headers.format_name_addr(asked.from_uri, None, core.token()),
            to_header=headers.format_name_addr(to_uri),
            destination=asked.destination,
            login=asked.login,
        )
        number = core.new_number()
        contact = core.contact_line(request.destination, request.uri)
        if asked.contact_user is not None:
            scheme, _, rest = contact.partition("<")[2].partition(":")
            contact = f"Contact: <{scheme}:{asked.contact_user}@{rest}"
        extra = [contact, *header_lines(asked.headers)]
        core.start(request, now, self, number, extra)
        return number

    def response(self, tx: ClientTx, response: Response, now: float) -> None:
        """A final response ends it."""
        if response.status >= 200:
            self._core.tell(OutsideEnded(tx.leg, response.status, response))

    def unanswered(self, tx: ClientTx, now: float, transport_failed: bool) -> None:
        """Nobody is there."""
        self._core.tell(OutsideEnded(tx.leg, None))
