"""The value of a field in the one form in which it is kept, by the field's type.

Each reader takes trimmed text and gives the normal form, or the code of what is wrong. What is normal compares and
travels: a phone number is E.164, a state its postal code, a day ISO 8601, a choice as the configuration spells it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from functools import lru_cache
from typing import Final

from email_validator import EmailNotValidError, validate_email

from trunkline.config.folds import decimal_of, fold_date, fold_number, fold_text, fold_yes_no
from trunkline.config.lead_fields import LeadField
from trunkline.engine.geo.places import five_digits
from trunkline.engine.geo.regions import state_of
from trunkline.engine.leads.field_codes import FieldCode
from trunkline.kernel.phone import parse_number

Reader = Callable[[str, LeadField, str], str | FieldCode]
"""Reads (text, field, default country) into the normal form, or says what is wrong."""

EMAIL_LENGTH_MAX: Final = 254
"""RFC 5321, section 4.5.3.1.3, as corrected by its erratum 1690."""
_LOCAL_LENGTH_MAX: Final = 64
_PLAIN_LOCAL: Final = re.compile(r"[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*")
"""What everybody may have before the @ (RFC 5321, section 4.1.2, without what is rare), and is as it is."""
_WRITTEN_DAY = re.compile(r"([0-9]{1,2})([/.-])([0-9]{1,2})\2([0-9]{4})")


def reader_of(field: LeadField) -> Reader:
    """What reads the values of a field."""
    return _READERS[field.type]


def read_value(text: str, field: LeadField, country: str) -> str | FieldCode:
    """`text`, trimmed and not empty, as a value of `field`; `country` (ISO 3166) is that of national phone numbers."""
    return _READERS[field.type](text, field, country)


def _phone(text: str, field: LeadField, country: str) -> str | FieldCode:
    return parse_number(text, country) or FieldCode.PHONE_INVALID


def _email(text: str, field: LeadField, country: str) -> str | FieldCode:
    if len(text) > EMAIL_LENGTH_MAX:
        return FieldCode.EMAIL_INVALID
    local, _, domain = text.rpartition("@")
    if len(local) <= _LOCAL_LENGTH_MAX and _PLAIN_LOCAL.fullmatch(local) is not None and domain.isascii():
        normal = _domain(domain)
        return FieldCode.EMAIL_INVALID if normal is None else f"{local}@{normal}"
    try:
        return validate_email(text, check_deliverability=False, allow_quoted_local=True).normalized
    except EmailNotValidError:
        return FieldCode.EMAIL_INVALID


@lru_cache(maxsize=4_096)
def _domain(domain: str) -> str | None:
    """The part behind the @ in normal form, None when mail cannot go there. Most people share a few of them."""
    try:
        normal: str = validate_email(f"a@{domain}", check_deliverability=False).domain
    except EmailNotValidError:
        return None
    return normal


def _zip(text: str, field: LeadField, country: str) -> str | FieldCode:
    return five_digits(text) or FieldCode.ZIP_INVALID


def _state(text: str, field: LeadField, country: str) -> str | FieldCode:
    return state_of(text) or FieldCode.STATE_UNKNOWN


def _date(text: str, field: LeadField, country: str) -> str | FieldCode:
    day = fold_date(text)
    if day is None and field.date_order != "iso" and (written := _WRITTEN_DAY.fullmatch(text)) is not None:
        first, second, year = int(written[1]), int(written[3]), int(written[4])
        month, number = (first, second) if field.date_order == "month_first" else (second, first)
        try:
            day = date(year, month, number).isoformat()
        except ValueError:
            return FieldCode.DATE_INVALID
    if day is None:
        return FieldCode.DATE_INVALID
    if field.min is not None and day < field.min:
        return FieldCode.TOO_SMALL
    if field.max is not None and day > field.max:
        return FieldCode.TOO_LARGE
    return day


def _number(text: str, field: LeadField, country: str) -> str | FieldCode:
    number = fold_number(text)
    if number is None:
        return FieldCode.NUMBER_INVALID
    size = decimal_of(number)
    least, most = (None if bound is None else fold_number(bound) for bound in (field.min, field.max))
    if least is not None and size < decimal_of(least):
        return FieldCode.TOO_SMALL
    if most is not None and size > decimal_of(most):
        return FieldCode.TOO_LARGE
    return number


def _text(text: str, field: LeadField, country: str) -> str | FieldCode:
    return text


def _choice(text: str, field: LeadField, country: str) -> str | FieldCode:
    folded = fold_text(text)
    return next((choice for choice in field.choices if fold_text(choice) == folded), FieldCode.CHOICE_UNKNOWN)


def _yes_no(text: str, field: LeadField, country: str) -> str | FieldCode:
    return fold_yes_no(text) or FieldCode.YES_NO_INVALID


_READERS: Final[dict[str, Reader]] = {
    "phone": _phone,
    "email": _email,
    "zip": _zip,
    "state": _state,
    "date": _date,
    "number": _number,
    "text": _text,
    "choice": _choice,
    "yes_no": _yes_no,
}
