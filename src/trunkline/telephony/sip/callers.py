"""Who calls by the word of a trunk, and how buyers are told: identity headers in and out.

A trunk says whose word is taken: From (the default), P-Asserted-Identity or Remote-Party-ID, which fall back to From
when they are missing. A caller who asks for privacy is a caller without a number, whatever else the headers say, so
the number reaches no buyer, no trace and no rule.
"""

from __future__ import annotations

from urllib.parse import unquote

import msgspec

from trunkline.config.trunks import Trunk
from trunkline.kernel.phone import CallerId, parse_caller
from trunkline.sip.errors import RemoteSipError
from trunkline.sip.headers import NameAddr
from trunkline.sip.identity import (
    Attestation,
    Passport,
    asserted,
    diverted_from,
    passport,
    remote_party,
    verified_by_carrier,
    wants_privacy,
)
from trunkline.sip.message import Header, Request
from trunkline.sip.uri import bracketed, parse_uri

_LEVELS: dict[str, Attestation] = {"A": "A", "B": "B", "C": "C", "FULL": "A", "PARTIAL": "B", "GATEWAY": "C"}
_IDENTITY_HEADERS = ("Privacy", "P-Asserted-Identity", "Remote-Party-ID", "Diversion", "History-Info", "Identity")


class Caller(msgspec.Struct, frozen=True, gc=False):
    """Who calls. `attestation` is what `attested_by` says of the number; `passport` is there to be checked later.

    `diverted_from` is the number (E.164) that sent the call on to the tracking number, the latest of several.
    """

    id: CallerId
    attestation: Attestation | None = None
    attested_by: str | None = None
    diverted_from: str | None = None
    passport: Passport | None = None


def read_caller(request: Request, trunk: Trunk) -> Caller:
    """The caller of an INVITE that came by `trunk`. Raises RemoteSipError(400) without a readable From."""
    sender = request.from_
    if trunk.attestation_header is None and all(request.header(name) is None for name in _IDENTITY_HEADERS):
        return Caller(_caller(_user(sender), trunk))  # as most calls are
    if wants_privacy(request):
        return Caller(CallerId(None, "anonymous"))
    shown = sender
    if trunk.caller_from == "p_asserted_identity":
        shown = asserted(request) or sender
    elif trunk.caller_from == "remote_party_id":
        shown = remote_party(request) or sender
    claim = passport(request)
    attestation, attested_by = _attestation(request, trunk, claim, shown)
    diverted = (trunk.numbering.read(_user_of(uri)) for uri in diverted_from(request))
    return Caller(
        id=_caller(_user(shown), trunk),
        attestation=attestation,
        attested_by=attested_by,
        diverted_from=next((number for number in diverted if number is not None), None),
        passport=claim,
    )


def _attestation(
    request: Request, trunk: Trunk, claim: Passport | None, shown: NameAddr
) -> tuple[Attestation | None, str | None]:
    """The level and who says so. A carrier that has checked and found the number wrong outweighs its signer."""
    passed = verified_by_carrier(asserted(request))
    if passed is None:
        passed = verified_by_carrier(shown)
    if passed is False:
        return None, "verstat"
    if trunk.attestation_header is not None:
        word = (request.header(trunk.attestation_header) or "").partition(";")[0].strip().upper()
        level = _LEVELS.get(word.removeprefix("TN-VALIDATION-PASSED-"))
        if level is not None:
            return level, "header"
    return (None, None) if claim is None else (claim.attestation, "identity")


def caller_headers(trunk: Trunk | None, user: str, local: tuple[str, int]) -> list[Header]:
    """How the caller `user` of our From is vouched for to the trunk's carrier. Nobody anonymous is vouched for."""
    style = "none" if trunk is None or trunk.outbound is None else trunk.outbound.caller_header
    if style == "none":
        return []
    if user == "anonymous":
        return [("Privacy", "id")]
    address = f"<sip:{user}@{bracketed(local[0])}:{local[1]}>"
    if style == "p_asserted_identity":
        return [("P-Asserted-Identity", address)]
    return [("Remote-Party-ID", f"{address};party=calling;screen=yes;privacy=off")]


def _caller(given: str, trunk: Trunk) -> CallerId:
    caller = parse_caller(given, trunk.default_country)
    if caller.number is None or (trunk.national_prefix is None and trunk.international_prefix is None):
        return caller
    return CallerId(trunk.numbering.read(given), given)


def _user(address: NameAddr) -> str:
    return _user_of(address.uri)


def _user_of(uri: str) -> str:
    """The user part without the parameters that some carriers write behind it (RFC 3261 19.1.6), unescaped."""
    try:
        user = parse_uri(uri).user or ""
    except RemoteSipError:
        return ""
    return unquote(user.split(";", 1)[0])
