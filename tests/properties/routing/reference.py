"""Routing written down naively, straight from the rules: slow, without bitmaps, caches or shared code for guards.

What it shares with the engine is the generator of draws and the calendar windows, which have tests of their own.
"""

from __future__ import annotations

import math
import re
import unicodedata
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from tests.properties.routing.worlds import COUNTIES, KINDS, LISTS

from trunkline.config.contacts import MarkDuplicates
from trunkline.config.criteria import All, AnyOf, Condition, Node, Not, Operator
from trunkline.config.hours import Hours
from trunkline.config.regions import STATES as REGIONS
from trunkline.config.schema import (
    AccountConfig,
    Kind,
    Measure,
    Method,
    Performance,
    Plan,
    Route,
    Target,
    Tier,
)
from trunkline.engine.geo.places import EARTH_RADIUS_MILES, place_of_zip
from trunkline.engine.routing.calling_hours_us import FEDERAL, STATES, ZONES
from trunkline.engine.routing.draw import Draws, text_hash
from trunkline.engine.routing.facts import Facts
from trunkline.engine.routing.offer import Attribute, Query
from trunkline.engine.routing.performance import _TRIAL_NAME
from trunkline.engine.scoring.beta import draw_beta
from trunkline.engine.scoring.rate_book import Posterior
from trunkline.events.contacts import Seen
from trunkline.kernel.leases import CounterId, TurnId, Usage
from trunkline.kernel.windows import Per, window_at

DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Why = tuple[str, str | None, str | None, str | None, int | None, int | None]
"""reason, level, measure, per, max, used"""


def fold(text: str) -> str:
    return unicodedata.normalize("NFC", text.strip()).casefold()


def true_of(node: Node, query: Query) -> bool | None:
    match node:
        case Not():
            inner = true_of(node.node, query)
            return None if inner is None else not inner
        case All():
            verdicts = [true_of(child, query) for child in node.nodes]
            return False if False in verdicts else None if None in verdicts else True
        case AnyOf():
            verdicts = [true_of(child, query) for child in node.nodes]
            return True if True in verdicts else None if None in verdicts else False
        case Condition():
            return true_of_condition(node, query.attributes.get(node.attr))


def true_of_condition(condition: Condition, known: Attribute | None) -> bool | None:
    kind = KINDS[condition.attr]
    values = [] if known is None else readable(condition.attr, kind, known)
    if condition.op is Operator.EXISTS:
        return bool(values) == (condition.values[0] == "true")
    if known is None or not values:
        return None
    if condition.op is Operator.NEAR:
        here, there = place_of(known.value), place_of(condition.values[0])
        return None if here is None or there is None else miles_between(here, there) <= int(condition.values[1])
    fulfilling = [chance for value, chance in values if fulfils(condition, kind, value)]
    if known.chances:
        if sum(fulfilling) >= condition.confidence - 1e-9:
            return True
        return False if sum(fulfilling) <= 1 - condition.confidence + 1e-9 else None
    if condition.op is Operator.NOT_IN:
        return len(fulfilling) == len(values)
    return len(fulfilling) > 0


def readable(attr: str, kind: str, known: Attribute) -> list[tuple[str, float]]:
    """The values that are of the attribute's type, trimmed, each with its chance."""
    texts = list(known.chances) or [
        (text, 1.0) for text in (known.value.split(",") if kind == "set" else [known.value])
    ]
    found = [(unicodedata.normalize("NFC", text.strip()), chance) for text, chance in texts]
    return [(text, chance) for text, chance in found if text and size(kind, text) is not None]


def size(kind: str, text: str) -> Any:
    """What two values of the type compare by; None for a text that is no value of it."""
    try:
        if kind == "number":
            return Fraction(text) if text.isascii() and "e" not in text.lower() and "_" not in text else None
        if kind == "date":
            return date.fromisoformat(text) if text.count("-") == 2 and len(text) == 10 else None
    except ValueError:
        return None
    if kind == "zip" and len(text) == 10 and text[5] == "-":
        return text[:5]
    return COUNTIES.get(fold(text), fold(text))


def place_of(code: str) -> tuple[float, float] | None:
    place = place_of_zip(code.strip()[:5]) if code.strip()[:5].isdigit() and len(code.strip()) in {5, 10} else None
    return None if place is None or place.lat is None or place.lon is None else (place.lat, place.lon)


