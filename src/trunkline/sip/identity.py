"""Who calls, as the network says: asserted identities, privacy, diversion and PASSporTs, read off an INVITE.

Everything here is a claim. Whose claims are believed is the business of who reads them; what is malformed is as if it
had not been sent, because a carrier's broken header is no reason to lose its call.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Literal

import msgspec

from trunkline.sip.errors import RemoteSipError
from trunkline.sip.headers import NameAddr, Params, parse_name_addr, parse_params
from trunkline.sip.message import Request

Attestation = Literal["A", "B", "C"]
"""How far the signer vouches for the number (RFC 8588 4): full, partial, gateway."""

DIVERSIONS_MAX = 16
PASSPORT_MAX = 8_192
"""Characters of an Identity header that are looked at; real ones have about 600."""

_PASSED = {"tn-validation-passed": True, "tn-validation-failed": False}
_SEGMENT = re.compile(r"[A-Za-z0-9_-]+")


class Passport(msgspec.Struct, frozen=True):
    """A PASSporT as it was sent (RFC 8225, RFC 8588), not verified.

    `origin` and `destinations` are digits without a plus; `issued_s` is seconds of UTC; `certificate` the URL of the
    signer's certificates; `signed` the bytes that `signature` (64 bytes, r and s of P-256) is over.
    """

    attestation: Attestation
    origin: str
    destinations: tuple[str, ...]
    issued_s: int
    origin_id: str
    certificate: str
    signed: bytes
    signature: bytes


class _Head(msgspec.Struct):
    alg: str
    ppt: str
    typ: str
    x5u: str


class _Number(msgspec.Struct):
    tn: str


class _Numbers(msgspec.Struct):
    tn: list[str]


class _Claims(msgspec.Struct):
    attest: Attestation
    dest: _Numbers
    iat: int
    orig: _Number
    origid: str


_HEAD = msgspec.json.Decoder(_Head)
_CLAIMS = msgspec.json.Decoder(_Claims)


def addresses(request: Request, name: str) -> list[NameAddr]:
    """The addresses in all lines of the header `name`; malformed ones are left out."""
    found = []
    try:
        values = request.values(name)
    except RemoteSipError:
        return []
    for value in values[:DIVERSIONS_MAX]:
        try:
            found.append(parse_name_addr(value))
        except RemoteSipError:
            continue
    return found


def asserted(request: Request) -> NameAddr | None:
    """The first P-Asserted-Identity (RFC 3325 9.1); a `tel` address wins over a `sip` one, as it is a number."""
    found = addresses(request, "P-Asserted-Identity")
    return next((each for each in found if each.uri.lower().startswith("tel:")), found[0] if found else None)


def remote_party(request: Request) -> NameAddr | None:
    """The calling Remote-Party-ID (draft-ietf-sip-privacy-04 5), which came before P-Asserted-Identity."""
    for each in addresses(request, "Remote-Party-ID"):
        if (each.params.get("party") or "calling").lower() == "calling":
            return each
    return None


def wants_privacy(request: Request) -> bool:
    """Whether the caller asks for the number not to be shown (RFC 3323 4.2, RFC 3325 9.3; `privacy` of the draft)."""
    line = request.header("Privacy")
    if line is not None and {part.strip().lower() for part in re.split("[;,]", line)} & {"id", "user", "header"}:
        return True
    party = remote_party(request) if request.header("Remote-Party-ID") is not None else None
    return party is not None and (party.params.get("privacy") or "off").lower() not in ("off", "no")


def diverted_from(request: Request) -> list[str]:
    """The addresses the call was sent on from, the latest first: Diversion (RFC 5806), else History-Info (RFC 7044).

    An entry of History-Info counts when its address names a Reason or another entry says it is one's retarget; the
    last entry is where the call stands and is never one.
    """
    if request.header("Diversion") is not None:
        return [each.uri for each in addresses(request, "Diversion")]
    if request.header("History-Info") is None:
        return []
    entries = addresses(request, "History-Info")
    return [each.uri.partition("?")[0] for each in reversed(entries[:-1]) if "index" in each.params]


def verified_by_carrier(address: NameAddr | None) -> bool | None:
    """What the carrier's own check said in the `verstat` parameter (3GPP TS 24.229 7.2A.20), None when it is silent."""
    if address is None:
        return None
    user, _, host = address.uri.rpartition("@")
    for params in (address.params, _params(host.partition(";")[2].partition("?")[0]), _params(user.partition(";")[2])):
        word = params.get("verstat")
        if word is not None:
            return _PASSED.get(word.lower())
    return None


def _params(text: str) -> Params:
    try:
        return parse_params(f";{text}") if text else {}
    except RemoteSipError:
        return {}


def passport(request: Request) -> Passport | None:
    """The SHAKEN PASSporT of the Identity header (RFC 8224 4, RFC 8588), None when there is no usable one."""
    for line in request.lines("Identity"):
        found = _passport(line[:PASSPORT_MAX])
        if found is not None:
            return found
    return None


def _passport(line: str) -> Passport | None:
    token, _, tail = line.partition(";")
    params = _params(tail)
    parts = token.strip().split(".")
    if len(parts) != 3 or not all(_SEGMENT.fullmatch(part) for part in parts):
        return None  # the compact form, two dots and a signature, is not for SHAKEN (RFC 8588 7)
    try:
        head = _HEAD.decode(_unpad(parts[0]))
        claims = _CLAIMS.decode(_unpad(parts[1]))
        signature = _unpad(parts[2])
    except (msgspec.DecodeError, binascii.Error, UnicodeDecodeError):
        return None
    info = (params.get("info") or "").strip().removeprefix("<").removesuffix(">")
    if head.ppt != "shaken" or head.alg != "ES256" or head.typ.lower() != "passport" or len(signature) != 64:
        return None
    if info and info != head.x5u:
        return None  # RFC 8224 4.1: what is shown outside must be what was signed
    return Passport(
        attestation=claims.attest,
        origin=claims.orig.tn.lstrip("+"),
        destinations=tuple(number.lstrip("+") for number in claims.dest.tn),
        issued_s=claims.iat,
        origin_id=claims.origid[:64],
        certificate=head.x5u,
        signed=f"{parts[0]}.{parts[1]}".encode(),
        signature=signature,
    )


def _unpad(segment: str) -> bytes:
    return base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
