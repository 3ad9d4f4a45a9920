"""What is asked of one call beyond RFC 3261: reliable provisional responses and a session timer."""

from __future__ import annotations

from typing import Literal

import msgspec

from trunkline.sip.errors import LocalSipError, RemoteSipError
from trunkline.sip.message import Message

MIN_SESSION_S = 90  # RFC 4028 5: no smaller session interval is legal
MAX_SESSION_S = 2**31 - 1

Reliability = Literal["off", "supported", "required"]


class CallTerms(msgspec.Struct, frozen=True):
    """The terms of one call; those of the default are plain RFC 3261.

    `session_s` is the session interval we ask for, in seconds from 90; None asks for none and takes none. `reliable`
    says how provisional responses are to be acknowledged (RFC 3262): as a caller `supported` offers it and `required`
    insists; as the called side both send reliably to a caller that supports it. A peer that insists gets
    it in any case.
    Raises LocalSipError for an interval below 90.
    """

    session_s: int | None = None
    reliable: Reliability = "off"

    def __post_init__(self) -> None:
        """Refuse an interval that RFC 4028 forbids."""
        if self.session_s is not None and not MIN_SESSION_S <= self.session_s <= MAX_SESSION_S:
            raise LocalSipError(f"a session interval of {self.session_s} s is below {MIN_SESSION_S} s or absurd")


PLAIN = CallTerms()


def has_option(message: Message, header: str, option: str) -> bool:
    """Whether Supported or Require (`header`) lists an option tag; they are compared without case (7.3.1)."""
    return message.header(header) is not None and option in _listed(message, header)


def allows(message: Message, method: str) -> bool:
    """Whether the peer says in Allow that it takes a method; silence is no permission."""
    return message.header("Allow") is not None and method.lower() in _listed(message, "Allow")


def _listed(message: Message, header: str) -> list[str]:
    """The values in lower case; none when they cannot be read, as nothing a call hangs on is asked for here."""
    try:
        return [value.lower() for value in message.values(header)]
    except RemoteSipError:
        return []
