"""Which routes would break what a publisher was promised for a caller: their price, or their rule, does not cover it.

Asked of callers with a promise only. Their floors are as many as there are bids, so no bitmap is kept for each: there
is one for each price, and those below the floor are put together.
"""

from __future__ import annotations

from trunkline.engine.routing.case import Case
from trunkline.engine.routing.index import bitmap, bits
from trunkline.engine.routing.program import Line, Program
from trunkline.engine.terms.promises import owes_too_late


def breach(line: Line, case: Case) -> str | None:
    """Why the route's rule of conversion breaks the promise, for the operator; None when it does not."""
    promise = case.query.promise
    assert promise is not None
    resolved = case.shared.resolved(line, case.query.kind, case.entrance)
    return owes_too_late(promise, resolved.conversion)


def breaking(program: Program, ranks: int, case: Case) -> int:
    """Those of `ranks` whose static price is below the promise's floor, or whose rule breaks it."""
    promise = case.query.promise
    assert promise is not None
    broken = program.below(promise.floor.minor, case.entrance.price) & ranks
    if promise.asks_when:
        late = [rank for rank in bits(ranks & ~broken) if breach(program.lines[rank], case) is not None]
        if late:
            broken |= bitmap(late, len(program.lines))
    return broken
