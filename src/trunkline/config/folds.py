"""How the text of an attribute is brought into the one form in which values compare.

Text is trimmed, normalised to NFC and case-folded in full. Numbers are plain decimal digits and compare by size (`09`
is `9`), dates are ISO 8601 days, yes_no compares by meaning (`true` is `yes`). What is none of its attribute's type is
unknown: a word is not a number that is smaller or larger than another.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Final, Literal
from unicodedata import normalize

import msgspec

from trunkline.config.place_names import fold_place

Fold = Callable[[str], str | None]
"""Turns a text into its comparable form; None when it is no value of the type."""

_YES_NO = {"yes": "yes", "true": "yes", "1": "yes", "no": "no", "false": "no", "0": "no"}
_NUMBER = re.compile(r"([+-]?)0*([0-9]*)(?:\.([0-9]*))?")
_NUMBER_LENGTH_MAX = 40
_ZIP = re.compile(r"([0-9]{5})(?:-?[0-9]{4})?")


class Several(msgspec.Struct, frozen=True):
    """An attribute with more than one value.

    All of them are true where `chances` is empty (skills); else one of them is, each with its probability (a county
    that an area code may mean).
    """

    values: tuple[str, ...]
    chances: tuple[float, ...] = ()


Value = str | Several

View = Literal["value", "plain", "place"]
"""How a condition looks at an attribute: folded, as trimmed text (regex), or as a ZIP code that has a place (near)."""


@lru_cache(maxsize=65_536)
def fold_text(text: str) -> str:
    """Trimmed, NFC, full Unicode case folding."""
    return normalize("NFC", text.strip()).casefold()


@lru_cache(maxsize=4_096)
def fold_number(text: str) -> str | None:
    """A decimal number in one spelling, None for anything else. Digits are those of ASCII and there is no exponent."""
    text = text.strip()
    match = _NUMBER.fullmatch(text)
    if match is None or len(text) > _NUMBER_LENGTH_MAX or not any(map(str.isdigit, text)):
        return None
    whole, part = match[2] or "0", (match[3] or "").rstrip("0")
    number = f"{whole}.{part}" if part else whole
    return f"-{number}" if match[1] == "-" and number != "0" else number


@lru_cache(maxsize=4_096)
def fold_date(text: str) -> str | None:
    """A day as `2026-12-25`, None for anything else, days that no calendar has included."""
    text = text.strip()
    try:
        day = date.fromisoformat(text).isoformat()
    except ValueError:
        return None
    return day if day == text else None


@lru_cache(maxsize=256)
def fold_yes_no(text: str) -> str | None:
    """`yes` or `no`, None for anything else."""
    return _YES_NO.get(fold_text(text))


def fold_zip(text: str) -> str:
    """The five digits of a ZIP code, also of ZIP+4."""
    match = _ZIP.fullmatch(text.strip())
    return fold_text(text) if match is None else match[1]


FOLDS: Final[dict[str, Fold]] = {"number": fold_number, "date": fold_date, "yes_no": fold_yes_no}
"""By type."""
FOLDS_BY_NAME: Final[dict[str, Fold]] = {
    "geo.county": fold_place,
    "geo.city": fold_place,
    "geo.zip": fold_zip,
}
"""By name, for attributes that are written in a form of their own."""


def fold_named(name: str, declared: str) -> Fold:
    """How values of the attribute `name` are folded, which a campaign may have declared as of type `declared`."""
    own = FOLDS_BY_NAME.get(name)
    return own or (fold_zip if declared == "zip" else FOLDS.get(declared, fold_text))


def trimmed(text: str) -> str:
    """What a regular expression searches: the text as it came, but for blanks around it and for NFC."""
    return normalize("NFC", text.strip())


@lru_cache(maxsize=16_384)
def decimal_of(folded: str) -> Decimal:
    """The size of a folded number."""
    return Decimal(folded)
