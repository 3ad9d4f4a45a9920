"""From "ring this target" to an INVITE: the ways to it, the number that is dialled, the number that is shown.

Only what the configuration names is ever dialled: a target's SIP address, or its number by the proxies of its trunks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache

import msgspec

from trunkline.config.schema import AccountConfig, Platform, Target
from trunkline.config.trunks import SESSION_S, Reliability, SrtpMode, Trunk
from trunkline.engine.routing.offer import Ring
from trunkline.kernel.destinations import refusal
from trunkline.kernel.phone import is_e164
from trunkline.sip.digest import Credentials
from trunkline.sip.endpoint import CallTerms, Hop, InviteTarget
from trunkline.sip.errors import RemoteSipError
from trunkline.sip.headers import MAX_FORWARDS
from trunkline.sip.hops import TRANSPORTS
from trunkline.sip.uri import Address, SipUri, bracketed, parse_uri
from trunkline.telephony.sip.account import account_domain
from trunkline.telephony.sip.callers import caller_headers
from trunkline.telephony.sip.servers import Place, place_of


class Undiallable(Exception):
    """The target cannot be dialled; `reason` is the attempt's reason code."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Shown(msgspec.Struct, frozen=True, gc=False):
    """Who a buyer may be shown: the caller (E.164 or None when withheld) and the tracking number."""

    caller: str | None
    number: str


class Way(msgspec.Struct, frozen=True, gc=False):
    """One way to a target: where the INVITE goes, what its Request-URI says, the trunk if it is one's."""

    place: Place
    request_uri: str
    trunk: Trunk | None = None


def is_address(dial: str) -> bool:
    """Whether a target is dialled by a SIP address of its own, not by a number."""
    return dial[:5].lower().startswith(("sip:", "sips:"))


def places_of(target: Target, trunks: Mapping[str, Trunk]) -> tuple[tuple[Place, ...], ...]:
    """For each phone of a target the places that calls to it may be sent to, as far as they can be dialled at all."""
    found = []
    for dial in (target.dial, *target.also_dial):
        if dial is None:
            continue
        proxies = [dial] if is_address(dial) else [_proxy(trunks.get(key)) for key in target.trunk]
        places = []
        for proxy in proxies:
            try:
                places.append(destination(proxy or "")[1])
            except Undiallable:
                continue
        found.append(tuple(dict.fromkeys(places)))
    return tuple(found)


def places_to_resolve(platform: Platform, accounts: Iterable[AccountConfig]) -> frozenset[Place]:
    """The places that targets and proxies name by host names."""
    trunks = {trunk.key: trunk for trunk in platform.trunks}
    targets = (target for config in accounts for target in config.targets)
    found = {place for target in targets for phone in places_of(target, trunks) for place in phone}
    for trunk in platform.trunks:
        if trunk.outbound is not None and not trunk.paused:
            found.add(destination(trunk.outbound.proxy)[1])
    return frozenset(place for place in found if not place.literal)


def _proxy(trunk: Trunk | None) -> str | None:
    return None if trunk is None or trunk.outbound is None or trunk.paused else trunk.outbound.proxy


def ways_to(ring: Ring, trunks: Mapping[str, Trunk]) -> tuple[Way, ...]:
    """The ways to a target in the order in which they are to be tried, at least one. Raises Undiallable.

    An address has one way, a number one for each of its trunks that may carry it.
    """
    if is_address(ring.dial):
        return (Way(destination(ring.dial)[1], ring.dial),)
    found: list[Way] = []
    refused: Undiallable | None = None
    for key in ring.trunks:
        try:
            found.append(_by_trunk(ring.dial, trunks.get(key)))
        except Undiallable as error:
            refused = refused or error
    if not found:
        raise refused or Undiallable("trunk", f"no trunk carries calls to {ring.dial}")
    return tuple(found)


