"""Paths into the JSON of others' answers, as they are written: `status`, `data.bids[0].amount`."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_STEP: Final = re.compile(r"(?:^|\.)(?P<name>[^.\[\]]+)|\[(?P<place>[0-9]{1,6})\]")


class NoPath(ValueError):
    """The text is no path."""


@lru_cache(maxsize=1_024)
def steps_of(path: str) -> tuple[str | int, ...]:
    """The names and places of a path, from the outside in. Raises NoPath."""
    steps: list[str | int] = []
    end = 0
    for match in _STEP.finditer(path):
        if match.start() != end:
            break
        steps.append(match["name"] if match["place"] is None else int(match["place"]))
        end = match.end()
    if not steps or end != len(path):
        raise NoPath(f"{path!r} is no path: write names with dots and places in brackets: data.bids[0].amount")
    return tuple(steps)
