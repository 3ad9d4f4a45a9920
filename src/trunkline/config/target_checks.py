"""Targets: addresses that can be dialled and posted to, keys that can be pressed, headers that are safe."""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import urlsplit

import phonenumbers

from trunkline.config.bid_checks import check_bid
from trunkline.config.deliveries import Deliver
from trunkline.config.delivery_checks import check_deliver, check_hook_url, check_sms
from trunkline.config.problems import Findings
from trunkline.config.schema import Target
from trunkline.config.secret_checks import check_secrets
from trunkline.config.secrets import variables
from trunkline.config.sheet_checks import check_email, check_sftp
from trunkline.config.subject import Subject
from trunkline.config.tree import Path
from trunkline.config.trunks import Trunk
from trunkline.kernel.destinations import Refusal, refusal
from trunkline.kernel.phone import is_e164

CALLER_IDS = ("caller", "number", "anonymous")
"""What a target can be shown besides a number: who calls, the tracking number, nobody."""

_SIP_URI = re.compile(
    r"sips?:(?:[A-Za-z0-9_.!~*'()&=+$,;?/%-]{1,128}@)?(?:\[(?P<v6>[0-9A-Fa-f:.]{2,45})\]|(?P<name>[A-Za-z0-9.-]{1,253}))"
    r"(?::(?P<port>[0-9]{1,5}))?(?P<params>;[A-Za-z0-9_.=;~-]{1,128})?"
)
_TRANSPORT = re.compile(r";transport=([^;]*)", re.IGNORECASE)
_SPOKEN = {"sip": {"udp", "tcp", "tls"}, "sips": {"tcp", "tls"}}  # with sips: it is TLS, whichever of the two is named
_HOST_NAME = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.?"
)
_KEYS = re.compile(r"[0-9*#]")
_DIGITS = re.compile(r"[0-9*#A-Dwp]{1,64}")
GROUP_MAX = 10
"""How many phones of one target can ring at once."""
_HEADER = re.compile(r"[A-Za-z0-9.!%*_+`'~-]{1,64}")
_OURS = frozenset(
    "via from to call-id cseq contact max-forwards route record-route content-length content-type authorization "
    "proxy-authorization allow supported require expires session-expires min-se content-encoding reason privacy "
    "v f t i m l c k x e".split()
)


def is_sip_uri(text: str) -> bool:
    """Whether `text` is a `sip:` or `sips:` URI that can be dialled (RFC 3261 section 19.1).

    Its host is an address or a name, and the transport it may name is UDP, TCP or TLS.
    """
    match = _SIP_URI.fullmatch(text)
    if match is None or not 0 < int(match["port"] or 5060) < 65_536:
        return False
    asked = {each.lower() for each in _TRANSPORT.findall(match["params"] or "")}
    if asked - _SPOKEN[text.partition(":")[0]]:
        return False
    name = match["name"]
    if name is not None and _HOST_NAME.fullmatch(name):
        return True
    try:
        ip_address(match["v6"] or name)
    except ValueError:
        return False
    return True


def check_target(subject: Subject, path: Path, target: Target) -> None:
    """One target."""
    findings = subject.findings
    subject.refers((*path, "buyer"), target.buyer, subject.index.buyers, "buyer")
    spoiled = any(findings.spoiled((*path, field)) for field in ("dial", "deliver"))
    if not spoiled and (target.dial is None) == (target.deliver is None):
        said = "neither `dial` nor `deliver`" if target.dial is None else "both `dial` and `deliver`"
        hint = "write exactly one: dial for calls, deliver for leads; make two targets for both"
        findings.error(path, "target_kind", f"the target has {said}", hint)
    if target.dial is not None:
        for key in target.trunk:
            subject.refers((*path, "trunk"), key, subject.trunks, "trunk")
        if len(set(target.trunk)) < len(target.trunk):
            subject.findings.error((*path, "trunk"), "duplicate", "a trunk stands twice", "name each once, in order")
        _check_dial(subject, path, ("dial",), target, target.dial)
    _check_group(subject, path, target)
    phones = (target.dial, *target.also_dial)
    if target.keepalive_seconds is not None and not any(is_sip_uri(phone or "") for phone in phones):
        message = "only targets with a SIP address are asked whether they live"
        findings.warning((*path, "keepalive_seconds"), "no_effect", message, "write it on the trunk instead")
    if target.deliver is not None:
        _check_delivery(subject, (*path, "deliver"), target.deliver)
    if target.bid is not None:
        check_hook_url(findings, (*path, "bid", "url"), target.bid.url, check_url)
        if target.bid.confirm is not None:
            check_hook_url(findings, (*path, "bid", "confirm", "url"), target.bid.confirm.url, check_url)
        check_bid(findings, (*path, "bid"), target.bid)
        check_secrets(findings, (*path, "bid"), target.bid)
        if target.price is not None:
            hint = "leave it out; to sell at a fixed price, make a target without `bid`"
            findings.warning((*path, "price"), "no_effect", "the price of a bidder is its bid", hint)
    if target.test_url is not None:
        check_hook_url(findings, (*path, "test_url"), target.test_url, check_url)
        check_secrets(findings, (*path, "test_url"), target.test_url)
    if target.press_to_accept and _KEYS.fullmatch(target.press_to_accept) is None:
        hint = 'write one of 0-9, * and #, in quotes: "1"'
        findings.error((*path, "press_to_accept"), "bad_digits", f"{target.press_to_accept!r} is no single key", hint)
    if target.post_answer_digits and _DIGITS.fullmatch(target.post_answer_digits) is None:
        hint = "use 0-9, *, #, A-D, and w or p for a pause of half a second or two seconds"
        message = f"{target.post_answer_digits!r} cannot be pressed"
        findings.error((*path, "post_answer_digits"), "bad_digits", message, hint)
    for name, value in target.headers.items():
        _check_header(findings, (*path, "headers", name), name, value)


