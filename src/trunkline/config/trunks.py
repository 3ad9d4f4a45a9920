"""Carriers, as frozen structs: whose calls are taken, how numbers are written, what may be dialled and may cost."""

from __future__ import annotations

from typing import Literal

import msgspec

from trunkline.config.struct import Struct
from trunkline.kernel.numbering import NumberFormat, Numbering

SrtpMode = Literal["off", "optional", "required"]
Reliability = Literal["off", "supported", "required"]
SESSION_S = 1800
"""The session interval that is asked for unless a trunk says otherwise (RFC 4028 recommends it)."""


class TrunkAuth(Struct, frozen=True, kw_only=True):
    """How a trunk proves who it is (digest authentication); the password is the value of the variable."""

    username: str
    password_env: str
    algorithms: tuple[Literal["MD5", "SHA-256"], ...] = ("MD5",)


class TrunkRegister(Struct, frozen=True, kw_only=True):
    """That the switch registers at `proxy`, for how long at a time, and the user part it is reached by."""

    seconds: int = 600
    contact_user: str | None = None


class TrunkOutbound(Struct, frozen=True, kw_only=True):
    """Where a trunk's calls are sent. The password is the value of the environment variable `password_env`.

    It is proved only to `realm`, or without one to what the proxy asks for first.
    """

    proxy: str
    username: str | None = None
    password_env: str | None = None
    realm: str | None = None
    register: TrunkRegister | None = None
    number_format: NumberFormat = "plus"
    caller_header: Literal["none", "p_asserted_identity", "remote_party_id"] = "none"
    srtp: SrtpMode = "off"


class TrunkIdentity(Struct, frozen=True, kw_only=True):
    """Whether signatures of callers' numbers are checked, after the fact, and whose certificates are believed."""

    verify: bool = False
    certificate_hosts: tuple[str, ...] = ()
    authorities: tuple[str, ...] = ()


class Trunk(Struct, frozen=True, kw_only=True):
    """A carrier: whose packets are taken, how it writes numbers, where outgoing calls go, how far it may go.

    Amounts are in the carrier's own currency, up to six decimal places, and only compared with each other. Limits
    count calls in both directions; minutes run from answer to end, without rounding, in the last 60 minutes.
    """

    key: str
    allow: tuple[str, ...] = ()
    auth: TrunkAuth | None = None
    default_country: str | None = None
    number_from: str = "request_uri"
    caller_from: Literal["from", "p_asserted_identity", "remote_party_id"] = "from"
    attestation_header: str | None = None
    identity: TrunkIdentity | None = None
    national_prefix: str | None = None
    international_prefix: str | None = None
    prefixes: tuple[str, ...] = ()
    allow_premium: bool = False
    max_live: int | None = None
    max_per_second: int | None = None
    max_minutes_per_hour: int | None = None
    max_cost_per_hour: int | None = None
    cost_per_minute: int | None = None
    same_caller_seconds: int = 2
    max_live_per_caller: int | None = None
    responses: dict[str, int] = msgspec.field(default_factory=dict)
    srtp: SrtpMode = "off"
    session_seconds: int | None = SESSION_S
    reliable_provisional: Reliability = "off"
    keepalive_seconds: int | None = None
    outbound: TrunkOutbound | None = None
    paused: bool = False

    @property
    def numbering(self) -> Numbering:
        """How the carrier writes numbers."""
        return Numbering(self.default_country, self.national_prefix, self.international_prefix)

    def response_for(self, status: int) -> int:
        """What a caller of this trunk is sent when our final status is `status`."""
        return self.responses.get(str(status), status) if self.responses else status
