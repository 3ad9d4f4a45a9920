"""Which routes would break what a publisher was promised for a caller: their price, or their rule, does not cover it.

Asked of callers with a promise only, of one route after another: bitmaps by floor would be others for every bid.
"""

from __future__ import annotations

from collections.abc import Sequence

from trunkline.engine.routing.case import Case
from trunkline.engine.routing.index import bits
from trunkline.engine.routing.program import Line
from trunkline.engine.terms.promises import owes_too_late


def breach(line: Line, case: Case) -> str | None:
    """Why the route's rule of conversion breaks the promise, for the operator; None when it does not."""
    promise = case.query.promise
    assert promise is not None
    resolved = case.shared.resolved(line, case.query.kind, case.entrance)
    return owes_too_late(promise, resolved.conversion)


def breaking(lines: Sequence[Line], ranks: int, case: Case) -> int:
    """Those of `ranks` whose static price is below the promise's floor, or whose rule breaks it."""
    promise = case.query.promise
    assert promise is not None
    least, broken = promise.floor.minor, 0
    for rank in bits(ranks):
        line = lines[rank]
        price = None if line.bids else line.price_for(case.entrance.price)
        if (price is not None and price < least) or breach(line, case) is not None:
            broken |= 1 << rank
    return broken
