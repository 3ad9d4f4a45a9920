"""How good a call must have sounded: the E-model of ITU-T G.107, cut down to what RTP and RTCP tell.

    R   = 93.2 - Id - Ie
    Id  = 0.024 Ta + 0.11 (Ta - 177.3) for what of it is positive        Ta: milliseconds from mouth to ear
    Ie  = 95 P / (P + 25.1)                                              P: percent of packets lost
    MOS = 1 + 0.035 R + R (R - 60) (100 - R) 7 / 1000000, within 1 and 4.5

93.2 is the recommendation's R of a line without flaws of ours. Id is the usual approximation of its delay terms by two
straight lines. 25.1 is the robustness of G.711 whose losses are concealed (G.113 Appendix I), losses taken as random.
Ta is half the round trip, 20 ms of packet, and twice the jitter, which is what a listener's buffer waits.

It knows nothing of echo, noise, level, or of what the line beyond the party did. Losses in bursts sound worse than it
says, and a phone that conceals nothing much worse. Good for comparing lines and days, not for a single call's fame.
"""

from __future__ import annotations

from typing import Final

RATING_MAX: Final = 93.2
MOS_MAX: Final = 4.41
"""What G.711 without loss and delay reaches."""
_LOSS_ROBUSTNESS: Final = 25.1
_PACKET_MS: Final = 20.0
_DELAY_KNEE_MS: Final = 177.3


def rating(loss_percent: float, delay_ms: float) -> float:
    """R of a loss (0-100) and a delay from mouth to ear."""
    delay = 0.024 * delay_ms + 0.11 * max(delay_ms - _DELAY_KNEE_MS, 0.0)
    loss = 95.0 * loss_percent / (loss_percent + _LOSS_ROBUSTNESS)
    return RATING_MAX - delay - loss


def mean_opinion(r: float) -> float:
    """The mean opinion score of an R (G.107 annex B), 1 to 4.5."""
    if r <= 0:
        return 1.0
    if r >= 100:
        return 4.5
    return max(1.0, 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6)


def estimate(received: int, lost: int, jitter_ms: float, round_trip_ms: float | None) -> float | None:
    """The score of one direction, two decimals; None when nothing of it is known. Counts are packets."""
    expected = received + max(lost, 0)
    if expected <= 0:
        return None
    delay_ms = (round_trip_ms or 0.0) / 2 + _PACKET_MS + 2 * jitter_ms
    return round(mean_opinion(rating(100 * max(lost, 0) / expected, delay_ms)), 2)
