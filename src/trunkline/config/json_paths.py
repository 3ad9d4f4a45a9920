"""Paths into the JSON of others' answers: `status`, `data.bids[0].amount`, `$.data['bid amount']`.

They are the part of JSONPath (RFC 9535) that names one value: an optional `$`, names after dots, names in quotes and
places in brackets. Wildcards, slices and filters name many values and are no paths here.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_STEP: Final = re.compile(
    r"(?:^|\.)(?P<name>[^.\[\]'\"$*\s][^.\[\]'\"]*)|\[(?P<place>[0-9]{1,6})\]|\[(?P<quote>['\"])(?P<quoted>[^'\"]+)(?P=quote)\]"
)


class NoPath(ValueError):
    """The text is no path."""


@lru_cache(maxsize=1_024)
def steps_of(path: str) -> tuple[str | int, ...]:
    """The names and places of a path, from the outside in. Raises NoPath."""
    rooted = path.startswith("$")
    steps: list[str | int] = []
    end = 1 if rooted else 0
    while match := _STEP.match(path, end):
        if not steps and (path[end] not in ".[" if rooted else path[end] == "."):
            break
        steps.append(match["name"] or match["quoted"] if match["place"] is None else int(match["place"]))
        end = match.end()
    if not steps or end != len(path):
        raise NoPath(f"{path!r} is no path: write names with dots and places in brackets: data.bids[0].amount")
    return tuple(steps)
