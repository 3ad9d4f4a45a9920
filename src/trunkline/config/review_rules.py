"""What a configuration says of leads that a person looks at first, and of leads that are offered again later."""

from __future__ import annotations

from trunkline.config.criteria import Node
from trunkline.config.struct import Struct


class Review(Struct, frozen=True, kw_only=True):
    """Which leads wait until a person lets them through: those for which `criteria` hold, or `all`."""

    criteria: Node | None = None
    all: bool = False
    expire_hours: int = 72
    paused: bool = False


class Resale(Struct, frozen=True, kw_only=True):
    """Offers a lead that nobody took again, by another plan, `times` at most, each `after_hours` of the one before."""

    plan: str
    after_hours: int = 24
    max_age_days: int = 30
    times: int = 1
    shared_too: bool = False
    paused: bool = False
