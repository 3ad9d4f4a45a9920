"""How trunks prove who they are to us and we to them: user names, variables of passwords, registration."""

from __future__ import annotations

import re
from collections.abc import Sequence

from trunkline.config.limit_checks import check_ranges
from trunkline.config.problems import Findings
from trunkline.config.tree import Path
from trunkline.config.trunks import Trunk, TrunkAuth, TrunkOutbound, TrunkRegister

_ENV = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_DOMAIN = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
)
_USER_PART = re.compile(r"[A-Za-z0-9_.!~*'()+-]{1,64}")


def check_login(findings: Findings, path: Path, username: str | None, password_env: str | None) -> None:
    """A user name and the variable of its password, both or neither."""
    if username is not None and password_env is None:
        hint = "write password_env: NAME, the environment variable that holds the password"
        findings.error((*path, "password_env"), "missing", "'password_env' is missing beside a user name", hint)
    if password_env is not None and username is None:
        hint = "write username: with the name that the carrier gave you"
        findings.error((*path, "username"), "missing", "'username' is missing beside a password", hint)
    if username is not None and not username.isprintable():
        findings.error((*path, "username"), "bad_text", "the user name holds a control character", "leave it out")
    if password_env and _ENV.fullmatch(password_env) is None:
        hint = "write the variable's name, never the password itself"
        findings.error((*path, "password_env"), "bad_env", "this is no name of an environment variable", hint)


def check_account(findings: Findings, path: Path, outbound: TrunkOutbound) -> None:
    """The login of a trunk's `outbound`; a user name may bring its domain with it."""
    check_login(findings, path, outbound.username, outbound.password_env)
    _, at, domain = (outbound.username or "").partition("@")
    if at and _DOMAIN.fullmatch(domain) is None:
        hint = "write the user name alone, or user@sip.carrier.example"
        findings.error((*path, "username"), "bad_sip_uri", f"{domain!r} is no domain", hint)
    if outbound.realm is not None and outbound.username is None:
        hint = "write username: and password_env: beside `realm`"
        findings.error((*path, "username"), "missing", "'username' is missing: nobody proves anything", hint)
    if outbound.realm is not None and not outbound.realm.isprintable():
        findings.error((*path, "realm"), "bad_text", "the realm holds a control character", "leave it out")
    if outbound.register is not None:
        check_register(findings, (*path, "register"), outbound, outbound.register)


def check_auth(findings: Findings, path: Path, auth: TrunkAuth) -> None:
    """What a trunk proves itself with."""
    check_login(findings, path, auth.username, auth.password_env)
    if not auth.algorithms:
        hint = "write [MD5], [SHA-256] or both; leave it out for MD5"
        findings.error((*path, "algorithms"), "missing", "without an algorithm nobody can prove anything", hint)


def check_usernames(findings: Findings, trunks: Sequence[Trunk]) -> None:
    """A user name is one trunk's: it says whose calls they are."""
    seen: dict[str, str] = {}
    for place, trunk in enumerate(trunks):
        if trunk.auth is None or not trunk.auth.username:
            continue
        first = seen.setdefault(trunk.auth.username, trunk.key)
        if first != trunk.key:
            message = f"{trunk.auth.username!r} is the user name of the trunk {first!r} already"
            findings.error(("trunks", place, "auth", "username"), "duplicate", message, "give it another name")


def check_register(findings: Findings, path: Path, outbound: TrunkOutbound, register: TrunkRegister) -> None:
    """A registration, of the user that `outbound` names."""
    check_ranges(findings, path, register)
    if outbound.username is None:
        hint = "write username: and password_env: beside `register`"
        findings.error((*path[:-1], "username"), "missing", "'username' is missing: nobody would be registered", hint)
    user = register.contact_user
    if user and _USER_PART.fullmatch(user) is None:
        hint = "use letters, digits and - _ . ! ~ * ' ( ) +"
        findings.error((*path, "contact_user"), "bad_sip_uri", f"{user!r} cannot be the user part of an address", hint)
