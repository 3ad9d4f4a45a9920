"""A market of many routes, and callers for it: geo, language, tags, products, hours and limits on five levels.

A small tier of contracts comes first, in order of priority and for narrow traffic; nearly all routes compete by weight
in one tier behind it; a last tier takes what is left. A caller fits a few in a hundred routes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from random import Random
from typing import Any, Final

from trunkline.config.criteria import All, AnyOf, Condition, Node, Operator
from trunkline.config.flows import Flow, RouteNode
from trunkline.config.hours import Hours, TimeRange
from trunkline.config.schema import (
    Account,
    AccountConfig,
    Buyer,
    Campaign,
    Conversion,
    ConversionRule,
    Kind,
    Limit,
    Measure,
    Method,
    Number,
    Payout,
    Plan,
    Publisher,
    Route,
    Target,
    Tier,
)
from trunkline.engine.routing.offer import Attribute, Query
from trunkline.kernel.clock import Instant
from trunkline.kernel.money import Money, parse_money
from trunkline.kernel.windows import Per

NUMBER: Final = "+18335550100"
ACCOUNT: Final = "acme"
STATES: Final = (
    "AL AK AZ AR CA CO CT DE FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH OK OR PA "
    "RI SC SD TN TX UT VT VA WA WV WI WY"
).split()
ZONES: Final = ("America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles")
LANGUAGES: Final = ("en", "en", "en", "es")
PRODUCTS: Final = ("auto", "home", "life", "health", "injury", "solar")
SOURCES: Final = tuple(f"source-{number}" for number in range(12))
GRADES: Final = ("gold", "silver", "bronze")
WEEK: Final = ("mon", "tue", "wed", "thu", "fri")
ROUTES_A_BUYER: Final = 4
BEGIN_MS: Final = 1_795_446_000_000 - 30_000
"""Monday 23 November 2026, half a minute before 10 in New York, 7 in Los Angeles."""
STEP_MS: Final = 10
"""Between two callers: a hundred a second."""


def market(routes: int, seed: int = 1, address: str = "127.0.0.1:5081") -> dict[str, Any]:
    """The configuration document of a market; its targets ring at `address`."""
    random = Random(seed)
    buyers = max(1, routes // ROUTES_A_BUYER)
    first, last = routes // 10, routes - routes // 10
    made = [_route(random, place, narrow=place < first) for place in range(routes)]
    tiers = [
        {"key": "contract", "method": "priority", "routes": made[:first]},
        {"key": "market", "method": "weighted", "routes": made[first:last]},
        {"key": "last", "method": "priority", "routes": made[last:]},
    ]
    return {
        "version": 1,
        "account": {
            "key": ACCOUNT,
            "currency": "USD",
            "timezone": "America/New_York",
            "limits": [{"measure": "live", "max": 100_000}],
        },
        "publishers": [{"key": "adwave", "limits": [{"measure": "live", "max": 50_000}]}],
        "campaigns": [
            {
                "key": "injury",
                "flow": "intake",
                "plan": "injury",
                "floor": "10.00",
                "limits": [{"measure": "convert", "per": "day", "max": 10_000_000}],
                "conversion": {"call": {"event": "connect"}},
                "payouts": [{"publisher": "adwave", "event": "convert", "amount": "8.00"}],
            }
        ],
        "numbers": [{"number": NUMBER, "campaign": "injury", "publisher": "adwave"}],
        "buyers": [_buyer(random, place) for place in range(buyers)],
        "targets": [
            {
                "key": f"target-{place}",
                "buyer": f"buyer-{place % buyers}",
                "dial": f"sip:target-{place}@{address}",
                "limits": [{"measure": "live", "max": 1_000}],
            }
            for place in range(routes)
        ],
        "plans": [{"key": "injury", "tiers": [tier for tier in tiers if tier["routes"]]}],
        "flows": [{"key": "intake", "start": "sell", "nodes": {"sell": {"route": {}}}}],
        "trunks": [{"key": "carrier", "allow": ["127.0.0.0/8"], "default_country": "US"}],
    }


def _route(random: Random, place: int, *, narrow: bool) -> dict[str, Any]:
    nodes: list[dict[str, Any]] = [
        {"attr": "geo.state", "in": random.sample(STATES, 1 if narrow else random.choice((1, 3, 5, 10, 20, 49)))},
        {"attr": "caller.language", "eq": "es" if narrow else random.choice(LANGUAGES)},
        {"attr": "tag.product", "in": random.sample(PRODUCTS, 1 if narrow else 2)},
    ]
    if random.random() < 0.2:
        nodes.append({"attr": "source.key", "not_in": random.sample(SOURCES, 2)})
    if random.random() < 0.05:
        near = [str(random.randrange(100, 1000)) for _ in range(10)]
        nodes.append({"any": [{"attr": "tag.grade", "eq": "gold"}, {"attr": "geo.zip3", "in": near}]})
    return {
        "key": f"route-{place}",
        "target": f"target-{place}",
        "priority": random.randrange(1, 21),
        "weight": random.choice((1, 1, 2, 3, 5)),
        "price": f"{random.randrange(10, 150)}.00",
        "criteria": {"all": nodes},
        "limits": [{"measure": "attempt", "per": "hour", "max": 100_000}],
    }


def _buyer(random: Random, place: int) -> dict[str, Any]:
    open_, shut = random.choice((7, 8, 9, 10)), random.choice((17, 18, 20, 22))
    return {
        "key": f"buyer-{place}",
        "timezone": random.choice(ZONES),
        "hours": {day: [f"{open_:02}:00-{shut:02}:00"] for day in WEEK},
        "limits": [
            {"measure": "live", "max": 1_000},
            {"measure": "spend", "per": "month", "max": "90000000.00"},
        ],
    }


def text_of(document: dict[str, Any]) -> str:
    """The configuration as it stands in a file."""
    return json.dumps(document, separators=(",", ":"))


def account_of(document: dict[str, Any]) -> AccountConfig:
    """What reading the document gives, made without reading: a hundred thousand routes take seconds, not a minute."""
    return AccountConfig(
        account=Account(
            **{name: value for name, value in document["account"].items() if name != "limits"},
            limits=_limits(document["account"]),
        ),
        publishers=tuple(Publisher(key=each["key"], limits=_limits(each)) for each in document["publishers"]),
        campaigns=tuple(
            Campaign(
                key=each["key"],
                flow=each["flow"],
                plan=each["plan"],
                floor=_money(each["floor"]),
                limits=_limits(each),
                conversion=Conversion(call=ConversionRule(event="connect")),
                payouts=tuple(
                    Payout(publisher=paid["publisher"], event=paid["event"], amount=_money(paid["amount"]))
                    for paid in each["payouts"]
                ),
            )
            for each in document["campaigns"]
        ),
        numbers=tuple(Number(**each) for each in document["numbers"]),
        buyers=tuple(_buyer_of(each) for each in document["buyers"]),
        targets=tuple(
            Target(key=each["key"], buyer=each["buyer"], dial=each["dial"], limits=_limits(each))
            for each in document["targets"]
        ),
        plans=tuple(
            Plan(
                key=plan["key"],
                tiers=tuple(
                    Tier(key=tier["key"], method=Method(tier["method"]), routes=tuple(map(_route_of, tier["routes"])))
                    for tier in plan["tiers"]
                ),
            )
            for plan in document["plans"]
        ),
        flows=(Flow(key="intake", start="sell", nodes={"sell": RouteNode()}),),
    )


def _limits(thing: dict[str, Any]) -> tuple[Limit, ...]:
    return tuple(
        Limit(
            measure=Measure(each["measure"]),
            max=_money(each["max"]).minor if each["measure"] == "spend" else each["max"],
            per=Per(each["per"]) if "per" in each else None,
        )
        for each in thing["limits"]
    )


def _buyer_of(given: dict[str, Any]) -> Buyer:
    days = {
        day: tuple(TimeRange(start=60 * int(each[:2]), until=60 * int(each[6:8])) for each in ranges)
        for day, ranges in given["hours"].items()
    }
    return Buyer(key=given["key"], timezone=given["timezone"], hours=Hours(**days), limits=_limits(given))


def _route_of(given: dict[str, Any]) -> Route:
    return Route(
        key=given["key"],
        target=given["target"],
        priority=given["priority"],
        weight=given["weight"],
        price=_money(given["price"]),
        criteria=_node(given["criteria"]),
        limits=_limits(given),
    )


def _node(given: dict[str, Any]) -> Node:
    if "all" in given:
        return All(tuple(map(_node, given["all"])))
    if "any" in given:
        return AnyOf(tuple(map(_node, given["any"])))
    name, value = next((name, value) for name, value in given.items() if name != "attr")
    return Condition(given["attr"], Operator(name), (value,) if isinstance(value, str) else tuple(value))


def _money(text: str) -> Money:
    return parse_money(text, "USD")


def callers(count: int, seed: int = 2) -> Iterator[Query]:
    """Callers, one every `STEP_MS`. One in twenty says no state, one in ten no language."""
    random = Random(seed)
    for place in range(count):
        zip3 = str(random.randrange(100, 1000))
        said = {
            "geo.state": (random.choice(STATES), 0.05),
            "geo.zip3": (zip3, 0.3),
            "caller.language": (random.choice(LANGUAGES), 0.1),
            "tag.product": (random.choice(PRODUCTS), 0.02),
            "tag.grade": (random.choice(GRADES), 0.5),
            "source.key": (random.choice(SOURCES), 0.1),
            "caller.number": (f"+1512{2_000_000 + place % 8_000_000:07}", 0.02),
            "time.hour": ("9", 0.0),
        }
        attributes = {
            name: Attribute(value, "stated") for name, (value, missing) in said.items() if random.random() >= missing
        }
        yield Query(
            account=ACCOUNT,
            kind=Kind.CALL,
            campaign="injury",
            publisher="adwave",
            source=None,
            number=NUMBER,
            attributes=attributes,
            now=Instant(place * STEP_MS * 1_000_000, BEGIN_MS + place * STEP_MS),
            seed=random.getrandbits(40),
        )
