"""Whether a bid may name the address that it names: only inside the bidder's allowed hosts and prefixes.

Without this a bidder could have the switch dial any number in the world at our expense, and send the caller to
somebody who pays it better.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from trunkline.config.target_checks import is_sip_uri
from trunkline.engine.payloads.documents import Unusable
from trunkline.kernel.phone import parse_number

_URI: Final = re.compile(
    r"(?P<scheme>sips?):(?:[^@]*@)?(?P<host>\[[^\]]*\]|[^:;]+)(?::[0-9]+)?(?P<params>(?:;.*)?)", re.IGNORECASE
)
_INTERNATIONAL: Final = re.compile(r"[1-9][0-9]{10,14}")
"""A number with its country and without the plus, as networks like to write it."""
_PARAMS: Final = frozenset({"transport", "user"})
"""Of the parameters of an address those that do not send the call elsewhere (`maddr` would)."""


def is_allowed(dial: str, allow: Sequence[str]) -> bool:
    """Whether a number in E.164 or a SIP address is inside `allow`: `+PREFIX`, `sip:HOST`, `sip:.DOMAIN` below it."""
    if dial.startswith("+"):
        return dial.startswith(tuple(entry for entry in allow if entry.startswith("+")))
    match = _URI.fullmatch(dial)
    if match is None or not is_sip_uri(dial):
        return False
    if any(each.partition("=")[0].lower() not in _PARAMS for each in match["params"].split(";") if each):
        return False
    host = match["host"].lower().rstrip(".")
    return any(_holds(entry.partition(":")[2].lower(), host) for entry in allow if entry.startswith("sip:"))


def dial_of(named: Sequence[str | None], allow: Sequence[str]) -> str | None:
    """Where to dial, of the addresses that a bid has named, best first; the first that is allowed.

    None when it names none, or when nothing is allowed: then the target's own address is dialled. Raises Unusable when
    it names some and none is allowed, because calling another one is not what the bid is for.
    """
    given = [text for text in named if text and text.strip()]
    if not given or not allow:
        return None
    for text in given:
        dial = _written(text.strip())
        if dial is not None and is_allowed(dial, allow):
            return dial
    raise Unusable(f"the bid names {given[0][:80]!r}, which `allow` does not")


def _written(text: str) -> str | None:
    """An address as we write it: with its scheme, or in E.164. None when it is neither."""
    if text[:4].lower() == "sip:" or text[:5].lower() == "sips:":
        scheme, _, rest = text.partition(":")
        return f"{scheme.lower()}:{rest}"
    if "@" in text:
        return f"sip:{text}"
    number = (
        text if text.startswith("+") else f"+{text}" if len(text) > 10 and text.isascii() and text.isdigit() else text
    )
    return parse_number(number, "US")


def _holds(allowed: str, host: str) -> bool:
    return host.endswith(allowed) and len(host) > len(allowed) if allowed.startswith(".") else host == allowed