def _check_delivery(subject: Subject, path: Path, deliver: Deliver) -> None:
    """The one way in which leads are handed over."""
    findings = subject.findings
    check_deliver(findings, path, deliver)
    check_hook_url(findings, (*path, "url"), deliver.url, check_url)
    if deliver.email is not None:
        check_email(findings, (*path, "email"), deliver.email, subject.platform.outbound.smtp)
    if deliver.sftp is not None:
        check_sftp(findings, (*path, "sftp"), deliver.sftp)
    if deliver.sms is not None:
        check_sms(findings, (*path, "sms"), deliver)
        check_hook_url(findings, (*path, "sms", "url"), deliver.sms.url, check_url)
        if deliver.sms.to and not is_e164(deliver.sms.to):
            hint = 'write it as "+12125550123"'
            findings.error((*path, "sms", "to"), "bad_number", f"{deliver.sms.to!r} is no phone number in E.164", hint)


def _check_group(subject: Subject, path: Path, target: Target) -> None:
    """The phones that ring together with `dial`."""
    here = (*path, "also_dial")
    if target.also_dial and target.dial is None:
        subject.findings.error(here, "bad_dial", "`also_dial` stands without `dial`", "write the first one as `dial`")
    if len(target.also_dial) >= GROUP_MAX:
        message = f"{len(target.also_dial) + 1} phones would ring at once, {GROUP_MAX} can"
        subject.findings.error(here, "bad_dial", message, "make several targets of them")
    before = {target.dial}
    for place, dial in enumerate(target.also_dial):
        if dial in before:
            subject.findings.error((*here, place), "bad_dial", f"{dial} rings already", "name each phone once")
        elif dial:
            _check_dial(subject, path, ("also_dial", place), target, dial)
        before.add(dial)


def _check_dial(subject: Subject, path: Path, field: Path, target: Target, dial: str) -> None:
    """One address or number of the target at `path`; `field` is where in it."""
    findings = subject.findings
    if is_sip_uri(dial):
        return
    if not is_e164(dial):
        hint = 'write a number such as "+12125550123" or an address such as "sip:intake@203.0.113.7:5060"'
        if dial.startswith(("sip:", "sips:")):
            hint = "write sip:USER@HOST:PORT with an address or a name as HOST, and ;transport=tcp or tls if need be"
        findings.error((*path, *field), "bad_dial", f"{dial!r} cannot be dialled", hint)
        return
    if not target.trunk and not findings.spoiled((*path, "trunk")):
        hint = "add trunk: with the key of a trunk that has `outbound`"
        findings.error((*path, "trunk"), "missing_trunk", f"{dial} needs a trunk that carries it", hint)
    for key in target.trunk:
        trunk = subject.trunks.get(key)
        if trunk is not None:
            _check_way(findings, path, field, dial, trunk)


def _check_way(findings: Findings, path: Path, field: Path, dial: str, trunk: Trunk) -> None:
    """Whether this trunk carries calls to this number."""
    if trunk.outbound is None:
        message = f"the trunk {trunk.key!r} takes calls only"
        findings.error((*path, "trunk"), "trunk_without_outbound", message, "give it `outbound: {proxy: …}`")
        return
    if trunk.default_country and trunk.default_country not in phonenumbers.SUPPORTED_REGIONS:
        return  # told of the trunk
    refused = refusal(dial, trunk.prefixes, trunk.default_country, trunk.allow_premium)
    if refused is not None:
        words, hint = _REFUSED[refused]
        findings.error((*path, *field), refused.value, f"{dial} is {words} {trunk.key!r}", hint)


_REFUSED = {
    Refusal.OUTSIDE_PREFIXES: ("outside the prefixes of the trunk", "add its prefix to `prefixes` of the trunk"),
    Refusal.INTERNATIONAL: (
        "in another country than the trunk",
        "add its prefix to `prefixes` of the trunk, or the trunk's own country as `default_country`",
    ),
    Refusal.PREMIUM: ("a premium-rate number, not dialled through the trunk", "`allow_premium: true` allows them all"),
}
"""By refusal: what the number is, and what to do."""


def check_caller_id(subject: Subject, path: Path, caller_id: str | None) -> None:
    """What a buyer is shown: a word of `CALLER_IDS` or a number."""
    if not caller_id or caller_id in CALLER_IDS or is_e164(caller_id):
        return
    hint = f'write {", ".join(CALLER_IDS)} or a number such as "+18335550100"'
    subject.findings.error(path, "bad_caller_id", f"{caller_id!r} cannot be shown as caller", hint)


def check_url(findings: Findings, path: Path, url: str) -> None:
    """An http or https URL with a host."""
    if not url:
        return
    try:
        parts = urlsplit(url)
        fine = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fine = False
    if not fine or not url.isprintable() or " " in url:
        findings.error(path, "bad_url", f"{url!r} is no http or https URL", "write https://host/path")


def _check_header(findings: Findings, path: Path, name: str, value: str) -> None:
    if _HEADER.fullmatch(name) is None:
        findings.error(path, "bad_header", f"{name!r} is no name of a SIP header", "use letters, digits and dashes")
    elif name.lower() in _OURS:
        hint = "use a name of your own, such as X-Campaign"
        findings.error(path, "bad_header", f"the header {name} is written by Trunkline itself", hint)
    if not value.isprintable():
        findings.error(path, "bad_header", f"the value of {name} holds a control character", "keep it on one line")
    if variables(value):
        message = f"the value of {name} would be sent as it is written: nothing is replaced in headers of calls"
        findings.error(path, "bad_header", message, "secrets belong to deliveries and bids")
