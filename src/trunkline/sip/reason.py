"""Why a peer ended a call or an attempt, as its Reason header says (RFC 3326)."""

from __future__ import annotations

import re

from trunkline.sip.errors import RemoteSipError
from trunkline.sip.headers import parse_params, split_values

_CAUSE = re.compile(r"[0-9]{1,3}")
_PROTOCOLS = {"q.850": "q850", "sip": "sip"}


def cause_of(value: str | None) -> str | None:
    """A code such as `q850_17` or `sip_486` for a Reason; None for one that names no cause of either kind.

    Of several the first that can be read counts. The text is the peer's own and not taken over.
    """
    if not value:
        return None
    try:
        for each in split_values(value):
            protocol, semicolon, rest = each.partition(";")
            known = _PROTOCOLS.get(protocol.strip().lower())
            cause = parse_params(semicolon + rest).get("cause") or ""
            if known is not None and _CAUSE.fullmatch(cause):
                return f"{known}_{int(cause)}"
    except RemoteSipError:
        return None
    return None
