"""RTCP of a leg: a report every five seconds, the party's reports read for the statistics, BYE at the end."""

from __future__ import annotations

from typing import Final

from trunkline.codec.g711 import SAMPLE_RATE_HZ
from trunkline.codec.rtcp import ntp_time, pack_bye, pack_report, parse, round_trip_s
from trunkline.media.embedded.leg import Leg

INTERVAL_S: Final = 5.0


def report(leg: Leg, cname: str, utc_s: float, now: float) -> bytes | None:
    """The report that is due: SR when we have sent, else RR; None when nothing has passed either way."""
    sender = leg.out.sender_info(ntp_time(utc_s), now)
    block = leg.inbound.block(now)
    if sender is None and block is None:
        return None
    return pack_report(leg.out.ssrc, sender, [] if block is None else [block], cname)


def goodbye(leg: Leg, cname: str, utc_s: float, now: float) -> bytes | None:
    """The last report with a BYE behind it."""
    last = report(leg, cname, utc_s, now)
    return None if last is None else last + pack_bye(leg.out.ssrc)


def hear(leg: Leg, datagram: bytes, utc_s: float, now: float) -> None:
    """Take in what the party reports. Raises `RtcpError` for what is no RTCP."""
    compound = parse(datagram)
    if compound.sender is not None:
        leg.inbound.sender_report(compound.sender, now)
    for block in compound.blocks:
        if block.ssrc == leg.out.ssrc:
            leg.remote_reports += 1
            leg.remote_lost = max(block.lost, 0)
            leg.remote_jitter_ms = block.jitter * 1000 / SAMPLE_RATE_HZ
            trip = round_trip_s(ntp_time(utc_s), block)
            if trip is not None:
                leg.round_trip_s = trip
