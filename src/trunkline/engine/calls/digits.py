"""Keys that are sent to a buyer after its answer, to reach an extension: which, and how long they take.

A key takes as long as the media port says that it does, so its end is known without being told. `w` and `p` are
pauses, short and long: for a greeting to be waited through, or an exchange that is slow to listen.
"""

from __future__ import annotations

from functools import lru_cache

import msgspec

KEY_MS = 200
"""One key: 100 ms of it and 100 ms of nothing (`Media.send_digits`)."""
PAUSES_MS = {"w": 500, "p": 2_000}
"""How long the letters wait that are no keys."""


class KeyStep(msgspec.Struct, frozen=True):
    """Keys to send at once, possibly none, and the milliseconds until what comes next."""

    digits: str
    ms: int


@lru_cache(maxsize=1_024)
def key_steps(text: str) -> tuple[KeyStep, ...]:
    """The steps of a configured text such as `w1234p#`, in order; every one but the first begins with a key."""
    steps: list[KeyStep] = []
    keys, ms = "", 0
    for letter in text:
        pause_ms = PAUSES_MS.get(letter)
        if pause_ms is not None:
            ms += pause_ms
            continue
        if ms > len(keys) * KEY_MS:  # a pause lies before this key
            steps.append(KeyStep(keys, ms))
            keys, ms = "", 0
        keys, ms = keys + letter, ms + KEY_MS
    return (*steps, KeyStep(keys, ms)) if ms else tuple(steps)
