"""Secrets: references that are spelt right, and a warning where one seems to stand in the configuration itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from trunkline.config.problems import Findings
from trunkline.config.schema import AccountConfig
from trunkline.config.secrets import misspelt, texts, variables
from trunkline.config.templates import places
from trunkline.config.tree import Path
from trunkline.config.walk import walk

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


def check_owners(findings: Findings, config: AccountConfig) -> None:
    """Where accounts share an installation, each has the variables that begin with its key, and no others.

    Who writes an account's configuration would else have the others' secrets, and the platform's, sent anywhere.
    """
    prefix = f"{config.account.key.upper().replace('-', '_')}_"
    for path, holder in _holders(config):
        named = [(inner, name) for inner, text in texts(holder) for name in variables(text)]
        for inner, struct in walk(holder):
            fields = [field for field in struct.__struct_fields__ if field.endswith("_env")]
            named += [((*inner, field), value) for field in fields if (value := getattr(struct, field))]
        for inner, name in named:
            if not name.startswith(prefix):
                message = f"{name} is not a variable of this account"
                hint = f"with several accounts in one installation, write one that begins with {prefix}"
                findings.error((*path, *inner), "foreign_secret", message, hint)


def _holders(config: AccountConfig) -> Iterator[tuple[Path, Any]]:
    for place, campaign in enumerate(config.campaigns):
        yield ("campaigns", place, "leads"), campaign.leads
    for place, target in enumerate(config.targets):
        for field in ("deliver", "bid", "test_url"):
            if (holder := getattr(target, field)) is not None:
                yield ("targets", place, field), holder


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
