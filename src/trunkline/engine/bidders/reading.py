"""What a bidder's answer means, in our words."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Final, Literal, ParamSpec

import msgspec

from trunkline.engine.payloads.documents import Document, Unusable, shown
from trunkline.kernel.http import Answer
from trunkline.kernel.money import AMOUNT_MINOR_MAX, Money, minor_digits

ID_MAX: Final = 200
DURATION_S_MAX: Final = 86_400
LASTS_S_MAX: Final = 86_400
_AMOUNT: Final = re.compile(r"(?P<sign>-?)(?P<whole>[0-9]{1,40})(?:\.(?P<rest>[0-9]{1,60}))?")
_NO_ANSWERS: Final = frozenset({401, 403, 404, 408, 425, 429})
_CURRENCY: Final = re.compile(r"[A-Z]{3}")
_WHOLE: Final = re.compile(r"[0-9]{1,9}(?:\.0{1,9})?")

Answered = Literal["bid", "no_bid", "error"]
P = ParamSpec("P")


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """An answer to a ping. With `answered` `bid`: the `amount`, and the terms that it names.

    `dial` is a number in E.164 or a SIP address that the bidder may name; `duration_s` the seconds that a call must
    last to be owed; `expires_ms` (UTC) when the bid ends; `reason` the bidder's words for no bid, or ours for an error.
    """

    answered: Answered
    amount: Money | None = None
    id: str | None = None
    dial: str | None = None
    duration_s: int | None = None
    expires_ms: int | None = None
    reason: str | None = None


class Confirmation(msgspec.Struct, frozen=True, kw_only=True):
    """An answer to a confirmation: whether the bidder stands by its bid, where to dial, or why not."""

    accepted: bool
    dial: str | None = None
    reason: str | None = None


def no_bid(reason: str | None) -> Reading:
    """The bidder does not want it."""
    return Reading(answered="no_bid", reason=shown(reason))


def error(reason: str) -> Reading:
    """The answer cannot be used."""
    return Reading(answered="error", reason=shown(reason))


def money_of(text: str, currency: str) -> Money:
    """Major units as bidders write them, exact; parts of the smallest coin are dropped, nobody owes more than its bid.

    Raises Unusable for what is no amount, is negative, or larger than any that is meant.
    """
    match = _AMOUNT.fullmatch(text.strip())
    if match is None:
        raise Unusable(f"{text[:40]!r} is no amount")
    digits = minor_digits(currency)
    minor = int(match["whole"]) * 10**digits + int((match["rest"] or "")[:digits].ljust(digits, "0") or "0")
    if match["sign"] or minor > AMOUNT_MINOR_MAX:
        raise Unusable(f"{text[:40]!r} is no amount that anybody pays")
    return Money(minor, currency)


def currency_at(document: Document, path: str) -> str | None:
    """The code of a currency at a path; None when nothing stands there. Raises Unusable."""
    text = document.words(path)
    if text is None or not text.strip():
        return None
    if _CURRENCY.fullmatch(code := text.strip().upper()) is None:
        raise Unusable(f"{text[:40]!r} is no currency")
    return code


def amount_at(document: Document, path: str, currency: str) -> Money | None:
    """The amount at a path; None when nothing stands there. Raises Unusable."""
    text = document.words(path)
    return None if text is None or not text.strip() else money_of(text, currency)


def seconds_at(document: Document, path: str, most: int) -> int | None:
    """Whole seconds at a path; None when nothing stands there. Raises Unusable."""
    text = document.words(path)
    if text is None or not text.strip():
        return None
    if _WHOLE.fullmatch(text.strip()) is None or (seconds := int(text.strip().partition(".")[0])) > most:
        raise Unusable(f"{text[:40]!r} is no number of seconds up to {most}")
    return seconds


def expires_at(document: Document, path: str, utc_ms: int) -> int | None:
    """When a bid ends (UTC, milliseconds): whole seconds from now, or a time in ISO 8601.

    None when nothing stands there. Raises Unusable for what is neither, is over, or is more than a day away.
    """
    text = document.words(path)
    if text is None or not text.strip():
        return None
    if _WHOLE.fullmatch(text.strip()) is not None:
        return utc_ms + (seconds_at(document, path, LASTS_S_MAX) or 0) * 1_000
    try:
        at = datetime.fromisoformat(text.strip())
        expires_ms = int(at.timestamp() * 1_000) if at.tzinfo is not None else None
    except (ValueError, OverflowError) as wrong:
        raise Unusable(f"{text[:40]!r} is no time") from wrong
    if expires_ms is None or not utc_ms < expires_ms <= utc_ms + LASTS_S_MAX * 1_000:
        raise Unusable(f"{text[:40]!r} is no time at which a bid ends; do the clocks differ?")
    return expires_ms


def id_at(document: Document, path: str) -> str | None:
    """The bidder's id at a path; None when there is none. Raises Unusable."""
    text = document.words(path)
    if text is None or not text.strip():
        return None
    text = text.strip()
    if len(text) > ID_MAX or not text.isprintable():
        raise Unusable(f"the id at {path} is longer than {ID_MAX} characters, or holds control characters")
    return text


def words_at(document: Document, path: str) -> str | None:
    """The bidder's words at a path as they may be kept; None when there are none that are a text."""
    try:
        return shown(document.words(path))
    except Unusable:
        return None


def never_fails(read: Callable[P, Reading]) -> Callable[P, Reading]:
    """A reader whose objection to what stands in an answer becomes a reading of its own."""

    @wraps(read)
    def reading(*args: P.args, **more: P.kwargs) -> Reading:
        try:
            return read(*args, **more)
        except Unusable as objection:
            return error(str(objection))

    return reading


def refused(answer: Answer) -> str | None:
    """Why an answer is none by its status alone: servers that fail, and that want to be left alone."""
    return f"status {answer.status}" if answer.status >= 500 or answer.status in _NO_ANSWERS else None
