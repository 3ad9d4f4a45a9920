"""RTCP: sender and receiver reports, SDES CNAME and BYE (RFC 3550 section 6).

`parse` takes a compound packet to pieces and keeps what a relay needs: the reports on what it sent, the sender's
clock, and goodbyes. Packet types it does not know are stepped over, as the RFC asks.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Final

SR: Final = 200
RR: Final = 201
SDES: Final = 202
BYE: Final = 203
SIZE_MAX: Final = 1500
_CNAME: Final = 1
_NTP_EPOCH_OFFSET_S: Final = 2208988800
"""Seconds from 1900, where NTP begins, to 1970."""

_HEAD = struct.Struct("!BBH")
_SENDER = struct.Struct("!IQIII")
_BLOCK = struct.Struct("!IIIIII")


class RtcpError(ValueError):
    """A datagram is not a compound RTCP packet. The argument is a short reason, good as a counter's label."""


@dataclass(frozen=True, slots=True)
class ReportBlock:
    """What a receiver says of one source: `fraction_lost` in 1/256, jitter in timestamp units, delays in 1/65536 s."""

    ssrc: int
    fraction_lost: int
    lost: int
    highest_sequence: int
    jitter: int
    last_sr: int = 0
    delay_since_last_sr: int = 0


@dataclass(frozen=True, slots=True)
class SenderInfo:
    """A sender's clock and counts: `ntp` is 32.32 fixed-point seconds since 1900."""

    ssrc: int
    ntp: int
    timestamp: int
    packets: int
    octets: int


@dataclass(slots=True)
class Compound:
    """What one datagram said."""

    sender: SenderInfo | None = None
    blocks: list[ReportBlock] = field(default_factory=list)
    byes: list[int] = field(default_factory=list)


def ntp_time(utc_s: float) -> int:
    """NTP's 32.32 fixed point of a UNIX time in seconds."""
    return int((utc_s + _NTP_EPOCH_OFFSET_S) * 0x1_0000_0000) & 0xFFFFFFFF_FFFFFFFF


def ntp_middle(ntp: int) -> int:
    """The middle 32 bits of an NTP time, the form in which reports quote it."""
    return (ntp >> 16) & 0xFFFFFFFF


def round_trip_s(now_ntp: int, block: ReportBlock) -> float | None:
    """Round-trip time from a report on our own stream (section 6.4.1), or None when it has no SR to refer to."""
    if block.last_sr == 0:
        return None
    units = (ntp_middle(now_ntp) - block.last_sr - block.delay_since_last_sr) & 0xFFFFFFFF
    # A peer that rounds its delay up makes the difference negative: that is zero, not eighteen hours.
    return 0.0 if units & 0x80000000 else units / 65536


def pack_report(ssrc: int, sender: SenderInfo | None, blocks: list[ReportBlock], cname: str) -> bytes:
    """A compound packet: SR when `sender` is given, else RR, then SDES with the CNAME (at most 255 bytes)."""
    assert len(blocks) <= 31
    body = b"".join(_pack_block(block) for block in blocks)
    if sender is None:
        report = _packet(RR, len(blocks), ssrc.to_bytes(4) + body)
    else:
        head = _SENDER.pack(ssrc, sender.ntp, sender.timestamp, sender.packets & 0xFFFFFFFF, sender.octets & 0xFFFFFFFF)
        report = _packet(SR, len(blocks), head + body)
    return report + _pack_cname(ssrc, cname)


def pack_bye(ssrc: int) -> bytes:
    """A BYE for one source; it must follow a report in the same datagram (section 6.1)."""
    return _packet(BYE, 1, ssrc.to_bytes(4))


def parse(datagram: bytes) -> Compound:
    """Read a compound packet. Raises `RtcpError` for one that is not well-formed by section A.2."""
    if len(datagram) > SIZE_MAX:
        raise RtcpError("long")
    result = Compound()
    position = 0
    while position < len(datagram):
        if position + 4 > len(datagram):
            raise RtcpError("short")
        first, kind, words = _HEAD.unpack_from(datagram, position)
        if first >> 6 != 2:
            raise RtcpError("version")
        if position == 0 and kind not in (SR, RR):
            raise RtcpError("first packet")
        end = position + 4 + 4 * words
        if end > len(datagram):
            raise RtcpError("length")
        _read(kind, first & 0x1F, datagram[position + 4 : end], result)
        position = end
    if not datagram:
        raise RtcpError("short")
    return result


def _read(kind: int, count: int, body: bytes, result: Compound) -> None:
    if kind in (SR, RR):
        start = _SENDER.size if kind == SR else 4
        if len(body) < start + count * _BLOCK.size:
            raise RtcpError("report")
        if kind == SR:
            result.sender = SenderInfo(*_SENDER.unpack_from(body))
        result.blocks += [_parse_block(body, start + n * _BLOCK.size) for n in range(count)]
    elif kind == BYE:
        if len(body) < 4 * count:
            raise RtcpError("bye")
        result.byes += [int.from_bytes(body[4 * n : 4 * n + 4]) for n in range(count)]


def _packet(kind: int, count: int, body: bytes) -> bytes:
    assert len(body) % 4 == 0
    return _HEAD.pack(0x80 | count, kind, len(body) // 4) + body


def _pack_cname(ssrc: int, cname: str) -> bytes:
    name = cname.encode()
    assert len(name) <= 255
    chunk = ssrc.to_bytes(4) + bytes((_CNAME, len(name))) + name
    # The chunk ends with at least one zero and on a word boundary (section 6.5).
    return _packet(SDES, 1, chunk + bytes(4 - len(chunk) % 4))


def _pack_block(block: ReportBlock) -> bytes:
    # The cumulative count is 24 bits and signed: duplicates can make it negative.
    lost = max(-0x800000, min(block.lost, 0x7FFFFF)) & 0xFFFFFF
    word = (block.fraction_lost & 0xFF) << 24 | lost
    jitter = min(block.jitter, 0xFFFFFFFF)
    return _BLOCK.pack(block.ssrc, word, block.highest_sequence, jitter, block.last_sr, block.delay_since_last_sr)


def _parse_block(body: bytes, offset: int) -> ReportBlock:
    ssrc, word, highest, jitter, last_sr, delay = _BLOCK.unpack_from(body, offset)
    lost = word & 0xFFFFFF
    return ReportBlock(ssrc, word >> 24, lost - 0x1000000 if lost & 0x800000 else lost, highest, jitter, last_sr, delay)
