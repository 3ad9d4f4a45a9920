"""Random accounts and callers, small enough that every rule meets every other."""

from __future__ import annotations

from datetime import date
from hashlib import sha256
from random import Random
from typing import Any

from trunkline.config.contacts import Duplicates, MarkDuplicates
from trunkline.config.criteria import All, AnyOf, Condition, Node, Not, Operator
from trunkline.config.deliveries import Deliver
from trunkline.config.hours import Hours, TimeRange
from trunkline.config.lead_rules import LeadRules
from trunkline.config.schema import (
    Account,
    AccountConfig,
    AttributeType,
    Buyer,
    BuyerGroup,
    Campaign,
    Conversion,
    ConversionRule,
    Funding,
    Kind,
    Limit,
    Measure,
    Method,
    Number,
    Performance,
    Plan,
    Publisher,
    Route,
    Target,
    Tier,
)
from trunkline.config.schema import Bid as BidSetting
from trunkline.engine.lists.reading import pack_list
from trunkline.engine.lists.table import ContactList
from trunkline.engine.routing.auction import Bid
from trunkline.engine.routing.draw import text_hash
from trunkline.engine.routing.facts import Facts, facts_of
from trunkline.engine.routing.offer import Attribute, Query
from trunkline.engine.scoring.rate_book import NO_RATES, Rate, RateBook, Rates
from trunkline.events.contacts import Seen
from trunkline.kernel.clock import Instant
from trunkline.kernel.leases import CounterId, TurnId
from trunkline.kernel.money import Money
from trunkline.kernel.windows import Per

