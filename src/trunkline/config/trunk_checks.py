"""Trunks: networks, countries, prefixes and proxies that mean something."""

from __future__ import annotations

import re
from difflib import get_close_matches
from ipaddress import ip_network

import phonenumbers

from trunkline.config.identity_checks import check_identity
from trunkline.config.limit_checks import check_ranges
from trunkline.config.login_checks import check_account, check_auth, check_usernames
from trunkline.config.problems import Findings
from trunkline.config.schema import Platform
from trunkline.config.sheet_checks import check_smtp
from trunkline.config.target_checks import is_sip_uri
from trunkline.config.tree import Path
from trunkline.config.trunks import Trunk, TrunkOutbound

_PREFIX = re.compile(r"\+[0-9]{0,14}")
_DIALLED_FIRST = re.compile(r"[0-9]{1,8}")
_REFUSAL = re.compile(r"[4-6][0-9]{2}")
_NOT_TO_BE_MAPPED = frozenset({401, 407, 487})


def check_platform(findings: Findings, platform: Platform) -> None:
    """Trunks and networks."""
    for place, network in enumerate(platform.outbound.allow_networks):
        check_network(findings, ("outbound", "allow_networks", place), network)
    if platform.outbound.smtp is not None:
        check_smtp(findings, ("outbound", "smtp"), platform.outbound.smtp)
    for place, trunk in enumerate(platform.trunks):
        _check_trunk(findings, ("trunks", place), trunk)
    check_usernames(findings, platform.trunks)


def check_network(findings: Findings, path: Path, network: str) -> None:
    """An address or a network in CIDR form, host bits zero."""
    try:
        ip_network(network)
    except ValueError as error:
        message = f"{network!r} is no network: {error}"
        findings.error(path, "bad_network", message, 'write "203.0.113.0/24" or one address')


def _check_trunk(findings: Findings, path: Path, trunk: Trunk) -> None:
    check_ranges(findings, path, trunk)
    for place, network in enumerate(trunk.allow):
        check_network(findings, (*path, "allow", place), network)
    _check_numbers(findings, path, trunk)
    _check_limits(findings, path, trunk)
    _check_responses(findings, path, trunk)
    check_identity(findings, path, trunk)
    if trunk.auth is not None:
        check_auth(findings, (*path, "auth"), trunk.auth)
    if trunk.keepalive_seconds is not None and trunk.outbound is None:
        message = "a trunk without `outbound` has nobody to ask whether they live"
        findings.warning((*path, "keepalive_seconds"), "no_effect", message, "add outbound: {proxy: …}")
    if trunk.outbound is not None:
        _check_outbound(findings, (*path, "outbound"), trunk, trunk.outbound)
    elif not trunk.allow and trunk.auth is None:
        hint = "add `allow` with the carrier's networks, `auth`, `outbound`, or several of them"
        message = "a trunk with neither `allow` nor `auth` accepts nobody, and this one dials nobody"
        findings.warning(path, "trunk_unused", message, hint)


def _check_numbers(findings: Findings, path: Path, trunk: Trunk) -> None:
    """How the carrier writes numbers, and which may be dialled."""
    if trunk.default_country and trunk.default_country not in phonenumbers.SUPPORTED_REGIONS:
        close = get_close_matches(trunk.default_country.upper(), sorted(phonenumbers.SUPPORTED_REGIONS), n=1)
        hint = f"did you mean {close[0]!r}?" if close else "write a code of ISO 3166 such as US"
        message = f"there is no country {trunk.default_country!r}"
        findings.error((*path, "default_country"), "unknown_country", message, hint)
    for place, prefix in enumerate(trunk.prefixes):
        if _PREFIX.fullmatch(prefix) is None:
            message = f"{prefix!r} is no prefix of E.164 numbers"
            findings.error((*path, "prefixes", place), "bad_prefix", message, 'write "+1"')
    for field in ("national_prefix", "international_prefix"):
        prefix = getattr(trunk, field)
        if prefix and _DIALLED_FIRST.fullmatch(prefix) is None:
            message = f"{prefix!r} is not what is dialled before a number"
            findings.error((*path, field), "bad_prefix", message, 'write up to eight digits, such as "0" or "011"')
    national = trunk.outbound is not None and trunk.outbound.number_format == "national"
    if (trunk.national_prefix is not None or national) and trunk.default_country is None:
        hint = "add default_country: with the carrier's country, such as US"
        message = "'default_country' is missing: nothing says which numbers are national"
        findings.error((*path, "default_country"), "missing", message, hint)


def _check_limits(findings: Findings, path: Path, trunk: Trunk) -> None:
    if trunk.max_cost_per_hour is not None and trunk.cost_per_minute is None:
        hint = 'write cost_per_minute: "0.0085"'
        findings.error((*path, "cost_per_minute"), "missing", "'cost_per_minute' is missing beside a cost limit", hint)
    if trunk.cost_per_minute is not None and trunk.max_cost_per_hour is None:
        message = "nothing is done with the cost of a minute without `max_cost_per_hour`"
        findings.warning((*path, "cost_per_minute"), "no_effect", message, "add the limit, or leave this out")
    for field in ("max_live", "max_per_second", "max_minutes_per_hour", "max_cost_per_hour"):
        if getattr(trunk, field) == 0:
            message = "a limit of zero lets nothing pass"
            findings.warning((*path, field), "zero_limit", message, "`paused: true` says so")


def _check_responses(findings: Findings, path: Path, trunk: Trunk) -> None:
    """Only refusals are exchanged for refusals. 487 answers a CANCEL, and 401 and 407 are questions."""
    for ours, theirs in trunk.responses.items():
        here = (*path, "responses", ours)
        if _REFUSAL.fullmatch(ours) is None or int(ours) in _NOT_TO_BE_MAPPED:
            hint = "write a final status from 400 to 699 in quotes, not 401, 407 or 487"
            findings.error(here, "bad_response", f"{ours!r} is no refusal that can be exchanged for another", hint)
        elif not 400 <= theirs <= 699 or theirs in _NOT_TO_BE_MAPPED:
            hint = "write a final status from 400 to 699, not 401, 407 or 487"
            findings.error(here, "bad_response", f"{theirs} is no refusal that a caller can be sent", hint)


def _check_outbound(findings: Findings, path: Path, trunk: Trunk, outbound: TrunkOutbound) -> None:
    proxy = outbound.proxy
    if proxy and not is_sip_uri(proxy):
        hint = 'write "sip:203.0.113.7:5060": the host is an address or a name'
        findings.error((*path, "proxy"), "bad_sip_uri", f"{proxy!r} cannot be dialled", hint)
    _check_keys(findings, (*path, "srtp"), outbound)
    check_account(findings, path, outbound)
    if not trunk.prefixes and trunk.default_country is None:
        message = "no number can be dialled through a trunk with neither `prefixes` nor `default_country`"
        findings.warning(path, "no_effect", message, 'write prefixes: ["+1"] or default_country: US')


def _check_keys(findings: Findings, path: Path, outbound: TrunkOutbound) -> None:
    """The keys of encrypted audio stand in the signalling: who can read that can hear the call."""
    proxy = outbound.proxy.lower()
    if outbound.srtp != "off" and not proxy.startswith("sips:") and ";transport=tls" not in proxy:
        message = "the keys of encrypted audio are sent in the clear: whoever sees the signalling can listen"
        hint = 'send calls over TLS: proxy: "sip:carrier.example;transport=tls"'
        findings.warning(path, "keys_in_clear", message, hint)
