"""Fills the places of a text (`config/templates.py`) with what is known of a lead.

What fills a place is never looked at for places again, so nobody who sends a lead can read what was not meant for its
buyer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from trunkline.config.templates import pieces_of

Escape = Callable[[str], str]


def _as_it_is(text: str) -> str:
    return text


def render(template: str, known: Mapping[str, str], escape: Escape = _as_it_is) -> str:
    """The text with its places filled; `escape` makes what fills them harmless where it will stand."""
    return "".join(
        piece if isinstance(piece, str) else escape(known.get(piece[0]) or piece[1]) for piece in pieces_of(template)
    )
