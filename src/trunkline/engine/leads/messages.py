"""A lead as a short message to its buyer: the request that a provider is asked with, and what the answer means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from trunkline.config.deliveries import Sms
from trunkline.engine.leads.delivery import Delivered, judged, post_of
from trunkline.engine.leads.retries import DETAIL_MAX, Failed, Sent
from trunkline.engine.payloads.templates import render
from trunkline.kernel.http import Answer, Request

TEXT_MAX: Final = 1_600
"""Characters of a message; providers cut longer ones into ten parts at most."""
RETRY_AFTER_MAX_S: Final = 86_400
_PLAIN: Final = {"to": "[sms.to]", "text": "[sms.text]"}


def sms_of(sms: Sms, known: Mapping[str, str], attempt: str) -> Request:
    """The request for the lead of which `known` attributes are known; every try of `attempt` carries the same key."""
    text = render(sms.text, known)[:TEXT_MAX]
    if not sms.fields:
        sms = msgspec.structs.replace(sms, fields=_PLAIN)
    return post_of(sms, {**known, "sms.to": sms.to, "sms.text": text}, attempt)


def sms_judged(sms: Sms, answer: Answer) -> Sent | Failed:
    """What the provider's answer means. A refusal is for good; overload and errors of its own may pass."""
    verdict = judged(sms, answer)
    match verdict.outcome:
        case Delivered.ACCEPTED | Delivered.DUPLICATE:
            return Sent(verdict.buyers_id or "")
        case Delivered.REJECTED:
            permanent, reason = True, "rejected"
        case _:
            permanent, reason = False, "http_error"
    detail = f"status {answer.status}: {verdict.reason or ''}"[:DETAIL_MAX]
    return Failed(reason=reason, detail=detail, permanent=permanent, after_ms=_retry_after_ms(answer))


def _retry_after_ms(answer: Answer) -> int:
    """Seconds alone are understood (RFC 9110, section 10.2.3); a date says nothing to who has no clock."""
    said = answer.headers.get("retry-after", "").strip()
    return 1000 * min(int(said), RETRY_AFTER_MAX_S) if said.isascii() and said.isdigit() and len(said) < 10 else 0
