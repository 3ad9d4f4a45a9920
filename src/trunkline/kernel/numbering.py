"""How one carrier writes numbers, in both directions: with a plus, bare, or as its country dials them."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

import msgspec
import phonenumbers

from trunkline.kernel.phone import parse_number

NumberFormat = Literal["plus", "e164", "national"]
"""`+12125550123`, `12125550123`, or as it is dialled inside the country."""

_SEPARATORS = re.compile(r"[().\-/ \t]")


class Numbering(msgspec.Struct, frozen=True):
    """A carrier's country (ISO 3166) and what it puts before national and before international numbers (`0`, `00`)."""

    country: str | None = None
    national_prefix: str | None = None
    international_prefix: str | None = None

    def read(self, text: str) -> str | None:
        """The E.164 form of a number as this carrier writes it, None when it is none.

        A plus always means international. Without prefixes of the carrier's own those of its country are understood.
        """
        if self.national_prefix is None and self.international_prefix is None:
            return parse_number(text, self.country)
        return _read(self, text)

    def write(self, number: str, form: NumberFormat) -> str:
        """An E.164 number as this carrier wants it. In `national`, foreign numbers keep the plus unless
        `international_prefix` says what stands in its place."""
        if form == "plus":
            return number
        if form == "e164":
            return number[1:]
        return _write_national(self, number)


@lru_cache(maxsize=16_384)
def _read(numbering: Numbering, text: str) -> str | None:
    digits = _SEPARATORS.sub("", text)
    abroad, at_home = numbering.international_prefix, numbering.national_prefix
    if digits.startswith("+"):
        return parse_number(text, numbering.country)
    if abroad is not None and digits.startswith(abroad):
        return parse_number("+" + digits.removeprefix(abroad), None)
    if at_home is not None and digits.startswith(at_home) and numbering.country is not None:
        code = phonenumbers.country_code_for_region(numbering.country)
        return parse_number(f"+{code}{digits.removeprefix(at_home)}", numbering.country)
    return parse_number(text, numbering.country)


@lru_cache(maxsize=16_384)
def _write_national(numbering: Numbering, number: str) -> str:
    code = phonenumbers.country_code_for_region(numbering.country) if numbering.country is not None else 0
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return number
    if parsed.country_code != code:
        return number if numbering.international_prefix is None else numbering.international_prefix + number[1:]
    return (numbering.national_prefix or "") + phonenumbers.national_significant_number(parsed)
