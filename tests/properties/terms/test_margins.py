"""Bids to publishers, whatever the margin: never a loss that was not allowed, never less for a higher price."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.config.selling import Margin, MarginRange
from trunkline.engine.terms.margins import NoBid, Pricing
from trunkline.engine.terms.terms import PayoutTerms
from trunkline.kernel.money import AMOUNT_MINOR_MAX, Money

pytestmark = pytest.mark.property

PRICES = st.integers(0, 20_000) | st.integers(0, AMOUNT_MINOR_MAX)
AMOUNTS = st.integers(0, 20_000).map(lambda minor: Money(minor, "USD"))
PARTS = st.one_of(
    st.fixed_dictionaries({"amount": AMOUNTS}),
    st.fixed_dictionaries({"percent": st.integers(0, 10_000), "min": st.none() | AMOUNTS}),
)


@st.composite
def ranged(draw: st.DrawFn) -> Margin:
    starts = sorted(draw(st.sets(st.integers(0, 20_000), min_size=1, max_size=5)))
    return Margin(ranges=tuple(MarginRange(price_from=Money(each, "USD"), **draw(PARTS)) for each in starts))


MARGINS = st.one_of(PARTS.map(lambda part: Margin(**part)), ranged())
PAYOUTS = st.one_of(
    AMOUNTS.map(lambda amount: PayoutTerms("rule", "pub", "convert", amount=amount)),
    st.tuples(st.integers(0, 20_000), st.none() | AMOUNTS, st.none() | AMOUNTS).map(
        lambda each: PayoutTerms("rule", "pub", "convert", percent=each[0], min=each[1], max=each[2])
    ),
)


@st.composite
def pricings(draw: st.DrawFn, allow_loss: bool | None = None) -> Pricing:
    by_margin = draw(st.booleans())
    return Pricing(
        currency="USD",
        margin=draw(MARGINS) if by_margin else None,
        payout=None if by_margin else draw(PAYOUTS),
        min_bid=draw(st.integers(0, 5_000)),
        allow_loss=draw(st.booleans()) if allow_loss is None else allow_loss,
    )


@given(pricings(allow_loss=False), PRICES)
def test_no_bid_is_above_the_price_unless_a_loss_is_allowed(pricing: Pricing, price: int) -> None:
    bid = pricing.bid(price)
    if not isinstance(bid, NoBid):
        assert max(1, pricing.min_bid) <= bid <= price


@given(pricings(), PRICES, PRICES)
def test_a_higher_price_is_never_bid_less_for(pricing: Pricing, one: int, other: int) -> None:
    low, high = (pricing.bid(price) for price in sorted((one, other)))
    if isinstance(high, NoBid):
        assert isinstance(low, NoBid)
    elif not isinstance(low, NoBid):
        assert low <= high


@given(pricings(allow_loss=False), PRICES)
def test_the_least_price_covers_the_bid_and_nothing_below_it_does(pricing: Pricing, price: int) -> None:
    bid = pricing.bid(price)
    if isinstance(bid, NoBid):
        return
    least = pricing.least_price(bid)
    assert least <= price
    covering = pricing.bid(least)
    assert not isinstance(covering, NoBid)
    assert covering >= bid
    below = pricing.bid(least - 1) if least else NoBid.NOTHING_LEFT
    assert isinstance(below, NoBid) or below < bid


@given(pricings(allow_loss=True), PRICES)
def test_an_allowed_loss_makes_the_least_bid_and_asks_no_price(pricing: Pricing, price: int) -> None:
    bid = pricing.bid(price)
    if not isinstance(bid, NoBid):
        assert bid >= pricing.min_bid
        assert pricing.least_price(bid) == 0
