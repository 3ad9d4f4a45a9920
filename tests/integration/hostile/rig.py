"""Peers of plain sockets for hostile tests: nothing of the SIP core is in them, so nothing of it is taken on trust.

A `Peer` is a UDP socket that keeps what it gets and lets a behaviour answer requests. A `Caller` makes calls by hand,
a `Voice` speaks numbered frames and knows which it has heard of another voice, a `GoodCall` is both of them twice: a
call that must not be disturbed.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import socket
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, Final, Self

from trunkline.codec.rtp import RtpError, RtpPacket, pack, parse
from trunkline.testing.hostile import KnownCall
from trunkline.testing.ports import HOST, free_block
from trunkline.testing.switch import SwitchProcess

GOOD: Final = "+18335550100"
SINK: Final = "+18335550199"
"""A number of a paused campaign: its calls are taken, journalled and refused."""
WAIT_S: Final = 10.0
FRAME: Final = 160
FRAME_S: Final = 0.02

_serial = itertools.count(1)


# -- configuration -------------------------------------------------------------------------------------------------


def configuration(
    *targets: dict[str, Any], nodes: dict[str, Any] | None = None, allow: str = "127.0.0.1/32", **plan: Any
) -> str:
    """`GOOD` is offered to `targets` in their order; `nodes` is the flow before that, beginning at `start`."""
    routes = [{"target": each["key"], "priority": place + 1, "price": "20.00"} for place, each in enumerate(targets)]
    conversion = {"call": {"event": "connect"}}
    whole: dict[str, Any] = {
        "version": 1,
        "account": {"key": "acme", "currency": "USD", "timezone": "America/New_York"},
        "publishers": [{"key": "adwave"}],
        "campaigns": [
            {"key": "good", "flow": "intake", "plan": "good", "conversion": conversion},
            {"key": "sink", "flow": "intake", "plan": "good", "conversion": conversion, "paused": True},
        ],
        "numbers": [
            {"number": GOOD, "campaign": "good", "publisher": "adwave"},
            {"number": SINK, "campaign": "sink", "publisher": "adwave"},
        ],
        "buyers": [{"key": each["key"]} for each in targets],
        "targets": [{"buyer": each["key"], **each} for each in targets],
        "plans": [
            {
                "key": "good",
                "max_offers": 50,
                "tiers": [{"key": "only", "method": "priority", "routes": routes}],
                **plan,
            }
        ],
        "flows": [{"key": "intake", "start": "start", "nodes": nodes or {"start": {"route": {}}}}],
        "trunks": [{"key": "carrier", "allow": [allow], "default_country": "US", "same_caller_seconds": 0}],
    }
    return json.dumps(whole, indent=1)


# -- SIP -----------------------------------------------------------------------------------------------------------


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
        self._behave = behave
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
            if message.status == 0 and self._behave is not None:
                self._behave(self, message)
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
        self, switch: SwitchProcess, number: str = GOOD, body: bytes | None = None, caller: str = "+15125550100"
    ) -> Outgoing:
        """Send an INVITE."""
        return Outgoing(self, switch, number, sdp(9) if body is None else body, caller).invite()

    def refused(self, switch: SwitchProcess, number: str = GOOD, body: bytes | None = None) -> int:
        """Call, and give the status of the final response."""
        return self.call(switch, number, body).final().status


# -- audio ---------------------------------------------------------------------------------------------------------


def frame(name: str, number: int) -> bytes:
    """The µ-law codes of one frame: no two are alike, so each says who spoke it and when."""
    return hashlib.shake_128(f"{name} {number}".encode()).digest(FRAME)


class Voice:
    """Speaks frame after frame from `connect` on, 20 ms each, and notes which frames of `of` it hears."""

    def __init__(self, name: str, of: str) -> None:
        self.name = name
        self.of = of
        self.port = free_block(2)
        self.said = 0
        self.heard: list[int] = []
        self.foreign = 0
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((HOST, self.port))
        self._socket.settimeout(0.05)
        self._target: int | None = None
        self._closing = threading.Event()
        self._expected: dict[bytes, int] = {}
        self._threads = [threading.Thread(target=self._speak), threading.Thread(target=self._listen)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        for thread in self._threads:
            thread.join()
        self._socket.close()

    def connect(self, port: int) -> None:
        """Speak to a port of the switch from now on."""
        self._target = port

    def send(self, datagram: bytes) -> None:
        """Send something else from this very port."""
        assert self._target is not None
        self._socket.sendto(datagram, (HOST, self._target))

    def _speak(self) -> None:
        due = time.monotonic()
        while not self._closing.wait(max(0.0, due - time.monotonic())):
            due += FRAME_S
            if self._target is None:
                continue
            number = self.said
            packet = RtpPacket(0, number & 0xFFFF, number * FRAME, self.port, frame(self.name, number), number == 0)
            self._socket.sendto(pack(packet), (HOST, self._target))
            self.said += 1

    def _listen(self) -> None:
        known = 0
        while not self._closing.is_set():
            try:
                packet = parse(self._socket.recv(2_000))
            except (TimeoutError, ConnectionRefusedError, RtpError):
                continue
            while packet.payload not in self._expected and known < len(self.heard) + 3_000:
                self._expected[frame(self.of, known)] = known
                known += 1
            number = self._expected.get(packet.payload)
            if number is None:
                self.foreign += 1
            else:
                self.heard.append(number)


class GoodCall:
    """A caller and a buyer who talk; `check` says whether they still hear exactly each other."""

    def __init__(self, caller: Caller, switch: SwitchProcess, voices: tuple[Voice, Voice], buyer: Peer) -> None:
        self.switch = switch
        self.buyer = buyer
        self.voices = voices
        before = len(buyer.got("INVITE"))
        self.call = caller.call(switch, body=sdp(voices[0].port))
        self.call.connect()
        self.invite = buyer.wait(lambda m: m.method == "INVITE" and not m.status, "INVITE", count=before + 1)
        answer = self.call.final()
        voices[0].connect(answer.audio_port)
        voices[1].connect(self.invite.audio_port)
        self.ports = (answer.audio_port, self.invite.audio_port)
        self.talk(10)

    def talk(self, frames: int) -> None:
        """Wait until each has heard so many further frames of the other."""
        wanted = [len(voice.heard) + frames for voice in self.voices]
        self.switch.until(
            lambda: all(len(voice.heard) >= count for voice, count in zip(self.voices, wanted, strict=True)),
            "the good call's parties to hear each other",
        )

    def check(self) -> None:
        """They hear each other bit for bit, in order, and nobody else; the call is alive.

        Only what the kernel threw away because a socket's buffer was full may be missing.
        """
        self.talk(10)
        thrown_away = sum(kernel_drops(port) for port in (*self.ports, *(voice.port for voice in self.voices)))
        for voice in self.voices:
            heard = list(voice.heard)
            assert voice.foreign == 0, f"{voice.name} heard {voice.foreign} frames of somebody else"
            assert heard == sorted(set(heard)), f"{voice.name} heard frames twice or out of order"
            missing = heard[-1] - heard[0] + 1 - len(heard)
            assert missing <= thrown_away, f"{voice.name} missed {missing} of {len(heard)} frames"
        assert not self.buyer.got("BYE"), "the switch hung up"

    def hang_up(self) -> None:
        """The caller ends it, and the buyer is told."""
        self.call.hang_up()
        self.buyer.wait(lambda m: m.method == "BYE" and not m.status, "BYE to the good buyer")


def kernel_drops(port: int) -> int:
    """Datagrams to a UDP port that the kernel had no room for."""
    with open("/proc/net/udp", encoding="ascii") as file:
        rows = [line.split() for line in file][1:]
    return sum(int(row[-1]) for row in rows if int(row[1].partition(":")[2], 16) == port)


def rss_mb(pid: int) -> float:
    """Resident memory of a process."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS:")) / 1024


def ping(peer: Peer, switch: SwitchProcess) -> None:
    """Wait until the switch has taken everything sent before from this peer: it answers an OPTIONS behind it."""
    probe = Outgoing(peer, switch, "ping", b"", "ping")
    probe.send("OPTIONS")
    probe.final(method="OPTIONS")
