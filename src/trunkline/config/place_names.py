"""Names of counties and cities in the one form in which they compare: `Travis County, TX` is `travis, tx`.

A name is written `Travis, TX`: the name, a comma, the postal code of the state. Comparing folds case, leaves out what
people leave out (accents, `County`, `Parish`, full stops, apostrophes) and takes the usual short forms for what they
stand for (`St.` is `Saint`). Independent cities keep their `city`: Baltimore city is not Baltimore County.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final
from unicodedata import normalize

_COUNTY_WORDS: Final = re.compile(
    r" (?:county|parish|municipio|census area|city and borough|borough|municipality)(?=,|$)"
)
_CITY_IN_BRACKETS: Final = re.compile(r" \(city\)(?=,|$)")
_SHORT: Final = {"st": "saint", "ste": "sainte", "ft": "fort", "mt": "mount", "n": "north", "s": "south", "e": "east",
                 "w": "west"}  # fmt: skip
_WORD: Final = re.compile(r"[^\s,-]+")
_LEFT_OUT: Final = re.compile("[\u0300-\u036f.'’]")
_SPACES: Final = re.compile(r"\s+")
_COMMA: Final = re.compile(r"\s*,\s*")


@lru_cache(maxsize=65_536)
def fold_place(text: str) -> str:
    """The comparable form of the name of a county or city, with or without its state. Empty text stays empty."""
    place, comma, state = _plain(text).partition(",")
    place = _WORD.sub(lambda word: _SHORT.get(word[0], word[0]), _COUNTY_WORDS.sub("", place)).replace("-", " ")
    return f"{place}{comma}{state}"


def fold_piece(text: str) -> tuple[str, str]:
    """The forms that a piece of a name may have in a folded name: `St` begins `Stark` as well as `Saint Clair`."""
    return _plain(text).replace("-", " "), fold_place(text)


def _plain(text: str) -> str:
    """Without case, accents, full stops and apostrophes, and with blanks in one way."""
    folded = _SPACES.sub(" ", _LEFT_OUT.sub("", normalize("NFKD", text).casefold()))
    return _CITY_IN_BRACKETS.sub(" city", _COMMA.sub(",", folded.strip()))
