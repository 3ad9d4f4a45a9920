"""Checks of how leads are handed to buyers: one way, requests that can be sent, answers that can be read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from trunkline.config.deliveries import QUEUED_KINDS, SMS_PLACES, AcceptWhen, Deliver, Hook
from trunkline.config.json_paths import NoPath, steps_of
from trunkline.config.problems import Findings
from trunkline.config.secret_checks import check_secrets
from trunkline.config.secrets import unresolved
from trunkline.config.template_checks import OURS, check_element, check_headers, check_template
from trunkline.config.templates import places
from trunkline.config.tree import Path

CheckUrl = Callable[[Findings, Path, str], None]
_OF_URL: Final = frozenset(Hook.__struct_fields__) - {"url"} | {"idempotent"}
_OF_OUTBOX: Final = frozenset({"per_minute", "tries"})
_DEFAULTS: Final = Deliver()
WON_PLACES: Final = frozenset({"ping.id", "bid.id", "bid.amount", "bid.currency"})
"""What the post of a lead may say of the bid that it was won by; empty for a lead that nobody bid for."""


def check_deliver(findings: Findings, path: Path, deliver: Deliver) -> None:
    """One delivery: which way it goes, and its request; the URL itself and the other ways are checked elsewhere."""
    if _has_one_way(findings, path, deliver):
        _check_used(findings, path, deliver)
    if deliver.url:
        check_hook(findings, path, deliver, WON_PLACES)
    check_secrets(findings, path, deliver)


def check_hook(findings: Findings, path: Path, hook: Hook, more: frozenset[str] = frozenset()) -> None:
    """Templates, headers and paths of a request; `more` may stand in its templates besides attributes."""
    check_template(findings, (*path, "url"), hook.url, more)
    for name, template in hook.fields.items():
        here = (*path, "fields", name)
        check_template(findings, here, template, more)
        if hook.format == "xml" and hook.method != "GET":
            check_element(findings, here, name, "bad_delivery")
    ours = OURS if hook.auth is None else OURS | {"authorization"}
    check_headers(findings, (*path, "headers"), hook.headers, more, ours)
    if hook.auth is not None and ":" in unresolved(hook.auth.username):
        message = "a user name with a colon cannot be told from its password"
        findings.error((*path, "auth", "username"), "bad_delivery", message, "ask the buyer for another one")
    for field in ("reject_reason", "buyers_id"):
        check_path(findings, (*path, field), getattr(hook, field))
    for field in ("accept_when", "duplicate_when"):
        _check_rule(findings, (*path, field), getattr(hook, field))


def check_hook_url(findings: Findings, path: Path, url: str, check_url: CheckUrl) -> None:
    """The URL of a hook, as far as it stands there: of one that begins with a secret nothing can be said."""
    if not url.startswith("${ENV:"):
        check_url(findings, path, unresolved(url))


def check_sms(findings: Findings, path: Path, deliver: Deliver) -> None:
    """The request of a short message; `path` is its own."""
    sms = deliver.sms
    if sms is None:
        return
    check_hook(findings, path, sms, SMS_PLACES)
    check_template(findings, (*path, "text"), sms.text)
    if not sms.url and not findings.spoiled((*path, "url")):
        findings.error((*path, "url"), "missing", "'url' is missing", "write url: with the provider's address")
    asked = {name for text in (sms.url, *sms.fields.values(), *sms.headers.values()) for name in places(text)}
    if sms.fields and not asked >= SMS_PLACES:
        message = "the provider is not told the number, or the text: the request has no [sms.to] or no [sms.text]"
        findings.error((*path, "fields"), "bad_delivery", message, 'write fields: {To: "[sms.to]", Body: "[sms.text]"}')


def _has_one_way(findings: Findings, path: Path, deliver: Deliver) -> bool:
    ways = [name for name in ("url", *QUEUED_KINDS) if getattr(deliver, name)]
    if len(ways) == 1:
        return True
    if any(findings.spoiled((*path, name)) for name in ("url", *QUEUED_KINDS)):
        return False
    said = " and ".join(f"`{name}`" for name in ways) or "none of `url`, `email`, `sftp` and `sms`"
    hint = "write exactly one of url, email, sftp and sms; make two targets for two"
    findings.error(path, "bad_delivery", f"the delivery has {said}", hint)
    return False


def _check_used(findings: Findings, path: Path, deliver: Deliver) -> None:
    """What belongs to another way than the one that is said."""
    kind = deliver.kind
    for field in sorted(_OF_OUTBOX if kind == "url" else _OF_URL):
        if getattr(deliver, field) != getattr(_DEFAULTS, field):
            message = f"`{field}` does nothing beside `{kind}`"
            hint = f"write it inside `{kind}`" if kind == "sms" and field in Hook.__struct_fields__ else "leave it out"
            findings.warning((*path, field), "no_effect", message, hint)


def _check_rule(findings: Findings, path: Path, rule: AcceptWhen | None) -> None:
    if rule is None:
        return
    check_path(findings, (*path, "json"), rule.json)
    if rule.equals is not None and rule.json is None:
        message = "`equals` stands without `json`"
        findings.error((*path, "equals"), "bad_delivery", message, "write the path of the value that is compared")
    if rule == AcceptWhen():
        findings.error(path, "bad_delivery", "the rule asks for nothing", "write `json`, `status` or `text`")


def check_path(findings: Findings, path: Path, text: str | None) -> None:
    """A path into a JSON answer can be read."""
    if text is None:
        return
    try:
        steps_of(text)
    except NoPath as error:
        findings.error(path, "bad_delivery", str(error))
