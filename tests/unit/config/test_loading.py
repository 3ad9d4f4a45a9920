# ruff: noqa: E501
"""What a configuration becomes: the structs, their defaults, the digest, and the ways to find things in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.config.sample import GOOD, VOICES, broken, load

from trunkline.config.criteria import All, AnyOf, Condition, Node, Not, Operator
from trunkline.config.flows import (
    Branch,
    Collect,
    HangUp,
    HoldQueue,
    HoursNode,
    Language,
    Menu,
    Play,
    Prompt,
    RouteNode,
    SetNode,
    Share,
    Splitter,
    Voicemail,
    YesNo,
)
from trunkline.config.hours import Hours, TimeRange
from trunkline.config.load import load_sources
from trunkline.config.lookup import AccountIndex, NumbersIndex, trunks_by_key
from trunkline.config.reading import Source
from trunkline.config.schema import (
    AccountConfig,
    Conversion,
    ConversionRule,
    Limit,
    Measure,
    Method,
    NoBuyer,
    Payout,
    Snapshot,
)
from trunkline.config.trunks import TrunkOutbound
from trunkline.kernel.money import Money
from trunkline.kernel.windows import Per

pytestmark = pytest.mark.unit

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"


def snapshot_of(text: str) -> Snapshot:
    loaded = load(text)
    assert loaded.snapshot is not None, loaded.errors
    return loaded.snapshot


def account_of(text: str) -> AccountConfig:
    (account,) = snapshot_of(text).accounts
    return account


def usd(minor: int) -> Money:
    return Money(minor, "USD")


def example() -> AccountConfig:
    return account_of((EXAMPLES / "injury.yaml").read_text())


def test_the_large_example_becomes_these_structs() -> None:
    config = example()
    (campaign,) = config.campaigns
    assert campaign.conversion == Conversion(
        call=ConversionRule(event="duration", seconds=90, timer="connect"), lead=ConversionRule(event="accepted")
    )
    first, second = campaign.payouts
    assert (first.publisher, first.applies_to, first.amount, first.percent) == ("adwave", "call", usd(4500), None)
    assert second == Payout(publisher="*", event="convert", percent=6000, max=usd(8000))
    assert config.numbers[0].number == "+18335550100"
    star = config.buyers[0]
    assert star.limits == (
        Limit(measure=Measure.LIVE, max=3),
        Limit(measure=Measure.CONVERT, per=Per.DAY, max=50),
        Limit(measure=Measure.SPEND, per=Per.MONTH, max=5_000_000),
    )
    workday = (TimeRange(start=480, until=1080),)
    assert star.hours == Hours(
        mon=workday, tue=workday, wed=workday, thu=workday, fri=(TimeRange(start=480, until=1020),),
        exceptions={"2026-12-25": ()},
    )  # fmt: skip
    (plan,) = config.plans
    assert (plan.floor, plan.max_offers, plan.patience_seconds) == (usd(2000), 8, 60)
    assert plan.no_buyer == NoBuyer(say="All of our specialists are busy. Please call again later.", then="hang_up")
    assert [(tier.key, tier.method) for tier in plan.tiers] == [
        ("contract", Method.PRIORITY),
        ("market", Method.AUCTION),
        ("last", Method.WEIGHTED),
    ]
    route = plan.tiers[0].routes[0]
    assert (route.key, route.target, route.price) == ("lone-star-es", "lone-star-es", usd(13000))
    assert route.criteria == All(
        (Condition("geo.state", Operator.IN, ("TX", "OK")), Condition("caller.language", Operator.EQ, ("es",)))
    )


def test_the_flow_of_the_large_example() -> None:
    (flow,) = example().flows
    assert flow.start == "greet"
    assert flow.nodes["greet"] == Play(
        prompts=(Prompt(say="Thank you for calling the injury help line."),), next="language"
    )
    assert flow.nodes["spanish"] == SetNode(values={"caller.language": "es"}, next="zip")
    assert flow.nodes["zip"] == Collect(
        prompts=(Prompt(say="Please enter your five digit zip code."),), digits=5, seconds=8, tries=2, into="geo.zip",
        next="injured", otherwise="injured",
    )  # fmt: skip
    assert flow.nodes["bye"] == HangUp()
    assert flow.nodes["sell"] == RouteNode()


def test_the_trunk_of_the_large_example() -> None:
    (trunk,) = snapshot_of((EXAMPLES / "injury.yaml").read_text()).platform.trunks
    assert trunk.outbound == TrunkOutbound(proxy="sip:127.0.0.1:5090")
    assert trunk.allow == ("127.0.0.0/8",)


def criteria_of(text: str) -> Node | None:
    config = account_of(broken(("{all: [{attr: geo.state, in: [TX, OK]}]}", text)))
    return config.plans[0].tiers[0].routes[0].criteria


def state(operator: Operator, *values: str) -> Condition:
    return Condition("geo.state", operator, values)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{attr: geo.state, eq: ON}", state(Operator.EQ, "ON")),
        ("{attr: geo.state, exists: false}", state(Operator.EXISTS, "false")),
        ("{attr: geo.state, in: [NO, ON, ' tx ']}", state(Operator.IN, "NO", "ON", "tx")),
        ("{attr: geo.zip, eq: 06401}", Condition("geo.zip", Operator.EQ, ("06401",))),
        (
            "{attr: geo.state, in: [TX], not_in: [OK]}",
            All((state(Operator.IN, "TX"), state(Operator.NOT_IN, "OK"))),
        ),
        ("{not: {attr: geo.state, eq: TX}}", Not(state(Operator.EQ, "TX"))),
        (
            "{any: [{attr: geo.state, eq: TX}], not: {attr: geo.zip, exists: true}}",
            All((AnyOf((state(Operator.EQ, "TX"),)), Not(Condition("geo.zip", Operator.EXISTS, ("true",))))),
        ),
    ],
)
def test_criteria_in_their_normal_form(text: str, expected: Node) -> None:
    assert criteria_of(text) == expected


@pytest.mark.parametrize(
    ("text", "start", "until"),
    [("00:00-24:00", 0, 1440), ("22:00-02:00", 1320, 120), ("08:30 - 09:00", 510, 540), ("18:00-00:00", 1080, 0)],
)
def test_ranges_of_hours(text: str, start: int, until: int) -> None:
    config = account_of(broken(('"08:00-18:00"', f'"{text}"')))
    assert config.buyers[0].hours is not None
    assert config.buyers[0].hours.mon == (TimeRange(start=start, until=until),)


HI = (Prompt(say="Hi."),)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{say: Hi., next: sell}", Play(prompts=HI, next="sell")),
        ("{say: {say: Hi., lang: en}, next: sell}", Play(prompts=(Prompt(say="Hi.", lang="en"),), next="sell")),
        ("{play: Hi., next: sell}", Play(prompts=HI, next="sell")),
        ("{play: {prompts: [Hi., {file: prompts/here.wav}], next: sell}}", Play(prompts=(*HI, Prompt(file="prompts/here.wav")), next="sell")),
        ("{play: {prompts: Hi., lang: en, next: sell}}", Play(prompts=(Prompt(say="Hi.", lang="en"),), next="sell")),
        ("{menu: {say: Hi., choices: {1: sell}, invalid: Hi.}, otherwise: sell}", Menu(prompts=HI, choices={"1": "sell"}, otherwise="sell", invalid=HI)),
        ("{yes_no: {say: Hi., yes: sell, no: sell, otherwise: sell}}", YesNo(prompts=HI, yes="sell", no="sell", otherwise="sell")),
        ("{language: {say: Hi., choices: {1: en, 2: es-MX}, next: sell, otherwise: sell}}", Language(prompts=HI, choices={"1": "en", "2": "es-MX"}, next="sell", otherwise="sell")),
        ("{splitter: [{next: sell, weight: 3}, {next: bye}]}", Splitter(split=(Share(next="sell", weight=3), Share(next="bye")))),
        ("{splitter: {split: [{next: sell}]}}", Splitter(split=(Share(next="sell"),))),
        ("{condition: {when: {attr: geo.state, eq: TX}, then: sell, otherwise: bye}}", Branch(when=state(Operator.EQ, "TX"), then="sell", otherwise="bye")),
        ("{hours: {hours: {mon: ['09:00-10:00']}, open: sell, closed: bye}}", HoursNode(hours=Hours(mon=(TimeRange(start=540, until=600),)), open="sell", closed="bye")),
        ("{voicemail: {say: Hi., seconds: 30}}", Voicemail(prompts=HI, seconds=30)),
        ("{voicemail: ~}", Voicemail()),
        ("{route: ~}", RouteNode()),
        ("{route: {plan: injury, otherwise: bye}}", RouteNode(plan="injury", otherwise="bye")),
        ("{hang_up: {}}", HangUp()),
        ("{webhook: {url: 'https://x.example/'}, next: sell}", SetNode(values={}, next="sell")),
        ("{hold_queue: {seconds: 30}, next: sell}", HoldQueue(seconds=30, next="sell")),
    ],
)  # fmt: skip
def test_flow_nodes(text: str, expected: object) -> None:
    flow = account_of(broken(("spanish: {set: {caller.language: es}, next: sell}", f"spanish: {text}"))).flows[0]
    assert flow.nodes["spanish"] == expected


def test_tiers_and_routes_have_keys() -> None:
    (plan,) = account_of(GOOD).plans
    assert [(tier.key, [route.key for route in tier.routes]) for tier in plan.tiers] == [
        ("contract", ["star"]),
        ("t2", ["desk"]),
    ]


def test_nothing_is_the_same_as_leaving_it_out() -> None:
    assert (
        snapshot_of(broken(("{key: own}", "{key: own, name: ~, paused: null, limits: }"))).digest
        == snapshot_of(GOOD).digest
    )


def test_the_digest_is_of_what_is_said_not_of_how() -> None:
    same = broken(
        ("{measure: live, max: 3}", "{max: 3, measure: live}"),
        ('{"1": sell, "2": spanish}', '{"2": spanish, "1": sell}'),
        ("      bye: {hang_up: {}}\n", ""),
        ("      greet: {play", "      bye:\n        hang_up:\n      greet: {play"),
        ('price: "50.00"', "price: 50"),
    )
    assert snapshot_of(same).digest == snapshot_of(GOOD).digest
    assert snapshot_of(broken(("weight: 2", "weight: 3"))).digest != snapshot_of(GOOD).digest
    assert len(snapshot_of(GOOD).digest) == 64


def test_amounts_follow_the_currency() -> None:
    text = broken(
        ("currency: USD", "currency: JPY"),
        ('"50000.00"', "50000"),
        ('"45.00"', "45"),
        ('min: "1.00", max: "80.00"', "min: 1"),
        ('"20.00"', "20"),
        ('"120.00"', "120"),
        ('"50.00"', "50"),
    )
    assert account_of(text).plans[0].floor == Money(20, "JPY")


def test_percent_is_kept_in_hundredths() -> None:
    assert account_of(broken(("percent: 60", "percent: 12.5"))).campaigns[0].payouts[1].percent == 1250


def test_several_accounts_share_a_platform() -> None:
    account, _, platform = GOOD.partition("outbound:")
    other = account.replace("key: acme", "key: zeta").replace("+1833555", "+1844555")
    loaded = load_sources(
        [
            Source("platform.yaml", "version: 1\noutbound:" + platform, "platform"),
            Source("accounts/z.yaml", other, "account"),
            Source("accounts/a.yaml", account, "account"),
        ],
        "/base",
        VOICES,
    )
    assert loaded.problems == ()
    assert loaded.snapshot is not None
    assert [config.account.key for config in loaded.snapshot.accounts] == ["acme", "zeta"]
    assert list(trunks_by_key(loaded.snapshot.platform)) == ["carrier"]
    numbers = NumbersIndex(loaded.snapshot.accounts)
    assert len(numbers) == 4
    dialled = numbers.get("+18445550100")
    assert dialled is not None
    assert (dialled.account.account.key, dialled.number.campaign) == ("zeta", "injury")
    assert numbers.get("+15125550100") is None


def test_an_account_is_found_by_its_keys() -> None:
    index = AccountIndex(account_of(GOOD))
    assert index.targets["star"].buyer == "lone-star"
    assert [group.key for group in index.groups_of["lone-star"]] == ["texas"]
    assert "house" not in index.groups_of
    assert list(index.numbers) == ["+18335550100", "+18335550101"]
