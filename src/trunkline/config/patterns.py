"""Regular expressions that take time in proportion to the text, whatever they say: RE2's, which has no backtracking.

Look-ahead and back references do not exist in it. A search is unanchored and without regard to case; pattern and text
are both in NFC, so that a letter with an accent is the same letter however it was typed.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final
from unicodedata import normalize

import re2

PATTERN_LENGTH_MAX: Final = 500
"""Characters of a pattern."""
_MEMORY_MAX = 1 << 20
"""Bytes that one compiled pattern may take; `(a{1000}){1000}` would like more."""


class BadPattern(ValueError):
    """The text is no pattern; the message says why."""


@lru_cache(maxsize=4_096)
def compile_pattern(text: str) -> Any:
    """The compiled pattern, an object with `search`. Raises `BadPattern`."""
    if len(text) > PATTERN_LENGTH_MAX:
        raise BadPattern(f"longer than {PATTERN_LENGTH_MAX} characters")
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    options.max_mem = _MEMORY_MAX
    try:
        return re2.compile(normalize("NFC", text), options)
    except re2.error as error:
        reason = error.args[0] if error.args else "unknown"
        raise BadPattern(reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)) from error
    except UnicodeEncodeError as error:
        raise BadPattern("half of a surrogate pair") from error
