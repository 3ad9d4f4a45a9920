"""Return penalties: what share of what it bought each target has sent back, for its rank in auctions.

The share is of money, over the sales of the last days that are old enough to have come back. A target with few sales
has no penalty: one return of three says nothing. The switch knows the penalties as facts (`engine/routing/facts.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec

from trunkline.engine.routing.auction import WHOLE
from trunkline.journal.sqlite import Error, connect_reading
from trunkline.worker.projections.plan import VIEWS
from trunkline.worker.projections.store import ViewsUnusable, place_of

DAYS: Final = 30
SALES_MIN: Final = 20
"""Sales of a target from which its share counts."""
TARGETS_MAX: Final = 2_000
"""Those with the highest penalties that are told, of one account."""
DAY_MS: Final = 86_400_000

_SOLD: Final = """
SELECT account, target, count(*), sum(revenue_minor), coalesce(sum(returned_minor), 0)
FROM attempts WHERE converted_ms >= ? AND converted_ms <= ? GROUP BY account, target ORDER BY account, target
"""


class Sold(msgspec.Struct, frozen=True):
    """What a target has bought, and what of it was sent back, in minor units of the account's currency."""

    account: str
    target: str
    sales: int
    minor: int
    returned_minor: int


def penalties_of(sold: Iterable[Sold]) -> dict[str, dict[str, int]]:
    """By account and target: hundredths of a percent, only where there is a penalty. Accounts that sold are all there.

    Rounded down, so that what was hardly sent back costs nothing.
    """
    found: dict[str, dict[str, int]] = {}
    for each in sold:
        of_account = found.setdefault(each.account, {})
        if each.sales >= SALES_MIN and each.minor > 0:
            penalty = min(WHOLE, each.returned_minor * WHOLE // each.minor)
            if penalty > 0:
                of_account[each.target] = penalty
    return {account: _highest(penalties) for account, penalties in found.items()}


def read_sold(data: Path, now_ms: int, days: int = DAYS) -> list[Sold] | None:
    """What was sold in the last `days` before `now_ms` (UTC), out of the views of a data folder.

    None where there are no views of this version yet. Raises ViewsUnusable, JournalMissing.
    """
    if place_of(data, VIEWS) is None:
        return None
    connection = connect_reading(data / VIEWS.file)
    try:
        return [Sold(*row) for row in connection.execute(_SOLD, (now_ms - days * DAY_MS, now_ms))]
    except Error as error:
        raise ViewsUnusable(f"{VIEWS.file} can not be read: {error}", hint="the worker makes it anew") from error
    finally:
        connection.close()


def _highest(penalties: dict[str, int]) -> dict[str, int]:
    if len(penalties) <= TARGETS_MAX:
        return penalties
    return dict(sorted(penalties.items(), key=lambda item: -item[1])[:TARGETS_MAX])
