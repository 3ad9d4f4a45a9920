"""What comes in on a leg, counted as RFC 3550 appendix A says: sequence, loss, jitter, and the report block of it."""

from __future__ import annotations

from typing import Final

from trunkline.codec.g711 import SAMPLE_RATE_HZ
from trunkline.codec.rtcp import ReportBlock, SenderInfo, ntp_middle

_DROPOUT_MAX: Final = 3000
"""A jump forward of more packets than this (a minute) is a sender that started anew, not loss (appendix A.1)."""
_MISORDER_MAX: Final = 100
"""A packet this far behind is late; further behind, the sender started anew."""


class Inbound:
    """The reception statistics of one leg. Loss of earlier SSRCs is carried over, so the leg's totals stay true."""

    __slots__ = (
        "_base",
        "_cycles",
        "_highest",
        "_jitter",
        "_lost_before",
        "_received",
        "_reported_expected",
        "_reported_received",
        "_sr_at",
        "_sr_ntp",
        "_transit",
        "late_or_duplicate",
        "octets",
        "packets",
        "ssrc",
    )

    def __init__(self) -> None:
        self.ssrc = -1
        self.packets = 0
        self.octets = 0
        self.late_or_duplicate = 0
        self._lost_before = 0
        self._clear()

    def _clear(self) -> None:
        self._base = self._highest = self._cycles = self._received = 0
        self._reported_expected = self._reported_received = 0
        self._jitter = 0.0
        self._transit: float | None = None
        self._sr_ntp = 0
        self._sr_at = 0.0

    def begin(self, ssrc: int, sequence: int) -> None:
        """A new source speaks: its first packet is still to be given to `count`."""
        if self.ssrc >= 0:
            self._lost_before += self._lost_now()
        self._clear()
        self.ssrc = ssrc
        self._base = self._highest = sequence
        # `count` sees the first packet as no duplicate because the highest stands one before it.
        self._highest = (sequence - 1) & 0xFFFF
        self._cycles = -0x10000 if self._highest > sequence else 0

    def count(self, sequence: int, timestamp: int, size: int, now: float) -> bool:
        """Count one packet of the current source. False when its sequence says that the sender started anew."""
        ahead = (sequence - self._highest) & 0xFFFF
        if 0 < ahead < _DROPOUT_MAX:
            if sequence < self._highest:
                self._cycles += 0x10000
            self._highest = sequence
            transit = now * SAMPLE_RATE_HZ - timestamp
            if self._transit is not None:
                # A wrapped timestamp shows as a jump of 2^32 and is no jitter.
                difference = abs(transit - self._transit)
                if difference < 0x80000000:
                    self._jitter += (difference - self._jitter) * 0.0625
            self._transit = transit
        elif ahead and ahead <= 0x10000 - _MISORDER_MAX:
            return False
        else:
            self.late_or_duplicate += 1
        self._received += 1
        self.packets += 1
        self.octets += size
        return True

    def sender_report(self, sender: SenderInfo, now: float) -> None:
        """Remember when the peer's SR came, for the round trip it will compute from our next report."""
        if sender.ssrc == self.ssrc:
            self._sr_ntp, self._sr_at = ntp_middle(sender.ntp), now

    def block(self, now: float) -> ReportBlock | None:
        """What we say of the source in our next report (section 6.4.1), or None when nothing came yet."""
        if self.ssrc < 0:
            return None
        expected = self._expected()
        interval_expected = expected - self._reported_expected
        interval_lost = interval_expected - (self._received - self._reported_received)
        self._reported_expected, self._reported_received = expected, self._received
        fraction = (interval_lost << 8) // interval_expected if interval_expected and interval_lost > 0 else 0
        delay = round((now - self._sr_at) * 65536) & 0xFFFFFFFF if self._sr_ntp else 0
        return ReportBlock(
            self.ssrc,
            min(fraction, 255),
            expected - self._received,
            (self._cycles + self._highest) & 0xFFFFFFFF,
            int(self._jitter),
            self._sr_ntp,
            delay,
        )

    @property
    def lost(self) -> int:
        """Packets that never came, over all sources."""
        return self._lost_before + self._lost_now()

    @property
    def jitter_ms(self) -> float:
        """Interarrival jitter of the current source."""
        return self._jitter * 1000 / SAMPLE_RATE_HZ

    def _expected(self) -> int:
        return self._cycles + self._highest - self._base + 1

    def _lost_now(self) -> int:
        return max(self._expected() - self._received, 0) if self.ssrc >= 0 else 0