KINDS = {
    "geo.state": "text",
    "caller.language": "text",
    "tag.skill": "text",
    "ivr.menu": "text",
    "tag.points": "number",
    "tag.since": "date",
    "caller.skills": "set",
    "geo.county": "county",
    "geo.zip": "zip",
}
"""The attributes that are asked, with the types by which they compare."""
COUNTIES = {
    "travis, tx": "travis, tx",
    "travis county, tx": "travis, tx",
    "hays, tx": "hays, tx",
    "st. clair, al": "saint clair, al",
    "saint clair county, al": "saint clair, al",
    "orleans parish, la": "orleans, la",
    "orleans, la": "orleans, la",
}
"""Spellings of counties, folded, and which are the same."""
VALUES = {
    "text": ("TX", "tx ", "OK", "Straße", "STRASSE", "é", "e\u0301", "İ", "TXA", "txab", "o"),
    "number": ("1", "01", "1.50", "1.5", "-2", "+3", "10", "9", "2.25"),
    "date": ("2026-11-22", "1970-01-01", "2100-02-28", "2028-02-29", "2026-11-23"),
    "set": ("es", "ES", "en", "injury", "tax"),
    "zip": ("78701", "78702", "78640", "75201", "73102", "99501", "78701-1234"),
    "county": ("Travis, TX", "travis county, tx", "Hays, TX", "St. Clair, AL", "Saint Clair County, AL", "Orleans, LA"),
}
STRANGE = {
    "text": ("", " ", "Аustin"),
    "number": ("", "one", "1e3", "٣", "1_0", "NaN", "Infinity"),
    "date": ("2026-02-29", "20261122", "tomorrow", ""),
    "set": (",", "es, injury", "tax,es,tax", "en , İ"),
    "zip": ("00000", "7870", "", "Austin"),
    "county": ("", "Travis", "Orleans Parish, LA"),
}
"""What callers have besides: nothing, texts of other types, several at once."""
PATTERNS = ("^t", "x$", "^straße$", "^[a-f0-9]", "o|x", "s+e")
_ALWAYS = [Operator.EQ, Operator.IN, Operator.IN, Operator.NOT_IN, Operator.EXISTS]
_SEARCHING = [Operator.PREFIX, Operator.PREFIX, Operator.CONTAINS, Operator.REGEX]
_COMPARING = [Operator.LT, Operator.LTE, Operator.GT, Operator.GTE, Operator.BETWEEN] * 2
OPERATORS = {
    "text": _ALWAYS + _SEARCHING,
    "number": _ALWAYS + _COMPARING,
    "date": _ALWAYS + _COMPARING,
    "set": _ALWAYS + _SEARCHING,
    "county": _ALWAYS,
    "zip": [*_ALWAYS, *_SEARCHING, *[Operator.NEAR] * 4],
}
ZONES = ("America/New_York", "America/Chicago", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC")
NUMBER = "+18335550100"
CLOSED = {
    "holidays": ("US",),
    "closed": tuple(date(2026, month, day).toordinal() for month, day in ((11, 23), (11, 1), (12, 25))),
}
INSTANTS_MS = (
    1_795_446_000_000,  # an ordinary Monday
    1_793_511_000_000,  # the night in which New York's clocks go back
    1_772_953_200_000,  # the night in which they go forward
    1_798_178_400_000,  # Christmas Day
)


SELLERS = ("buyer0", "BUYER1 ", "buyer2", " lone STAR", "Straße & Sons", "lone", "nobody", "")
CALLERS = ("+15125550100", "+15125550101", "+12125550123")
LISTS: dict[str, list[tuple[str, str | None]]] = {
    "plain": [("+15125550100", None), ("+12125550123", "2026-11-23"), ("+17705550100", None)],
    "ranges": [("+1512*", "2026-11-01"), ("+15125550101*", None), ("+4930*", None), ("anonymous", "2026-11-24")],
    "sums": [("+15125550101", "2026-12-24"), ("+12125550123", None)],
    "others": [("+17705550100", None)],
}
"""What is on each list, and until when."""
LIST_NAMES = ("plain", "ranges", "sums", "others", "others", "others", "missing")


def packed(name: str) -> ContactList:
    """A list as the engine has it; `sums` holds hashes, some with the plus and some without."""
    lines = [(entry if until is None else f"{entry},{until}") for entry, until in LISTS[name]]
    if name != "sums":
        return ContactList(pack_list("prefixes" if name == "ranges" else "numbers", lines))
    hashed = []
    for place, (entry, until) in enumerate(LISTS[name]):
        digest = sha256(entry[place % 2 :].encode()).hexdigest()
        hashed.append(digest if until is None else f"{digest},{until}")
    return ContactList(pack_list("sha256", hashed))


PACKED = {name: packed(name) for name in LISTS}


class HashedUsage:
    """Every counter and turn has some small number, the same each time it is asked.

    Offers were made in the last minute and a half, or in five seconds, as if the clock had been set back.
    """

    def __init__(self, salt: int, now_ms: int = 0) -> None:
        self.salt = salt
        self.now_ms = now_ms

    def used(self, counter: CounterId, window_start_ms: int) -> int:
        seats = text_hash(f"{self.salt} {counter} {window_start_ms}") % 4
        return seats * (1_000 if counter.measure in {"spend", "funds"} else 1)

    def offered(self, counter: CounterId) -> int | None:
        drawn = text_hash(f"{self.salt} offered {counter}")
        return None if drawn % 3 == 0 else self.now_ms - drawn % 90_000 + 5_000

    def turn(self, turn: TurnId) -> int:
        return text_hash(f"{self.salt} {turn}") % 5


class World:
    """Makes one random account."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)

    def down(self, config: AccountConfig) -> list[str]:
        """Targets that are out of service: none, or a few."""
        return [target.key for target in config.targets if self.maybe(0.1)]

    def facts(self, config: AccountConfig) -> Facts:
        """What is known that is not configuration."""
        penalties = {target.key: self.random.choice([0, 500, 3_000, 10_000]) for target in config.targets}
        return facts_of(
            self.down(config),
            RateBook(self.rates(config)) if self.maybe(0.7) else NO_RATES,
            penalties if self.maybe(0.3) else {},
            PACKED,
            {target.key: "away" for target in config.targets if self.maybe(0.05)},
        )

    def rate(self) -> Rate:
        weight = self.random.choice([0.0, 2.5, 29.0, 40.0, 900.0])
        return Rate(self.random.choice([0, 20, 1_000]), weight, weight * self.random.choice([0.0, 0.1, 0.3, 1.0]))

    def rates(self, config: AccountConfig) -> Rates:
        """Experience at some levels, not always in accord."""
        names = [
            f"{plan.key}.{tier.key}.{route.key}"
            for plan in config.plans
            for tier in plan.tiers
            for route in tier.routes
            if self.maybe(0.7)
        ]
        return Rates(
            account="acme",
            at_ms=INSTANTS_MS[0],
            plans={plan.key: self.rate() for plan in config.plans if self.maybe(0.8)},
            buyers={"main": {buyer.key: self.rate() for buyer in config.buyers if self.maybe(0.5)}},
            routes={name: self.rate() for name in names},
            sources={name: {"search": self.rate()} for name in names if self.maybe(0.5)},
        )

    def bids(self) -> dict[str, Bid]:
        """What some of the targets answer, bidders or not."""
        return {f"target{at}": self.bid() for at in range(6) if self.maybe(0.8)}

    def scores(self) -> dict[str, float] | None:
        """A model's chances for some targets."""
        if self.maybe(0.6):
            return None
        return {f"target{at}": self.random.choice([0.0, 0.1, 0.3, 0.3, 0.9]) for at in range(6) if self.maybe(0.6)}

    def bid(self) -> Bid:
        if self.maybe(0.25):
            return Bid(self.random.choice(["no_bid", "timeout", "http_error", "shed", "not_asked"]))
        currency = "USD" if self.maybe(0.9) else "EUR"
        amount = Money(self.random.choice([0, 500, 1_000, 1_000, 2_500, 2_500, 4_000]), currency)
        return Bid("bid", amount, after_ms=self.random.choice([0, 900, 1_500, 1_501]))

    def maybe(self, chance: float) -> bool:
        return self.random.random() < chance

    def node(self, depth: int = 0) -> Node:
        kind = self.random.choice(["condition"] * 3 + ["all", "any", "not"]) if depth < 3 else "condition"
        if kind == "not":
            return Not(self.node(depth + 1))
        if kind in {"all", "any"}:
            nodes = tuple(self.node(depth + 1) for _ in range(self.random.randint(1, 3)))
            return All(nodes) if kind == "all" else AnyOf(nodes)
        return self.condition()

    def condition(self) -> Condition:
        attr = self.random.choice(list(KINDS))
        kind = KINDS[attr]
        operator = self.random.choice(OPERATORS[kind])
        values = VALUES[kind]
        confidence = self.random.choice([0.8, 0.8, 0.6, 0.95, 1.0])
        if operator is Operator.EXISTS:
            return Condition(attr, operator, (self.random.choice(["true", "false"]),))
        if operator is Operator.REGEX:
            return Condition(attr, operator, (self.random.choice(PATTERNS),))
        if operator is Operator.NEAR:
            return Condition(attr, operator, (self.random.choice(values[:5]), self.random.choice(["2", "5", "20"])))
        if operator is Operator.BETWEEN:
            return Condition(attr, operator, tuple(self.random.choices(values, k=2)))
        if operator in {Operator.PREFIX, Operator.CONTAINS}:
            pieces = [
                value[: self.random.randint(1, 3)] for value in self.random.choices(values, k=self.random.randint(1, 3))
            ]
            return Condition(attr, operator, tuple(pieces))
        count = self.random.randint(1, 4) if operator in {Operator.IN, Operator.NOT_IN} else 1
        return Condition(attr, operator, tuple(self.random.choices(values, k=count)), confidence)

    def attribute(self, kind: str) -> Attribute:
        if kind == "county" and self.maybe(0.7):
            names = self.random.sample(VALUES[kind], self.random.randint(1, 4))
            shares = [self.random.randint(1, 5) for _ in names]
            whole = self.random.choice([sum(shares), sum(shares) + 1])
            return Attribute(
                "", "area_code", 0.9, tuple((name, share / whole) for name, share in zip(names, shares, strict=True))
            )
        pool = STRANGE[kind] if self.maybe(0.15) else VALUES[kind]
        return Attribute(self.random.choice(pool), "stated")

    def hours(self) -> Hours:
        def ranges() -> tuple[TimeRange, ...]:
            found = []
            for _ in range(self.random.randint(0, 2)):
                start, until = self.random.sample(range(0, 1441, 30), 2)
                found.append(TimeRange(start=min(start, 1439), until=until))
            return tuple(each for each in found if each.start != each.until)

        days = {day: ranges() for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}
        dates = {day: ranges() for day in ("2026-11-23", "2026-11-01", "2026-12-25") if self.maybe(0.3)}
        return Hours(**days, exceptions=dates, **(CLOSED if self.maybe(0.3) else {}))

    def limits(self) -> tuple[Limit, ...]:
        found: dict[tuple[Any, ...], Limit] = {}
        for _ in range(self.random.choice([0, 0, 0, 0, 0, 0, 1, 3])):
            measure = self.random.choice(list(Measure))
            concurrent = measure in {Measure.LIVE, Measure.IN_FLIGHT}
            per = None if concurrent else self.random.choice([None, *Per])
            applies_to = self.random.choice(["both", "both", "call", "lead"])
            seats = self.random.randint(2, 7) * (1_500 if measure is Measure.SPEND else 1)
            zone = self.random.choice(ZONES) if self.maybe(0.2) else None
            effective = None if concurrent else per or Per.LIFETIME
            matrix: dict[str, tuple[int, ...]] = {}
            if concurrent and self.maybe(0.3):
                days = self.random.sample(("mon", "tue", "wed", "thu", "fri", "sat", "sun"), 5)
                matrix = {day: tuple(self.random.randint(1, 9) for _ in range(24)) for day in days}
            paced = effective not in {None, Per.LIFETIME} and self.maybe(0.3)
            found.setdefault(
                (measure, effective),
                Limit(
                    measure=measure,
                    per=per,
                    max=seats,
                    applies_to=applies_to,
                    zone=zone,
                    week_start=self.random.choice(("mon", "sun", "thu")),
                    matrix=matrix,
                    pacing="even" if paced else None,
                    min_gap_seconds=self.random.choice([1, 30, 60]) if self.maybe(0.1) else None,
                ),
            )
        return tuple(found.values())

    def guards(self, *names: str) -> dict[str, Any]:
        """Some guards of an object that may have those of `names`."""
        found: dict[str, Any] = {}
        if self.maybe(0.02):
            found["paused"] = True
        if self.maybe(0.04):
            found["hours"] = self.hours()
        if self.maybe(0.06):
            found["floor"] = Money(self.random.randrange(0, 3_000, 500), "USD")
        if self.maybe(0.03):
            found["min_attestation"] = self.random.choice("ABC")
        if self.maybe(0.02):
            found["suppress"] = tuple(self.random.choices(LIST_NAMES, k=self.random.choice([1, 1, 2])))
        if self.maybe(0.005):
            found["calling_hours"] = "us"
        if self.maybe(0.01):
            found["require_listed"] = tuple(self.random.choices(LIST_NAMES, k=self.random.choice([1, 2])))
        if "criteria" in names and self.maybe(0.08):
            found["criteria"] = self.node()
        if "limits" in names:
            found["limits"] = self.limits()
        if "timezone" in names and self.maybe(0.4):
            found["timezone"] = self.random.choice(ZONES)
        if "price" in names and self.maybe(0.1):
            most = Money(self.random.randrange(500, 6_000, 500), "USD")
            postback = ConversionRule(event="postback", max_price=most)
            found["conversion"] = Conversion(call=self.random.choice([postback, ConversionRule(event="connect")]))
        if "price" in names and self.maybe(0.3):
            found["price"] = Money(self.random.randrange(500, 4_000, 500), "USD")
        return found

    def route(self, key: str, targets: int) -> Route:
        return Route(
            key=key,
            target=f"target{self.random.randrange(targets)}",
            priority=self.random.choice([1, 1, 2, 3]),
            weight=self.random.choice([0, 1, 1, 2, 5]),
            min_score=self.random.choice([50_000, 300_000]) if self.maybe(0.1) else None,
            hops=self.random.choice([(0,), (0,), (0, 1), (1, 2)]) if self.maybe(0.3) else (0,),
            **self.guards("criteria", "limits", "timezone", "price"),
        )

    def plan(self, key: str, fallback: str | None, targets: int) -> Plan:
        tiers = []
        for place in range(self.random.randint(1, 3)):
            method = self.random.choice([Method.PRIORITY, Method.PRIORITY, Method.WEIGHTED, Method.ROUND_ROBIN] * 3
                                        + [Method.AUCTION] * 4 + [Method.PERFORMANCE] * 4)  # fmt: skip
            routes = tuple(self.route(f"r{at}", targets) for at in range(self.random.randint(1, 6)))
            more: dict[str, Any] = {}
            if method is Method.AUCTION and self.maybe(0.5):
                more["deadline_ms"] = 900
            if method is Method.PERFORMANCE and self.maybe(0.5):
                share = self.random.choice([0, 20_000, 400_000])
                more["performance"] = Performance(trial_share=share, min_samples=self.random.choice([1, 30]))
            if self.maybe(0.1):
                more["min_score"] = self.random.choice([100_000, 500_000])
            tiers.append(Tier(key=f"t{place}", method=method, routes=routes, **more, **self.guards("criteria")))
        return Plan(
            key=key,
            tiers=tuple(tiers),
            fallback=fallback,
            max_offers=self.random.choice([1, 3, 10]),
            **self.guards("criteria", "timezone", "price"),
        )

    def target(self, key: str, buyers: int) -> Target:
        place: dict[str, Any] = {"dial": "sip:desk@127.0.0.1"} if self.maybe(0.8) else {}
        if not place:
            place = {"deliver": Deliver(url="http://127.0.0.1/")}
        buyer = f"buyer{self.random.randrange(buyers)}"
        if self.maybe(0.3):
            place["bid"] = BidSetting(
                dialect="generic", url="http://127.0.0.1/", limits=self.limits(), **self.guards("criteria")
            )
        skills = tuple(each for each in ("ES", "en ", "injury", "tax", "İ") if self.maybe(0.9))
        return Target(
            key=key, buyer=buyer, skills=skills, **place, **self.guards("criteria", "limits", "timezone", "price")
        )

    def buyer(self, key: str) -> Buyer:
        funding = Funding(mode="prepaid", limit=Money(self.random.randrange(1_000, 6_000, 500), "USD"))
        return Buyer(
            key=key,
            name=self.random.choice([None, "Lone Star", "STRASSE & Sons", "buyer1"]),
            not_seen_days=self.random.choice([None, None, None, 1, 30]),
            funding=funding if self.maybe(0.3) else None,
            **self.guards("criteria", "limits", "timezone", "price"),
        )

    def duplicates(self) -> Duplicates | None:
        if self.maybe(0.5):
            return None
        event = self.random.choice(["incoming", "connect", "convert"])
        mark = MarkDuplicates(event=event, days=self.random.choice([1, 3, 30]), anonymous=self.maybe(0.5))
        return Duplicates(
            mark=None if self.maybe(0.2) else mark,
            route=self.random.choice(["normal", "original", "original", "different", "different", "nowhere"]),
            strict=self.maybe(0.4),
        )

    def history(self, now_ms: int) -> tuple[Seen, ...]:
        """What happened with the contact before, mostly nothing; some of it to the millisecond days ago."""
        found = []
        for _ in range(self.random.choice([0, 0, 1, 2, 4])):
            event = self.random.choice(["incoming", "connect", "connect", "convert"])
            ago_ms = self.random.choice([0, 1, 3, 30]) * 86_400_000 + self.random.choice([-1, 0, 1, 50_000_000])
            buyer = None if event == "incoming" else f"buyer{self.random.randrange(3)}"
            campaign = "camp" if self.maybe(0.8) else "other"
            found.append(Seen(event, now_ms - ago_ms, campaign, buyer))
        return tuple(sorted(found, key=lambda seen: seen.at_ms))

    def account(self) -> AccountConfig:
        buyers, targets = 3, self.random.randint(3, 6)
        members = tuple(f"buyer{at}" for at in range(buyers) if self.maybe(0.6))
        campaign = self.guards("criteria", "limits", "timezone") | (
            {"price": Money(2_000, "USD")} if self.maybe(0.5) else {}
        )
        campaign["duplicates"] = self.duplicates()
        if self.maybe(0.4):
            campaign["leads"] = LeadRules(consent=self.random.choice(["named", "named", "required"]))
        declared = [AttributeType(name="tag.points", type="number"), AttributeType(name="tag.since", type="date")]
        return AccountConfig(
            account=Account(
                key="acme",
                timezone=self.random.choice(ZONES),
                price=Money(1_500, "USD"),
                **self.guards("limits", "criteria"),
            ),
            publishers=(Publisher(key="pub", **self.guards("criteria", "limits", "timezone")),),
            campaigns=(Campaign(key="camp", flow="flow", plan="main", attributes=tuple(declared), **campaign),),
            numbers=(Number(number=NUMBER, campaign="camp", publisher="pub", **self.guards("criteria")),),
            buyers=tuple(self.buyer(f"buyer{at}") for at in range(buyers)),
            buyer_groups=(
                BuyerGroup(key="one", buyers=members, **self.guards("criteria", "limits", "timezone")),
                BuyerGroup(key="two", buyers=("buyer0",), **self.guards("criteria", "limits", "timezone")),
            ),
            targets=tuple(self.target(f"target{at}", buyers) for at in range(targets)),
            plans=(
                self.plan("main", "second" if self.maybe(0.5) else None, targets),
                self.plan("second", "main" if self.maybe(0.5) else None, targets),
            ),
        )

    def query(self) -> Query:
        attributes = {name: self.attribute(kind) for name, kind in KINDS.items() if self.maybe(0.75)}
        if self.maybe(0.8):
            attributes["caller.attestation"] = Attribute(self.random.choice(["A", "a", "B", "C", "?"]), "sip")
        if self.maybe(0.7):
            attributes["caller.number"] = Attribute(self.random.choice(CALLERS), "sip")
        if self.maybe(0.3):
            attributes["caller.anonymous"] = Attribute(self.random.choice(["yes", "no"]), "sip")
        if self.maybe(0.6):
            sellers = self.random.choices(SELLERS, k=self.random.choice([1, 2, 3]))
            attributes["caller.sellers"] = Attribute("|".join(sellers), "stated")
        now_ms = self.random.choice(INSTANTS_MS) + self.random.randrange(0, 12 * 3_600_000)
        taken = frozenset({"target0"}) if self.maybe(0.1) else frozenset()
        return Query(
            account="acme",
            kind=Kind.LEAD if self.maybe(0.15) else Kind.CALL,
            campaign="camp",
            publisher="pub",
            source=self.random.choice([None, "search"]),
            number=NUMBER,
            attributes=attributes,
            now=Instant(0, now_ms),
            seed=self.random.getrandbits(40),
            taken=taken,
            history=self.history(now_ms),
            bids=self.bids(),
            scores=self.scores(),
            hop=1 if self.maybe(0.08) else 0,
        )
