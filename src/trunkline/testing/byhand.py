"""SIP peers of plain sockets: nothing of the SIP core is in them, so nothing of it is taken on trust.

A `Peer` is a UDP socket that keeps what it gets and lets a behaviour answer requests. A `Caller` makes calls by hand,
each message of an `Outgoing` as its test wants it. For hostile tests; for friendly ones see `trunkline.testing.peers`.
"""

from __future__ import annotations

import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, Final, Self

from trunkline.testing.hostile import KnownCall
from trunkline.testing.ports import HOST
from trunkline.testing.switch import SwitchProcess

NUMBER: Final = "+18335550100"
WAIT_S: Final = 10.0

_serial = itertools.count(1)


def sdp(port: int, host: str = HOST, payloads: str = "0 101") -> bytes:
    """A sound session description."""
    return (
        f"v=0\r\no=- 1 1 IN IP4 {HOST}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\nm=audio {port} RTP/AVP {payloads}\r\n"
        "a=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n"
    ).encode()


class Message:
    """A received SIP message, read as simply as can be."""

    def __init__(self, data: bytes, source: tuple[str, int]) -> None:
        head, _, self.body = data.partition(b"\r\n\r\n")
        self.start, *lines = head.decode("utf-8", "replace").split("\r\n")
        pairs = (line.partition(":") for line in lines)
        self.headers = [(name.strip().lower(), value.strip()) for name, _, value in pairs]
        self.source = source
        self.status = int(self.start.split(" ")[1]) if self.start.startswith("SIP/2.0 ") else 0
        self.method = self["cseq"].rpartition(" ")[2] if self.status else self.start.partition(" ")[0]

    def __getitem__(self, name: str) -> str:
        return next((value for key, value in self.headers if key == name), "")

    def __repr__(self) -> str:
        return f"<{self.start} {self['cseq']} {self['call-id']}>"

    def all(self, name: str) -> list[str]:
        """All values of a header."""
        return [value for key, value in self.headers if key == name]

    def tag(self, name: str) -> str:
        """The tag of From or To."""
        return self[name].partition(";tag=")[2].partition(";")[0]

    @property
    def audio_port(self) -> int:
        """The port of the first audio line."""
        return int(self.body.split(b"m=audio ", 1)[1].split(b" ", 1)[0])


Behaviour = Callable[["Peer", Message], None]


class Peer:
    """A UDP socket with a thread that reads it. `inbox` is all that came, oldest first."""

    def __init__(self, behave: Behaviour | None = None, host: str = HOST) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.socket.bind((host, 0))
        self.socket.settimeout(0.05)
        self.host = host
        self.port: int = self.socket.getsockname()[1]
        self.inbox: list[Message] = []
        self.tag = f"t{next(_serial)}"
        self.keep: Callable[[Message], bool] = lambda _message: True
        self.behave = behave
        self._news = threading.Condition()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._read)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._thread.join()
        self.socket.close()

    def target(self, key: str, **fields: Any) -> dict[str, Any]:
        """A target of the configuration that dials this peer."""
        return {"key": key, "dial": f"sip:{key}@{self.host}:{self.port}", **fields}

    def send(self, data: bytes, to: tuple[str, int]) -> None:
        """Send one datagram as it is."""
        self.socket.sendto(data, to)

    def wait(self, wanted: Callable[[Message], object], what: str, seconds: float = WAIT_S, count: int = 1) -> Message:
        """The `count`th message that is wanted, at once when it has come already."""
        deadline = time.monotonic() + seconds
        with self._news:
            while True:
                found = [message for message in self.inbox if wanted(message)]
                if len(found) >= count:
                    return found[count - 1]
                left = deadline - time.monotonic()
                assert left > 0, f"no {what} within {seconds:g} s; came: {self.inbox[-30:]}"
                self._news.wait(left)

    def got(self, method: str, status: int = 0) -> list[Message]:
        """Requests, or responses to requests, of a method."""
        return [message for message in list(self.inbox) if (message.method, message.status) == (method, status)]

    def reply(self, request: Message, status: int, **parts: Any) -> None:
        """Answer a request; `parts` as for `response`."""
        self.send(self.response(request, status, **parts), request.source)

    def response(
        self, request: Message, status: int, *, tag: str = "", body: bytes = b"", headers: Iterable[str] = ()
    ) -> bytes:
        """A response to a request."""
        to = request["to"] if ";tag=" in request["to"] else f"{request['to']};tag={tag or self.tag}"
        lines = [f"SIP/2.0 {status} Whatever", *(f"Via: {via}" for via in request.all("via"))]
        lines += [f"From: {request['from']}", f"To: {to}", f"Call-ID: {request['call-id']}", f"CSeq: {request['cseq']}"]
        lines += [f"Contact: <sip:peer@{self.host}:{self.port}>", *headers, f"Content-Length: {len(body)}"]
        lines += ["Content-Type: application/sdp"] if body else []
        return "\r\n".join([*lines, "", ""]).encode() + body

    def _read(self) -> None:
        while not self._closing.is_set():
            try:
                data, source = self.socket.recvfrom(65_535)
            except TimeoutError:
                continue
            except ConnectionRefusedError:
                continue  # the switch is gone already
            message = Message(data, source)
            if message.status == 0 and self.behave is not None:
                self.behave(self, message)
            if self.keep(message):
                with self._news:
                    self.inbox.append(message)
                    self._news.notify_all()


