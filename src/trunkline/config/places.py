"""What checking a configuration asks of the tables of places. Whoever loads one has them; checks work without."""

from __future__ import annotations

from typing import Protocol


class Places(Protocol):
    """ZIP codes and counties that exist, as far as the tables know."""

    def has_place(self, code: str) -> bool:
        """Whether the coordinates of a five-digit ZIP code are known."""
        ...

    def like_county(self, name: str) -> str | None:
        """None for a county that exists (`Travis, TX`), else the name of the one most like it, or an empty text."""
        ...
