"""What the switch's answer to a post means for its row, and for the rows behind it."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from email.utils import parsedate_to_datetime
from typing import Any, Final

import msgspec

from trunkline.kernel.http import Answer
from trunkline.worker.batch.rows import RowError

WAIT_S_MAX: Final = 3_600
"""Longer than that nobody is told to wait; what says so is answered by this much."""
_STATUS: Final = re.compile(r"[a-z][a-z_]{0,29}")
_BUSY: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_OF_ROW: Final = frozenset({400, 409, 413, 422})
_SHOWN_MAX: Final = 300


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """The row has its answer. With `errors` it was not taken and can be repaired."""

    status: str
    lead: str = ""
    payout: Decimal | None = None
    currency: str = ""
    errors: tuple[RowError, ...] = ()


class Again(msgspec.Struct, frozen=True):
    """Nobody has decided: to be posted again with the same key, not before `wait_s` (None: nothing was said)."""

    wait_s: int | None
    why: str


class Useless(msgspec.Struct, frozen=True):
    """No row of this import can be taken: why, and what to do."""

    why: str
    hint: str


def meaning_of(answer: Answer, now_s: float) -> Settled | Again | Useless:
    """What an answer means; `now_s` (seconds since 1970) is for a Retry-After that names a date."""
    document = _document(answer.body)
    status = str(document.get("status", ""))
    words = str(document.get("message", ""))[:_SHOWN_MAX]
    if status == "interrupted" and document.get("id"):
        return Settled(status=status, lead=str(document["id"])[:60])  # a buyer may have it: never to be sent again
    if answer.status in _BUSY:
        return Again(_wait_s(answer.headers.get("retry-after", ""), now_s), f"the switch answers {answer.status}")
    if 200 <= answer.status < 300 and _STATUS.fullmatch(status):
        payout, currency = _money(document)
        return Settled(status=status, lead=str(document.get("id", ""))[:60], payout=payout, currency=currency)
    if answer.status == 409 and status == "duplicate":
        return Settled(status=status, lead=str(document.get("of", ""))[:60])
    if answer.status in _OF_ROW:
        code = status if _STATUS.fullmatch(status) else f"status_{answer.status}"
        errors = _field_errors(document) or (RowError("", code, words or f"The switch answers {answer.status}."),)
        return Settled(status=code, errors=errors)
    return _useless(answer.status, words)


def _useless(status: int, words: str) -> Useless:
    if status == 401:
        return Useless("the switch does not know this key", "the variable of --key-env must hold a publisher's API key")
    if status == 403:
        return Useless(words or "this key may not post here", "give the publisher's key the campaign, or use another")
    if status == 404:
        return Useless(words or "there is no such campaign, or no switch at this address", "--campaign KEY, --url URL")
    return Useless(f"the answer {status} is none of a switch", "does --url name a switch's public HTTP address?")


def _document(body: bytes) -> dict[str, Any]:
    try:
        document = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}
    return document if isinstance(document, dict) else {}


def _field_errors(document: dict[str, Any]) -> tuple[RowError, ...]:
    listed = document.get("field_errors")
    if not isinstance(listed, list):
        return ()
    told = [each for each in listed if isinstance(each, dict)]
    return tuple(
        RowError(*(str(each.get(name, ""))[:_SHOWN_MAX] for name in ("field", "code", "message"))) for each in told
    )


def _money(document: dict[str, Any]) -> tuple[Decimal | None, str]:
    try:
        payout = Decimal(str(document["payout"]))
    except (KeyError, InvalidOperation):
        return None, ""
    return (payout, str(document.get("currency", ""))[:3]) if payout.is_finite() else (None, "")


def _wait_s(told: str, now_s: float) -> int | None:
    """The seconds of a Retry-After, which is a number of them or a date (RFC 9110, section 10.2.3)."""
    told = told.strip()
    if told.isascii() and told.isdigit():
        return min(int(told[:9]), WAIT_S_MAX)
    try:
        at = parsedate_to_datetime(told)
    except ValueError:
        return None
    seconds = at.timestamp() - now_s
    return max(0, min(int(seconds) + 1, WAIT_S_MAX))
