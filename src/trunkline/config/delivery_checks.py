"""Checks of how leads are posted."""

from __future__ import annotations

import re
from typing import Final

from trunkline.config.attributes import type_of
from trunkline.config.deliveries import AcceptWhen, Deliver
from trunkline.config.json_paths import NoPath, steps_of
from trunkline.config.problems import Findings
from trunkline.config.templates import places
from trunkline.config.tree import Path

_HEADER: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_OURS: Final = frozenset(
    {"connection", "content-length", "content-type", "host", "idempotency-key", "transfer-encoding"}
)
_XML_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")


def check_deliver(findings: Findings, path: Path, deliver: Deliver) -> None:
    """Templates, headers and paths of one delivery; its URL is checked elsewhere."""
    _check_template(findings, (*path, "url"), deliver.url)
    for name, template in deliver.fields.items():
        here = (*path, "fields", name)
        _check_template(findings, here, template)
        if deliver.format == "xml" and deliver.method != "GET" and _XML_NAME.fullmatch(name) is None:
            findings.error(here, "bad_delivery", f"{name!r} is no name of an XML element", "use letters, digits and _")
    for name, template in deliver.headers.items():
        here = (*path, "headers", name)
        _check_template(findings, here, template)
        if _HEADER.fullmatch(name) is None:
            findings.error(here, "bad_header", f"{name!r} is no name of a header", "use letters, digits and dashes")
        elif name.lower() in _OURS:
            findings.error(here, "bad_header", f"the header {name} is written by Trunkline itself", "leave it out")
        if not template.isprintable():
            findings.error(here, "bad_header", f"the value of {name} holds a control character", "keep it on one line")
    for field in ("reject_reason", "buyers_id"):
        _check_path(findings, (*path, field), getattr(deliver, field))
    for field in ("accept_when", "duplicate_when"):
        _check_rule(findings, (*path, field), getattr(deliver, field))


def _check_rule(findings: Findings, path: Path, rule: AcceptWhen | None) -> None:
    if rule is None:
        return
    _check_path(findings, (*path, "json"), rule.json)
    if rule.equals is not None and rule.json is None:
        message = "`equals` stands without `json`"
        findings.error((*path, "equals"), "bad_delivery", message, "write the path of the value that is compared")
    if rule == AcceptWhen():
        findings.error(path, "bad_delivery", "the rule asks for nothing", "write `json`, `status` or `text`")


def _check_template(findings: Findings, path: Path, template: str) -> None:
    for name in places(template):
        if type_of(name, {}) is None:
            hint = "docs/reference/configuration.md lists them; `[[` writes a bracket"
            findings.error(path, "unknown_attribute", f"there is no attribute {name!r}", hint)


def _check_path(findings: Findings, path: Path, text: str | None) -> None:
    if text is None:
        return
    try:
        steps_of(text)
    except NoPath as error:
        findings.error(path, "bad_delivery", str(error))