def miles_between(one: tuple[float, float], two: tuple[float, float]) -> float:
    """The great circle by the law of cosines, where the engine takes half the chord."""
    (lat, lon), (lat2, lon2) = (tuple(map(math.radians, point)) for point in (one, two))
    cosine = math.sin(lat) * math.sin(lat2) + math.cos(lat) * math.cos(lat2) * math.cos(lon - lon2)
    return math.acos(min(1.0, cosine)) * EARTH_RADIUS_MILES


def fulfils(condition: Condition, kind: str, value: str) -> bool:
    own = size(kind, value)
    wanted = [size(kind, text) for text in condition.values]
    match condition.op:
        case Operator.EQ | Operator.IN:
            return own in wanted
        case Operator.NOT_IN:
            return own not in wanted
        case Operator.PREFIX:
            return any(own.startswith(fold(text)) for text in condition.values)
        case Operator.CONTAINS:
            return any(fold(text) in own for text in condition.values)
        case Operator.REGEX:
            return re.search(condition.values[0], value, re.IGNORECASE) is not None
        case Operator.LT:
            return bool(own < wanted[0])
        case Operator.LTE:
            return bool(own <= wanted[0])
        case Operator.GT:
            return bool(own > wanted[0])
        case Operator.GTE:
            return bool(own >= wanted[0])
        case Operator.BETWEEN:
            return bool(wanted[0] <= own <= wanted[1])
    raise AssertionError(condition.op)


