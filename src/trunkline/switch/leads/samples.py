"""Sample leads: values that a campaign's form takes, and requests that a publisher can send as they are."""

from __future__ import annotations

import json
from typing import Any, Final

from trunkline.config.lead_fields import LeadField
from trunkline.config.schema import Campaign

_VALUES: Final = {
    "phone": "(512) 555-0100",
    "email": "jane.doe@example.com",
    "zip": "78701",
    "state": "TX",
    "date": "2025-03-07",
    "number": "42",
    "yes_no": "yes",
}
_CERTIFICATE: Final = "eb9fc4dd9bed9ad451a5648946cf4bf09b5bb947"
_CONSENT: Final[dict[str, Any]] = {
    "page_url": "https://quotes.example/form",
    "ip": "198.51.100.7",
    "user_agent": "Mozilla/5.0",
    "at": "2026-01-15T15:00:00Z",
    "text": "By pressing Send I agree that the sellers named above may call me.",
}


def sample_value(field: LeadField) -> str:
    """A value that the field takes, as somebody would write it."""
    if field.type == "choice":
        return field.choices[0]
    if field.type == "text":
        return "Some words"[: field.max_length or None]
    if field.type in {"number", "date"}:
        return field.min or field.max or _VALUES[field.type]
    return _VALUES[field.type]


def sample_lead(campaign: Campaign) -> dict[str, Any]:
    """The body of a test lead with every field and the consent that the campaign needs."""
    lead: dict[str, Any] = {
        "campaign": campaign.key,
        "source": "page-1",
        "test": True,
        "fields": {field.name: sample_value(field) for field in campaign.lead_fields},
    }
    rules = campaign.leads
    if rules.consent != "none":
        lead["consent"] = dict(_CONSENT)
        if rules.trustedform is not None:
            lead["consent"]["certificate"] = (
                f"{rules.trustedform.certificates}/eb9fc4dd9bed9ad451a5648946cf4bf09b5bb947"
            )
        if rules.consent == "named":
            lead["consent"]["sellers"] = ["The seller that the page names"]
    if rules.min_seconds is not None:
        lead.setdefault("consent", {})["form_seconds"] = 10 * rules.min_seconds
    return lead


def curl_json(lead: dict[str, Any], url: str) -> str:
    """The command that posts it as JSON."""
    body = json.dumps(lead, indent=1, ensure_ascii=False)
    lines = [
        f"curl {url}",
        "-H 'Authorization: Bearer YOUR_KEY'",
        "-H 'Content-Type: application/json'",
        "-H 'Idempotency-Key: YOUR-ID-OF-THE-LEAD'",
        f"-d {_quoted(body)}",
    ]
    return " \\\n ".join(lines)


def form_fields(lead: dict[str, Any]) -> dict[str, str]:
    """The same lead as the fields of a form."""
    flat = {"campaign": lead["campaign"], "source": lead["source"], "test": "true", **lead["fields"]}
    for name, value in lead.get("consent", {}).items():
        flat[f"consent.{name}"] = "|".join(value) if isinstance(value, list) else str(value)
    return flat


def curl_form(lead: dict[str, Any], url: str) -> str:
    """The command that posts it as a form."""
    lines = [f"curl {url}", "-H 'Authorization: Bearer YOUR_KEY'"]
    lines += [f"--data-urlencode {_quoted(f'{name}={value}')}" for name, value in form_fields(lead).items()]
    return " \\\n ".join(lines)


def _quoted(text: str) -> str:
    """As a shell takes it."""
    return "'" + text.replace("'", "'\\''") + "'"
