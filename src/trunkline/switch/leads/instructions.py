"""The posting instructions of one publisher, from the configuration: its campaigns, their fields, samples and answers.

One page for people, in HTML without scripts, readable on a telephone and in the dark. It says nothing of buyers, prices
or limits, and nothing of other publishers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

from trunkline.config.lead_fields import TEXT_LENGTH_MAX, LeadField
from trunkline.config.schema import AccountConfig, Campaign, Publisher
from trunkline.engine.leads.consent import LENGTHS
from trunkline.engine.leads.field_codes import FIELD_CODES
from trunkline.switch.leads.bodies import BODY_BYTES_MAX
from trunkline.switch.leads.samples import curl_form, curl_json, sample_lead, sample_value

TYPES: Final = {
    "phone": "Phone number, national or with + and country code",
    "email": "E-mail address",
    "zip": "ZIP code: five digits, or ZIP+4",
    "state": "State: postal code or name",
    "date": "Day: 2026-12-31",
    "number": "Decimal number",
    "text": "Text",
    "choice": "One of the choices",
    "yes_no": "Yes or no: yes, no, true, false, 1, 0",
}
_DATES: Final = {"month_first": " or 12/31/2026", "day_first": " or 31/12/2026"}
_CONSENT: Final = {
    "none": "Consent is not needed. What you state of it is kept with the lead.",
    "required": "Consent is needed: a certificate, a leadid, or text, page_url and at.",
    "named": "Consent is needed: a certificate, a leadid, or text, page_url and at; and sellers, the names of those "
    "whom the person agreed to hear from. The lead goes to nobody else.",
}
_CONSENT_FIELDS: Final = {
    "certificate": "URL of the TrustedForm certificate (the hidden field xxTrustedFormCertUrl is understood too)",
    "leadid": "Jornaya LeadiD (universal_leadid and leadid_token are understood too)",
    "page_url": "The page of the form",
    "ip": "The person's IP address",
    "user_agent": "The person's browser",
    "at": "When the person agreed: ISO 8601 with offset, 2026-11-23T15:00:00Z",
    "text": "The words that were shown",
    "sellers": "The sellers that they name: a list, or one text with bars between the names",
    "form_seconds": "How many seconds the form was before the person",
}
_ERROR: Final = '{"status": "…", "message": "…"}'
_ANSWERS: Final = (
    (
        "201",
        "accepted",
        "A buyer took the lead.",
        '{"id": "lead_…", "status": "accepted", "payout": "21.00", "currency": "USD"}',
    ),
    (
        "200",
        "unmatched",
        "Nobody took it. Do not send it again.",
        '{"id": "lead_…", "status": "unmatched", "reasons": ["no_buyer_area"]}',
    ),
    ("202", "held", "A person looks at it first.", '{"id": "lead_…", "status": "held"}'),
    (
        "409",
        "duplicate",
        "The campaign had it before.",
        '{"id": "lead_…", "status": "duplicate", "of": "lead_…", "message": "…"}',
    ),
    (
        "422",
        "invalid",
        "Fields are missing or wrong. Correct them and send it again.",
        '{"status": "invalid", "field_errors": [{"field": "phone", "code": "phone_invalid", "message": "…"}]}',
    ),
    ("401, 403", "unauthorized, forbidden", "The key is wrong, or not for this.", _ERROR),
    ("400, 413, 415", "malformed, …", f"The body cannot be read. It has at most {BODY_BYTES_MAX // 1024} KB.", _ERROR),
    ("429", "overloaded, …", "Too much at once. Send it again after the seconds of Retry-After.", _ERROR),
    ("503", "not_ready, failed", "Nothing was taken. Send it again.", _ERROR),
    ("503", "interrupted", "The lead was taken and cannot be answered yet. Do not send it again.", _ERROR),
)


def campaigns_of(config: AccountConfig, publisher: Publisher, campaign: str | None = None) -> list[Campaign]:
    """The campaigns that the publisher may send leads to (only `campaign`, when it is said), in the file's order."""
    named = publisher.campaigns or tuple(each.key for each in config.campaigns)
    return [
        each for each in config.campaigns if each.lead_fields and each.key in named and campaign in {None, each.key}
    ]