def _by_trunk(number: str, trunk: Trunk | None) -> Way:
    if trunk is None or trunk.outbound is None or trunk.paused:
        raise Undiallable("trunk", f"no trunk carries calls to {number}")
    refused = refusal(number, trunk.prefixes, trunk.default_country, trunk.allow_premium)
    if refused is not None:
        raise Undiallable(refused.value, f"{number} may not be dialled through the trunk {trunk.key}")
    uri, place = destination(trunk.outbound.proxy)
    written = trunk.numbering.write(number, trunk.outbound.number_format)
    return Way(place, f"{uri.scheme}:{written}@{_authority(uri)}", trunk)


@lru_cache(maxsize=16_384)
def destination(text: str) -> tuple[SipUri, Place]:
    """A SIP address with the place that it names. Raises Undiallable."""
    try:
        uri = parse_uri(text)
    except RemoteSipError as error:
        raise Undiallable("bad_address", f"{text} is not a SIP address: {error}") from error
    place = place_of(uri)
    if uri.scheme == "tel" or (place.transport or "udp") not in TRANSPORTS:
        raise Undiallable("transport", f"{text} asks for a transport that is not spoken")
    return uri, place


def srtp_of(way: Way) -> SrtpMode:
    """Whether the audio with a target is encrypted: by its trunk's word; with one dialled by SIP address it is not."""
    return "off" if way.trunk is None or way.trunk.outbound is None else way.trunk.outbound.srtp


def invite_to(
    ring: Ring,
    way: Way,
    hop: Hop,
    shown: Shown,
    local: Address,
    sdp: bytes,
    login: Credentials | None = None,
    patience_s: float | None = None,
    max_forwards: int = MAX_FORWARDS,
) -> InviteTarget:
    """The INVITE for `ring`, to be sent to `hop`, a server of the way's place, from our own address `local`.

    `login` are the credentials of the way's trunk. `patience_s` is how long this server may stay silent; all of the
    target's first-response time unless said. `max_forwards` is how many hops the INVITE may take.
    """
    user, display = _identity(ring.caller_id, shown)
    domain = "anonymous.invalid" if user == "anonymous" else f"{bracketed(local[0])}:{local[1]}"
    if way.trunk is not None and way.trunk.outbound is not None and is_e164(user):
        if login is not None:
            domain = account_domain(way.trunk.outbound)  # carriers look for a customer of theirs there
        user = way.trunk.numbering.write(user, way.trunk.outbound.number_format)
    return InviteTarget(
        request_uri=way.request_uri,
        destination=hop,
        to=None,
        from_uri=f"sip:{user}@{domain}",
        from_display=display,
        sdp=sdp,
        headers=(*ring.headers, *caller_headers(way.trunk, user, local)),
        first_response_s=float(ring.first_response_seconds) if patience_s is None else patience_s,
        login=login,
        terms=terms_of(way.trunk),
        max_forwards=max_forwards,
    )


@lru_cache(maxsize=1024)
def _terms(session_seconds: int | None, reliable: Reliability) -> CallTerms:
    return CallTerms(session_seconds, reliable)


def terms_of(trunk: Trunk | None) -> CallTerms:
    """What is asked of a call by a trunk, or of one that is no trunk's."""
    return _terms(SESSION_S, "off") if trunk is None else _terms(trunk.session_seconds, trunk.reliable_provisional)


def _authority(uri: SipUri) -> str:
    said = uri.params.get("transport")
    port = "" if uri.port is None else f":{uri.port}"
    return f"{bracketed(uri.host)}{port}" + (f";transport={said}" if said else "")


def _identity(caller_id: str, shown: Shown) -> tuple[str, str | None]:
    """User part and display name of our From: the caller, the tracking number, nobody, or a number of the operator."""
    wanted = {"caller": shown.caller, "number": shown.number, "anonymous": None}.get(caller_id, caller_id)
    return ("anonymous", "Anonymous") if wanted is None else (wanted, None)
