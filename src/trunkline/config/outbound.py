"""Where this installation's own requests, mails and files may go, and the server that its mail goes through."""

from __future__ import annotations

from typing import Literal

import msgspec

from trunkline.config.struct import Struct


class Smtp(Struct, frozen=True, kw_only=True):
    """The mail server (submission, RFC 6409) that leads by e-mail go through.

    A password is only proved over an encrypted connection.
    """

    host: str
    port: int = 587
    tls: Literal["starttls", "implicit", "off"] = "starttls"
    username: str | None = None
    password_env: str | None = None
    sender: str = msgspec.field(name="from")


class Outbound(Struct, frozen=True, kw_only=True):
    """Where outbound requests may go besides the public internet, and how mail is sent."""

    allow_networks: tuple[str, ...] = ()
    smtp: Smtp | None = None
