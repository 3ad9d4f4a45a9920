"""Checks of what is sent to others: templates, names of headers, names of XML elements."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Final

from trunkline.config.attributes import type_of
from trunkline.config.problems import Findings
from trunkline.config.templates import places
from trunkline.config.tree import Path

_HEADER: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
OURS: Final = frozenset(
    {"connection", "content-length", "content-type", "host", "idempotency-key", "transfer-encoding"}
)
"""Headers that we write ourselves."""
_XML_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")


def is_header_name(text: str) -> bool:
    """Whether the text can be the name of a header (RFC 9110, section 5.1)."""
    return _HEADER.fullmatch(text) is not None


def check_template(findings: Findings, path: Path, template: str, more: Collection[str] = ()) -> None:
    """Every place of a template names an attribute, or one of `more`."""
    for name in places(template):
        if name not in more and type_of(name, {}) is None:
            hint = "docs/reference/configuration.md lists them; `[[` writes a bracket"
            findings.error(path, "unknown_attribute", f"there is no attribute {name!r}", hint)


def check_headers(
    findings: Findings,
    path: Path,
    headers: Mapping[str, str],
    more: Collection[str] = (),
    ours: frozenset[str] = OURS,
) -> None:
    """Headers of a request: names that can be sent and are not our own, templates on one line."""
    for name, template in headers.items():
        here = (*path, name)
        check_template(findings, here, template, more)
        if not is_header_name(name):
            findings.error(here, "bad_header", f"{name!r} is no name of a header", "use letters, digits and dashes")
        elif name.lower() in ours:
            findings.error(here, "bad_header", f"the header {name} is written by Trunkline itself", "leave it out")
        if not template.isprintable():
            findings.error(here, "bad_header", f"the value of {name} holds a control character", "keep it on one line")


def check_element(findings: Findings, path: Path, name: str, code: str) -> None:
    """The name of an XML element."""
    if _XML_NAME.fullmatch(name) is None:
        findings.error(path, code, f"{name!r} is no name of an XML element", "use letters, digits and _")