def instructions_page(config: AccountConfig, publisher: Publisher, campaigns: Sequence[Campaign], url: str) -> str:
    """The page; `url` is where the publisher posts to, without a path."""
    agency = config.account.name or config.account.key
    title = f"Posting leads to {agency}"
    parts = [
        f"<h1>{escape(title)}</h1>",
        f"<p>For {escape(publisher.name or publisher.key)}. Made from the configuration that is in force.</p>",
        _how(f"{url}/v1/leads", publisher),
    ]
    if not campaigns:
        parts.append("<p><strong>There is no campaign that takes leads with this key.</strong></p>")
    parts += [_campaign(each, f"{url}/v1/leads") for each in campaigns]
    parts += [_answers(), _codes()]
    if any(each.leads.margin or publisher.margin or each.payouts for each in campaigns):
        parts.append(_bids(url))
    return _HTML.replace("TITLE", escape(title)).replace("CONTENT", "\n".join(parts))


def _how(url: str, publisher: Publisher) -> str:
    pace = publisher.leads_per_minute
    limit = "" if pace is None else f" At most {pace} leads within any 60 seconds."
    return (
        "<h2>How</h2>"
        f"<p>Send each lead by <code>POST {escape(url)}</code> with the header "
        "<code>Authorization: Bearer YOUR_KEY</code>, as JSON (<code>application/json</code>) or as a form "
        f"(<code>application/x-www-form-urlencoded</code>).{limit}</p>"
        "<p>With the header <code>Idempotency-Key</code> (an id of your own, one for each lead) a lead that is sent "
        "twice is taken once, and answered alike. Send it again whenever no answer comes.</p>"
        "<p>With <code>test: true</code> a lead is checked and decided like any other, and sold to nobody.</p>"
        "<p>Names of fields may be written in any case. Other fields than these are left out. What is nested is found "
        "by its path: <code>contact.phone</code>.</p>"
    )


def _bids(url: str) -> str:
    """How to be bid an amount before a lead is sent."""
    ping = '{"campaign": "…", "source": "…", "fields": {"phone": "512555XXXX", "zip": "78701"}}'
    bid = '{"status": "bid", "ping_id": "ping_…", "bid": "27.00", "currency": "USD", "expires_at": "…"}'
    none = '{"status": "no_bid", "reasons": ["no_buyer_area"]}'
    sent = '{"ping_id": "ping_…", "fields": {…}, "consent": {…}}'
    return (
        "<h2>Asking for a bid first</h2>"
        f"<p>Send what may be said of the person by <code>POST {escape(url)}/v1/ping</code>, with the same key: phone, "
        "e-mail and texts may be left out, a phone may be its beginning (<code>512555XXXX</code>) or "
        "<code>phone_sha256</code>. Whatever is said must be true of the lead.</p>"
        f"<pre><code>{escape(ping)}\n\n{escape(bid)}\n{escape(none)}</code></pre>"
        f"<p>Send the whole lead by <code>POST {escape(url)}/v1/post</code> before the bid expires. Whoever takes it, "
        "it earns the bid. Answers are those above; 410 when the bid has expired.</p>"
        f"<pre><code>{escape(sent)}</code></pre>"
    )


def _campaign(campaign: Campaign, url: str) -> str:
    lead = sample_lead(campaign)
    rows = [
        (_named(field), _type(field), "yes" if field.required else "no", _takes(field), _code(sample_value(field)))
        for field in campaign.lead_fields
    ]
    heading = escape(campaign.name or campaign.key)
    parts = [
        f'<h2 id="{escape(campaign.key)}">{heading}</h2><p>Campaign {_code(campaign.key)}.</p>',
        _table(("field", "type", "needed", "takes", "for example"), rows),
        f"<h3>Consent</h3><p>{escape(_CONSENT[campaign.leads.consent])}</p>",
        _table(("consent", "what", "longest"), [_consent_row(name, words) for name, words in _CONSENT_FIELDS.items()]),
        _form_rules(campaign),
        f"<h3>As JSON</h3><pre><code>{escape(curl_json(lead, url))}</code></pre>",
        f"<h3>As a form</h3><pre><code>{escape(curl_form(lead, url))}</code></pre>",
    ]
    return "".join(parts)


def _consent_row(name: str, words: str) -> tuple[str, str, str]:
    length = LENGTHS.get(name)
    return _code(f"consent.{name}"), escape(words), "" if length is None else f"{length:,}"


