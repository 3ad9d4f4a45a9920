"""Turns one text into one value. Every function gives the value or raises `BadText` with words for the operator."""

from __future__ import annotations

import re
from difflib import get_close_matches

from trunkline.config.hours import TimeRange
from trunkline.kernel.money import Money, parse_money
from trunkline.kernel.phone import is_e164, parse_number

PERCENT_MAX = 1_000_000
"""Hundredths of a percent: ten thousand percent."""
DAY_MINUTES = 1440

_INT = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
_PERCENT = re.compile(r"([0-9]{1,6})(?:\.([0-9]{1,2}))?")
_RANGE = re.compile(r"([0-9]{2}):([0-9]{2})-([0-9]{2}):([0-9]{2})")
_COST = re.compile(r"(0|[1-9][0-9]{0,8})(?:\.([0-9]{1,6}))?")
_SHARE = re.compile(r"([01])(?:\.([0-9]{1,6}))?")
_NUMBER_FROM = re.compile(r"request_uri|to|header:[A-Za-z0-9.!%*_+`'~-]{1,64}")
_BOOLEAN_LIKE = {
    "yes": "true", "on": "true", "y": "true", "1": "true", "true": "true",
    "no": "false", "off": "false", "n": "false", "0": "false", "false": "false",
}  # fmt: skip
_ZIP = re.compile(r"[0-9]{5}")
_CONFIDENCE = re.compile(r"0\.[0-9]{1,6}|1(?:\.0{1,6})?")
MILES_MAX = 500
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


class BadText(ValueError):
    """The text is none of the values that can stand here."""

    def __init__(self, code: str, message: str, hint: str) -> None:
        super().__init__(message)
        self.code, self.message, self.hint = code, message, hint


def read_text(text: str) -> str:
    """Any text but the empty one and control characters (line breaks and tabs are allowed)."""
    if not text.strip():
        raise BadText("empty", "this is empty", "write a value, or leave the key out")
    if _CONTROL.search(text):
        raise BadText("bad_text", f"{text!r} holds a control character", "leave it out")
    return text


def read_int(text: str) -> int:
    """A whole number in plain digits."""
    if _INT.fullmatch(text) is None:
        raise BadText("bad_integer", f"{text!r} is no whole number", "write it in plain digits, such as 30")
    return int(text)


def read_bool(text: str) -> bool:
    """`true` or `false` and nothing else: YAML's yes, no, on and off are texts (NO is Norway, ON is Ontario)."""
    if text in {"true", "false"}:
        return text == "true"
    meant = _BOOLEAN_LIKE.get(text.lower())
    hint = f"write {meant}" if meant else "write true or false"
    raise BadText("bad_boolean", f"{text!r} is neither true nor false", hint)


def read_choice(text: str, allowed: list[str]) -> str:
    """One of the `allowed` words, written exactly so."""
    if text in allowed:
        return text
    close = get_close_matches(text, allowed, n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    raise BadText(
        "bad_choice", f"{text!r} is none of the allowed values", f"{hint}Allowed: {', '.join(allowed)}".strip()
    )


def read_money(text: str, currency: str) -> Money:
    """Major units of `currency`, such as 120.00."""
    try:
        return parse_money(text, currency)
    except ValueError as error:
        raise BadText("bad_money", str(error), 'write an amount such as "120.00"') from error


def read_cost(text: str) -> int:
    """What a carrier takes, such as 0.0085, in millionths: minutes cost less than the smallest coin."""
    match = _COST.fullmatch(text.strip())
    if match is None:
        hint = 'write an amount such as "0.0085", at most six decimal places'
        raise BadText("bad_money", f"{text!r} is no amount", hint)
    return int(match[1]) * 1_000_000 + int((match[2] or "").ljust(6, "0"))


def read_number_from(text: str) -> str:
    """Where a carrier writes the called number: `request_uri`, `to` or `header:NAME`."""
    if _NUMBER_FROM.fullmatch(text) is not None:
        return text
    hint = "write request_uri, to, or header: and a name, such as header:X-Dialed-Number"
    raise BadText("bad_choice", f"{text!r} is no place in an INVITE", hint)


def read_percent(text: str) -> int:
    """`60` or `12.5` as hundredths of a percent."""
    match = _PERCENT.fullmatch(text)
    if match is None:
        hint = "write it as 60 or 12.5, at most two decimal places and no sign"
        raise BadText("bad_percent", f"{text!r} is no percentage", hint)
    hundredths = int(match[1]) * 100 + int((match[2] or "").ljust(2, "0"))
    if hundredths > PERCENT_MAX:
        raise BadText("bad_percent", f"{text!r} is above ten thousand percent", "write 60 for sixty percent")
    return hundredths


def read_share(text: str) -> int:
    """A number from 0 to 1, such as 0.25, in millionths."""
    match = _SHARE.fullmatch(text.strip())
    millionths = -1 if match is None else int(match[1]) * 1_000_000 + int((match[2] or "").ljust(6, "0"))
    if not 0 <= millionths <= 1_000_000:
        hint = "write it from 0 to 1, such as 0.25, at most six decimal places"
        raise BadText("bad_share", f"{text!r} is no share", hint)
    return millionths


def read_confidence(text: str) -> float:
    """A probability above one half: two answers that exclude each other cannot both have it."""
    if _CONFIDENCE.fullmatch(text) is None or not 0.5 < float(text) <= 1:
        raise BadText("out_of_range", f"{text!r} is no probability above 0.5 and up to 1", "write it as 0.8")
    return float(text)


def read_zip(text: str) -> str:
    """A ZIP code of five digits."""
    if _ZIP.fullmatch(text.strip()) is None:
        raise BadText("bad_zip", f"{text!r} is no ZIP code", 'write five digits in quotes: "78701"')
    return text.strip()


def read_miles(text: str) -> str:
    """A radius in whole miles."""
    if not 1 <= read_int(text) <= MILES_MAX:
        raise BadText("out_of_range", f"{text} miles are not from 1 to {MILES_MAX}", "write miles: 50")
    return text


def read_e164(text: str) -> str:
    """A number as E.164, the plus included."""
    if is_e164(text):
        return text
    meant = parse_number(text, "US")
    hint = f'write "{meant}"' if meant else 'write it as "+18335550100": a plus, country code, number, nothing between'
    raise BadText("bad_number", f"{text!r} is no phone number in E.164", hint)


def read_range(text: str) -> TimeRange:
    """`08:00-18:00`; the end may be 24:00, and an end before the start runs past midnight."""
    match = _RANGE.fullmatch(text.replace(" ", ""))
    example = 'write it as "08:00-18:00", four digits each; the end may be 24:00'
    if match is None:
        raise BadText("bad_hours", f"{text!r} is no range of hours", example)
    from_hour, from_minute, to_hour, to_minute = (int(part) for part in match.groups())
    start, until = from_hour * 60 + from_minute, to_hour * 60 + to_minute
    if from_minute > 59 or to_minute > 59 or start >= DAY_MINUTES or until > DAY_MINUTES:
        raise BadText("bad_hours", f"{text!r} names a time that no clock shows", example)
    if start == until or (start == 0 and until == 0):
        hint = 'a whole day is "00:00-24:00", a closed day is []'
        raise BadText("bad_hours", f"{text!r} ends when it begins", hint)
    return TimeRange(start=start, until=until)
