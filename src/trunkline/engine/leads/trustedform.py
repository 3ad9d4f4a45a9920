"""Claims TrustedForm certificates: retains them in the operator's own account, and has them compared with the lead.

The protocol is that of ActiveProspect's Certificate API, version 4.0 (developers.activeprospect.com, "Run Certificate
Operations"): one POST of JSON to the URL of the certificate itself, with the user `API` and the account's key. To
retain one, `match_lead` must be asked too, which compares hashes of the phone and the e-mail with those typed.
"""

from __future__ import annotations

from base64 import b64encode
from typing import Any, Final, Literal

import msgspec

from trunkline.engine.payloads.json_values import find, read_json, words
from trunkline.kernel.http import Answer, Request

API_VERSION: Final = "4.0"
USER: Final = "API"
SHOWN_MAX: Final = 200
"""Characters of TrustedForm's words that are kept."""
_REFUSED: Final = {
    400: "TrustedForm cannot read the certificate's id",
    401: "TrustedForm does not know the API key",
    402: "the TrustedForm account is inactive or out of funds",
    403: "the TrustedForm account may not retain certificates",
    404: "the certificate has expired or does not exist",
    405: "the certificate is of TrustedForm's sandbox",
    422: "TrustedForm does not take the request",
}
"""By status of the documented errors: what happened, in words for operators."""
_OF_CERTIFICATE: Final = frozenset({400, 404, 405})
"""Errors that are the certificate's own fault."""

Outcome = Literal["claimed", "refused", "error"]
"""Retained, and the lead's own; not the lead's own, or not to be had; nothing is known of it."""


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a claim.

    `share_url` shows the certificate without what was typed, `expires_at` is until when it is kept. `email_match` and
    `phone_match` are None where they were not compared.
    """

    outcome: Outcome
    reason: str | None = None
    status: int | None = None
    expires_at: str | None = None
    share_url: str | None = None
    email_match: bool | None = None
    phone_match: bool | None = None
    again: bool = False


def claim_of(
    certificate: str, api_key: str, *, email: str | None, phone: str | None, reference: str, vendor: str
) -> Request:
    """The request that claims a certificate for the lead with this e-mail and `phone` (E.164); one of them is needed.

    `reference` is the lead's id and `vendor` the publisher, as they will stand beside the certificate. `certificate`
    has been checked to be one: the key goes where it points.
    """
    assert email is not None or phone is not None, "a certificate is compared with a phone or an e-mail"
    compared = {"email": email, "phone": None if phone is None else _as_typed(phone)}
    body = {
        "match_lead": {name: value for name, value in compared.items() if value is not None},
        "retain": {"reference": reference, "vendor": vendor},
    }
    credentials = b64encode(f"{USER}:{api_key}".encode()).decode()
    headers = {
        "Authorization": f"Basic {credentials}",
        "Api-Version": API_VERSION,
        "Content-Type": "application/json",
        "Accept": "application/json",
    }
    return Request(method="POST", url=certificate, headers=headers, body=msgspec.json.encode(body))


def claim_read(answer: Answer) -> Claim:
    """What TrustedForm answered. `outcome` of the body decides, as its documentation asks."""
    body = read_json(answer.body)
    reason = _text(body, "reason")
    if answer.status != 200:
        told = _REFUSED.get(answer.status, f"TrustedForm answers {answer.status}")
        outcome: Outcome = "refused" if answer.status in _OF_CERTIFICATE else "error"
        again = answer.status == 429 or answer.status >= 500
        return Claim(outcome=outcome, reason=_joined(told, reason), status=answer.status, again=again)
    said = _text(body, "outcome")
    if said not in {"success", "failure"}:
        return Claim(outcome="error", reason=_joined("TrustedForm does not say what came of it", reason), status=200)
    return Claim(
        outcome="claimed" if said == "success" else "refused",
        reason=None if said == "success" else reason or "the certificate is not the lead's",
        status=200,
        expires_at=_text(body, "retain.results.expires_at"),
        share_url=_text(body, "retain.results.masked_cert_url"),
        email_match=_bool(body, "match_lead.result.email_match"),
        phone_match=_bool(body, "match_lead.result.phone_match"),
    )


def _as_typed(phone: str) -> str:
    """The digits that a form of North America asks for: numbers are compared as they were typed."""
    return phone[2:] if phone.startswith("+1") and len(phone) == 12 else phone.removeprefix("+")


def _text(body: Any, path: str) -> str | None:
    found = words(find(body, path))
    return found[:SHOWN_MAX] if found and found != "null" else None


def _bool(body: Any, path: str) -> bool | None:
    found = find(body, path)
    return found if isinstance(found, bool) else None


def _joined(told: str, reason: str | None) -> str:
    return told if reason is None else f"{told}: {reason}"