def _form_rules(campaign: Campaign) -> str:
    """What the page of the form has to do for programs to be told from people."""
    rules, told = campaign.leads, []
    if rules.honeypot is not None:
        told.append(
            f"Put a field {_code(rules.honeypot)} into the form that people do not see, and send it as it comes: only "
            "programs fill it in."
        )
    if rules.min_seconds is not None:
        told.append("Send <code>consent.form_seconds</code>: how long the form was before the person.")
    return "" if not told else "<h3>The page</h3>" + "".join(f"<p>{each}</p>" for each in told)


def _named(field: LeadField) -> str:
    also = "" if not field.also else "<br>also " + ", ".join(_code(name) for name in field.also)
    return f"<strong>{_code(field.name)}</strong>{also}"


def _type(field: LeadField) -> str:
    return escape(TYPES[field.type] + _DATES.get(field.date_order if field.type == "date" else "", ""))


def _takes(field: LeadField) -> str:
    """What narrows the type."""
    told: list[str] = []
    if field.choices:
        told.append(", ".join(_code(each) for each in field.choices))
    if field.min is not None or field.max is not None:
        told.append(f"{escape(field.min or '…')} to {escape(field.max or '…')}")
    if field.type == "text":
        told.append(f"at most {field.max_length or TEXT_LENGTH_MAX:,} characters")
    told += [f"{_code(sent)} counts as {_code(meant) if meant else 'nothing'}" for sent, meant in field.values.items()]
    if field.default is not None:
        told.append(f"left out: {_code(field.default)}")
    return "<br>".join(told)


def _answers() -> str:
    rows = [(status, _code(name), escape(words), _code(sample)) for status, name, words, sample in _ANSWERS]
    return "<h2>Answers</h2>" + _table(("HTTP", "status", "what it means", "for example"), rows)


def _codes() -> str:
    rows = [(_code(code.value), escape(words)) for code, words in FIELD_CODES.items()]
    return "<h2>What can be wrong with a field</h2>" + _table(("code", "what it means"), rows)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table that becomes a list of cards where it has no room: each cell then says what it is."""
    head = "".join(f"<th scope=col>{each}</th>" for each in heads)
    body = "".join(
        "<tr>" + "".join(f'<td data-is="{name}">{cell}</td>' for name, cell in zip(heads, row, strict=True)) + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _code(text: str) -> str:
    return f"<code>{escape(text)}</code>"


_HTML: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>TITLE</title>
<style>
:root { --ink: #1b1f24; --soft: #57606a; --line: #d8dee4; --page: #fff; --code: #f3f5f7; }
@media (prefers-color-scheme: dark) {
 :root { --ink: #e6e9ec; --soft: #9aa4ae; --line: #343b43; --page: #14171a; --code: #20252a; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 60rem; padding: 1rem; color: var(--ink); background: var(--page);
 font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; line-height: 1.2; }
h2 { margin-top: 2.5rem; font-size: 1.25rem; border-top: 1px solid var(--line); padding-top: 1.5rem; }
h3 { margin-top: 1.5rem; font-size: 1rem; }
code, pre { font: .875em/1.45 ui-monospace, monospace; background: var(--code); border-radius: 3px; }
code { padding: .1em .3em; }
pre { padding: .75rem; white-space: pre-wrap; }
pre code { padding: 0; font-size: 1em; }
table { width: 100%; border-collapse: collapse; font-size: .9375rem; }
th { text-align: left; font-weight: 600; color: var(--soft); white-space: nowrap; }
td:first-child { overflow-wrap: normal; }
th, td { padding: .4rem .75rem .4rem 0; vertical-align: top; border-bottom: 1px solid var(--line); }
@media (max-width: 40rem) {
 thead { position: absolute; clip-path: inset(50%); height: 1px; overflow: hidden; }
 table, tbody, tr, td { display: block; }
 tr { padding: .6rem 0; border-bottom: 1px solid var(--line); }
 td { padding: .15rem 0; border: 0; }
 td:empty { display: none; }
 td:not(:first-child)::before { content: attr(data-is) ": "; color: var(--soft); }
}
</style>
</head>
<body>
<main>
CONTENT
</main>
</body>
</html>
"""
