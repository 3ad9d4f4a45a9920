"""What a publisher is bid, by each kind of margin."""

from __future__ import annotations

import pytest

from trunkline.config.selling import Margin, MarginRange
from trunkline.engine.terms.margins import NO_BID_WORDS, NoBid, Pricing
from trunkline.engine.terms.promises import Promise, owes_too_late
from trunkline.engine.terms.terms import ConversionTerms, PayoutTerms
from trunkline.kernel.money import Money

pytestmark = pytest.mark.unit


def usd(text: str) -> Money:
    return Money(int(text.replace(".", "")), "USD")


def pricing(margin: Margin | None = None, **said: object) -> Pricing:
    return Pricing("USD", margin, **said)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("margin", "price", "bid"),
    [
        (Margin(amount=usd("5.00")), 3000, 2500),
        (Margin(amount=usd("5.00")), 500, NoBid.NOTHING_LEFT),
        (Margin(percent=3000), 3000, 2100),
        (Margin(percent=3000), 1, NoBid.NOTHING_LEFT),  # 0.7 of a cent: fractions are kept
        (Margin(percent=3333), 1000, 666),
        (Margin(percent=1000, min=usd("5.00")), 3000, 2500),
        (Margin(percent=1000, min=usd("5.00")), 10_000, 9000),
        (Margin(percent=10_000), 3000, NoBid.NOTHING_LEFT),
        (Margin(percent=0), 3000, 3000),
    ],
)
def test_what_is_left_of_a_price(margin: Margin, price: int, bid: int | NoBid) -> None:
    assert pricing(margin).bid(price) == bid


def test_ranges_go_by_price_and_a_range_never_gives_less_than_the_one_below() -> None:
    matrix = Margin(
        ranges=(
            MarginRange(price_from=usd("5.00"), percent=1000),
            MarginRange(price_from=usd("20.00"), amount=usd("10.00")),
        )
    )
    asked = pricing(matrix)
    assert asked.bid(499) is NoBid.NOTHING_LEFT
    assert asked.bid(1000) == 900
    assert asked.bid(1999) == 1799
    assert asked.bid(2000) == 1799, "10.00 would be less than what 19.99 gives"
    assert asked.bid(3000) == 2000
    assert asked.least_price(2000) == 3000


def test_without_a_margin_the_payout_rule_is_bid_and_never_a_loss() -> None:
    share = PayoutTerms("rule", "pub", "convert", percent=6000, min=usd("5.00"), max=usd("40.00"))
    assert pricing(payout=share).bid(5000) == 3000
    assert pricing(payout=share).bid(10_000) == 4000
    assert pricing(payout=share).bid(600) == 500
    assert pricing(payout=share).bid(400) == 240, "its least amount would be a loss"
    fixed = PayoutTerms("rule", "pub", "convert", amount=usd("45.00"))
    assert pricing(payout=fixed).bid(4499) is NoBid.NOTHING_LEFT
    assert pricing(payout=fixed).bid(4500) == 4500
    assert pricing(payout=fixed, allow_loss=True).bid(4499) == 4500
    assert pricing().bid(4500) is NoBid.NO_MARGIN


def test_the_least_bid_is_made_at_a_loss_only_where_that_is_allowed() -> None:
    margin = Margin(percent=5000)
    assert pricing(margin, min_bid=600).bid(1000) is NoBid.BELOW_MIN_BID
    assert pricing(margin, min_bid=600).bid(1200) == 600
    assert pricing(margin, min_bid=600, allow_loss=True).bid(500) == 600


def test_every_code_has_its_sentence() -> None:
    assert set(NO_BID_WORDS) == set(NoBid)


@pytest.mark.parametrize(
    ("event", "after_ms", "conversion", "why"),
    [
        ("duration", 90_000, ConversionTerms("duration", 90_000), None),
        ("duration", 90_000, ConversionTerms("duration", 60_000), None),
        ("duration", 90_000, ConversionTerms("connect"), None),
        ("duration", 90_000, ConversionTerms("duration", 120_000), "owed at 120 s, promised at 90 s"),
        ("duration", 90_000, ConversionTerms("postback"), "owed by postback, promised at 90 s"),
        ("connect", 0, ConversionTerms("duration", 1_000), "owed at 1 s, promised at connect"),
        ("connect", 0, ConversionTerms("accepted"), None),
        ("convert", 0, ConversionTerms("postback"), None),
    ],
)
def test_who_owes_later_than_the_publisher_is_paid(
    event: str, after_ms: int, conversion: ConversionTerms, why: str | None
) -> None:
    payout = PayoutTerms("ping", "pub", event, after_ms, amount=usd("20.00"))  # type: ignore[arg-type]
    promise = Promise("ping_1", payout, usd("25.00"))
    assert owes_too_late(promise, conversion) == why
    loose = Promise("ping_1", payout, usd("25.00"), strict=False)
    assert owes_too_late(loose, conversion) is None
