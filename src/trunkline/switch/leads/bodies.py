"""The body of a posted lead: read within bounds, as JSON or as a form, into one shape.

A key that stands twice has two meanings, and programs differ in which one counts: such a body is refused. Keys are only
looked at one by one where there may be such a key: there are more `"…":` in the text than keys in what was read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal
from typing import Any, Final, TypeVar
from urllib.parse import parse_qsl

import msgspec

BODY_BYTES_MAX: Final = 65_536
FORM_FIELDS_MAX: Final = 400
JSON: Final = "application/json"
FORM: Final = "application/x-www-form-urlencoded"
_TOP: Final = frozenset({"campaign", "source", "test"})
_CONSENT: Final = re.compile(r"consent[.\[]([A-Za-z0-9_-]{1,64})\]?")
_FIELD: Final = re.compile(r"fields[.\[]([^\]]{1,200})\]?")
_A_KEY: Final = re.compile(rb'"[ \t\r\n]*:')
_BLANK_BEHIND: Final = (b'" ', b'"\t', b'"\r', b'"\n')
_YES_NO: Final = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False, "": False}

T = TypeVar("T")
Receive = Callable[[], Awaitable[Mapping[str, Any]]]


class BadBody(Exception):
    """The body cannot be read: the status of HTTP, a code, and words for whoever sent it."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


class Gone(Exception):
    """Whoever was sending has left; there is nobody to answer."""


class LeadBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a publisher posts. `fields` by whatever names it uses; `test` leads are sold to nobody."""

    campaign: str
    fields: dict[str, Any]
    source: str | None = None
    test: bool = False
    consent: dict[str, Any] | None = None


_any: Final = msgspec.json.Decoder(float_hook=Decimal)


async def read_body(receive: Receive, length: str | None) -> bytes:
    """All of a body. Raises BadBody when it is longer than may be, Gone when it breaks off."""
    too_long = BadBody(413, "too_large", f"a lead has at most {BODY_BYTES_MAX} bytes")
    if length is not None and length.isdigit() and int(length) > BODY_BYTES_MAX:
        raise too_long
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        piece: bytes = message.get("body", b"")
        body += piece
        if len(body) > BODY_BYTES_MAX:
            raise too_long
        if not message.get("more_body", False):
            return body


def read_lead(content_type: str | None, body: bytes) -> LeadBody:
    """What the body says. Raises BadBody."""
    kind = (content_type or "").partition(";")[0].strip().lower()
    if kind == JSON:
        sent = read_json(body)
    elif kind == FORM:
        sent = _read_form(body)
    else:
        raise BadBody(415, "unsupported_media_type", f"send the lead as {JSON} or {FORM}")
    return shaped(sent, LeadBody)


def shaped(sent: Any, shape: type[T]) -> T:
    """What was sent, as the struct `shape`. Raises BadBody naming what does not fit."""
    try:
        return msgspec.convert(sent, shape)
    except msgspec.ValidationError as error:
        raise BadBody(400, "malformed", f"the body does not have the shape of a lead: {error}") from None


def read_json(body: bytes) -> Any:
    """The JSON value of a body, numbers exact. Raises BadBody, also for a key that stands twice."""
    try:
        sent = _any.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ArithmeticError) as error:
        raise BadBody(400, "malformed", f"the body is not JSON: {str(error)[:200]}") from None
    if _keys_written(body) != _keys(sent):
        _refuse_twins(body)
    return sent


def _keys_written(body: bytes) -> int:
    """How many keys a JSON text has at most. Without escapes, and blanks behind quotes, a quote and a colon are one."""
    if b"\\" in body or any(pair in body for pair in _BLANK_BEHIND):
        return len(_A_KEY.findall(body))
    return body.count(b'":')


def _keys(value: Any) -> int:
    """How many keys all objects of a JSON value have."""
    count, waiting = 0, [value]
    while waiting:
        here = waiting.pop()
        if type(here) is dict:
            count += len(here)
            here = here.values()
        elif type(here) is not list:
            continue
        waiting += [each for each in here if type(each) is dict or type(each) is list]
    return count


def _refuse_twins(body: bytes) -> None:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            seen: set[str] = set()
            twin = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
            raise BadBody(400, "malformed", f"the key {twin[:100]!r} stands twice")
        return found

    try:
        json.loads(body, object_pairs_hook=once, parse_int=str, parse_float=str)
    except (ValueError, RecursionError) as error:
        raise BadBody(400, "malformed", f"the body is not JSON: {str(error)[:200]}") from None


def _read_form(body: bytes) -> dict[str, Any]:
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=FORM_FIELDS_MAX)
    except (UnicodeDecodeError, ValueError) as error:
        raise BadBody(400, "malformed", f"the body is not a form: {str(error)[:200]}") from None
    sent: dict[str, Any] = {}
    fields: dict[str, str] = {}
    consent: dict[str, str] = {}
    for name, value in pairs:
        stated, field = _CONSENT.fullmatch(name), _FIELD.fullmatch(name)
        place: dict[str, Any] = consent if stated else sent if name in _TOP else fields
        key = stated[1] if stated else field[1] if field else name
        if key in place:
            raise BadBody(400, "malformed", f"the field {name[:100]!r} stands twice")
        place[key] = value
    if "test" in sent:
        sent["test"] = yes_or_no(sent["test"])
    return {**sent, "fields": fields, "consent": consent}


def yes_or_no(test: str) -> bool:
    """What a form says of `test`. Raises BadBody."""
    if test.lower() not in _YES_NO:
        raise BadBody(400, "malformed", "test is true or false")
    return _YES_NO[test.lower()]