def answers(voice_port: int = 0, body: bytes | None = None) -> Behaviour:
    """A buyer that rings and picks up at once. Each request is answered once for every copy of it."""

    def behave(peer: Peer, request: Message) -> None:
        if request.method == "INVITE":
            peer.reply(request, 180)
            peer.reply(request, 200, body=sdp(voice_port or 9) if body is None else body)
        elif request.method in ("BYE", "CANCEL", "INFO"):
            peer.reply(request, 200)

    return behave


class Outgoing:
    """One call of a `Caller`, each message by hand."""

    def __init__(self, peer: Peer, switch: SwitchProcess, number: str, body: bytes, caller: str) -> None:
        self.peer = peer
        self.switch = (HOST, switch.sip_port)
        self.number = number
        self.caller = caller
        self.call_id = f"call-{next(_serial)}-{peer.port}"
        self.branch = f"z9hG4bK{self.call_id}"
        self.tag = f"f{next(_serial)}"
        self.to_tag = ""
        self.sequence = 1
        self.body = body

    def request(self, method: str, **changes: Any) -> bytes:
        """A request of this call. `changes`: sequence, branch, from_tag, to_tag, call_id, body, headers."""
        body: bytes = changes.get("body", b"")
        to_tag = changes.get("to_tag", self.to_tag)
        here = f"{self.peer.host}:{self.peer.port}"
        branch = changes.get("branch", f"z9hG4bK{next(_serial)}-{self.peer.port}")
        lines = [
            f"{method} sip:{self.number}@{HOST} SIP/2.0",
            f"Via: SIP/2.0/UDP {here};branch={branch}",
            f"From: <sip:{self.caller}@{here}>;tag={changes.get('from_tag', self.tag)}",
            f"To: <sip:{self.number}@{HOST}>" + (f";tag={to_tag}" if to_tag else ""),
            f"Call-ID: {changes.get('call_id', self.call_id)}",
            f"CSeq: {changes.get('sequence', self.sequence)} {method}",
            f"Contact: <sip:caller@{here}>",
            "Max-Forwards: 70",
            *changes.get("headers", ()),
            *(["Content-Type: application/sdp"] if body and "headers" not in changes else []),
            f"Content-Length: {len(body)}",
        ]
        return "\r\n".join([*lines, "", ""]).encode() + body

    def send(self, method: str, **changes: Any) -> None:
        """Send a request of this call."""
        self.peer.send(self.request(method, **changes), self.switch)

    def next(self, method: str, **changes: Any) -> Message:
        """Send the next request of the dialog; its final response."""
        self.sequence += 1
        self.send(method, **changes)
        return self.final(self.sequence, method)

    def invite(self) -> Self:
        """Send the INVITE."""
        self.send("INVITE", branch=self.branch, body=self.body)
        return self

    def mine(self, message: Message) -> bool:
        """Whether a message belongs to this call."""
        return message["call-id"] == self.call_id

    def final(self, sequence: int = 1, method: str = "INVITE") -> Message:
        """The final response to the request with this number; a refused INVITE is acknowledged."""
        found = self.peer.wait(
            lambda m: self.mine(m) and m.status >= 200 and m["cseq"] == f"{sequence} {method}",
            f"final response to {method} {sequence} of {self.call_id}",
        )
        if found.method == "INVITE" and found.status >= 300:
            branch = self.branch if sequence == 1 else found["via"].partition("branch=")[2].partition(";")[0]
            self.send("ACK", sequence=sequence, branch=branch, to_tag=found.tag("to"))
        return found

    def connect(self) -> Message:
        """Wait for the 200 and acknowledge it."""
        found = self.final()
        assert found.status == 200, found
        self.to_tag = found.tag("to")
        self.send("ACK", sequence=1)
        return found

    def hang_up(self) -> None:
        """BYE."""
        assert self.next("BYE").status == 200

    def known(self) -> KnownCall:
        """What an eavesdropper sees of it."""
        return KnownCall(self.call_id, self.tag, self.to_tag, self.branch)


class Caller(Peer):
    """A peer that calls."""

    def __init__(self, host: str = HOST) -> None:
        super().__init__(self._answer, host)

    @staticmethod
    def _answer(peer: Peer, request: Message) -> None:
        if request.method != "ACK":
            peer.reply(request, 200)

    def call(
        self, switch: SwitchProcess, number: str = NUMBER, body: bytes | None = None, caller: str = "+15125550100"
    ) -> Outgoing:
        """Send an INVITE."""
        return Outgoing(self, switch, number, sdp(9) if body is None else body, caller).invite()

    def refused(self, switch: SwitchProcess, number: str = NUMBER, body: bytes | None = None) -> int:
        """Call, and give the status of the final response."""
        return self.call(switch, number, body).final().status


def ping(peer: Peer, switch: SwitchProcess) -> None:
    """Wait until the switch has taken everything sent before from this peer: it answers an OPTIONS behind it."""
    probe = Outgoing(peer, switch, "ping", b"", "ping")
    probe.send("OPTIONS")
    probe.final(method="OPTIONS")
