"""RTP packets (RFC 3550 section 5.1): parsing that trusts nothing, packing of the plain ones we send.

The 16-bit sequence and 32-bit timestamp arithmetic lives here too, because everything that looks at a stream needs it.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

HEADER = struct.Struct("!BBHII")
"""The fixed header: V/P/X/CC, M/PT, sequence, timestamp, SSRC."""

HEADER_SIZE: Final = 12
PACKET_SIZE_MAX: Final = 1500
PLAIN: Final = 0x80
"""First byte of a packet of version 2 without padding, extension or CSRC: all that phones normally send."""
MARKER: Final = 0x80

SEQUENCE_MASK: Final = 0xFFFF
TIMESTAMP_MASK: Final = 0xFFFFFFFF


class RtpError(ValueError):
    """A datagram is not an RTP packet. The argument is a short reason, good as a counter's label."""


@dataclass(frozen=True, slots=True)
class RtpPacket:
    """One packet: sequence 16 bits, timestamp and ssrc 32 bits, payload without padding."""

    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes
    marker: bool = False


def parse(datagram: bytes) -> RtpPacket:
    """Read one datagram, stepping over CSRCs and a header extension and cutting padding off. Raises `RtpError`."""
    payload = payload_of(datagram)
    _, second, sequence, timestamp, ssrc = HEADER.unpack_from(datagram)
    return RtpPacket(second & 0x7F, sequence, timestamp, ssrc, payload, bool(second & MARKER))


def payload_of(datagram: bytes) -> bytes:
    """The payload of a datagram, whatever optional parts its header has. Raises `RtpError`."""
    size = len(datagram)
    if size < HEADER_SIZE:
        raise RtpError("short")
    if size > PACKET_SIZE_MAX:
        raise RtpError("long")
    first = datagram[0]
    if first >> 6 != 2:
        raise RtpError("version")
    if first == PLAIN:
        return datagram[HEADER_SIZE:]
    start = HEADER_SIZE + 4 * (first & 0x0F)
    if first & 0x10:
        if start + 4 > size:
            raise RtpError("extension")
        start += 4 + 4 * int.from_bytes(datagram[start + 2 : start + 4])
    if start > size:
        raise RtpError("extension" if first & 0x10 else "csrc")
    end = size
    if first & 0x20:
        padding = datagram[-1]
        if padding == 0 or start + padding > size:
            raise RtpError("padding")
        end -= padding
    return datagram[start:end]


def pack(packet: RtpPacket) -> bytes:
    """The datagram of a packet, without padding, extension or CSRC."""
    second = packet.payload_type | MARKER if packet.marker else packet.payload_type
    return HEADER.pack(PLAIN, second, packet.sequence, packet.timestamp, packet.ssrc) + packet.payload


def sequence_distance(later: int, earlier: int) -> int:
    """How far `later` is ahead of `earlier`, -32768..32767, across the wrap."""
    return ((later - earlier + 0x8000) & SEQUENCE_MASK) - 0x8000


def timestamp_distance(later: int, earlier: int) -> int:
    """How many samples `later` is ahead of `earlier`, -2^31..2^31-1, across the wrap."""
    return ((later - earlier + 0x80000000) & TIMESTAMP_MASK) - 0x80000000
