"""Secrets: references that are spelt right, and a warning where one seems to stand in the configuration itself."""

from __future__ import annotations

import re
from typing import Any, Final

from trunkline.config.problems import Findings
from trunkline.config.secrets import misspelt, texts, variables
from trunkline.config.templates import places
from trunkline.config.tree import Path

LENGTH_MIN: Final = 8
"""Characters from which on a text may be somebody's key."""
_HEADER: Final = re.compile(r"(?i)(?:proxy-)?authorization|(?:.*[-_])?(?:api[-_]?key|auth|key|password|secret|token)")
_PARAMETER: Final = re.compile(
    r"(?i)[?&](?P<name>(?:[a-z0-9]+[-_])?(?:api[-_]?key|auth|key|password|secret|token))=(?P<value>[^&#]*)"
)
_LOGIN: Final = re.compile(r"(?i)https?://[^/?#@]*:(?P<value>[^/?#@]+)@")
_HINT: Final = "write ${ENV:NAME} in its place, and set the variable NAME where the switch and the worker are started"


def check_secrets(findings: Findings, path: Path, value: Any) -> None:
    """All references inside one object, and what looks like a secret in its headers, fields, URLs and passwords."""
    for inner, text in texts(value):
        wrong = misspelt(text)
        if wrong is not None:
            message = f"{wrong} is not how an environment variable is named here"
            findings.error(
                (*path, *inner), "bad_env", message, "write ${ENV:NAME} with letters, digits and underscores"
            )
        elif _seems_secret(inner, text):
            message = "a secret seems to stand here in the clear: it is kept with every copy of the configuration"
            findings.warning((*path, *inner), "literal_secret", message, _HINT)


def _seems_secret(path: Path, text: str) -> bool:
    name = path[-1] if path else ""
    if name in {"bearer", "password"} or path[-2:] == ("auth", "value"):
        return not variables(text)
    if len(path) > 1 and path[-2] in {"fields", "headers"} and _HEADER.fullmatch(str(name)):
        return _literal(text)
    if name == "url":
        return any(_literal(each["value"]) for found in (_PARAMETER, _LOGIN) for each in found.finditer(text))
    return False


def _literal(text: str) -> bool:
    return len(text) >= LENGTH_MIN and not variables(text) and not places(text)
