"""A lead as its buyer's endpoint wants it, and what the buyer's answer means.

Both are pure: the request is built here and sent elsewhere. Every post of one attempt carries the attempt's id in
`Idempotency-Key`, so that a buyer that heard it twice can take it once.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final
from urllib.parse import quote

import msgspec

from trunkline.config.deliveries import AcceptWhen, Hook
from trunkline.config.folds import fold_text
from trunkline.engine.payloads.bodies import TYPES, basic, body_of, one_line, with_query
from trunkline.engine.payloads.json_values import find, read_json, words
from trunkline.engine.payloads.templates import render
from trunkline.kernel.http import Answer, Request

SHOWN_MAX: Final = 200
"""Characters of a buyer's words that are kept."""
_AGAIN_LATER: Final = frozenset({408, 425, 429})


class Delivered(StrEnum):
    """What became of a post that was answered."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    DUPLICATE = "duplicate"
    HTTP_ERROR = "http_error"


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """The meaning of an answer: what became of the lead, the buyer's words for it, and the buyer's own id."""

    outcome: Delivered
    reason: str | None = None
    buyers_id: str | None = None


def post_of(deliver: Hook, known: Mapping[str, str], attempt: str, *, url: str | None = None) -> Request:
    """The post of a lead of which `known` attributes are known, as attempt `attempt`.

    Without `fields` all fields of the lead are sent by their own names. `url` stands in place of the delivery's own.
    """
    url = render(url or deliver.url, known, lambda text: quote(text, safe=""))
    if deliver.fields:
        values = {name: render(template, known) for name, template in deliver.fields.items()}
    else:
        values = {name.removeprefix("lead."): value for name, value in known.items() if name.startswith("lead.")}
    headers = {"Accept": "application/json, */*;q=0.5", "Idempotency-Key": attempt}
    if deliver.auth is not None:
        headers["Authorization"] = basic(deliver.auth.username, deliver.auth.password)
    headers |= {name: render(template, known, one_line) for name, template in deliver.headers.items()}
    if deliver.method == "GET":
        return Request(method="GET", url=with_query(url, values), headers=headers)
    headers = {"Content-Type": TYPES[deliver.format], **headers}
    return Request(method=deliver.method, url=url, headers=headers, body=body_of(deliver.format, values, "lead"))


def judged(deliver: Hook, answer: Answer) -> Verdict:
    """What an answer means by the buyer's own rules; without rules every status from 200 to 299 is an acceptance."""
    value = read_json(answer.body)
    buyers_id = None if deliver.buyers_id is None else _shown(words(find(value, deliver.buyers_id)))
    reason = None if deliver.reject_reason is None else _shown(words(find(value, deliver.reject_reason)))
    fine = 200 <= answer.status < 300
    if deliver.duplicate_when is not None and _holds(deliver.duplicate_when, answer, value):
        outcome = Delivered.DUPLICATE
    elif fine if deliver.accept_when is None else _accepts(deliver.accept_when, answer, value):
        return Verdict(outcome=Delivered.ACCEPTED, buyers_id=buyers_id)
    elif answer.status == 409:
        outcome = Delivered.DUPLICATE
    elif fine or (400 <= answer.status < 500 and answer.status not in _AGAIN_LATER):
        outcome = Delivered.REJECTED
    else:
        outcome = Delivered.HTTP_ERROR
    return Verdict(outcome=outcome, reason=reason or f"status {answer.status}", buyers_id=buyers_id)


def _accepts(rule: AcceptWhen, answer: Answer, value: object) -> bool:
    """An acceptance also has a status of success, unless the rule names one."""
    return (rule.status is not None or 200 <= answer.status < 300) and _holds(rule, answer, value)


def _holds(rule: AcceptWhen, answer: Answer, value: object) -> bool:
    if rule.status is not None and answer.status != rule.status:
        return False
    if rule.text is not None and rule.text not in answer.body.decode(errors="replace"):
        return False
    if rule.json is None:
        return True
    found = words(find(value, rule.json))
    if rule.equals is None:
        return found is not None and found not in {"", "false"}
    return found is not None and fold_text(found) == fold_text(rule.equals)


def _shown(text: str | None) -> str | None:
    return None if text is None else text[:SHOWN_MAX]
