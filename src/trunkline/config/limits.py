"""Limits and the words that guards of all levels share."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

import msgspec

from trunkline.config.struct import Struct
from trunkline.kernel.windows import Per

AppliesTo = Literal["both", "call", "lead"]
Attestation = Literal["A", "B", "C"]
"""How far a carrier vouches for the caller's number (STIR/SHAKEN), A being the most."""

CallingHours = Literal["us"]
"""The country whose laws say at which hours people may be called."""


class Measure(StrEnum):
    """What a limit counts."""

    LIVE = "live"
    IN_FLIGHT = "in_flight"
    ATTEMPT = "attempt"
    CONNECT = "connect"
    CONVERT = "convert"
    SPEND = "spend"


class Limit(Struct, frozen=True, kw_only=True):
    """At most `max` (seats, events, or minor units of money for `spend`) of `measure` per window.

    `zone` and `week_start` place the window. `pacing` spreads it over the window, `min_gap_seconds` lies between two
    offers, and the `matrix` has 24 hourly maxima for each weekday it names; none of them lets more pass than `max`.
    """

    measure: Measure
    max: int
    per: Per | None = None
    applies_to: AppliesTo = "both"
    zone: str | None = None
    week_start: Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"] = "mon"
    pacing: Literal["even"] | None = None
    min_gap_seconds: int | None = None
    matrix: dict[str, tuple[int, ...]] = msgspec.field(default_factory=dict)
