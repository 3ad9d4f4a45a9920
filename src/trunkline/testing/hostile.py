"""Hostile traffic, drawn from a seed so that whatever it breaks can be broken again: SIP, SDP, RTP, RTCP.

    hostile = Hostile(seed=7, aim=Aim(number="+18335550100", host="127.0.0.1", port=5080))
    for _ in range(20_000):
        socket.sendto(hostile.sip(), switch)

Nothing here is sent: the caller has the socket, the pace and the permission. Aim it at machines of your own only.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from typing import Final

import msgspec

from trunkline.codec.dtmf import Event, pack_event
from trunkline.codec.rtp import RtpPacket, pack

METHODS: Final = ("INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "INFO", "UPDATE", "REGISTER", "PRACK", "invite", "X")
HOSTS: Final = (
    "127.0.0.1", "255.255.255.255", "0.0.0.0", "224.0.0.1", "239.255.255.255", "256.1.1.1", "1.2.3", "localhost",
    "[::1]", "[::]", "[fe80::1%25eth0]", "[fe80::1%eth0]", "fe80::1", "[ff02::1]", "a" * 300, "-", "..", "[", "]",
    "xn--zzzz.invalid", "127.0.0.1%00", "0x7f000001", "127.1", "\u0661\u0662\u0667.0.0.1",
)  # fmt: skip
PORTS: Final = ("", ":0", ":1", ":65535", ":65536", ":99999999", ":-1", ":5060:5060", ":" + "9" * 5_000, ":a", ":")
BREAKS: Final = ("\r\n", "\n", "\r", "\0", "\r\n\r\n", "\n\n", "\r\n ", "\r\n\t", "%0d%0a", "\u2028", "\x0b", "\x85")
NUMBERS: Final = ("", "0", "-1", "+1", "1.5", "2147483648", "99999999999", "9" * 5_000, "\u0661", "0x10", " ", "1 1")
STATUSES: Final = ("100", "180", "183", "200", "202", "302", "401", "407", "481", "486", "500", "503", "603", "699",
                   "000", "099", "700", "999", "20", "2000", "-200", "abc", "")  # fmt: skip
HEADERS: Final = (
    "Via", "From", "To", "Call-ID", "CSeq", "Contact", "Max-Forwards", "Content-Type", "Content-Length", "Require",
    "Route", "Record-Route", "Reason", "Retry-After", "Supported", "User-Agent", "v", "f", "t", "i", "m", "l", "c",
)  # fmt: skip
SDP_LINES: Final = (
    "v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0", "m=audio 40000 RTP/AVP 0 8 101",
    "a=rtpmap:0 PCMU/8000", "a=rtpmap:101 telephone-event/8000", "a=ptime:20", "a=sendrecv",
)  # fmt: skip
SDP_DAMAGE: Final = (
    "m=audio 0 RTP/AVP 0", "m=audio 65536 RTP/AVP 0", "m=audio 99999999 RTP/AVP 0", "m=audio -1 RTP/AVP 0",
    "m=audio 40000/9999 RTP/AVP 0", "m=audio 40000 RTP/SAVP 0", "m=audio 40000 RTP/AVP 18", "m=audio 40000 RTP/AVP",
    "m=audio 40000 RTP/AVP 0 m=audio 40002 RTP/AVP 0", "m=video 40000 RTP/AVP 31", "m=", "m=audio",
    "c=IN IP4 255.255.255.255", "c=IN IP4 224.2.1.1/127", "c=IN IP6 fe80::1%eth0", "c=IN IP6 127.0.0.1", "c=",
    "c=IN IP4 localhost", "c=IN IP4 0.0.0.0", "a=rtpmap:0 PCMU/0", "a=rtpmap:999 PCMU/8000", "a=rtpmap:", "a=inactive",
    "a=ptime:-20", "a=ptime:99999",
    "a=" + "x" * 4_000, "o=", "v=1", "t=" + "9" * 5_000, "=", "\0", "k=clear:x", "zz", "a=fmtp:101 0-99999999",
)  # fmt: skip

SIP_MAX: Final = 60_000
"""Bytes of the largest SIP datagram, below what UDP carries."""
MEDIA_MAX: Final = 3_000
"""Bytes of a giant media datagram. Larger ones fill a socket's buffer by themselves, which proves nothing."""


