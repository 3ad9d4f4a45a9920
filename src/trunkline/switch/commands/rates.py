"""`rates.publish`: decisions rest on another rate book from now on. `rates.show`: on which they do."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, Final

import msgspec

from trunkline.engine.scoring.rate_book import RateBook, Rates, check_rates
from trunkline.events.changes import RatesPut
from trunkline.events.entry import Entry
from trunkline.events.switch import RatesPublished
from trunkline.kernel.clock import Instant, iso
from trunkline.switch.commands.command import Args, Command, CommandRefused, Done
from trunkline.switch.plant import Plant

BOOK_BYTES_MAX: Final = 64 * 1024 * 1024
"""A book of a hundred thousand sources on ten thousand routes is about 10 MB."""


class PublishRates(Args, frozen=True, kw_only=True):
    """`file` is absolute and holds a book as JSON; `version` is that of its contents."""

    file: str
    version: str


class ShowRates(Args, frozen=True, kw_only=True):
    """Nothing to say."""


async def publish(plant: Plant, args: PublishRates, now: Instant) -> Done:
    """Check the book and have it in force."""
    book, encoded = await asyncio.to_thread(_read, Path(args.file))
    account = book.rates.account
    if book.version != args.version:
        raise CommandRefused(
            f"{args.file} has version {book.version}, not {args.version}", hint="it was changed: publish it again"
        )
    if account not in plant.world.accounts:
        raise CommandRefused(f"the book is of the account {account!r}, which is not configured here")
    if book.rates.at_ms > now.utc_ms:
        raise CommandRefused(
            f"the book is for {iso(book.rates.at_ms)}, which is yet to come", hint="are the clocks right?"
        )
    before = plant.facts.of(account).rates
    facts = plant.facts.change(account, rates=book)
    event = RatesPublished(
        at_ms=now.utc_ms,
        account=account,
        rates=book.version,
        made_ms=book.rates.at_ms,
        routes=len(book.rates.routes),
        facts=facts.version,
    )
    return Done(
        {"account": account, "version": book.version, "before": before.version, "facts": facts.version},
        entries=(Entry(event),),
        changes=(RatesPut(account, book.version, now.utc_ms, encoded),),
        undo=lambda: _put_back(plant, account, before),
    )


async def show(plant: Plant, args: ShowRates, now: Instant) -> Done:
    """The books in force."""
    books = {account: plant.facts.of(account).rates for account in plant.world.accounts}
    return Done(
        {
            account: {
                "version": book.version,
                "made": iso(book.rates.at_ms) if book.rates.account else None,
                "routes": len(book.rates.routes),
            }
            for account, book in books.items()
        }
    )


COMMANDS: Final[tuple[Command[Any], ...]] = (
    Command("rates.publish", PublishRates, publish),
    Command("rates.show", ShowRates, show, changes=False),
)


def _put_back(plant: Plant, account: str, before: RateBook) -> None:
    plant.facts.change(account, rates=before)


def _read(file: Path) -> tuple[RateBook, bytes]:
    """The book in a file. Raises CommandRefused when it is none."""
    if not file.is_absolute():
        raise CommandRefused(f"{file} is no absolute path", hint="the switch may have another folder to start from")
    if file.exists() and not file.is_file():
        raise CommandRefused(f"{file} is no file", hint="a pipe may never end: write it to a file first")
    try:
        with file.open("rb") as stream:
            encoded = stream.read(BOOK_BYTES_MAX + 1)
    except OSError as error:
        raise CommandRefused(f"{file} cannot be read: {error.strerror}", hint="the switch must be able to") from error
    if len(encoded) > BOOK_BYTES_MAX:
        raise CommandRefused(f"{file} has more than {BOOK_BYTES_MAX} bytes")
    try:
        rates = msgspec.json.decode(encoded, type=Rates)
        check_rates(rates)
    except (msgspec.DecodeError, ValueError) as error:
        raise CommandRefused(f"{file} is no rate book: {error}", hint="./trunkline rates makes one") from error
    return RateBook(rates), encoded
