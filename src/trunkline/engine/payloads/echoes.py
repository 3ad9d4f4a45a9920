"""What others say in their own words, without what they repeat of a person.

A reason such as "duplicate: (512) 555-0100" is kept with the auction or the delivery that it is of, where erasing the
contact does not reach. So the names of what we have told stand in it, as in `duplicate: [caller.number]`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from trunkline.kernel.phone import is_e164

NAMED_FROM: Final = 4
"""Characters from which on a value is looked for; shorter ones stand in any text, and tell of nobody."""
_PERSONAL: Final = ("caller.", "lead.", "ivr.", "tag.")
_NATIONAL_DIGITS: Final = 10
_NUMBER: Final = re.compile(r"\+?\(?[0-9](?:[\s().\-/]{0,3}[0-9]){6,16}")
_NOT_DIGITS: Final = re.compile(r"[^0-9]")


def without_echoes(text: str, attributes: Mapping[str, str]) -> str:
    """The text with names in the place of personal values of `attributes`, numbers also as others write them."""
    folded = text.casefold()
    mine = {name: value for name, value in attributes.items() if name.startswith(_PERSONAL)}
    told = {value.casefold(): name for name, value in reversed(mine.items()) if len(value) >= NAMED_FROM}
    if found := sorted((value for value in told if value in folded), key=len, reverse=True):
        either = re.compile("|".join(map(re.escape, found)), re.IGNORECASE)
        text = either.sub(lambda match: f"[{told.get(match[0].casefold(), 'told')}]", text)
    numbers = {_national(value): name for name, value in reversed(mine.items()) if is_e164(value)}
    if not numbers:
        return text

    def named(found: re.Match[str]) -> str:
        name = numbers.get(_national(found[0]))
        return found[0] if name is None else f"[{name}]"

    return _NUMBER.sub(named, text)


def _national(number: str) -> str:
    return _NOT_DIGITS.sub("", number)[-_NATIONAL_DIGITS:]
