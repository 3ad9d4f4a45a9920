"""Checks of how bidders are asked."""

from __future__ import annotations

import re
from typing import Final

from trunkline.config.bids import Bid, BidAuth, BidsWhen, Confirm
from trunkline.config.json_paths import NoPath, steps_of
from trunkline.config.problems import Findings
from trunkline.config.template_checks import OURS, check_element, check_headers, check_template, is_header_name
from trunkline.config.tree import Path
from trunkline.config.xml_paths import is_xml_path, xpath_of

PING_NAMES: Final = frozenset({"ping.id", "ping.kind", "ping.campaign", "ping.source", "ping.deadline_ms"})
"""What a ping may say of itself, besides attributes."""
BID_NAMES: Final = PING_NAMES | {"bid.id", "bid.amount", "bid.currency"}
"""What a confirmation may say besides."""
PATHS: Final = (
    "bid_path",
    "id_path",
    "number_path",
    "duration_path",
    "expires_path",
    "currency_path",
    "reason_path",
)
_GENERIC: Final = ("method", "format", "root", "bids_when", *PATHS)
_HOST: Final = re.compile(
    r"\.?(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?|\[[0-9a-f:.]{2,45}\]"
)
_PREFIX: Final = re.compile(r"\+[1-9][0-9]{0,14}")


def check_bid(findings: Findings, path: Path, bid: Bid) -> None:
    """Templates, headers, paths, secrets and allow-list of one bidder; its URLs are checked elsewhere."""
    check_template(findings, (*path, "url"), bid.url, PING_NAMES)
    for name, template in bid.fields.items():
        check_template(findings, (*path, "fields", name), template, PING_NAMES)
        if bid.dialect == "generic" and bid.format == "xml" and bid.method != "GET":
            check_element(findings, (*path, "fields", name), name, "bad_bid")
    check_element(findings, (*path, "root"), bid.root, "bad_bid")
    signed = bid.auth is not None and bid.auth.header is None
    ours = OURS | {"authorization"} if signed else OURS
    check_headers(findings, (*path, "headers"), bid.headers, PING_NAMES, ours)
    for field in PATHS:
        _check_path(findings, (*path, field), getattr(bid, field))
    _check_rule(findings, (*path, "bids_when"), bid.bids_when)
    if bid.auth is not None:
        _check_auth(findings, (*path, "auth"), bid.auth)
    if bid.confirm is not None:
        _check_confirm(findings, (*path, "confirm"), bid.confirm)
    for place, entry in enumerate(bid.allow):
        _check_allowed(findings, (*path, "allow", place), entry)
    _warn_of_addresses(findings, path, bid)
    if bid.dialect != "generic":
        _warn_of_generic(findings, path, bid)


def _warn_of_addresses(findings: Findings, path: Path, bid: Bid) -> None:
    """Paths of addresses that nobody looks at."""
    if bid.allow:
        return
    hint = "write `allow` with the hosts and prefixes that a bid may name"
    message = "addresses in bids are looked at only where `allow` says which may be dialled"
    if bid.number_path not in {"", Bid(dialect="generic", url=bid.url).number_path}:
        findings.warning((*path, "number_path"), "no_effect", message, hint)
    if bid.confirm is not None and bid.confirm.number_path is not None:
        findings.warning((*path, "confirm", "number_path"), "no_effect", message, hint)


