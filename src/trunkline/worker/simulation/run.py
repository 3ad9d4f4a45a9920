"""The run itself: arrivals in the order of time, and between them what buyers do with what they were offered."""

from __future__ import annotations

import gc
import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager

from trunkline.config.schema import AccountConfig, Kind, Snapshot
from trunkline.engine.geo.overlay import NO_OVERLAY, Overlay
from trunkline.engine.routing.attributes import derive
from trunkline.engine.routing.cursor import Cursor
from trunkline.engine.routing.draw import mix
from trunkline.engine.routing.duplicates import ANONYMOUS, counts_anonymous, events_asked_for
from trunkline.engine.routing.facts import NO_FACTS, Facts
from trunkline.engine.routing.offer import Attribute, Auction, Offer, Query
from trunkline.engine.routing.router import Router, compile_router
from trunkline.engine.terms.payouts import payout_amount
from trunkline.engine.terms.terms import PayoutTerms
from trunkline.engine.terms.timing import conversion_due_ns, payout_due_ns
from trunkline.events.contacts import ContactEvent, Seen
from trunkline.kernel.clock import MS, SECOND, Instant
from trunkline.kernel.errors import UsageError
from trunkline.kernel.leases import DECIDED_LATER, FUNDS, Capacity
from trunkline.kernel.phone import ANONYMOUS_NAMES, parse_number
from trunkline.worker.simulation.behaviour import Behaviour, Observed, Reply
from trunkline.worker.simulation.bidding import answers
from trunkline.worker.simulation.tally import AccountTally, BuyerTally
from trunkline.worker.simulation.traffic import Arrival

TIDY_EVERY = 20_000
"""After so many arrivals, leases are renewed and what is long past is forgotten, as a switch does by its clock."""
_YOUNG_MAX = 200_000
"""New objects after which the interpreter looks for garbage that holds itself; a run makes none."""
_COUNTRY_DEFAULT = "US"
_LEAD_RING_S = 60


class Unplaced(UsageError):
    """An arrival for which the configuration has no number or campaign."""


class _Sale:
    """One arrival on its way through the buyers."""

    __slots__ = ("account", "attempt", "bids", "buyer", "campaign", "contact", "cursor", "dialled", "id", "incoming",
                 "kind", "observed", "offer", "payout", "place", "reply")  # fmt: skip

    def __init__(
        self,
        account: _Account,
        cursor: Cursor,
        query: Query,
        place: int,
        observed: dict[str, Observed],
        bids: dict[str, str],
    ) -> None:
        self.account = account
        self.cursor = cursor
        self.kind = query.kind
        self.campaign = query.campaign
        self.contact: str | None = None
        self.incoming = query.now
        self.place = place
        self.id = str(place)
        self.observed = observed
        self.bids = bids
        self.attempt = 0
        self.payout: PayoutTerms | None = None
        self.offer: Offer
        self.reply: Reply
        self.buyer: BuyerTally
        self.dialled: Instant


class _Account:
    """One account: its router, and what came of its traffic."""

    def __init__(self, config: AccountConfig, router: Router, facts: Facts) -> None:
        self.config = config
        self.router = router
        self.tally = AccountTally(config.account.currency)
        self.zone = config.account.timezone
        self.facts = facts
        self.contacts: dict[str, list[Seen]] = {}
        self.asked_for = events_asked_for(config)
        """What has to be known of contacts for this account's rules."""
        self.seen: set[tuple[str, str]] = set()

    def remember(self, contact: str | None, event: ContactEvent, at_ms: int, campaign: str, buyer: str | None) -> None:
        """Something has happened with a contact, for the rules that ask for it."""
        if contact is not None and event in self.asked_for:
            self.contacts.setdefault(contact, []).append(Seen(event, at_ms, campaign, buyer))


