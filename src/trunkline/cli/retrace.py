"""A call's searches for a buyer, made again from the data folder: configuration, facts and caller as they were.

What is not kept any more is said (`Retraced.notes`); without it the decision is made again as far as it goes, and what
then differs from the journal is told, never hidden.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from trunkline import __version__
from trunkline.config.schema import AccountConfig, Snapshot
from trunkline.engine.calls.searches import Search, query_of, searches, unkept
from trunkline.engine.geo.overlay import NO_OVERLAY, Overlay
from trunkline.engine.leads.searches import LeadSearch, lead_query_of, lead_searches
from trunkline.engine.lists.table import ContactList
from trunkline.engine.routing.fact_log import FACT_EVENTS, FactLog, FactState
from trunkline.engine.routing.facts import NO_FACTS, Facts, facts_of
from trunkline.engine.routing.offer import Attributes
from trunkline.engine.routing.replay import Rebuilt
from trunkline.engine.routing.router import compile_router
from trunkline.engine.scoring.rate_book import NO_RATES, RateBook
from trunkline.events.auctions import AuctionEvent
from trunkline.events.calls import CallEvent, CallQualified, CallReceived
from trunkline.events.entry import Record
from trunkline.events.leads import LeadReceived
from trunkline.journal.configurations import ConfigurationMissing, Configurations
from trunkline.journal.reader import JournalReader
from trunkline.switch.geo_store import GeoStore, ImportUnreadable
from trunkline.switch.list_files import FOLDER, ListUnusable, lists_of, read_packed

_READ_AT_ONCE: Final = 5_000


class Retraced(msgspec.Struct, frozen=True, kw_only=True):
    """One search and what making it again has given. `rebuilt` is None where that cannot be done at all.

    `proved` says that nothing was missing and nothing differs.
    """

    search: Search | LeadSearch
    currency: str | None
    attributes: Attributes
    rebuilt: Rebuilt | None
    notes: tuple[str, ...]

    @property
    def proved(self) -> bool:
        """Whether the decision was made again and is the same."""
        return self.rebuilt is not None and not self.rebuilt.differences and not self.notes


def retrace(data: Path, reader: JournalReader, records: Sequence[Record]) -> list[Retraced]:
    """All searches of one call or lead; `records` are its own."""
    said = CallReceived | CallQualified | LeadReceived
    erased = any(record.erased for record in records if isinstance(record.event, said))
    last = records[-1].position.seq
    found: Sequence[Search | LeadSearch]
    if any(isinstance(record.event, LeadReceived) for record in records):
        found = lead_searches([record.event for record in records])
    else:
        found = searches([each.event for each in records if isinstance(each.event, CallEvent | AuctionEvent)])
    return [_again(data, reader, search, last, erased=erased) for search in found]


def _again(data: Path, reader: JournalReader, search: Search | LeadSearch, seq: int, *, erased: bool) -> Retraced:
    nothing = Retraced(search=search, currency=None, attributes={}, rebuilt=None, notes=())
    if erased:
        note = "the contact was erased: what was known of the caller is gone, and with it every reason that rests on it"
        return msgspec.structs.replace(nothing, notes=(note,))
    try:
        snapshot = Configurations(data).get(search.routed.versions.snapshot)
    except ConfigurationMissing as error:
        return msgspec.structs.replace(nothing, notes=(f"{error.message} ({error.hint})",))
    config = next(each for each in snapshot.accounts if each.account.key == search.received.account)
    router = compile_router(config, snapshot.platform, snapshot.digest)
    notes: list[str] = []
    overlay = _overlay(data, search, notes)
    if isinstance(search, Search):
        query = query_of(search, router, overlay)
    else:
        query = lead_query_of(search, router, overlay)
    facts = _Past(data, reader, snapshot, config).at(search, seq, notes)
    rebuilt = router.replay(query, search.told(), facts)
    engine = search.routed.versions.engine
    if engine != __version__:
        notes.append(f"decided by engine {engine}, made again by engine {__version__}")
    if isinstance(search, Search) and (missing := unkept(config, search)):
        notes.append(f"never stored, because the flow says they are sensitive: {', '.join(missing)}")
    if any(auction.more for auction in search.auctions):
        notes.append("the journal does not list everybody of an auction: what the others have bid is unknown")
    if search.routed.more:
        notes.append(f"the journal only counts {search.routed.more} routes: of those, limits that refused are unknown")
    return Retraced(
        search=search,
        currency=config.account.currency,
        attributes=query.attributes,
        rebuilt=rebuilt,
        notes=tuple(notes),
    )


def _overlay(data: Path, search: Search | LeadSearch, notes: list[str]) -> Overlay:
    version = search.routed.versions.geo
    if not version:
        return NO_OVERLAY
    try:
        return GeoStore(data).read(version)
    except ImportUnreadable as error:
        notes.append(f"the import {version} of the numbering plan is not kept: {error.message}")
        return NO_OVERLAY


class _Past:
    """Facts as they were, from the journal's events and the files that are still there."""

    def __init__(self, data: Path, reader: JournalReader, snapshot: Snapshot, config: AccountConfig) -> None:
        self._data = data
        self._reader = reader
        self._snapshot = snapshot
        self._config = config
        self._books: dict[str, RateBook] = {}
        self._packed: dict[str, ContactList | None] = {}
        self._files: dict[str, ContactList] | None = None

    def at(self, search: Search | LeadSearch, seq: int, notes: list[str]) -> Facts:
        """The facts with the version that the decision names; else the last ones before it, and a note."""
        wanted = search.routed.versions.facts
        if wanted == NO_FACTS.version:
            return NO_FACTS
        log = FactLog(self._config.account.key)
        after = 0
        while events := self._reader.plain(FACT_EVENTS, after, _READ_AT_ONCE):
            after = events[-1][0]
            for place, event in events:
                if place < seq:
                    log.take(event)
            if after >= seq:
                break
        for state in log.newest_first():
            facts = self._facts(state)
            if facts.version == wanted:
                return facts
        notes.append(f"the facts {wanted} cannot be found again: a list or rate book of then is not kept any more")
        return self._facts(next(log.newest_first()))

    def _facts(self, state: FactState) -> Facts:
        lists = dict(self._of_files())
        for each in self._config.lists:
            digest = state.lists.get(each.key)
            held = None if each.file is not None or digest is None else self._list(digest)
            if held is not None and held.header.type == each.type:
                lists[each.key] = held
        rates = NO_RATES if state.rates is None else self._book(state.rates)
        return facts_of(state.down, rates, state.penalties, lists, state.unavailable)

    def _of_files(self) -> dict[str, ContactList]:
        if self._files is None:
            try:
                found = lists_of(self._snapshot, None) if any(each.file for each in self._config.lists) else {}
            except ListUnusable:  # the version will tell: facts without the list are other facts
                found = {}
            self._files = found.get(self._config.account.key, {})
        return self._files

    def _list(self, digest: str) -> ContactList | None:
        if digest not in self._packed:
            try:
                self._packed[digest] = read_packed(self._data / FOLDER / f"{digest}.list")
            except ListUnusable:
                self._packed[digest] = None
        return self._packed[digest]

    def _book(self, version: str) -> RateBook:
        if version not in self._books:
            rates = self._reader.rate_book(self._config.account.key, version)
            self._books[version] = NO_RATES if rates is None else RateBook(rates)
        return self._books[version]