def _warn_of_generic(findings: Findings, path: Path, bid: Bid) -> None:
    """What only the dialect `generic` asks for."""
    plain = Bid(dialect="generic", url=bid.url)
    for field in _GENERIC:
        if getattr(bid, field) != getattr(plain, field):
            message = f"the dialect {bid.dialect} knows its own {field}"
            findings.warning((*path, field), "no_effect", message, "leave it out, or use the dialect generic")
    if bid.caller == "hashed":
        message = f"{bid.dialect} takes whole numbers only, so it is told none"
        findings.warning((*path, "caller"), "no_effect", message, "write full, or leave it out")
    needed = {"retreaver": ("key", "publisher_id")}.get(bid.dialect, ())
    for name in needed:
        if name not in bid.fields:
            hint = f"write fields: {{{', '.join(f'{each}: …' for each in needed)}}}"
            findings.error((*path, "fields"), "missing", f"{bid.dialect} refuses pings without {name!r}", hint)
    if bid.dialect == "trackdrive" and "/ping/" not in bid.url:
        message = "the address of a TrackDrive bidder has /ping/ in it, and the post goes to /post/"
        findings.error((*path, "url"), "bad_bid", message, "write https://HOST/api/v1/inbound_webhooks/ping/NAME")
    if bid.dialect == "retreaver" and not bid.url.endswith(".json"):
        message = "the address of a Retreaver bidder ends with .json, and a confirmation goes below it"
        findings.error((*path, "url"), "bad_bid", message, "write https://rtb.retreaver.com/rtbs.json")


def _check_confirm(findings: Findings, path: Path, confirm: Confirm) -> None:
    check_template(findings, (*path, "url"), confirm.url, BID_NAMES)
    for name, template in confirm.fields.items():
        check_template(findings, (*path, "fields", name), template, BID_NAMES)
        if confirm.format == "xml" and confirm.method != "GET":
            check_element(findings, (*path, "fields", name), name, "bad_bid")
    check_element(findings, (*path, "root"), confirm.root, "bad_bid")
    check_headers(findings, (*path, "headers"), confirm.headers, BID_NAMES)
    for field in ("number_path", "reason_path"):
        _check_path(findings, (*path, field), getattr(confirm, field))
    _check_rule(findings, (*path, "accepted_when"), confirm.accepted_when)


def _check_auth(findings: Findings, path: Path, auth: BidAuth) -> None:
    ways = (("bearer",), ("username", "password"), ("header", "value"))
    said = {name for way in ways for name in way if getattr(auth, name) is not None}
    if said not in [set(way) for way in ways]:
        hint = 'write {bearer: "${ENV:NAME}"}, {username: …, password: …} or {header: …, value: …}'
        findings.error(path, "bad_bid", "this is none of the three ways to prove who we are", hint)
    for name in ("bearer", "username", "password", "value"):
        text = getattr(auth, name)
        if text is not None and not text.isprintable():
            findings.error((*path, name), "bad_header", "the value holds a control character", "keep it on one line")
    if auth.header is not None and not is_header_name(auth.header):
        findings.error((*path, "header"), "bad_header", f"{auth.header!r} is no name of a header", "write X-Api-Key")


def _check_allowed(findings: Findings, path: Path, entry: str) -> None:
    scheme, _, host = entry.partition(":")
    if scheme == "sip" and _HOST.fullmatch(host.lower()) is not None:
        return
    if _PREFIX.fullmatch(entry) is not None:
        return
    hint = 'write "sip:sip.example.com", "sip:.example.com" for all hosts below it, or a prefix such as "+1"'
    findings.error(path, "bad_bid", f"{entry!r} allows neither a SIP host nor a prefix of numbers", hint)


def _check_rule(findings: Findings, path: Path, rule: BidsWhen | None) -> None:
    if rule is None:
        return
    _check_path(findings, (*path, "path"), rule.path)
    if rule.equals is not None and rule.path is None:
        message = "`equals` stands without `path`"
        findings.error((*path, "equals"), "bad_bid", message, "write the path of the value that is compared")
    if rule == BidsWhen():
        findings.error(path, "bad_bid", "the rule asks for nothing", "write `path`, `status` or `text`")


def _check_path(findings: Findings, path: Path, text: str | None) -> None:
    if not text:
        return
    try:
        xpath_of(text) if is_xml_path(text) else steps_of(text)
    except NoPath as error:
        hint = "docs/reference/configuration.md, section Templates, shows paths"
        findings.error(path, "bad_bid", str(error), hint)
