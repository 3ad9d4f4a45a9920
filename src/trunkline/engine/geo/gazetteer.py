"""Says of ZIP codes and counties whether they exist, for the checks of a configuration."""

from __future__ import annotations

from difflib import get_close_matches
from functools import lru_cache

from trunkline.config.place_names import fold_place
from trunkline.engine.geo.places import place_of_zip
from trunkline.engine.geo.tables import area_code_table, zip_table


class Gazetteer:
    """The tables of the package as `trunkline.config.places.Places` asks for them."""

    def has_place(self, code: str) -> bool:
        """Whether the coordinates of a five-digit ZIP code are known."""
        place = place_of_zip(code)
        return place is not None and place.lat is not None

    def like_county(self, name: str) -> str | None:
        """None for a county that exists, else the name of the one most like it, or an empty text."""
        counties = _counties()
        folded = fold_place(name)
        if folded in counties:
            return None
        return "".join(counties[close] for close in get_close_matches(folded, counties, n=1))


@lru_cache(maxsize=1)
def _counties() -> dict[str, str]:
    """All counties by their folded names: those of ZIP codes, and those that area codes are spread over."""
    names = [name for name in zip_table().counties if name is not None]
    names += [name for territory in area_code_table().territories for name, _ in territory.counties]
    return {fold_place(name): name for name in names}
