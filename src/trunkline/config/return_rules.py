"""What a configuration says of sales that buyers send back."""

from __future__ import annotations

import re
from typing import Final

from trunkline.config.struct import Struct

REASON: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
"""How the code of a reason is written."""
REASONS: Final = ("bad_contact", "compliance", "duplicate", "other", "out_of_area", "wrong_product")
"""What a buyer may give as a reason where nothing is said."""


class Returns(Struct, frozen=True, kw_only=True):
    """Which sales a buyer may send back. `share_percent` is in hundredths of a percent (1000 = 10 %)."""

    within_days: int = 7
    share_percent: int | None = None
    reasons: tuple[str, ...] = REASONS
    auto_approve: tuple[str, ...] = ()
    decide_within_days: int = 14
    paused: bool = False
