"""A lead before it is sent: its form filled from a ping, whose contact fields may be masked, hashed or absent.

A ping may say instead of a phone number its beginning (`phone_prefix`, or `512555XXXX` in its place) and its SHA-256
sum (`phone_sha256`), instead of an e-mail address its SHA-256 sum (`email_sha256`), under any name that the form has
for the field. When the lead itself comes, whatever was said before must be true of it: nobody sells another lead at
the price of this one.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from trunkline.config.folds import fold_text, trimmed
from trunkline.config.lead_fields import LeadField
from trunkline.engine.leads.field_codes import FIELD_CODES, FieldCode
from trunkline.engine.leads.form import FieldError, Filled, Form

SENT_LATER: Final = frozenset({"phone", "email", "text"})
"""Types of fields that say who somebody is: a ping may leave them out although the lead must have them."""
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_MASK: Final = re.compile(r"[xX*#_]")
_DIGITS: Final = re.compile(r"[0-9]+")
_PREFIX_MIN: Final = 2
_PREFIX_MIN_AT_HOME: Final = 4
"""Digits of a beginning at least: in North America the 1 and an area code."""
_PREFIX_MAX: Final = 14


class Hint(msgspec.Struct, frozen=True, gc=False):
    """What a ping says of one contact field without saying it: SHA-256 sum in hex, beginning as `+1512555`."""

    field: str
    sha256: str | None = None
    prefix: str | None = None


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A ping, read by its campaign's form: what it says of fields, and the hints that it gives of others.

    `stated` are the fields that it says something of: the others of `filled` have their defaults.
    """

    filled: Filled
    stated: tuple[str, ...] = ()
    hints: tuple[Hint, ...] = ()

    @property
    def prefix(self) -> str | None:
        """The beginning of the lead's number, E.164, where that is all that is known of it."""
        return next((hint.prefix for hint in self.hints if hint.prefix is not None), None)


class Hints:
    """Reads pings for the leads of one form. North American numbers may be written without the 1."""

    __slots__ = ("_defaults", "_fields", "_form", "_names")

    def __init__(self, fields: Sequence[LeadField], form: Form) -> None:
        self._fields = {field.name: field for field in fields}
        self._form = form
        self._defaults = form.fill({}).values
        self._names: dict[str, tuple[LeadField, str]] = {}
        for field in fields:
            for name in (field.name, *field.also):
                if field.type in {"phone", "email"}:
                    self._names[fold_text(f"{name}_sha256")] = (field, "sha256")
                if field.type == "phone":
                    self._names[fold_text(f"{name}_prefix")] = (field, "prefix")
                    self._names[fold_text(name)] = (field, "masked")

    def read(self, sent: Mapping[str, Any]) -> Asked:
        """The ping. What is wrong with it is in `filled.errors`; fields that say who somebody is may be missing."""
        rest: dict[str, Any] = {}
        hints: dict[str, Hint] = {}
        errors: list[FieldError] = []
        for name, value in sent.items():
            known = self._names.get(fold_text(name))
            text = trimmed(value) if isinstance(value, str) else None
            if known is None or (known[1] == "masked" and (text is None or _MASK.search(text) is None)):
                rest[name] = value
                continue
            field, said = known
            found = None if text is None else _sum(text) if said == "sha256" else _prefix(text)
            if found is None:
                code = FieldCode.HASH_INVALID if said == "sha256" else FieldCode.PREFIX_INVALID
                errors.append(FieldError(name, code.value, FIELD_CODES[code]))
                continue
            hint = hints.get(field.name) or Hint(field.name)
            change = {"sha256": found} if said == "sha256" else {"prefix": found}
            hints[field.name] = msgspec.structs.replace(hint, **change)
        filled = self._form.fill(rest)
        errors += [each for each in filled.errors if not self._may_come_later(each)]
        filled = msgspec.structs.replace(filled, errors=tuple(errors))
        stated = tuple(name for name, value in filled.values.items() if self._defaults.get(name) != value)
        return Asked(filled=filled, stated=stated, hints=tuple(hints.values()))

    def _may_come_later(self, error: FieldError) -> bool:
        field = self._fields.get(error.field)
        return error.code == FieldCode.REQUIRED and field is not None and field.type in SENT_LATER


def said_of(asked: Asked, digest: Callable[[str, str], str]) -> dict[str, str]:
    """What a ping has said, as digests that nobody can read back: for `changed`.

    `digest` is a keyed one of a name and its value. Names are those of fields, and `FIELD:sha256`, `FIELD:prefix`.
    """
    said = {name: digest(name, asked.filled.values[name]) for name in asked.stated}
    for hint in asked.hints:
        if hint.sha256 is not None:
            said[f"{hint.field}:sha256"] = digest(hint.field, hint.sha256)
        if hint.prefix is not None:
            said[f"{hint.field}:prefix"] = f"{len(hint.prefix)}:{digest(hint.field, hint.prefix)}"
    return said


def changed(said: Mapping[str, str], values: Mapping[str, str], digest: Callable[[str, str], str]) -> list[FieldError]:
    """The fields of a lead (in normal form) of which its ping has said something else."""
    wrong: dict[str, None] = {}
    for name, expected in said.items():
        field, _, hint = name.partition(":")
        value = values.get(field, "")
        if hint == "sha256":
            true = any(digest(field, each) == expected for each in sums_of(value))
        elif hint == "prefix":
            length, _, beginning = expected.partition(":")
            true = digest(field, value[: int(length)]) == beginning
        else:
            true = digest(field, value) == expected
        if not true:
            wrong[field] = None
    code = FieldCode.CHANGED_SINCE_PING
    return [FieldError(field, code.value, FIELD_CODES[code]) for field in wrong]


def sums_of(value: str) -> tuple[str, ...]:
    """The SHA-256 sums by which a contact may be named: of a number as E.164, without the plus, and as at home."""
    forms = [value]
    if value.startswith("+"):
        forms.append(value[1:])
        if value.startswith("+1"):
            forms.append(value.removeprefix("+1"))
    else:
        forms.append(value.lower())
    return tuple(hashlib.sha256(form.encode()).hexdigest() for form in dict.fromkeys(forms))


def _sum(text: str) -> str | None:
    folded = text.lower()
    return folded if _SHA256.fullmatch(folded) else None


def _prefix(text: str) -> str | None:
    """The digits before the mask, as the beginning of an E.164 number; a 1 is put before those of North America."""
    shown = text[: match.start()] if (match := _MASK.search(text)) else text
    digits = "".join(_DIGITS.findall(shown))
    abroad = shown.startswith("+")
    if not abroad and not digits.startswith("1"):
        digits = f"1{digits}"
    least = _PREFIX_MIN if abroad else _PREFIX_MIN_AT_HOME
    return f"+{digits}" if least <= len(digits) <= _PREFIX_MAX else None