class KnownCall(msgspec.Struct, frozen=True):
    """What an eavesdropper may know of a call that goes on. Of the tags only one is ever used right at a time."""

    call_id: str
    from_tag: str
    to_tag: str
    branch: str


class Aim(msgspec.Struct, frozen=True):
    """`number` is the one called, `host` and `port` are the sender's own, `calls` those to interfere with."""

    number: str
    host: str
    port: int
    calls: tuple[KnownCall, ...] = ()


class Hostile:
    """An endless source of hostile datagrams; the same for the same seed and aim."""

    def __init__(self, seed: int, aim: Aim) -> None:
        self._random = random.Random(seed)
        self._aim = aim
        self._recipes: tuple[Callable[[], bytes], ...] = (
            self._noise, self._truncated, self._flipped, self._oversized, self._crowded, self._injected,
            self._misaddressed, self._misnumbered, self._doubled, self._lacking, self._odd_body, self._stray_response,
            self._interference, self._plain,
        )  # fmt: skip

    # -- SIP -------------------------------------------------------------------------------------------------------

    def sip(self) -> bytes:
        """One datagram for a SIP port: damaged, misleading, or a sound request that nothing goes before."""
        return self._random.choice(self._recipes)()[:SIP_MAX]

    def damaged(self, datagram: bytes) -> bytes:
        """A sound SIP datagram of your own with something broken about it: it fits a transaction, and is not right."""
        draw = self._random
        kind = draw.randrange(6)
        if kind == 0:
            return datagram[: draw.randrange(len(datagram))]
        if kind == 1:
            whole = bytearray(datagram)
            for _ in range(draw.choice((1, 2, 8))):
                whole[draw.randrange(len(whole))] = draw.randrange(256)
            return bytes(whole)
        head, _, body = datagram.partition(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        place = draw.randrange(len(lines))
        if kind == 2:
            del lines[place]
        elif kind == 3:
            lines.append(lines[place])
        elif kind == 4:
            cut = draw.randrange(len(lines[place]) + 1)
            lines[place] = lines[place][:cut] + draw.choice(BREAKS).encode() + lines[place][cut:]
        else:
            name = lines[place].partition(b":")[0]
            value = draw.choice((*HOSTS, *NUMBERS, "<sip:x@" + draw.choice(HOSTS) + draw.choice(PORTS) + ">"))
            lines[place] = name + b": " + value.encode("utf-8", "surrogateescape")
        return (b"\r\n".join(lines) + b"\r\n\r\n" + body)[:SIP_MAX]

    def _token(self) -> str:
        return f"{self._random.getrandbits(48):x}"

    def _lines(self, method: str, body: bytes = b"") -> list[str]:
        """A sound request as lines, start line first."""
        aim = self._aim
        here = f"{aim.host}:{aim.port}"
        lines = [
            f"{method} sip:{aim.number}@127.0.0.1 SIP/2.0",
            f"Via: SIP/2.0/UDP {here};rport;branch=z9hG4bK{self._token()}",
            f"From: <sip:+15125550199@{here}>;tag={self._token()}",
            f"To: <sip:{aim.number}@127.0.0.1>",
            f"Call-ID: {self._token()}",
            f"CSeq: {self._random.randrange(1, 2**31)} {method}",
            f"Contact: <sip:x@{here}>",
            "Max-Forwards: 70",
            f"Content-Length: {len(body)}",
        ]
        return [*lines, "Content-Type: application/sdp"] if body else lines

    def _written(self, lines: list[str], body: bytes = b"") -> bytes:
        return "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape") + body

    def _request(self) -> list[str]:
        return self._lines(self._random.choice(METHODS))

    def _plain(self) -> bytes:
        return self._written(self._request())

    def _noise(self) -> bytes:
        return self._random.randbytes(self._random.choice((0, 1, 2, 4, 64, 700, 3_000)))

    def _truncated(self) -> bytes:
        whole = self._written(self._request())
        return whole[: self._random.randrange(len(whole))]

    def _flipped(self) -> bytes:
        whole = bytearray(self._written(self._request()))
        for _ in range(self._random.choice((1, 2, 8, 64))):
            whole[self._random.randrange(len(whole))] = self._random.randrange(256)
        return bytes(whole)

    def _oversized(self) -> bytes:
        lines = self._request()
        place = self._random.randrange(len(lines))
        filling = self._random.choice(("x", ",", ";", '"', "<", "(", "\\", ";a=b", ",<sip:a@b>", "%41", " "))
        lines[place] += filling * (self._random.choice((100, 3_000, 50_000)) // len(filling))
        return self._written(lines)

    def _crowded(self) -> bytes:
        lines, header = self._request(), self._random.choice(HEADERS)
        value = self._random.choice(("x", "SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKx", "<sip:a@127.0.0.1;lr>", "1"))
        return self._written(lines + [f"{header}: {value}"] * self._random.choice((2, 50, 127, 128, 129, 1_500)))

    def _injected(self) -> bytes:
        """A line break, or what might become one, in the middle of any header, with another header behind it."""
        lines = self._request()
        place = self._random.randrange(len(lines))
        line = lines[place]
        cut = self._random.randrange(len(line) + 1)
        smuggled = self._random.choice(("", "X-Evil: 1", "Via: SIP/2.0/UDP 9.9.9.9", "Contact: <sip:evil@9.9.9.9>"))
        lines[place] = line[:cut] + self._random.choice(BREAKS) + smuggled + line[cut:]
        return self._written(lines)

    def _misaddressed(self) -> bytes:
        host = self._random.choice(HOSTS) + self._random.choice(PORTS)
        lines = self._request()
        where = self._random.randrange(6)
        if where == 0:
            lines[1] = f"Via: SIP/2.0/UDP {host};branch=z9hG4bK{self._token()}"
        elif where == 1:
            lines[6] = f"Contact: <sip:x@{host}>"
        elif where == 2:
            lines[0] = f"{lines[0].split()[0]} sip:{self._aim.number}@{host} SIP/2.0"
        elif where == 3:
            lines.insert(2, f"Record-Route: <sip:{host};lr>, <sip:{host}>")
        elif where == 4:
            lines[1] += f";maddr={host};received={host};rport={host.rpartition(':')[2]}"
        else:
            lines[2] = f"From: <sip:{self._aim.number}@{host}>;tag={self._token()}"
        return self._written(lines)

    def _misnumbered(self) -> bytes:
        number, lines = self._random.choice(NUMBERS), self._request()
        which = self._random.randrange(4)
        if which == 0:
            lines[5] = f"CSeq: {number} {lines[0].split()[0]}"
        elif which == 1:
            lines[7] = f"Max-Forwards: {number}"
        elif which == 2:
            lines[8] = f"Content-Length: {number}"
        else:
            lines[5] = f"CSeq: 1 {self._random.choice(METHODS)}{number}"
        return self._written(lines)

    def _doubled(self) -> bytes:
        lines = self._request()
        return self._written([*lines, self._random.choice(lines[1:])])

    def _lacking(self) -> bytes:
        lines = self._request()
        for _ in range(self._random.choice((1, 2, 5))):
            del lines[self._random.randrange(len(lines))]
        return self._written(lines)

    def _odd_body(self) -> bytes:
        body = self.sdp()[: SIP_MAX - 1_000]
        lines = self._lines(self._random.choice(("INVITE", "INVITE", "UPDATE", "INFO", "ACK")), body)
        lines[-1] = "Content-Type: " + self._random.choice(
            ("application/sdp", "application/sdp", "multipart/mixed;boundary=x", "multipart/mixed", "text/plain", "")
        )
        return self._written(lines, body)

    def _stray_response(self) -> bytes:
        """A response that nobody asked for; to a call that goes on, its branch or its Call-ID may be right."""
        lines = self._lines(self._random.choice(METHODS[:5]))
        lines[0] = f"SIP/2.0 {self._random.choice(STATUSES)} Whatever"
        if self._aim.calls:
            call = self._random.choice(self._aim.calls)
            if self._random.random() < 0.5:
                lines[1] = f"Via: SIP/2.0/UDP 127.0.0.1:5060;branch={call.branch}"
            else:
                lines[4] = f"Call-ID: {call.call_id}"
            lines[3] += f";tag={self._random.choice((call.to_tag, call.from_tag, self._token()))}"
        return self._written(lines)

    def _interference(self) -> bytes:
        """A request that would end or change a call that goes on, but for one thing that is wrong about it."""
        if not self._aim.calls:
            return self._plain()
        call = self._random.choice(self._aim.calls)
        method = self._random.choice(("CANCEL", "BYE", "INVITE", "UPDATE", "INFO", "ACK"))
        tags = [call.from_tag, call.to_tag]
        tags[self._random.randrange(2)] = self._random.choice((self._token(), "", "x" * 500))
        lines = self._lines(method)
        lines[2] = f"{lines[2].partition(';tag=')[0]};tag={tags[0]}"
        lines[3] += f";tag={tags[1]}"
        lines[4] = f"Call-ID: {call.call_id}"
        return self._written(lines)

    # -- SDP -------------------------------------------------------------------------------------------------------

    def sdp(self) -> bytes:
        """A session description with something wrong; now and then a sound one."""
        draw, lines = self._random, list(SDP_LINES)
        for _ in range(draw.choice((0, 1, 1, 2, 4))):
            place = draw.randrange(len(lines))
            if draw.random() < 0.3:
                del lines[place]
            elif draw.random() < 0.5:
                lines[place] = draw.choice(SDP_DAMAGE)
            else:
                lines.insert(place, draw.choice(SDP_DAMAGE))
        if draw.random() < 0.1:
            lines += [draw.choice(SDP_LINES)] * draw.choice((20, 600, 3_000))
        text = draw.choice(("\r\n", "\r\n", "\n", "\r")).join([*lines, ""]).encode()
        return text[: draw.randrange(1, len(text))] if draw.random() < 0.1 else text

    # -- media -----------------------------------------------------------------------------------------------------

    def rtp(self) -> bytes:
        """A datagram for an RTP port that is no RTP of a codec we speak, whoever sends it."""
        draw = self._random
        head = struct.pack("!HII", draw.getrandbits(16), draw.getrandbits(32), draw.getrandbits(32))
        broken = (
            lambda: b"",
            lambda: draw.randbytes(draw.randrange(1, 12)),
            lambda: bytes((draw.choice((0x00, 0x40, 0xC0)), 0)) + head + draw.randbytes(160),
            lambda: bytes((0x80, draw.randrange(20, 96))) + head + draw.randbytes(160),
            lambda: bytes((0x80, 0)) + head + bytes(MEDIA_MAX - 12),
            lambda: bytes((0x80, 0)) + head,
            lambda: bytes((0x8F, 0)) + head + draw.randbytes(draw.randrange(60)),
            lambda: bytes((0x90, 0)) + head + b"\xbe\xde\xff\xff" + draw.randbytes(100),
            lambda: bytes((0xA0, 0)) + head + draw.randbytes(20) + bytes((draw.choice((0, 200)),)),
        )
        return draw.choice(broken)()

    def plausible_rtp(self) -> bytes:
        """A sound RTP packet of a codec we speak, or a key press, of a stream that nobody asked for."""
        draw = self._random
        kind = draw.choice((0, 8, 101))
        payload = (
            pack_event(Event(draw.randrange(16), draw.random() < 0.5, 800)) if kind == 101 else draw.randbytes(160)
        )
        numbers = draw.getrandbits(16), draw.getrandbits(32), draw.getrandbits(32)
        return pack(RtpPacket(kind, *numbers, payload, draw.random() < 0.5))

    def rtcp(self) -> bytes:
        """A datagram for an RTCP port: reports that lie about their length, goodbyes for everybody, noise."""
        draw = self._random
        report = bytes((0x80 | draw.randrange(32), draw.choice((200, 201)))) + struct.pack(
            "!H", draw.choice((0, 1, 6, 65_535))
        )
        goodbye = struct.pack("!BBHI", 0x81, 203, 1, draw.getrandbits(32))
        sound = struct.pack("!BBHI", 0x80, 201, 1, draw.getrandbits(32))
        return draw.choice((
            b"", draw.randbytes(draw.randrange(1, 40)), report + draw.randbytes(draw.choice((0, 4, 24, 744))),
            sound + goodbye, goodbye, bytes((0x00, 200, 0, 0)), sound + b"\x9f\xcb\xff\xff", bytes(MEDIA_MAX),
        ))  # fmt: skip