def open_at(hours: Hours, zone: str, utc_ms: int) -> bool:
    local = datetime.fromtimestamp(utc_ms // 1000, UTC).astimezone(ZoneInfo(zone))
    minute = local.hour * 60 + local.minute
    for days_ago in (0, 1):
        day = local.date() - timedelta(days=days_ago)
        ordinary = () if day.toordinal() in hours.closed else getattr(hours, DAYS[day.weekday()])
        ranges = hours.exceptions.get(day.isoformat(), ordinary)
        for each in ranges:
            until = each.until if each.until > each.start else each.until + 1440
            if each.start <= minute + days_ago * 1440 < until:
                return True
    return False


QUARTER_MS = 900_000
"""Hours of random worlds begin and end with half hours, and so do the changes of their zones' clocks."""


def open_ms(hours: tuple[Hours, str] | None, start: int, end: int, until: int) -> int:
    """Open milliseconds of [start, end) before `until`, a quarter of an hour at a time."""
    if hours is None:
        return min(until, end) - start
    passed = 0
    for quarter in range(start, min(until, end), QUARTER_MS):
        if open_at(*hours, quarter):
            passed += min(quarter + QUARTER_MS, until) - quarter
    return passed


HOLIDAYS = {"2026-11-26", "2026-12-25", "2026-11-11"}


class Reference:
    """One account's routing, asked route by route."""

    def __init__(self, config: AccountConfig, query: Query, usage: Usage, facts: Facts) -> None:
        self.config, self.query, self.usage, self.facts = config, query, usage, facts
        self.account = config.account
        self.campaign = next(each for each in config.campaigns if each.key == query.campaign)
        self.publisher = next(each for each in config.publishers if each.key == query.publisher)
        self.number = next(each for each in config.numbers if each.number == query.number)
        self.offers: list[str] = []
        self.rejected: dict[str, Why] = {}
        self.taken = set(query.taken)

    def run(self) -> Reference:
        plans = {plan.key: plan for plan in self.config.plans}
        key, seen = self.query.plan or self.campaign.plan, []
        while key is not None and key not in seen:
            seen.append(key)
            key = plans[key].fallback
        for put_last in (False, True):
            for each in seen:
                for tier in plans[each].tiers:
                    self.run_tier(plans[each], tier, plans[seen[0]].max_offers, put_last=put_last)
        return self

    def buyer_of(self, route: Route) -> str:
        return next(each.buyer for each in self.config.targets if each.key == route.target)

    def run_tier(self, plan: Plan, tier: Tier, max_offers: int, *, put_last: bool) -> None:
        eligible = []
        for route in tier.routes:
            why = self.guard(plan, tier, route)
            if why is not None:
                self.rejected[self.name(plan, tier, route)] = why
            elif self.comes_last(self.buyer_of(route)) == put_last:
                eligible.append(route)
        for route in self.ordered(plan, tier, eligible):
            name = self.name(plan, tier, route)
            why = self.capacity(plan, tier, route)
            if why is not None:
                self.rejected[name] = why
            elif route.target in self.taken:
                self.rejected[name] = ("already_offered", None, None, None, None, None)
            elif len(self.offers) >= max_offers:
                self.rejected[name] = ("out_of_patience", None, None, None, None, None)
            else:
                self.offers.append(name)
                self.taken.add(route.target)

    def name(self, plan: Plan, tier: Tier, route: Route) -> str:
        return f"{plan.key}.{tier.key}.{route.key}"

    def ordered(self, plan: Plan, tier: Tier, eligible: list[Route]) -> list[Route]:
        scope = f"{self.account.key}/{plan.key}.{tier.key}"
        if tier.method is Method.ROUND_ROBIN:
            turns = {
                route.key: self.usage.turn(TurnId(self.account.key, plan.key, tier.key or "", route.key or ""))
                for route in eligible
            }
            return sorted(eligible, key=lambda route: turns[route.key])
        if tier.method is Method.WEIGHTED:
            return self.shuffled(eligible, scope)
        if tier.method is Method.AUCTION:
            return sorted(eligible, key=lambda route: self.standing(plan, tier, route))
        if tier.method is Method.PERFORMANCE:
            return self.raced(plan, tier, eligible, scope)
        ordered: list[Route] = []
        for number in sorted({route.priority for route in tier.routes}):
            equal = [route for route in eligible if route.priority == number]
            alone = sum(route.priority == number for route in tier.routes) == 1
            ordered += equal if alone else self.shuffled(equal, f"{scope}/{number}")
        return ordered

    def standing(self, plan: Plan, tier: Tier, route: Route) -> tuple[Fraction, int, int]:
        penalty = Fraction(self.facts.penalties.get(route.target, 0), 10_000)
        effective = self.price(self.levels(plan, tier, route), tier) * (1 - penalty)
        turn = self.usage.turn(TurnId(self.account.key, plan.key, tier.key or "", route.key or ""))
        return -effective, route.priority, turn

    def raced(self, plan: Plan, tier: Tier, eligible: list[Route], scope: str) -> list[Route]:
        worth, trials = {}, []
        settings = tier.performance or Performance()
        for route in eligible:
            draws = Draws(self.query.seed, text_hash(f"{self.account.key}/{self.name(plan, tier, route)}"))
            p, posterior = self.chance(plan, tier, route)
            if posterior is not None:
                p = draw_beta(posterior.alpha, posterior.beta, draws)
                if posterior.offers < settings.trial_offers:
                    trials.append(route)
            worth[route.key] = self.price(self.levels(plan, tier, route), tier) * p
        order = sorted(eligible, key=lambda route: -worth[route.key])
        trials.sort(key=lambda route: text_hash(f"{self.account.key}/{self.name(plan, tier, route)}"))
        if trials and len(eligible) > 1 and settings.trial_share:
            share = min(settings.trial_share / 1e6, 0.5 / len(trials))
            place = Draws(self.query.seed, text_hash(scope) ^ _TRIAL_NAME).unit() / share
            if place < len(trials):
                order.remove(trials[int(place)])
                order.insert(0, trials[int(place)])
        return order

    def chance(self, plan: Plan, tier: Tier, route: Route) -> tuple[float, Posterior | None]:
        if self.query.scores is not None and route.target in self.query.scores:
            return self.query.scores[route.target], None
        target = next(each for each in self.config.targets if each.key == route.target)
        least = (tier.performance or Performance()).min_samples
        name = self.name(plan, tier, route)
        found = self.facts.rates.posterior(plan.key, target.buyer, name, self.query.source, least)
        return found.p, found

    def shuffled(self, routes: list[Route], name: str) -> list[Route]:
        draws = Draws(self.query.seed, text_hash(name))
        left = sorted(routes, key=lambda route: route.weight)
        order = []
        while left:
            place = draws.below(sum(route.weight for route in left))
            for route in left:
                if place < route.weight:
                    break
                place -= route.weight
            order.append(route)
            left.remove(route)
        return order

    def levels(self, plan: Plan, tier: Tier, route: Route) -> list[tuple[str, Any, str]]:
        """(level, object, zone of its hours) from the top."""
        target = next(each for each in self.config.targets if each.key == route.target)
        buyer = next(each for each in self.config.buyers if each.key == target.buyer)
        own = self.account.timezone
        theirs = buyer.timezone or own
        groups = [each for each in self.config.buyer_groups if buyer.key in each.buyers]
        return [
            ("account", self.account, own),
            ("campaign", self.campaign, self.campaign.timezone or own),
            ("publisher", self.publisher, self.publisher.timezone or own),
            ("number", self.number, own),
            ("plan", plan, plan.timezone or own),
            ("tier", tier, own),
            *(("group", group, group.timezone or own) for group in groups),
            ("buyer", buyer, theirs),
            *([] if target.bid is None else [("bidder", target.bid, target.timezone or theirs)]),
            ("target", target, target.timezone or theirs),
            ("route", route, route.timezone or theirs),
        ]

    def bid(self, tier: Tier, target: Target) -> int | None:
        """What the target would pay in this auction, None when there is no bid that counts."""
        bid = (self.query.bids or {}).get(target.key)
        if tier.method is not Method.AUCTION or bid is None or bid.answered != "bid" or bid.amount is None:
            return None
        late = bid.after_ms > (1_500 if tier.deadline_ms is None else tier.deadline_ms)
        return None if late or bid.amount.currency != "USD" or bid.amount.minor == 0 else bid.amount.minor

    def price(self, levels: list[tuple[str, Any, str]], tier: Tier) -> int:
        things = {level: thing for level, thing, _ in levels}
        if "bidder" in things:
            return self.bid(tier, things["target"]) or 0
        return next(
            things[level].price.minor
            for level in ("route", "target", "buyer", "plan", "campaign", "account")
            if things[level].price is not None
        )

    def skilled(self, target: Target) -> bool:
        needed = self.query.attributes.get("caller.skills")
        wanted = {fold(each) for each in needed.value.split(",")} - {""} if needed else set()
        return wanted <= {fold(each) for each in target.skills}

    def guard(self, plan: Plan, tier: Tier, route: Route) -> Why | None:
        levels = self.levels(plan, tier, route)
        target = levels[-2][1]
        if (target.dial if self.query.kind is Kind.CALL else target.deliver) is None:
            return ("kind", "target", None, None, None, None)
        for level, thing, _ in levels:
            if thing.paused or getattr(thing, "weight", 1) == 0:
                return ("paused", level, None, None, None, None)
        for level, thing, zone in levels:
            hours = getattr(thing, "hours", None)
            if hours is not None and not open_at(hours, zone, self.query.now.utc_ms):
                return ("hours", level, None, None, None, None)
        for level, thing, _ in levels:
            criteria = getattr(thing, "criteria", None)
            if criteria is not None and true_of(criteria, self.query) is not True:
                return ("criteria", level, None, None, None, None)
            if level == "target" and not self.skilled(thing):
                return ("criteria", level, None, None, None, None)
        for level, thing, _ in levels:
            held = [self.on_list(name) for name in thing.suppress]
            wanted = [self.on_list(name) for name in thing.require_listed]
            late = thing.calling_hours is not None and self.too_late()
            if late or any(on is not False for on in held) or (wanted and not any(wanted)):
                return ("suppression", level, None, None, None, None)
            if level == "campaign" and self.unnamed(next(thing for each, thing, _ in levels if each == "buyer")):
                return ("suppression", level, None, None, None, None)
        refusing = self.duplicate(next(thing for level, thing, _ in levels if level == "buyer"))
        if refusing is not None:
            return ("duplicate", refusing, None, None, None, None)
        attested = self.query.attributes.get("caller.attestation")
        rank = {"A": 3, "B": 2, "C": 1}.get("" if attested is None else attested.value.strip().upper(), 0)
        for level, thing, _ in levels:
            least = getattr(thing, "min_attestation", None)
            if self.query.kind is Kind.CALL and least is not None and rank < {"A": 3, "B": 2, "C": 1}[least]:
                return ("attestation", level, None, None, None, None)
        bidder = target.bid is not None
        bid = self.bid(tier, target)
        price = self.price(levels, tier)
        for level, thing, _ in levels:
            floor = getattr(thing, "floor", None)
            if floor is not None and price < floor.minor and (not bidder or bid is not None):
                return ("floor", level, None, None, None, None)
        if self.query.hop not in route.hops:
            return ("hop", "route", None, None, None, None)
        if target.key in self.facts.out:
            return ("target_down", "target", None, None, None, None)
        if bidder and tier.method is not Method.AUCTION:
            return ("method_unavailable", None, None, None, None, None)
        if bidder and bid is None:
            return ("bid", "bidder", None, None, None, None)
        p, posterior = self.chance(plan, tier, route)
        settled = posterior is None or posterior.weight >= (tier.performance or Performance()).min_samples
        for level, least in (("tier", tier.min_score), ("route", route.min_score)):
            if settled and least is not None and p < least / 1e6:
                return ("score", level, None, None, None, None)
        return None

    def unnamed(self, buyer: Any) -> bool:
        """Whether the consent has to name the buyer and does not."""
        if self.query.kind is Kind.CALL or self.campaign.leads.consent != "named":
            return False
        stated = self.query.attributes.get("caller.sellers")
        sellers = [] if stated is None else [fold(each) for each in stated.value.split("|")]
        return fold(buyer.key) not in sellers and (buyer.name is None or fold(buyer.name) not in sellers)

    def on_list(self, name: str) -> bool | None:
        """None when the list is not loaded. Entries are texts with the last day on which they count."""
        entries = LISTS.get(name)
        if entries is None:
            return None
        today = datetime.fromtimestamp(self.query.now.utc_ms // 1000, UTC).astimezone(ZoneInfo(self.account.timezone))
        known = self.query.attributes.get("caller.number")
        caller = "anonymous" if known is None else known.value
        for entry, until in entries:
            counts = until is None or today.date().isoformat() <= until
            if counts and (entry == caller or (entry.endswith("*") and caller.startswith(entry[:-1]))):
                return True
        return False

    def too_late(self) -> bool:
        """Whether some law that may hold for the caller forbids it somewhere it may be."""
        known = self.query.attributes
        if "geo.country" in known and known["geo.country"].value.strip().upper() != "US":
            return False
        laws = [FEDERAL, *STATES.values()]
        state = known["geo.state"].value.strip().upper() if "geo.state" in known else ""
        if state in REGIONS:
            laws = [law for law in laws if law.place in {"US", state}]
        zones = ZONES
        if "geo.timezone" in known:
            zones = (known["geo.timezone"].value,)
        for zone in zones:
            local = datetime.fromtimestamp(self.query.now.utc_ms // 1000, UTC).astimezone(ZoneInfo(zone))
            for law in laws:
                span = law.sunday if local.weekday() == 6 else law.saturday if local.weekday() == 5 else law.weekdays
                if law.holidays and local.date().isoformat() in HOLIDAYS:
                    span = None
                if span is None or not span[0] <= local.hour + local.minute / 60 < span[1]:
                    return True
        return False

    def seen_within(self, seen: Seen, days: int) -> bool:
        return timedelta(0) <= timedelta(milliseconds=self.query.now.utc_ms - seen.at_ms) < timedelta(days=days)

    def earlier(self) -> list[Seen]:
        """What marks the contact, oldest first; empty when it is no duplicate."""
        rule = self.campaign.duplicates
        if rule is None or (rule.mark is None and rule.route == "normal"):
            return []
        mark = rule.mark or MarkDuplicates()
        withheld = self.query.attributes.get("caller.anonymous")
        if withheld is not None and withheld.value == "yes" and not mark.anonymous:
            return []
        return [
            seen
            for seen in self.query.history
            if (seen.event, seen.campaign) == (mark.event, self.campaign.key) and self.seen_within(seen, mark.days)
        ]

    def buyers_before(self) -> list[str]:
        marked = self.earlier()
        rule = self.campaign.duplicates
        if not marked or rule is None:
            return []
        mark = rule.mark or MarkDuplicates()
        if mark.event == "incoming":
            marked = [
                seen
                for seen in self.query.history
                if seen.event == "connect" and seen.campaign == self.campaign.key and self.seen_within(seen, mark.days)
            ]
        return [seen.buyer for seen in marked if seen.buyer is not None]

    def comes_last(self, buyer: str) -> bool:
        rule, before = self.campaign.duplicates, self.buyers_before()
        if rule is None or rule.strict or not before:
            return False
        if rule.route == "original":
            return buyer != before[-1]
        return rule.route == "different" and buyer in before

    def duplicate(self, buyer: Any) -> str | None:
        """The level that refuses the contact as one seen before."""
        rule, before = self.campaign.duplicates, self.buyers_before()
        if rule is not None and self.earlier():
            if rule.route == "nowhere":
                return "campaign"
            if rule.strict and before:
                if rule.route == "original" and buyer.key != before[-1]:
                    return "campaign"
                if rule.route == "different" and buyer.key in before:
                    return "campaign"
        withheld = self.query.attributes.get("caller.anonymous")
        if buyer.not_seen_days is not None and (withheld is None or withheld.value != "yes"):
            for seen in self.query.history:
                if seen.buyer == buyer.key and self.seen_within(seen, buyer.not_seen_days):
                    return "buyer"
        return None

    def capacity(self, plan: Plan, tier: Tier, route: Route) -> Why | None:
        levels = self.levels(plan, tier, route)
        price = max(self.price(levels, tier), self.ceiling(levels))
        buyer = next(thing for level, thing, _ in levels if level == "buyer")
        if buyer.funding is not None:
            used = self.usage.used(CounterId(self.account.key, "buyer", buyer.key, "funds", "", "both"), 0)
            if used + price > buyer.funding.limit.minor:
                return ("funds", "buyer", "funds", None, buyer.funding.limit.minor, used)
        for wanted in ("account", "campaign", "publisher", "group", "buyer", "bidder", "target", "route"):
            found = []
            for level, thing, zone in levels:
                key = self.name(plan, tier, route) if level == "route" else getattr(thing, "key", route.target)
                if level == wanted:
                    hours = self.hours_of(level, thing, zone, levels)
                    found += [(limit, key, limit.zone or zone, hours) for limit in thing.limits]
            for limit, key, zone, hours in sorted(found, key=lambda each: self.turn_of(each[0])):
                if limit.applies_to not in {"both", self.query.kind.value}:
                    continue
                if limit.measure is (Measure.IN_FLIGHT if self.query.kind is Kind.CALL else Measure.LIVE):
                    continue
                concurrent = limit.measure in {Measure.LIVE, Measure.IN_FLIGHT}
                per = None if concurrent else limit.per or Per.LIFETIME
                now_ms, week_start = self.query.now.utc_ms, DAYS.index(limit.week_start)
                window = None if per is None else window_at(per, now_ms, zone, week_start)
                start = 0 if window is None else window.start_ms
                counter = CounterId(
                    self.account.key, wanted, key, limit.measure.value, per.value if per else "", limit.applies_to
                )
                used = self.usage.used(counter, start)
                amount = price if limit.measure is Measure.SPEND else 1
                most = limit.max
                if limit.matrix:
                    local = datetime.fromtimestamp(now_ms // 1000, UTC).astimezone(ZoneInfo(zone))
                    most = min(most, limit.matrix.get(DAYS[local.weekday()], (most,) * 24)[local.hour])
                if limit.pacing is not None and window is not None and used + amount <= limit.max:
                    passed = open_ms(hours, window.start_ms, window.end_ms, now_ms)
                    whole = open_ms(hours, window.start_ms, window.end_ms, window.end_ms)
                    share = math.ceil(Fraction(limit.max * passed, whole)) if whole else 1
                    most = min(limit.max, max(share, amount))
                offered = self.usage.offered(counter)
                gap_ms = 1000 * (limit.min_gap_seconds or 0)
                too_soon = gap_ms > 0 and offered is not None and 0 <= now_ms - offered < gap_ms
                if used + amount > most or too_soon:
                    return ("limit", wanted, limit.measure.value, per.value if per else None, most, used)
        return None

    def ceiling(self, levels: list[tuple[str, Any, str]]) -> int:
        """The most that the conversion of the most specific level may charge whatever the price."""
        things = {level: thing for level, thing, _ in levels}
        for level in ("route", "target", "buyer", "plan", "campaign", "account"):
            conversion = things[level].conversion
            rule = None if conversion is None else getattr(conversion, self.query.kind.value)
            if rule is not None:
                return rule.max_price.minor if rule.event == "postback" else 0
        return 0

    def hours_of(
        self, level: str, thing: Any, zone: str, levels: list[tuple[str, Any, str]]
    ) -> tuple[Hours, str] | None:
        """The hours that say when an object is open: its own, else its target's, buyer's or account's."""
        chain = [(getattr(thing, "hours", None), zone)]
        for above in {"route": ("target", "buyer"), "target": ("buyer",), "bidder": ("target", "buyer")}.get(level, ()):
            chain += [(each.hours, own) for name, each, own in levels if name == above]
        chain.append((self.account.hours, self.account.timezone))
        return next(((hours, own) for hours, own in chain if hours is not None), None)

    def turn_of(self, limit: Any) -> tuple[int, int, int]:
        kinds = {Measure.LIVE: 0, Measure.IN_FLIGHT: 0, Measure.SPEND: 2}
        pers = [Per.HOUR, Per.DAY, Per.WEEK, Per.MONTH, Per.LIFETIME]
        counts = [Measure.LIVE, Measure.IN_FLIGHT, Measure.ATTEMPT, Measure.CONNECT, Measure.CONVERT, Measure.SPEND]
        window = 0 if kinds.get(limit.measure) == 0 else pers.index(limit.per or Per.LIFETIME)
        return kinds.get(limit.measure, 1), window, counts.index(limit.measure)
