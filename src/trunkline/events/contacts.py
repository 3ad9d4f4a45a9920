"""What is remembered of a contact: when it came, to whom it was connected, what was sold of it."""

from __future__ import annotations

from typing import Final, Literal, get_args

import msgspec

ContactEvent = Literal["incoming", "connect", "convert"]
"""What can have happened with a contact, in the order in which it happens."""
CONTACT_EVENTS: Final[tuple[str, ...]] = get_args(ContactEvent)


class Seen(msgspec.Struct, frozen=True, gc=False):
    """One thing that happened with a contact on a campaign at `at_ms` (UTC milliseconds).

    `buyer` is whom it was connected or sold to, None for its arrival; `call` the id of the call or lead, None where
    somebody only states it.
    """

    event: ContactEvent
    at_ms: int
    campaign: str
    buyer: str | None = None
    call: str | None = None
