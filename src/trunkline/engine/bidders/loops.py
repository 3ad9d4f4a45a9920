"""Whether a question has come back to the switch that asked it.

Two agencies that bid for each other's traffic would ask each other for ever about one caller. So every ping names the
installations that it has passed (`hops.py`), and one that finds itself among them makes no bid.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

PASSED_MAX: Final = 6
"""Installations that a question may have passed: each adds its wait to the caller's, and takes its margin."""


def installation_of(secret: bytes) -> str:
    """The name of an installation, 16 characters that tell nothing of it, made of its own `secret`."""
    return hashlib.sha256(b"trunkline installation" + secret).hexdigest()[:16]


def is_loop(hops: Sequence[str] | None, own: str) -> bool:
    """Whether a ping that has passed `hops` (None: nobody can tell) must get no bid from the installation `own`."""
    return hops is None or own in hops or len(hops) > PASSED_MAX
