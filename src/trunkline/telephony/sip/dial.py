"""From "ring this target" to an INVITE: the address that is dialled, the number that is shown, the next hop.

Only what the configuration names is ever dialled: a target's SIP address, or its number by its trunk's proxy.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import lru_cache

import msgspec

from trunkline.config.schema import AccountConfig, Platform
from trunkline.config.trunks import SESSION_S, Reliability, SrtpMode, Trunk
from trunkline.engine.routing.offer import Ring
from trunkline.kernel.destinations import refusal
from trunkline.kernel.phone import is_e164
from trunkline.sip.digest import Credentials
from trunkline.sip.endpoint import CallTerms, Hop, InviteTarget
from trunkline.sip.errors import RemoteSipError
from trunkline.sip.hops import TRANSPORTS, default_port, transport_of
from trunkline.sip.uri import Address, SipUri, bracketed, is_ip_literal, parse_uri
from trunkline.telephony.sip.callers import caller_headers

log = logging.getLogger("trunkline.sip")

NAMES_KEPT_S = 60
"""How long a host name's address is used before it is asked for again."""
NAMES_MAX = 10_000
LOOKUP_S = 5.0
"""How long one name is waited for."""
LOOKUPS_AT_ONCE = 8
"""Names asked for at once ahead of calls."""


class Undiallable(Exception):
    """The target cannot be dialled; `reason` is the attempt's reason code."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Shown(msgspec.Struct, frozen=True, gc=False):
    """Who a buyer may be shown: the caller (E.164 or None when withheld) and the tracking number."""

    caller: str | None
    number: str


class Names:
    """Addresses of the host names in targets and proxies, asked for ahead of the calls that need them."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[str, float]] = {}

    def address(self, host: str) -> str | None:
        """The IP literal of `host`, when it is one or is known and fresh enough."""
        if is_ip_literal(host):
            return host
        found = self._found.get(host)
        return None if found is None or found[1] < time.monotonic() else found[0]

    async def resolve(self, host: str) -> str:
        """The address of `host`, asked for when it is not known. Raises Undiallable when it has none."""
        return self.address(host) or await self._ask(host)

    async def _ask(self, host: str) -> str:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(LOOKUP_S):
                answers = await loop.getaddrinfo(host, None, type=socket.SOCK_DGRAM)
        except TimeoutError as error:  # an OSError too: first
            raise Undiallable("dns", f"no answer within {LOOKUP_S:.0f} s to what address {host} has") from error
        except (OSError, UnicodeError) as error:
            raise Undiallable("dns", f"{host} has no address: {error}") from error
        address = str(answers[0][4][0])
        if len(self._found) >= NAMES_MAX:
            self._found.clear()
        self._found[host] = (address, time.monotonic() + NAMES_KEPT_S)
        return address

    async def keep_fresh(self, hosts: Callable[[], Collection[str]]) -> None:
        """Ask for all of `hosts` again and again, so that no call has to wait for it. Until cancelled."""
        while True:
            await self.refresh(hosts())
            await asyncio.sleep(NAMES_KEPT_S / 2)

    async def refresh(self, hosts: Collection[str]) -> None:
        """Ask for all of `hosts`, some at once: a name that gets no answer, or fails otherwise, holds up no other."""
        waiting = iter(hosts)

        async def ask_in_turn() -> None:
            for host in waiting:
                try:
                    await self._ask(host)
                except Undiallable as error:
                    log.warning("%s", error)
                except Exception:
                    log.exception("an error of ours while the address of %s was asked for", host)

        await asyncio.gather(*(ask_in_turn() for _ in range(min(LOOKUPS_AT_ONCE, len(hosts)))))


def names_to_resolve(platform: Platform, accounts: Iterable[AccountConfig]) -> frozenset[str]:
    """The host names that targets and proxies are dialled by."""
    targets = [target for config in accounts for target in config.targets if target.dial is not None]
    dialled = [dial for target in targets for dial in (target.dial, *target.also_dial) if dial is not None]
    dialled += [trunk.outbound.proxy for trunk in platform.trunks if trunk.outbound is not None]
    hosts = {parse_uri(text).host for text in dialled if _is_sip(text)}
    return frozenset(host for host in hosts if host and not is_ip_literal(host.strip("[]")))


