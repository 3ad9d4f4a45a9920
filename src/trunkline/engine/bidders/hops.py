"""The way a question has come, so that it does not go round: every switch adds its id, and knows itself again."""

from __future__ import annotations

import re
from typing import Final

HEADER: Final = "X-Trunkline-Hops"
HOPS_MAX: Final = 8
"""A question that has gone through more switches is not asked on."""
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


def hops_of(header: str | None) -> tuple[str, ...] | None:
    """The ids in the header; None when it is none that a switch has written, or too long."""
    if header is None:
        return ()
    ids = tuple(each.strip() for each in header.split(",", HOPS_MAX + 1))
    if len(ids) > HOPS_MAX or any(_ID.fullmatch(each) is None for each in ids):
        return None
    return ids


def header_of(hops: tuple[str, ...]) -> dict[str, str]:
    """The header that says them; nothing for a question that begins here and is not counted."""
    return {HEADER: ",".join(hops)} if hops else {}
