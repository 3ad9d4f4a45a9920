"""Asks the winner of an auction whether it stands by its bid, where its network or the configuration wants that.

The winner's seats are held and the offer is in the journal by then. Silence is a no: a bidder that is rung without
having said yes may not pay.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from trunkline.config.schema import Bid as BidSettings
from trunkline.engine.bidders.asked import Asked
from trunkline.engine.bidders.dialect import dialect_of
from trunkline.engine.bidders.reading import Reading
from trunkline.engine.routing.auction import Bid, Fate
from trunkline.outbound.client import NoAnswer, Why

if TYPE_CHECKING:
    from trunkline.switch.plant import Plant

_MS_PER_S: Final = 1_000


class Confirmed(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What came of it: `accepted` or `rejected_at_post`, where to dial, or why not; `silent` when nobody answered."""

    fate: Fate
    took_ms: int
    status: int | None = None
    detail: str | None = None
    dial: str | None = None
    silent: bool = False


def reading_of(bid: Bid) -> Reading:
    """The bid as its dialect has read it."""
    return Reading(
        answered="bid",
        amount=bid.amount,
        id=bid.id,
        dial=bid.dial,
        duration_s=bid.duration_s,
        expires_ms=bid.expires_ms,
    )


def is_confirmed(settings: BidSettings, asked: Asked, reading: Reading, ping: str) -> bool:
    """Whether the bidder has to be told that it has won, before anything is sent to it."""
    if settings.confirm is not None:
        return True
    return dialect_of(settings.dialect).confirm(settings, asked, reading, ping) is not None


async def confirm(plant: Plant, settings: BidSettings, asked: Asked, bid: Bid) -> Confirmed:
    """Ask for the confirmation of `bid`; takes no longer than is configured. `settings` hold their secrets."""
    assert bid.ping is not None, "nobody was asked for this bid"
    began_s = plant.loop.time()
    own_ms = None if settings.confirm is None else settings.confirm.timeout_ms
    until_s = began_s + (settings.timeout_ms if own_ms is None else own_ms) / _MS_PER_S
    dialect = dialect_of(settings.dialect)
    request = dialect.confirm(settings, asked, reading_of(bid), bid.ping)
    if request is None:  # a reload has taken the confirmation away
        return Confirmed(fate=Fate.ACCEPTED, took_ms=0)
    answer = await plant.http.exchange(request, until_s)
    took_ms = int((plant.loop.time() - began_s) * _MS_PER_S)
    if isinstance(answer, NoAnswer):
        detail = f"{answer.why.value}: {answer.detail}"
        silent = answer.why is Why.TIMEOUT
        return Confirmed(fate=Fate.REJECTED_AT_POST, took_ms=took_ms, detail=detail, silent=silent)
    said = dialect.confirmed(settings, answer)
    return Confirmed(
        fate=Fate.ACCEPTED if said.accepted else Fate.REJECTED_AT_POST,
        took_ms=took_ms,
        status=answer.status,
        detail=said.reason,
        dial=said.dial,
    )
