"""How an endpoint is set up, and what it hands out to be sent."""

from __future__ import annotations

import msgspec

from trunkline.sip.errors import LocalSipError
from trunkline.sip.hops import Hop
from trunkline.sip.limits import DEFAULT_MESSAGE_LIMITS, DEFAULT_STATE_LIMITS, MessageLimits, StateLimits
from trunkline.sip.timers import TIMER_C
from trunkline.sip.uri import bracketed, is_host, is_port


class Datagram(msgspec.Struct, frozen=True, gc=False):
    """One message to send as it is. The destination is always an IP literal and a port in range."""

    data: bytes
    destination: Hop


class EndpointConfig(msgspec.Struct, frozen=True, gc=False):
    """How the endpoint presents itself, and its limits.

    `host` and `port` are where peers reach us: an IP literal or name, without brackets. `places` are all such, of UDP
    sockets (`flow` is the number of the socket) and of streams, the first among several; without any, it is that one
    over UDP. Times are seconds.
    `timer_c_s` limits how long an outgoing call may ring without any sign of life above 100; `retry_after_s` is what
    new calls are told while draining. Raises LocalSipError for a host or port nobody could answer to.
    """

    host: str
    port: int
    user_agent: str = "Trunkline"
    message_limits: MessageLimits = DEFAULT_MESSAGE_LIMITS
    state_limits: StateLimits = DEFAULT_STATE_LIMITS
    timer_c_s: float = TIMER_C
    retry_after_s: int = 30
    defer_487: bool = False
    places: tuple[Hop, ...] = ()

    def __post_init__(self) -> None:
        """Refuse an address that no peer could answer to."""
        for host, port in ((self.host, self.port), *(each[:2] for each in self.places)):
            if not is_host(bracketed(host)) or not is_port(port):
                raise LocalSipError(f"peers cannot reach {host!r} port {port}")
