"""Writes the reference page of reasons from `reasons.py`: python -m trunkline.engine.routing.reasons_page"""

from __future__ import annotations

import sys
from collections.abc import Iterable

from trunkline.engine.routing.reasons import (
    GUARD_LEVELS,
    LIMIT_LEVELS,
    ROUTE_WORDS,
    UNSOLD_WORDS,
    Reason,
    Words,
)
from trunkline.engine.terms.payouts import NOT_PAID_WORDS

_HEAD = """# Reasons

Generated from `src/trunkline/engine/routing/reasons.py` by `python -m trunkline.engine.routing.reasons_page`; do not
edit.

## Why a route was not offered

A route that is not offered has one reason: the first in this table that applies. *To the buyer* and *to the publisher*
are what those two may be told; everything else is the operator's.
"""


def page() -> str:
    """The whole page."""
    lines = [_HEAD, "| # | reason | in words | to the buyer | to the publisher |", "|---|---|---|---|---|"]
    for place, reason in enumerate(Reason, start=1):
        words = ROUTE_WORDS[reason]
        lines.append(f"| {place} | `{reason}` | {words.operator} | `{words.buyer}` | `{words.publisher}` |")
    lines += [
        "",
        "Where a guard fails at several levels, the first of these is reported: " + _named(GUARD_LEVELS) + ".",
        "",
        "Limits stand on " + _named(LIMIT_LEVELS) + ". Of several that are full the first by level is reported; at one",
        "level `live` (for leads `in_flight`), then counts (shortest window first, then `attempt`, `connect`,",
        "`convert`), then `spend` (shortest window first). Spend and funds pass when what is used and held and the",
        "price together do not exceed the limit.",
        "",
        "Each reason that can be given is shown by a file of `tests/scenarios/exemplary/`.",
        "",
        "## Why a caller was not sold",
        "",
        *_table(UNSOLD_WORDS.items()),
        "",
        "## Why a publisher was not paid",
        "",
        "| code | in words |",
        "|---|---|",
        *(f"| `{code}` | {words} |" for code, words in NOT_PAID_WORDS.items()),
    ]
    return "\n".join(lines) + "\n"


def _table(rows: Iterable[tuple[str, Words]]) -> list[str]:
    found = ["| reason | in words | to the buyer | to the publisher |", "|---|---|---|---|"]
    found += [f"| `{code}` | {words.operator} | `{words.buyer}` | `{words.publisher}` |" for code, words in rows]
    return found


def _named(levels: Iterable[str]) -> str:
    return ", ".join(f"`{level}`" for level in levels)


if __name__ == "__main__":
    sys.stdout.write(page())
