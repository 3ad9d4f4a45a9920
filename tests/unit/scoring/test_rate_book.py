"""What a rate book believes, from its levels, and what makes its version."""

from __future__ import annotations

import msgspec
import pytest

from trunkline.engine.scoring.rate_book import NO_RATES, Rate, RateBook, Rates, check_rates

pytestmark = pytest.mark.unit


def book(**levels: object) -> RateBook:
    return RateBook(msgspec.convert({"account": "acme", "at_ms": 7} | levels, Rates))


def believed(asked: RateBook, source: str | None = None, min_samples: int = 30) -> tuple[float, str]:
    found = asked.posterior("p", "ann", "p.t.a", source, min_samples)
    return round(found.p, 4), found.own


def test_without_experience_everything_is_as_likely_as_not() -> None:
    found = NO_RATES.posterior("p", "ann", "p.t.a", None, 30)
    assert (found.alpha, found.beta, found.offers, found.own) == (1, 1, 0, "none")


def test_each_level_is_pulled_to_its_parent_as_by_eight_offers() -> None:
    plan = {"plans": {"p": Rate(98, 98.0, 19.0)}}  # (1 + 19) / (2 + 98)
    assert believed(book(**plan)) == (0.2, "plan")
    buyer = plan | {"buyers": {"p": {"ann": Rate(8, 8.0, 4.0)}}}  # (8 * 0.2 + 4) / 16
    assert believed(book(**buyer)) == (0.35, "buyer")
    route = buyer | {"routes": {"p.t.a": Rate(2, 2.0, 2.0)}}  # (8 * 0.35 + 2) / 10
    assert believed(book(**route)) == (0.48, "route")
    assert believed(book(routes={"p.t.a": Rate(98, 98.0, 0.0)})) == (0.01, "route"), "levels may be missing"


def test_a_new_route_has_its_buyers_word_and_no_more_certainty_than_that() -> None:
    found = book(buyers={"p": {"ann": Rate(998, 998.0, 99.0)}}).posterior("p", "ann", "p.t.a", None, 30)
    assert (round(found.alpha, 6), round(found.beta, 6), found.offers) == (0.8, 7.2, 0)


def test_a_source_speaks_from_the_least_number_of_samples_on() -> None:
    asked = book(routes={"p.t.a": Rate(98, 98.0, 49.0)}, sources={"p.t.a": {"fb": Rate(32, 32.0, 0.0)}})
    assert believed(asked) == (0.5, "route")
    assert believed(asked, "fb") == (0.1, "source")
    assert believed(asked, "fb", min_samples=33) == (0.5, "route")
    assert believed(asked, "else") == (0.5, "route")


def test_a_route_that_is_given_to_another_buyer_has_its_word() -> None:
    asked = book(buyers={"p": {"ann": Rate(98, 98.0, 0.0), "bob": Rate(98, 98.0, 98.0)}})
    assert asked.posterior("p", "ann", "p.t.a", None, 30).p < 0.1
    assert asked.posterior("p", "bob", "p.t.a", None, 30).p > 0.9


def test_all_or_nothing_converted_is_never_certain() -> None:
    none = book(routes={"p.t.a": Rate(10**6, 1e6, 0.0)}).posterior("p", "ann", "p.t.a", None, 30)
    every = book(routes={"p.t.a": Rate(10**6, 1e6, 1e6)}).posterior("p", "ann", "p.t.a", None, 30)
    assert 0 < none.p < 0.001 < 0.999 < every.p < 1


def test_the_version_is_made_from_what_it_says() -> None:
    one = book(routes={"p.t.a": Rate(1, 1.0, 0.0), "p.t.b": Rate(2, 1.5, 0.5)})
    other = book(routes={"p.t.b": Rate(2, 1.5, 0.5), "p.t.a": Rate(1, 1.0, 0.0)})
    assert one == other
    assert hash(one) == hash(other)
    assert one != book(routes={"p.t.a": Rate(1, 1.0, 0.0)})
    again = RateBook(msgspec.json.decode(msgspec.json.encode(one.rates), type=Rates))
    assert again == one
    assert NO_RATES.version == "none"


@pytest.mark.parametrize(
    "levels",
    [
        {"account": ""},
        {"routes": {"r": Rate(2, 3.0, 0.0)}},
        {"plans": {"p": Rate(2, 1.0, 1.5)}},
        {"buyers": {"p": {"b": Rate(2, 1.0, -0.1)}}},
        {"sources": {"r": {"s": Rate(-1, 0.0, 0.0)}}},
    ],
)
def test_a_book_that_no_journal_can_give_is_refused(levels: dict[str, object]) -> None:
    check_rates(book().rates)
    with pytest.raises(ValueError, match=r"does not say|conversions"):
        check_rates(book(**levels).rates)