class Simulation:
    """One run of one configuration. `capacity` is a fresh store, `overlay` what is imported of the numbering plan,
    `facts` what is known of each account that is not configuration: it stays so through the whole run.

    A `lenient` run counts arrivals that the configuration has no number, campaign or plan for, instead of ending.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        behaviour: Behaviour,
        capacity: Capacity,
        seed: int,
        *,
        lenient: bool = False,
        overlay: Overlay = NO_OVERLAY,
        facts: Mapping[str, Facts] | None = None,
    ) -> None:
        self._behaviour = behaviour
        self._bids = behaviour.bids
        self._capacity = capacity
        self._seed = seed
        self._accounts = [
            _Account(
                config,
                compile_router(config, snapshot.platform, snapshot.digest),
                (facts or {}).get(config.account.key, NO_FACTS),
            )
            for config in snapshot.accounts
        ]
        self._numbers = {
            number.number: (account, number) for account in self._accounts for number in account.config.numbers
        }
        self._campaigns = {campaign.key: account for account in self._accounts for campaign in account.config.campaigns}
        self._due: list[tuple[int, int, Callable[[_Sale, Instant], None], _Sale]] = []
        self._order = 0
        self._open: dict[int, _Sale] = {}
        self._lenient = lenient
        self._overlay = overlay
        self.unplaced = 0
        """Arrivals that a lenient run has passed over."""
        self.first: list[str | None] = []
        """The route that each arrival was offered to first, in order; None for those that nobody was offered."""
        targets = {target.key for account in self._accounts for target in account.config.targets}
        self.strangers = sorted(behaviour.named - targets)
        """Targets that the file describes and the configuration does not have."""

    def run(self, arrivals: Iterable[tuple[int, int, Arrival]]) -> dict[str, AccountTally]:
        """Take (line, UTC milliseconds, arrival) in the order of time; what came of each account, by key.

        Raises UsageError for arrivals that are not in order, and Unplaced for one that goes nowhere.
        """
        with _seldom_collecting():
            self._run(arrivals)
        return {account.config.account.key: account.tally for account in self._accounts}

    # -- time ------------------------------------------------------------------------------------------------------

    def _run(self, arrivals: Iterable[tuple[int, int, Arrival]]) -> None:
        latest = 0
        for place, (line, utc_ms, arrival) in enumerate(arrivals):
            if utc_ms < latest:
                raise UsageError(
                    f"line {line} is earlier than the one before it", hint="sort the traffic by `at` and try again"
                )
            latest = utc_ms
            self._until(utc_ms * MS)
            self._arrive(line, place, arrival, Instant(utc_ms * MS, utc_ms))
            if place % TIDY_EVERY == TIDY_EVERY - 1:
                self._tidy(Instant(utc_ms * MS, utc_ms))
        self._until(None)

    def _until(self, mono_ns: int | None) -> None:
        """Let everything happen that is due by then; None: all of it."""
        due = self._due
        while due and (mono_ns is None or due[0][0] <= mono_ns):
            at_ns, _, step, sale = heapq.heappop(due)
            step(sale, Instant(at_ns, at_ns // MS))

    def _later(self, sale: _Sale, at_ns: int, step: Callable[[_Sale, Instant], None]) -> None:
        self._order += 1
        heapq.heappush(self._due, (at_ns, self._order, step, sale))

    def _tidy(self, now: Instant) -> None:
        for sale in self._open.values():
            self._capacity.renew(sale.offer.lease.id, now)
        lost = self._capacity.sweep(now)
        assert not lost, f"leases of live calls have run out: {lost[0].id}"
        self._capacity.take_changes()

    # -- one arrival -----------------------------------------------------------------------------------------------

    def _arrive(self, line: int, place: int, arrival: Arrival, now: Instant) -> None:
        self.first.append(None)
        try:
            account, query = self._asked(line, place, arrival, now)
        except Unplaced:
            if not self._lenient:
                raise
            self.unplaced += 1
            return
        tally = account.tally
        tally.calls += 1
        if account.router.receipt_guard(query.campaign, query.publisher, query.number) is not None:
            tally.lost("paused")
            return
        number = query.attributes.get("caller.number")
        caller = None if number is None else number.value
        if query.kind is Kind.CALL:
            facts, door = account.facts, (query.campaign, query.publisher, query.number)
            if account.router.kept_away(*door, caller, facts, now) is not None:
                tally.lost("blocked")
                return
        cursor = account.router.cursor(query, account.facts, reported_max=0)  # nobody reads why others were passed over
        sale = _Sale(account, cursor, query, place, arrival.observed, arrival.bids)
        sale.contact = self._contact(account, query.campaign, caller)
        account.remember(sale.contact, "incoming", now.utc_ms, query.campaign, None)
        incoming = account.router.incoming_payout(query)
        if incoming is not None:
            tally.payout += payout_amount(incoming, None).minor
            sale.payout = incoming
        self._seek(sale, now)

    def _asked(self, line: int, place: int, arrival: Arrival, now: Instant) -> tuple[_Account, Query]:
        publisher, source, tracking = arrival.publisher or "", arrival.source, None
        if arrival.to is not None:
            found = self._numbers.get(arrival.to) or self._numbers.get(parse_number(arrival.to, _COUNTRY_DEFAULT) or "")
            if found is None:
                raise Unplaced(f"line {line}: no tracking number {arrival.to}", hint="name it under `numbers`")
            account, number = found
            campaign, tracking = number.campaign, number.number
            publisher, source = number.publisher, arrival.source or number.source
        else:
            campaign = arrival.campaign or ""
            owner = self._campaigns.get(campaign)
            if owner is None:
                raise Unplaced(f"line {line}: no campaign {campaign!r}", hint="say `to`, or the campaign of a lead")
            account = owner
        if arrival.plan is not None and arrival.plan not in account.router.programs:
            raise Unplaced(f"line {line}: no plan {arrival.plan!r}", hint="leave it out for the campaign's own")
        caller = self._caller(line, arrival.caller)
        repeat = None
        if caller is not None:
            contact = (campaign, caller)
            repeat = contact in account.seen
            account.seen.add(contact)
        origin = account.router.origin(caller, publisher, source, tracking, repeat, overlay=self._overlay)
        stated = {name: Attribute(value, "stated") for name, value in arrival.attributes.items()}
        return account, Query(
            account=account.config.account.key,
            kind=Kind(arrival.kind),
            campaign=campaign,
            publisher=publisher,
            source=source,
            number=tracking,
            attributes=derive(origin, stated, now.utc_ms),
            now=now,
            seed=mix(self._seed + place + 1) >> 1 if arrival.seed is None else arrival.seed,
            plan=arrival.plan,
            history=tuple(account.contacts.get(self._contact(account, campaign, caller) or "", ())),
            geo=self._overlay.version,
        )

    @staticmethod
    def _contact(account: _Account, campaign: str, caller: str | None) -> str | None:
        """Under which name an arrival is remembered; withheld numbers only where the campaign counts them as one."""
        if caller is None and account.asked_for and counts_anonymous(account.router.index.campaigns[campaign]):
            return ANONYMOUS
        return caller

    @staticmethod
    def _caller(line: int, text: str | None) -> str | None:
        if text is None or text.strip().lower() in ANONYMOUS_NAMES:
            return None
        number = parse_number(text, _COUNTRY_DEFAULT)
        if number is None:
            raise UsageError(f"line {line}: from {text!r} is no phone number", hint="write +15125550100, or anonymous")
        return number

    # -- offers ----------------------------------------------------------------------------------------------------

    def _seek(self, sale: _Sale, now: Instant) -> None:
        """Offer to the next buyer; a lead is answered at once, so go on until one takes it or nobody is left."""
        while True:
            sale.attempt += 1
            lease = f"{sale.id}.{sale.attempt}"
            while isinstance(found := sale.cursor.next(self._capacity, lease, lease, sale.id, now), Auction):
                sale.cursor.settle(answers(found, sale.bids, self._bids, sale.account.config.account.currency))
            tally = sale.account.tally
            if not isinstance(found, Offer):
                self._open.pop(sale.place, None)
                tally.lost(found.reason)
                return
            candidate = found.candidate
            sale.offer, sale.dialled = found, now
            if sale.attempt == 1:
                self.first[sale.place] = candidate.route
            sale.buyer = tally.buyer(candidate.buyer)
            sale.buyer.offers += 1
            tally.held(found.lease.demands, self._capacity)
            self._capacity.settle(found.lease.id, "attempt", now)
            if candidate.terms.conversion.event == "attempt":
                self._owe(sale, now)
            ring_s = _LEAD_RING_S if candidate.ring is None else candidate.ring.ring_seconds
            observed = sale.observed.get(candidate.target)
            sale.reply = self._behaviour.reply(candidate.target, sale.place, ring_s, observed)
            if sale.kind is Kind.CALL:
                self._open[sale.place] = sale
                self._later(sale, now.mono_ns + sale.reply.after_ms * MS, self._replied)
                return
            if sale.reply.taken:
                self._accepted(sale, now)
                return
            self._capacity.release(found.lease.id, now)

    def _replied(self, sale: _Sale, now: Instant) -> None:
        if not sale.reply.taken:
            self._capacity.release(sale.offer.lease.id, now)
            self._seek(sale, now)
            return
        self._connected(sale, now)
        ring = sale.offer.candidate.ring
        most_ms = sale.reply.duration_ms if ring is None else 1000 * ring.max_duration_seconds
        self._later(sale, now.mono_ns + min(sale.reply.duration_ms, most_ms) * MS, self._end)

    def _connected(self, sale: _Sale, now: Instant) -> None:
        sale.buyer.connected += 1
        sale.account.tally.sold += 1
        self._capacity.settle(sale.offer.lease.id, "connect", now)
        sale.account.remember(sale.contact, "connect", now.utc_ms, sale.campaign, sale.offer.candidate.buyer)

    def _accepted(self, sale: _Sale, now: Instant) -> None:
        """A lead is taken: accepted, delivered and over in one moment."""
        self._connected(sale, now)
        converts = sale.offer.candidate.terms.conversion.event in {"accepted", "connect"}
        self._settle_up(sale, now, converted=converts, paid=True)
        self._let_go(sale, now, converted=converts)

    def _end(self, sale: _Sale, now: Instant) -> None:
        """The call is over: what became due while it lasted is owed, and the seats are free."""
        self._open.pop(sale.place, None)
        terms = sale.offer.candidate.terms
        connected = Instant(sale.dialled.mono_ns + sale.reply.after_ms * MS, sale.dialled.utc_ms + sale.reply.after_ms)
        due_ns = conversion_due_ns(terms.conversion, sale.incoming, sale.dialled, connected)
        converted = due_ns is not None and due_ns <= now.mono_ns
        paid_ns = None if terms.payout is None else payout_due_ns(terms.payout, connected)
        paid = paid_ns is not None and paid_ns <= now.mono_ns
        self._settle_up(sale, now, converted=converted, paid=paid)
        self._let_go(sale, now, converted=converted)

    def _let_go(self, sale: _Sale, now: Instant, *, converted: bool) -> None:
        """Give the seats back; those of a conversion that may still come only when its time is over."""
        keep_s = 0 if converted else sale.offer.candidate.terms.conversion.decide_within_s
        if keep_s:
            self._capacity.release(sale.offer.lease.id, now, DECIDED_LATER, 1000 * keep_s)
            self._later(sale, now.mono_ns + keep_s * SECOND, self._given_up)
        else:
            self._capacity.release(sale.offer.lease.id, now)

    def _given_up(self, sale: _Sale, now: Instant) -> None:
        """No conversion has come."""
        self._capacity.release(sale.offer.lease.id, now)

    def _settle_up(self, sale: _Sale, now: Instant, *, converted: bool, paid: bool) -> None:
        terms = sale.offer.candidate.terms
        if converted:
            self._owe(sale, now)
        if terms.payout is not None and terms.payout.event != "convert" and paid:
            self._pay(sale, terms.payout)

    def _owe(self, sale: _Sale, now: Instant) -> None:
        """The buyer owes, and the publisher earns when that is its event."""
        terms, lease = sale.offer.candidate.terms, sale.offer.lease.id
        for measure, amount in (("convert", None), ("spend", terms.price.minor), (FUNDS, terms.price.minor)):
            self._capacity.settle(lease, measure, now, amount)
        sale.account.tally.owed(sale.buyer, terms)
        sale.account.remember(sale.contact, "convert", now.utc_ms, sale.campaign, sale.offer.candidate.buyer)
        if terms.payout is not None and terms.payout.event == "convert":
            self._pay(sale, terms.payout)

    def _pay(self, sale: _Sale, payout: PayoutTerms) -> None:
        """The publisher earns, once for a caller."""
        if sale.payout is None:
            sale.payout = payout
            sale.account.tally.payout += payout_amount(payout, sale.offer.candidate.terms.price).minor


@contextmanager
def _seldom_collecting() -> Iterator[None]:
    """Leave what is there already out of looks for garbage, and look seldom."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(_YOUNG_MAX, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
