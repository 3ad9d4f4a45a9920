"""Carriers, as frozen structs: whose calls are taken, how numbers are written, what may be dialled and may cost."""

from __future__ import annotations

from typing import Literal

from trunkline.config.struct import Struct


class Outbound(Struct, frozen=True, kw_only=True):
    """Where outbound requests may go besides the public internet."""

    allow_networks: tuple[str, ...] = ()


class TrunkOutbound(Struct, frozen=True, kw_only=True):
    """Where a trunk's calls are sent. The password is the value of the environment variable `password_env`."""

    proxy: str
    username: str | None = None
    password_env: str | None = None


class Trunk(Struct, frozen=True, kw_only=True):
    """A carrier: whose packets are taken, how it writes numbers, where outgoing calls go."""

    key: str
    allow: tuple[str, ...] = ()
    default_country: str | None = None
    number_from: Literal["request_uri", "to"] = "request_uri"
    prefixes: tuple[str, ...] = ()
    outbound: TrunkOutbound | None = None
    paused: bool = False
