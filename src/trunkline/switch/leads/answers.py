"""What whoever posts is answered: a status of HTTP and a JSON document with `status` and, for errors, `message`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, Final

import msgspec

from trunkline.engine.leads.form import FieldError
from trunkline.switch.leads.orders import LeadAnswer

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Scope = MutableMapping[str, Any]

_encode: Final = msgspec.json.Encoder().encode
_STATUS: Final = {"accepted": 201, "unmatched": 200, "blocked": 200, "held": 202, "duplicate": 409}
_MESSAGES: Final = {
    "duplicate": "the campaign has had this lead before and takes no duplicates",
    "failed": "nothing was kept of the lead; send it again",
    "interrupted": "the lead was received and could not be sold to the end; do not send it again",
}
RETRY_S: Final = 5


class Answer(msgspec.Struct, frozen=True):
    """Status, body and further headers of an answer.

    One that `tells` says what became of a lead that was taken: sent again with the same key, a post gets it again.
    """

    status: int
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()
    tells: bool = False


def refusal(status: int, code: str, message: str, retry_s: int | None = None) -> Answer:
    """Nothing was taken; `message` says what to do, `retry_s` when to come again."""
    headers = () if retry_s is None else ((b"retry-after", str(retry_s).encode()),)
    return Answer(status, _encode({"status": code, "message": message}), headers)


def invalid(errors: tuple[FieldError, ...]) -> Answer:
    """Fields of the lead are wrong: all of them are told."""
    document = {
        "status": "invalid",
        "message": "fields of the lead are missing or wrong",
        "field_errors": [{"field": each.field, "code": each.code, "message": each.message} for each in errors],
    }
    return Answer(422, _encode(document))


def answered(answer: LeadAnswer, currency: str, *, test: bool) -> Answer:
    """What came of a lead. That it was blocked is nobody's business but the operator's."""
    status = _STATUS.get(answer.status, 503)
    document: dict[str, Any] = {"id": answer.lead, "status": answer.status}
    if answer.status == "accepted":
        document["payout"] = None if answer.payout is None else str(answer.payout)
        document["currency"] = currency
    elif status == 200:
        document["status"] = "unmatched"
        document["reasons"] = list(answer.reasons)
    elif answer.status == "duplicate":
        document["of"] = answer.of
    if answer.status in _MESSAGES:
        document["message"] = _MESSAGES[answer.status]
    if test:
        document["test"] = True
    failed = answer.status == "failed"
    headers = ((b"retry-after", str(RETRY_S).encode()),) if failed else ()
    return Answer(status, _encode(document), headers, tells=not failed)


async def reply(send: Send, answer: Answer) -> None:
    """Send an answer."""
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(answer.body)).encode()),
        *answer.headers,
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


def header(scope: Mapping[str, Any], name: bytes) -> str | None:
    """The value of a header (small letters), None when it was not sent."""
    for key, value in scope["headers"]:
        if key == name:
            found: str = value.decode("latin-1")
            return found
    return None
