"""What buyers say in their own words, without what they repeat of a person.

A reason such as "duplicate: (512) 555-0100" is worth counting and must not bring the number into tables of which it is
said that nobody is in them.
"""

from __future__ import annotations

import re
from typing import Final

WORDS_MAX: Final = 200
"""Characters of a reason that are kept."""
LEFT_OUT: Final = "…"
_DIGITS: Final = re.compile(r"\+?\(?\d(?:[\s().\-/]{0,3}\d){4,}")
"""Five digits and more, however they are grouped: numbers, ZIP codes, dates of birth."""
_ADDRESS: Final = re.compile(r'[^\s<>",;:]+@[^\s<>",;:]+')


def without_contacts(text: str | None) -> str | None:
    """The text with a mark in the place of mail addresses and of whatever could be a number."""
    if text is None or (text.isascii() and text.replace("_", "").isalpha()):  # a code of ours, nearly always
        return text
    return _DIGITS.sub(LEFT_OUT, _ADDRESS.sub(LEFT_OUT, text[: 2 * WORDS_MAX]))[:WORDS_MAX]