class Way(msgspec.Struct, frozen=True, gc=False):
    """One way to a target: the address whose host is sent to, what the Request-URI says, the trunk if it is one's."""

    hop: SipUri
    request_uri: str
    trunk: Trunk | None = None


def ways_to(ring: Ring, trunks: Mapping[str, Trunk]) -> tuple[Way, ...]:
    """The ways to a target in the order in which they are to be tried, at least one. Raises Undiallable.

    An address has one way, a number one for each of its trunks that may carry it.
    """
    if _is_sip(ring.dial):
        return (Way(_hop(ring.dial), ring.dial),)
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
    hop = _hop(trunk.outbound.proxy)
    written = trunk.numbering.write(number, trunk.outbound.number_format)
    return Way(hop, f"{hop.scheme}:{written}@{_authority(hop)}", trunk)


def _hop(text: str) -> SipUri:
    try:
        uri = parse_uri(text)
    except RemoteSipError as error:
        raise Undiallable("bad_address", f"{text} is not a SIP address: {error}") from error
    if uri.scheme == "tel" or (transport_of(uri) or "udp") not in TRANSPORTS:
        raise Undiallable("transport", f"{text} asks for a transport that is not spoken")
    return uri


def _is_sip(dial: str) -> bool:
    return dial[:5].lower().startswith(("sip:", "sips:"))


def _destination(uri: SipUri, host: str) -> Hop:
    """The hop for an address whose host is `host`; its certificate must show the name as it was written."""
    transport = transport_of(uri) or "udp"
    name = uri.host if transport == "tls" else ""
    return Hop(host.strip("[]"), uri.port or default_port(transport), transport, 0, name)


def srtp_of(way: Way) -> SrtpMode:
    """Whether the audio with a target is encrypted: by its trunk's word; with one dialled by SIP address it is not."""
    return "off" if way.trunk is None or way.trunk.outbound is None else way.trunk.outbound.srtp


def invite_to(
    ring: Ring, way: Way, host: str, shown: Shown, local: Address, sdp: bytes, login: Credentials | None = None
) -> InviteTarget:
    """The INVITE for `ring`, to be sent to `host` (the IP literal of the way's hop) from our own address `local`.

    `login` are the credentials of the way's trunk.
    """
    user, display = _identity(ring.caller_id, shown)
    domain = "anonymous.invalid" if user == "anonymous" else f"{bracketed(local[0])}:{local[1]}"
    if way.trunk is not None and way.trunk.outbound is not None and is_e164(user):
        user = way.trunk.numbering.write(user, way.trunk.outbound.number_format)
    return InviteTarget(
        request_uri=way.request_uri,
        destination=_destination(way.hop, host),
        to=None,
        from_uri=f"sip:{user}@{domain}",
        from_display=display,
        sdp=sdp,
        headers=(*ring.headers, *caller_headers(way.trunk, user, local)),
        first_response_s=float(ring.first_response_seconds),
        login=login,
        terms=terms_of(way.trunk),
    )


@lru_cache(maxsize=1024)
def _terms(session_seconds: int | None, reliable: Reliability) -> CallTerms:
    return CallTerms(session_seconds, reliable)


def terms_of(trunk: Trunk | None) -> CallTerms:
    """What is asked of a call by a trunk, or of one that is no trunk's."""
    return _terms(SESSION_S, "off") if trunk is None else _terms(trunk.session_seconds, trunk.reliable_provisional)


def _authority(hop: SipUri) -> str:
    return bracketed(hop.host) if hop.port is None else f"{bracketed(hop.host)}:{hop.port}"


def _identity(caller_id: str, shown: Shown) -> tuple[str, str | None]:
    """User part and display name of our From: the caller, the tracking number, nobody, or a number of the operator."""
    wanted = {"caller": shown.caller, "number": shown.number, "anonymous": None}.get(caller_id, caller_id)
    return ("anonymous", "Anonymous") if wanted is None else (wanted, None)
