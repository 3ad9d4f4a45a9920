"""What one search of the cursor has met at one instant."""

from __future__ import annotations

from trunkline.config.schema import Measure
from trunkline.engine.routing.stage import Stage
from trunkline.kernel.leases import FUNDS, CounterId

_OWN_AMOUNT = frozenset({Measure.SPEND.value, FUNDS})
_SHARED_BY_ALL = frozenset({"account", "campaign", "publisher"})
_SHARED_BY_SOME = frozenset({"group", "buyer"})


class Met:
    """What one search has met. It lasts for one instant: when the next offer is made, seats may have come free.

    `ranks` are routes that are passed over unasked, because a full limit that they share has just been met: only where
    no reasons are listed any more, for what is listed is always asked for itself. `spare` is the highest price up to
    which the limits above the plan have been found to have room: they are the same for all routes.
    """

    __slots__ = ("ranks", "spare")

    def __init__(self) -> None:
        self.ranks = 0
        self.spare = -1

    def add(self, counter: CounterId, stage: Stage) -> None:
        """Routes under this full limit need not be asked. What spend and funds take differs from route to route."""
        if counter.measure in _OWN_AMOUNT:
            return
        if counter.level in _SHARED_BY_ALL:
            stage.left = 0
        elif counter.level in _SHARED_BY_SOME:
            self.ranks |= stage.program.members(counter.level, counter.key)
