"""An account's configuration compiled for routing, and the questions that are asked of it before and after."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import NamedTuple

from trunkline import __version__
from trunkline.config.lookup import AccountIndex, trunks_by_key
from trunkline.config.schema import AccountConfig, Kind, NoBuyer, Platform, Recording, Route
from trunkline.engine.geo.overlay import NO_OVERLAY, Overlay
from trunkline.engine.routing.attributes import Origin
from trunkline.engine.routing.case import Case, traffic_of
from trunkline.engine.routing.compiler import Compiler
from trunkline.engine.routing.cursor import REPORTED_MAX, Cursor
from trunkline.engine.routing.entrance import Entrance
from trunkline.engine.routing.explain import Explanation, explain
from trunkline.engine.routing.facts import NO_FACTS, Facts
from trunkline.engine.routing.hours import Clocks
from trunkline.engine.routing.limits import Calendar, Rules
from trunkline.engine.routing.offer import Query
from trunkline.engine.routing.program import Program
from trunkline.engine.routing.reasons import Unsold
from trunkline.engine.routing.replay import Rebuilt, Told, replay
from trunkline.engine.routing.screening import Screening
from trunkline.engine.routing.settings import recording
from trunkline.engine.routing.shared import Shared
from trunkline.engine.routing.stage import Stage
from trunkline.engine.routing.values import Known, Types
from trunkline.engine.terms.payouts import select_payout
from trunkline.engine.terms.terms import PayoutTerms
from trunkline.events.calls import Versions
from trunkline.kernel.clock import Instant
from trunkline.kernel.leases import Usage

_ENTRANCES_MAX = 10_000


def compile_router(
    account: AccountConfig,
    platform: Platform,
    digest: str,
    earlier: Router | None = None,
) -> Router:
    """Compile one account. Pure: the same arguments give a router that decides the same, with or without `earlier`.

    `digest` is the snapshot's; of `earlier`, the account's router before, whatever has not changed is taken over. The
    configuration has been validated: a dangling key is our mistake.
    """
    steps = compiling(account, platform, digest, earlier)
    while True:
        try:
            next(steps)
        except StopIteration as done:
            router: Router = done.value
            return router


def compiling(
    account: AccountConfig,
    platform: Platform,
    digest: str,
    earlier: Router | None = None,
) -> Generator[None, None, Router]:
    """The same in small steps, for whoever has other things to do between them; the router comes at the end."""
    index = yield from AccountIndex.indexing(account)
    types = Types(account.campaigns)
    if earlier is not None and not earlier.compiles_like(account, types):
        earlier = None
    calendar = Calendar() if earlier is None else earlier.calendar
    if earlier is not None:
        types = earlier.types
    compiler = Compiler(index, trunks_by_key(platform), types, calendar)
    old = None if earlier is None else earlier.compiler
    yield from compiler.prepare(old)
    programs: dict[str, Program] = {}
    for plan in account.plans:
        before = None if earlier is None else earlier.programs.get(plan.key)
        programs[plan.key] = yield from compiler.compile(plan, old, before)
    return Router(index, compiler, programs, types, calendar, digest)


class _Door(NamedTuple):
    """A caller of whom only lists are asked."""

    screening: Screening


class Router:
    """Answers for one account and one snapshot. What it remembers between questions only saves time."""

    def __init__(
        self,
        index: AccountIndex,
        compiler: Compiler,
        programs: Mapping[str, Program],
        types: Types,
        calendar: Calendar,
        digest: str,
    ) -> None:
        self.programs = programs
        self.compiler = compiler
        self.calendar = calendar
        self.types = types
        self.index = index
        self._entrances: dict[tuple[str, str, str | None], Entrance] = {}
        self._shared = Shared(
            account=index.config.account,
            programs=self.programs,
            types=types,
            clocks=Clocks(),
            versions=Versions(snapshot=digest, facts=NO_FACTS.version, engine=__version__),
            not_seen_days={
                buyer.key: buyer.not_seen_days for buyer in index.config.buyers if buyer.not_seen_days is not None
            },
            buyers_called=index.buyers_called,
        )

    def compiles_like(self, account: AccountConfig, types: Types) -> bool:
        """Whether what was compiled here would be compiled alike for `account`, as far as all of it shares anything."""
        mine, theirs = self._shared.account, account.account
        placed = (mine.key, mine.timezone, mine.hours) == (theirs.key, theirs.timezone, theirs.hours)
        return placed and self.types == types

    def limits_above(self, campaign: str, publisher: str, number: str | None, kind: Kind) -> Rules:
        """The limits of account, campaign and publisher, in the order in which they are asked."""
        return self._entrance_of(campaign, publisher, number).rules[kind]

    def route(self, name: str) -> Route | None:
        """The route PLAN.TIER.ROUTE."""
        program = self.programs.get(name.partition(".")[0])
        line = None if program is None else program.by_id.get(name)
        return None if line is None else line.route

    @property
    def versions(self) -> Versions:
        """What decisions of this router are taken with when there are no facts."""
        return self._shared.versions

    def cursor(self, query: Query, facts: Facts = NO_FACTS, reported_max: int = REPORTED_MAX) -> Cursor:
        """The offers for one caller by the facts of the moment, to be asked for one by one.

        Of the routes that are not offered at most `reported_max` are listed.
        """
        assert query.account == self._shared.account.key, f"{query.account} is not this router's account"
        return Cursor(Case(self._shared, self._entrance(query), query, facts), reported_max)

    def eligible(self, query: Query, facts: Facts = NO_FACTS) -> Stage:
        """The routes of the query's own plan that all guards let through (limits and fallbacks are not asked)."""
        entrance = self._entrance(query)
        program = self.programs[query.plan or entrance.campaign.plan]
        stage = Stage(program, Case(self._shared, entrance, query, facts))
        stage.sift()
        return stage

    def origin(
        self,
        caller: str | None,
        publisher: str,
        source: str | None,
        number: str | None,
        repeat: bool | None = None,
        attestation: str | None = None,
        overlay: Overlay = NO_OVERLAY,
        begins: str | None = None,
    ) -> Origin:
        """What is fixed about a caller on arrival; `caller` and the tracking `number` are E.164 or None.

        `repeat` says whether the contact was here before, `attestation` how far the number is vouched for; None when
        that is not known; `overlay` is what is imported of the numbering plan; `begins` the beginning of a number of
        which no more is told.
        """
        tracking = None if number is None else self.index.numbers.get(number)
        tags = () if tracking is None else tuple(tracking.tags.items())
        return Origin(
            zone=self._shared.account.timezone,
            caller=caller,
            publisher=publisher,
            source=source,
            subid=None if tracking is None else tracking.subid,
            number_key=None if tracking is None else tracking.key or tracking.number,
            tags=tags,
            repeat=repeat,
            attestation=attestation,
            overlay=overlay,
            begins=begins,
        )

    def explain(self, query: Query, usage: Usage, facts: Facts = NO_FACTS) -> Explanation:
        """Every offer that would be made if each were refused, and every other route's reason, at `usage` as it is."""
        cursor = Cursor(Case(self._shared, self._entrance(query), query, facts), reported_max=None)
        return explain(cursor, query, usage, self._shared.account.currency)

    def replay(self, query: Query, told: Told, facts: Facts = NO_FACTS) -> Rebuilt:
        """A search that the journal tells of, made again with the same cursor, and what differs from what was told."""
        return replay(Case(self._shared, self._entrance(query), query, facts), told)

    def receipt_guard(self, campaign: str, publisher: str, number: str | None) -> str | None:
        """The reason for not routing a call at all (`paused`), None when it may be routed."""
        entrance = self._entrance_of(campaign, publisher, number)
        return None if entrance.guards.paused is None else Unsold.PAUSED.value

    def kept_away(
        self, campaign: str, publisher: str, number: str | None, caller: str | None, facts: Facts, now: Instant
    ) -> tuple[str, str] | None:
        """The level above the plan that keeps a caller away by a list, and why; None when none does.

        `caller` is E.164 or None. Such a call is not taken at all.
        """
        guards = self._entrance_of(campaign, publisher, number).guards
        if not guards.screens:
            return None
        day = self._shared.clocks.at(now.utc_ms, self._shared.account.timezone).ordinal
        found = guards.screened(_Door(Screening(caller, facts.lists, day)))
        return None if found is None else (found[0].level, found[1])

    def incoming_payout(self, query: Query) -> PayoutTerms | None:
        """What the publisher earns by the arrival itself, frozen at receipt; None when another event decides."""
        if not any(rule.event == "incoming" for rule in self.index.campaigns[query.campaign].payouts):
            return None
        terms = self.payout_of(query)
        return terms if terms is not None and terms.event == "incoming" else None

    def payout_of(self, query: Query) -> PayoutTerms | None:
        """What the publisher would earn by the campaign's rules; None when they pay nothing for this caller."""
        campaign = self.index.campaigns[query.campaign]
        known = Known(query.attributes, self._shared.types)
        traffic = traffic_of(query, campaign, known, self._shared.account.timezone)
        types = self._shared.types
        return select_payout(campaign.key, campaign.payouts, traffic, known, types, query.now.utc_ms).terms

    def campaign_recording(self, campaign: str) -> Recording | None:
        """The recording rule before a buyer is known: the campaign's, else the account's."""
        return recording(self.index.campaigns[campaign], self._shared.account)

    def no_buyer(self, plan: str) -> NoBuyer:
        """What a caller hears when this plan, or one it falls back to, finds nobody."""
        for program in self._shared.chain(plan):
            if program.plan.no_buyer is not None:
                return program.plan.no_buyer
        return NoBuyer()

    def _entrance(self, query: Query) -> Entrance:
        entrance = self._entrance_of(query.campaign, query.publisher, query.number)
        return entrance if query.promise is None else entrance.promising(query.promise)

    def _entrance_of(self, campaign: str, publisher: str, number: str | None) -> Entrance:
        key = (campaign, publisher, number)
        entrance = self._entrances.get(key)
        if entrance is None:
            if len(self._entrances) >= _ENTRANCES_MAX:
                self._entrances.clear()
            entrance = Entrance(self.index, campaign, publisher, number, self.calendar)
            self._entrances[key] = entrance
        return entrance
