"""Who we are at a carrier that has given us a user name: an address of its own domain."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from trunkline.config.trunks import TrunkOutbound
from trunkline.sip.uri import bracketed, parse_uri

SAFE_IN_USER: Final = "-_.!~*'()+&=$,;?/"
"""What needs no escape in the user part of an address (RFC 3261 25.1)."""


def account_domain(outbound: TrunkOutbound) -> str:
    """The domain of our user name: the one it brings with it (`user@domain`), else the proxy's host."""
    return (outbound.username or "").partition("@")[2] or bracketed(parse_uri(outbound.proxy).host)


def address_of_record(outbound: TrunkOutbound) -> str:
    """What is registered (RFC 3261 10): our user name at its domain, without a scheme."""
    return f"{_user(outbound)}@{account_domain(outbound)}"


def contact_user(outbound: TrunkOutbound) -> str:
    """The user part that a trunk is registered under: as configured, else that of its user name."""
    wanted = None if outbound.register is None else outbound.register.contact_user
    return wanted or _user(outbound)


def _user(outbound: TrunkOutbound) -> str:
    return quote((outbound.username or "").partition("@")[0], safe=SAFE_IN_USER)
