"""What a bidder is asked about: one call or lead, and what of it may be told before it is won."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Container, Mapping
from typing import Final

import msgspec

from trunkline.config.bids import CallerShown
from trunkline.config.schema import Kind
from trunkline.kernel.phone import is_e164

HIDDEN_DIGITS: Final = 4
"""The last digits of a number, which tell the people of an exchange apart."""
_PERSONAL: Final = ("caller.", "lead.", "ivr.", "tag.")
"""Where personal data can stand; tracking numbers and sources are ours."""
_DIGITS: Final = re.compile(r"[0-9]+")
_NUMBER: Final = re.compile(r"[0-9+().\-/ ]{7,40}")
_NATIONAL_DIGITS: Final = 10


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One call or lead that is up for auction. `attributes` is all that is known of it, by name, as text.

    `hops` are the ids of the switches that this question has gone through, ours last.
    """

    kind: Kind
    campaign: str
    attributes: Mapping[str, str]
    source: str | None = None
    hops: tuple[str, ...] = ()


def told(attributes: Mapping[str, str], how: CallerShown) -> dict[str, str]:
    """The attributes as a ping may tell them: numbers and addresses of the caller whole, masked or hashed.

    Hidden is every number in E.164, every value that is one of these written in another way, and every address of
    e-mail.
    """
    if how == "full":
        return dict(attributes)
    numbers = [text for name, text in attributes.items() if name.startswith(_PERSONAL) and is_e164(text)]
    own = {_digits(number)[-_NATIONAL_DIGITS:] for number in numbers}
    return {
        name: _hidden(value, how, own) if name.startswith(_PERSONAL) else value for name, value in attributes.items()
    }


def hidden_number(number: str, how: CallerShown) -> str:
    """A number in E.164 as `how` says; masked, of a North American number area code and exchange stay."""
    match how:
        case "full":
            return number
        case "masked":
            return number[:-HIDDEN_DIGITS]
        case "hashed":
            return _sha256(_digits(number))


def _hidden(value: str, how: CallerShown, own: Container[str]) -> str:
    if is_e164(value):
        return hidden_number(value, how)
    if "@" in value:
        return _sha256(value.strip().lower()) if how == "hashed" else f"@{value.rpartition('@')[2].strip()}"
    if _NUMBER.fullmatch(value) is not None and _digits(value)[-_NATIONAL_DIGITS:] in own:
        digits = _digits(value)
        return _sha256(digits) if how == "hashed" else digits[:-HIDDEN_DIGITS]
    return value


def _digits(text: str) -> str:
    return "".join(_DIGITS.findall(text))


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
