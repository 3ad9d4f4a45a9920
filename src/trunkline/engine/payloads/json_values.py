"""The JSON of others' answers: read whatever comes, look at one place, say it in words."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

import msgspec

from trunkline.config.json_paths import steps_of

_BITS_MAX: Final = 256
_DIGITS_MAX: Final = 40
_decode = msgspec.json.Decoder(float_hook=Decimal).decode


def read_json(body: bytes) -> Any:
    """The value of a JSON text, numbers exact; None when it is none. Nothing that anybody sends makes it fail."""
    try:
        return _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ArithmeticError):
        return None


def find(value: Any, path: str) -> Any:
    """What stands at `path` of a JSON value; None when nothing does."""
    for step in steps_of(path):
        if isinstance(step, int):
            value = value[step] if isinstance(value, list) and step < len(value) else None
        else:
            value = value.get(step) if isinstance(value, dict) else None
        if value is None:
            return None
    return value


def words(value: Any) -> str | None:
    """A JSON value as text to compare or to show; None for lists, objects, nothing, and numbers that nobody means."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case int():
            return str(value) if value.bit_length() <= _BITS_MAX else None
        case Decimal():
            return f"{value:f}" if value.is_finite() and abs(value.adjusted()) <= _DIGITS_MAX else None
    return None
