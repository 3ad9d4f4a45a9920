"""Trunks: networks, countries, prefixes and proxies that mean something."""

from __future__ import annotations

import re
from difflib import get_close_matches
from ipaddress import ip_network

import phonenumbers

from trunkline.config.problems import Findings
from trunkline.config.schema import Platform
from trunkline.config.target_checks import is_sip_uri
from trunkline.config.tree import Path
from trunkline.config.trunks import Trunk

_PREFIX = re.compile(r"\+[0-9]{0,14}")
_ENV = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")


def check_platform(findings: Findings, platform: Platform) -> None:
    """Trunks and networks."""
    for place, network in enumerate(platform.outbound.allow_networks):
        check_network(findings, ("outbound", "allow_networks", place), network)
    for place, trunk in enumerate(platform.trunks):
        _check_trunk(findings, ("trunks", place), trunk)


def check_network(findings: Findings, path: Path, network: str) -> None:
    """An address or a network in CIDR form, host bits zero."""
    try:
        ip_network(network)
    except ValueError as error:
        message = f"{network!r} is no network: {error}"
        findings.error(path, "bad_network", message, 'write "203.0.113.0/24" or one address')


def _check_trunk(findings: Findings, path: Path, trunk: Trunk) -> None:
    for place, network in enumerate(trunk.allow):
        check_network(findings, (*path, "allow", place), network)
    if trunk.default_country and trunk.default_country not in phonenumbers.SUPPORTED_REGIONS:
        close = get_close_matches(trunk.default_country.upper(), sorted(phonenumbers.SUPPORTED_REGIONS), n=1)
        hint = f"did you mean {close[0]!r}?" if close else "write a code of ISO 3166 such as US"
        message = f"there is no country {trunk.default_country!r}"
        findings.error((*path, "default_country"), "unknown_country", message, hint)
    for place, prefix in enumerate(trunk.prefixes):
        if _PREFIX.fullmatch(prefix) is None:
            message = f"{prefix!r} is no prefix of E.164 numbers"
            findings.error((*path, "prefixes", place), "bad_prefix", message, 'write "+1"')
    if trunk.outbound is not None:
        proxy = trunk.outbound.proxy
        if proxy and not is_sip_uri(proxy):
            hint = 'write "sip:203.0.113.7:5060": the host is an address or a name'
            findings.error((*path, "outbound", "proxy"), "bad_sip_uri", f"{proxy!r} cannot be dialled", hint)
        _check_login(findings, (*path, "outbound"), trunk.outbound.username, trunk.outbound.password_env)
        if trunk.outbound.username is not None:
            message = "no password is sent to a carrier yet: its 401 or 407 fails the attempt"
            hint = "have the carrier know you by address, and leave it out"
            findings.warning((*path, "outbound", "username"), "not_built", message, hint)
    elif not trunk.allow:
        hint = "add `allow` with the carrier's networks, `outbound`, or both"
        findings.warning(path, "trunk_unused", "a trunk without `allow` accepts nobody and this one dials nobody", hint)


def _check_login(findings: Findings, path: Path, username: str | None, password_env: str | None) -> None:
    if username is not None and password_env is None:
        hint = "write password_env: NAME, the environment variable that holds the password"
        findings.error((*path, "password_env"), "missing", "'password_env' is missing beside a user name", hint)
    if username is not None and not username.isprintable():
        findings.error((*path, "username"), "bad_text", "the user name holds a control character", "leave it out")
    if password_env and _ENV.fullmatch(password_env) is None:
        hint = "write the variable's name, never the password itself"
        findings.error((*path, "password_env"), "bad_env", "this is no name of an environment variable", hint)
