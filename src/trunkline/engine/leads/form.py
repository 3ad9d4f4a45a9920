"""A campaign's lead form: which of the sent fields is which, and what they say.

Publishers name fields as they like: names compare case-folded, each field may have other names, and what is nested is
found by its path. All that is wrong is told at once, a field once. What the form does not know is left out and named.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final
from unicodedata import category

import msgspec

from trunkline.config.folds import fold_text, trimmed
from trunkline.config.lead_fields import TEXT_LENGTH_MAX, LeadField
from trunkline.engine.leads.field_codes import FIELD_CODES, FieldCode
from trunkline.engine.leads.values import read_value, reader_of
from trunkline.engine.routing.offer import Attribute

FIELDS_MAX: Final = 200
"""Values of one lead, those that no form knows included."""
DEPTH_MAX: Final = 4
STATED: Final = "stated"
_INTEGER_BITS_MAX: Final = 1_024
_NEVER_TYPED: Final = frozenset({"Cc", "Cs"})
"""Categories of Unicode."""


class FieldError(msgspec.Struct, frozen=True):
    """What is wrong with a field: its name, why (a FieldCode), and words for whoever sent it."""

    field: str
    code: str
    message: str


class Filled(msgspec.Struct, frozen=True, kw_only=True):
    """What a lead says. `values` by the form's names, in normal form; `ignored` are sent names that it does not know.

    The lead is only taken when there are no `errors`.
    """

    values: Mapping[str, str]
    errors: tuple[FieldError, ...] = ()
    ignored: tuple[str, ...] = ()


class Form:
    """The fields of one campaign, ready to be filled."""

    def __init__(self, fields: Sequence[LeadField], country: str = "US") -> None:
        """`country` (ISO 3166) is that of phone numbers written nationally."""
        self._fields = tuple(fields)
        self._country = country
        self._maps = [{fold_text(sent): meant for sent, meant in field.values.items()} for field in fields]
        self._names = [tuple(fold_text(name) for name in (field.name, *field.also)) for field in fields]
        self._known = frozenset(name for names in self._names for name in names)
        self._places = {name: place for place, names in enumerate(self._names) for name in names}
        self._readers = [reader_of(field) for field in fields]
        self._longest = [field.max_length or TEXT_LENGTH_MAX for field in fields]
        self._plain = [
            (field, read, longest, bool(values))
            for field, read, longest, values in zip(fields, self._readers, self._longest, self._maps, strict=True)
        ]
        self._attribute_names = {field.name: f"lead.{field.name}" for field in fields}
        firsts: dict[str, str] = {}
        for field in fields:
            firsts.setdefault(field.type, field.name)
        self._firsts = firsts

    def fill(self, sent: Mapping[str, Any]) -> Filled:
        """Read what was sent: JSON values by name, or texts of a form. Never raises: what is wrong is in `errors`."""
        flat = self._flat(sent)
        if flat is not None:
            return self._filled(*flat)
        found: dict[str, list[Any]] = {}
        try:
            for name, value in _leaves(sent):
                found.setdefault(name, []).append(value)
        except _Unbounded as error:
            return Filled(values={}, errors=(_error("", error.code),))
        readings = [self._read(place, field, found) for place, field in enumerate(self._fields)]
        return self._filled(readings, tuple(name for name in found if name not in self._known))

    def _flat(self, sent: Mapping[str, Any]) -> tuple[list[str | FieldCode | None], tuple[str, ...]] | None:
        """The same where every value stands for itself, as in nearly all leads: None where it does not."""
        places = self._places
        found: dict[int, Any] = {}
        strangers: dict[str, None] = {}
        if len(sent) > FIELDS_MAX:
            return None
        for name, value in sent.items():
            place = places.get(name)
            if place is None:
                folded = fold_text(name)
                place = places.get(folded)
                if place is None and (type(value) is str or not isinstance(value, Mapping)):
                    strangers[folded] = None
                    continue
            if place is None or place in found or (type(value) is not str and isinstance(value, Mapping)):
                return None
            found[place] = value
        return self._read_flat(found), tuple(strangers)

    def _read_flat(self, found: Mapping[int, Any]) -> list[str | FieldCode | None]:
        """The fields that are sent once, by their places. Most are plain texts and are read here and now."""
        readings: list[str | FieldCode | None] = []
        country = self._country
        for place, (field, read, longest, mapped) in enumerate(self._plain):
            value = found.get(place)
            if value is None:
                readings.append(self._left_out(field))
                continue
            if type(value) is str and value.isascii() and not mapped:
                text = value.strip()
                if text and len(text) <= longest and text.isprintable():
                    readings.append(read(text, field, country))
                    continue
            readings.append(self._read_one(place, field, value))
        return readings

    def _filled(self, readings: Sequence[str | FieldCode | None], ignored: tuple[str, ...]) -> Filled:
        values: dict[str, str] = {}
        errors: list[FieldError] = []
        for field, read in zip(self._fields, readings, strict=True):
            if type(read) is str:
                values[field.name] = read
            elif isinstance(read, FieldCode):
                errors.append(_error(field.name, read))
        return Filled(values=values, errors=tuple(errors), ignored=ignored)

    def attributes(self, values: Mapping[str, str]) -> dict[str, Attribute]:
        """What routing knows by these values: every field, and the ZIP code and state that the lead states."""
        names = self._attribute_names
        found = {names.get(name) or f"lead.{name}": Attribute(value, STATED) for name, value in values.items()}
        for kind, name in (("zip", "geo.zip"), ("state", "geo.state")):
            value = values.get(self._firsts.get(kind, ""))
            if value is not None:
                found[name] = Attribute(value, STATED)
        return found

    def phone(self, values: Mapping[str, str]) -> str | None:
        """The lead's number, E.164: that of its first field of type phone."""
        return values.get(self._firsts.get("phone", ""))

    def email(self, values: Mapping[str, str]) -> str | None:
        """The lead's e-mail address: that of its first field of type email."""
        return values.get(self._firsts.get("email", ""))

    def _read(self, place: int, field: LeadField, found: Mapping[str, list[Any]]) -> str | FieldCode | None:
        """The field's value; None when it is left out and may be."""
        texts: dict[str, None] = {}
        for name in self._names[place]:
            for value in found.get(name, ()):
                text = _text_of(value)
                if text is None:
                    return FieldCode.NOT_A_VALUE
                text = trimmed(text)
                if text:
                    texts[self._maps[place].get(fold_text(text), text)] = None
        given = [text for text in texts if text]
        if not given:
            return self._left_out(field)
        if any(len(text) > (field.max_length or TEXT_LENGTH_MAX) for text in given):
            return FieldCode.TOO_LONG
        if any(map(unclean, given)):
            return FieldCode.CONTROL_CHARACTERS
        readings = {read_value(text, field, self._country): None for text in given}
        if len(readings) > 1:
            return FieldCode.GIVEN_TWICE
        return next(iter(readings))

    def _left_out(self, field: LeadField) -> str | FieldCode | None:
        """What counts where nothing is sent."""
        if field.default is not None:
            return read_value(field.default, field, self._country)
        return FieldCode.REQUIRED if field.required else None

    def _read_one(self, place: int, field: LeadField, value: Any) -> str | FieldCode | None:
        """A field that is sent once."""
        text = value if type(value) is str else _text_of(value)
        if text is None:
            return FieldCode.NOT_A_VALUE
        text = text.strip() if text.isascii() else trimmed(text)
        if text and self._maps[place]:
            text = self._maps[place].get(fold_text(text), text)
        if not text:
            return self._left_out(field)
        if len(text) > self._longest[place]:
            return FieldCode.TOO_LONG
        if not text.isprintable() and unclean(text):
            return FieldCode.CONTROL_CHARACTERS
        return self._readers[place](text, field, self._country)


