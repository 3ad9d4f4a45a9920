"""What all cursors of one router share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from trunkline.config.schema import Account, Kind, Plan
from trunkline.engine.routing.entrance import Entrance
from trunkline.engine.routing.facts import Facts
from trunkline.engine.routing.hours import Clocks
from trunkline.engine.routing.offer import Ring
from trunkline.engine.routing.program import Line, Program
from trunkline.engine.routing.settings import ring_settings
from trunkline.engine.routing.values import Types
from trunkline.engine.terms.conversion import resolve_conversion
from trunkline.engine.terms.payouts import Selected
from trunkline.engine.terms.terms import ConversionTerms, Terms
from trunkline.events.calls import Versions
from trunkline.kernel.money import Money

_RESOLVED_MAX = 50_000


class Resolved:
    """The settings of one route for callers of one campaign, resolved when it is first offered."""

    __slots__ = ("conversion", "price", "ring", "rule", "terms")

    def __init__(self, line: Line, kind: Kind, plan: Plan, entrance: Entrance, account: Account) -> None:
        campaign = entrance.campaign
        minor = line.price_for(entrance.price)
        assert minor is not None or line.bids, f"{line.id} has no price: validation lets no such route through"
        self.price = None if minor is None else Money(minor, account.currency)
        """None for a bidder: its bid is its price."""
        self.ring: Ring | None = ring_settings(line.route, line.target, line.buyer, plan, campaign, account)
        self.terms: tuple[Selected, Terms] | None = None
        """The terms that the last offer was made at, with the publisher's rule that they hold."""
        self.conversion: ConversionTerms
        self.conversion, self.rule = resolve_conversion(
            kind, line.route, line.target, line.buyer, plan, campaign, account
        )


class Shared:
    """The account, its programs, and what is computed once for many callers."""

    __slots__ = ("_resolved", "account", "buyers_called", "clocks", "not_seen_days", "programs", "types", "versions")

    def __init__(
        self,
        account: Account,
        programs: Mapping[str, Program],
        types: Types,
        clocks: Clocks,
        versions: Versions,
        not_seen_days: Mapping[str, int],
        buyers_called: Mapping[str, tuple[str, ...]],
    ) -> None:
        self.account = account
        self.not_seen_days = not_seen_days
        """By buyer, for those that want no contact which they had within that many days."""
        self.buyers_called = buyers_called
        """By folded key or name, where consents have to name sellers."""
        self.programs = programs
        self.types = types
        self.clocks = clocks
        self.versions = versions
        self._resolved: dict[tuple[str, str, Kind], Resolved] = {}

    def versions_with(self, facts: Facts, geo: str) -> Versions:
        """What a decision with these facts, and with this import of the numbering plan, is taken with."""
        if facts.version == self.versions.facts and not geo:
            return self.versions
        return Versions(self.versions.snapshot, facts.version, self.versions.engine, geo)

    def chain(self, plan: str) -> Iterator[Program]:
        """The plan and its fallbacks in order, each once: a circle of fallbacks ends where it began."""
        seen: set[str] = set()
        key: str | None = plan
        while key is not None and key not in seen:
            seen.add(key)
            program = self.programs[key]
            yield program
            key = program.plan.fallback

    def resolved(self, line: Line, kind: Kind, entrance: Entrance) -> Resolved:
        """Price, conversion and ring settings of a route for this campaign."""
        key = (line.id, entrance.campaign.key, kind)
        resolved = self._resolved.get(key)
        if resolved is None:
            if len(self._resolved) >= _RESOLVED_MAX:
                self._resolved.clear()
            resolved = self._resolved[key] = Resolved(line, kind, self.programs[line.plan].plan, entrance, self.account)
        return resolved
