"""Texts with places for attributes, as they are written: `[lead.phone]`, `[source.key|direct]`.

A place names an attribute. What is unknown gives the words behind the bar, or nothing. `[[` is a bracket itself.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_PLACE: Final = re.compile(r"\[\[|\[(?P<name>[a-z][a-z0-9_]*(?:\.[A-Za-z0-9_-]+)+)(?:\|(?P<otherwise>[^\[\]]*))?\]")

Piece = str | tuple[str, str]
"""Words, or the name of an attribute and what stands for it when it is unknown."""


def places(template: str) -> tuple[str, ...]:
    """The attributes that a text asks for."""
    return tuple(piece[0] for piece in pieces_of(template) if not isinstance(piece, str))


@lru_cache(maxsize=4_096)
def pieces_of(template: str) -> tuple[Piece, ...]:
    """The text cut at its places."""
    pieces: list[Piece] = []
    end = 0
    for match in _PLACE.finditer(template):
        pieces.append(template[end : match.start()])
        pieces.append((match["name"], match["otherwise"] or "") if match["name"] else "[")
        end = match.end()
    pieces.append(template[end:])
    return tuple(piece for piece in pieces if piece)