class _Unbounded(Exception):
    """More than a form can be."""

    def __init__(self, code: FieldCode) -> None:
        super().__init__(code.value)
        self.code = code


def _leaves(sent: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Every value with its folded path."""
    count = 0
    waiting: list[tuple[str, int, Mapping[str, Any]]] = [("", 1, sent)]
    while waiting:
        above, depth, here = waiting.pop()
        for name, value in here.items():
            count += 1
            if count > FIELDS_MAX:
                raise _Unbounded(FieldCode.TOO_MANY_FIELDS)
            path = fold_text(f"{above}{name}")
            if isinstance(value, Mapping):
                if depth >= DEPTH_MAX:
                    raise _Unbounded(FieldCode.TOO_DEEP)
                waiting.append((f"{path}.", depth + 1, value))
            else:
                yield path, value


def _text_of(value: Any) -> str | None:
    """The text of one JSON value; None for a list."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case str():
            return value
        case int():
            return str(value) if value.bit_length() < _INTEGER_BITS_MAX else "?"
        case float() | Decimal():
            return f"{Decimal(str(value)):f}" if Decimal(str(value)).is_finite() else "?"
    return None


def unclean(text: str) -> bool:
    """Whether there is what no keyboard gives: control characters but for line ends, and halves of characters."""
    return not text.isprintable() and any(category(each) in _NEVER_TYPED and each not in "\r\n\t" for each in text)


def _error(field: str, code: FieldCode) -> FieldError:
    return FieldError(field, code.value, FIELD_CODES[code])
