"""What stands in a recording where packets were lost: the voice goes on as it was, and fades.

The way of G.711 Appendix I, by our own hand: the pitch of what was said last is found by correlation, and its last
period repeated, at full level for 10 ms and then a fifth less every 10 ms, so that after 60 ms there is silence. A
recording also knows what was said next: the last 10 ms of a gap are blended into that, run backwards in time, so no
edge is heard. What was received is never changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import mul
from typing import Final

HISTORY: Final = 320
"""Samples before the gap that are looked at: 40 ms."""
FUTURE: Final = 160
"""Samples behind the gap that are looked at: 20 ms."""
FADE_END: Final = 480
"""Samples after which nothing is made up any more: 60 ms."""
_PITCH_MIN: Final = 40
_PITCH_MAX: Final = 120
"""200 and 66 Hz; a higher voice is repeated by two or three periods at once."""
_WINDOW: Final = 160
_COARSE: Final = 4
_FULL: Final = 80
_BLEND: Final = 80
_QUIET: Final = 48
"""Levels below this are the line's silence: nothing is to be repeated."""


def conceal(before: Sequence[int], length: int, after: Sequence[int]) -> list[int]:
    """`length` 16-bit samples for a gap between `before` and `after`, each as much as there is, at best `HISTORY` and
    `FUTURE`.
    """
    made = [0] * length
    if len(before) >= _PITCH_MAX + _WINDOW and max(map(abs, before[-_WINDOW:])) >= _QUIET:
        pitch = _pitch(before)
        period = before[-pitch:]
        for n in range(min(length, FADE_END)):
            gain = 1.0 if n < _FULL else 1.0 - (n - _FULL) / (FADE_END - _FULL)
            made[n] = int(period[n % pitch] * gain)
    if len(after) >= FUTURE and max(map(abs, after)) >= _QUIET:
        _blend(made, after)
    return made


def _blend(made: list[int], after: Sequence[int]) -> None:
    """Let the end of the gap run into what follows it, whose first period is played backwards for that."""
    length = len(made)
    reach = min(_BLEND, length)
    for n in range(1, reach + 1):
        weight = 1.0 - n / (reach + 1)
        made[length - n] = int(made[length - n] * (1.0 - weight) + after[n - 1] * weight)


def _pitch(before: Sequence[int]) -> int:
    """The lag at which the last 20 ms look most like what was said before: coarsely, then to the sample."""
    best = _best(before, range(_PITCH_MIN, _PITCH_MAX + 1, 2), _COARSE)
    around = range(max(_PITCH_MIN, best - 2), min(_PITCH_MAX, best + 2) + 1)
    return _best(before, around, 1)


def _best(before: Sequence[int], lags: range, step: int) -> int:
    end = len(before)
    reference = before[end - _WINDOW :: step]
    found, score = lags[0], float("-inf")
    for lag in lags:
        past = before[end - _WINDOW - lag : end - lag : step]
        energy = sum(map(mul, past, past))
        likeness = sum(map(mul, reference, past))
        # Likeness squared over energy, with its sign: the usual normalised correlation without its square root.
        value = likeness * abs(likeness) / (energy + 1)
        if value > score:
            found, score = lag, value
    return found
