"""To whom a lead may be sold whose consent has to name its sellers (`leads: {consent: named}` of its campaign).

The names stand in the attribute `caller.sellers`, with bars between them. A buyer is named by its key or its name,
whatever their case. Without names nobody is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from trunkline.config.folds import Several
from trunkline.engine.routing.values import Known

SELLERS: Final = "caller.sellers"
BAR: Final = "|"


def buyers_named(known: Known, called: Mapping[str, tuple[str, ...]]) -> frozenset[str]:
    """Keys of the buyers that the consent names; `called` has the buyers of each folded name."""
    return frozenset(buyer for name in _names(known) for buyer in called.get(name, ()))


def why_not_named(buyer: str, known: Known, called: Mapping[str, tuple[str, ...]]) -> str | None:
    """Why a buyer may not have the lead, None when it may."""
    if buyer in buyers_named(known, called):
        return None
    return f"consent does not name {buyer}" if _names(known) else "consent names no seller"


def _names(known: Known) -> list[str]:
    stated = known.get(SELLERS)
    assert not isinstance(stated, Several), f"{SELLERS} is one text"
    return [] if stated is None else [name for part in stated.split(BAR) if (name := part.strip())]
