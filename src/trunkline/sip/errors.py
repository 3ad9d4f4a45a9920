"""Whose fault a failure is. Two classes, so that no handler has to guess.

`LocalSipError` means our own caller broke a rule: it is a bug to fix, never an answer to a peer.
`RemoteSipError` means the peer sent something wrong: it carries the status the peer deserves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trunkline.sip.message import Request


class SipError(Exception):
    """Parent of both kinds; catch one of the two below instead."""


class LocalSipError(SipError):
    """The caller of this package asked for something impossible or unsafe."""


class RemoteSipError(SipError):
    """The peer sent something that cannot be used.

    `status` is the response it deserves. `request` is as much of the request as could be read, when that is
    enough to try an answer; None means the datagram can only be dropped.
    """

    def __init__(self, status: int, reason: str, request: Request | None = None) -> None:
        super().__init__(f"{status} {reason}")
        self.status = status
        self.reason = reason
        self.request = request


class NoCommonCodec(RemoteSipError):
    """The session description is sound but holds nothing we can speak (RFC 3261 21.4.26).

    `warning` is the warn-code of section 20.43 that goes with the reason: 302 a transport protocol (its profile), 305
    a media format, 307 an attribute.
    """

    def __init__(self, reason: str, warning: int = 305) -> None:
        super().__init__(488, reason)
        self.warning = warning

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """What tells the peer why."""
        return (("Warning", f'{self.warning} trunkline "{self.reason}"'),)
