"""Asks a bidder as an auction would, and says what of its answers would keep it from winning.

The suite is three pings: a sample caller; the same caller again, whose bid should be the same; and a caller who
withholds the number. Nothing is confirmed, and nobody is called.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Final, Literal

import msgspec

from trunkline.config.bids import Bid
from trunkline.config.schema import Kind
from trunkline.engine.bidders.asked import Asked
from trunkline.engine.bidders.dialect import dialect_of
from trunkline.engine.bidders.reading import Reading
from trunkline.kernel.clock import Instant
from trunkline.kernel.http import Answer, Request
from trunkline.outbound.client import HttpClient, NoAnswer

SAMPLE: Final[Mapping[str, str]] = {
    "caller.number": "+15125550100",
    "geo.country": "US",
    "geo.state": "TX",
    "geo.zip": "78701",
    "geo.area_code": "512",
    "geo.exchange": "555",
    "geo.timezone": "America/Chicago",
}
"""Whom a bidder is asked about: a number that belongs to nobody (NANP 555-01XX), in Austin."""
ReadClock = Callable[[], Instant]

HALF: Final = 2
SHORT_MS: Final = 5_000
"""A bid that ends sooner is gone before a phone has rung once."""


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """One ping: what was sent, what came after how many milliseconds, and what it means (None: nothing came)."""

    about: str
    request: Request
    answer: Answer | NoAnswer
    took_ms: int
    reading: Reading | None


class Remark(msgspec.Struct, frozen=True, kw_only=True):
    """What is good or bad about a bidder."""

    severity: Literal["error", "warning"]
    message: str


def sample(kind: Kind, campaign: str, source: str | None, more: Mapping[str, str]) -> Asked:
    """The sample caller, as `more` says; an empty value makes an attribute unknown."""
    known = {name: value for name, value in {**SAMPLE, **more}.items() if value}
    return Asked(kind=kind, campaign=campaign, source=source, attributes=known)


def ping_of(bid: Bid, asked: Asked, ping: str = "bid_test") -> Request:
    """The request of a ping."""
    return dialect_of(bid.dialect).ping(bid, asked, bid.timeout_ms, ping)


async def examine(
    bid: Bid, asked: Asked, currency: str, client: HttpClient, clock: ReadClock, *, suite: bool
) -> list[Exchange]:
    """Ask once, or with `suite` all that there is to ask."""
    exchanges = [await _ask("a sample caller", bid, asked, currency, client, clock)]
    if suite:
        exchanges.append(await _ask("the same caller again", bid, asked, currency, client, clock))
        withheld = msgspec.structs.replace(
            asked, attributes={name: text for name, text in asked.attributes.items() if name != "caller.number"}
        )
        exchanges.append(await _ask("a caller who withholds the number", bid, withheld, currency, client, clock))
    return exchanges


async def _ask(about: str, bid: Bid, asked: Asked, currency: str, client: HttpClient, clock: ReadClock) -> Exchange:
    request = ping_of(bid, asked)
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    answer = await client.exchange(request, began_s + bid.timeout_ms / 1_000)
    took_ms = int((loop.time() - began_s) * 1_000)
    reading = None
    if isinstance(answer, Answer):
        reading = dialect_of(bid.dialect).read(bid, answer, currency, clock().utc_ms)
    return Exchange(about=about, request=request, answer=answer, took_ms=took_ms, reading=reading)


def remarks(bid: Bid, exchanges: list[Exchange], currency: str, now_ms: int) -> list[Remark]:
    """What would keep the bidder from winning, or from being asked."""
    found = []
    for each in exchanges:
        found += [Remark(severity=level, message=f"{each.about}: {text}") for level, text in _of(bid, each, now_ms)]
    readings = [each.reading for each in exchanges if each.reading is not None and each.reading.amount is not None]
    if any(reading.amount is not None and reading.amount.currency != currency for reading in readings):
        found.append(Remark(severity="error", message=f"it bids in another currency than {currency}"))
    if len(exchanges) > 1 and exchanges[0].reading is not None and exchanges[1].reading is not None:
        first, again = exchanges[0].reading, exchanges[1].reading
        if first.answered == "bid" and (again.answered, again.amount) != (first.answered, first.amount):
            message = "it answers otherwise when it is asked again for the same caller"
            found.append(Remark(severity="warning", message=message))
    return found


def _of(bid: Bid, each: Exchange, now_ms: int) -> list[tuple[Literal["error", "warning"], str]]:
    if isinstance(each.answer, NoAnswer):
        return [("error", f"no answer ({each.answer.why.value}): {each.answer.detail}")]
    out: list[tuple[Literal["error", "warning"], str]] = []
    if each.took_ms * HALF > bid.timeout_ms:
        out.append(("warning", f"it took {each.took_ms} ms of the {bid.timeout_ms} that it is waited for"))
    reading = each.reading
    assert reading is not None, "an answer has a reading"
    if reading.answered == "error":
        out.append(("error", f"the answer cannot be used: {reading.reason}"))
    if reading.answered == "bid":
        if bid.confirm is not None and reading.id is None:
            out.append(("warning", "the bid has no id, so that its confirmation cannot say which one is meant"))
        if reading.expires_ms is not None and reading.expires_ms - now_ms < SHORT_MS:
            out.append(("warning", "the bid ends before a phone has rung: less than 5 s from now"))
    return out
