"""What numbers say of themselves, and names in one form."""

from __future__ import annotations

import pytest

from trunkline.config.criteria import Condition, Operator
from trunkline.config.place_names import fold_place
from trunkline.config.questions import Question
from trunkline.engine.geo.numbers import abroad, area_code

pytestmark = pytest.mark.unit


def test_numbers_of_the_north_american_plan() -> None:
    assert area_code("+15125550100") == ("512", "555")
    assert area_code("+442071838750") is None
    assert area_code("+15121550100") is None


@pytest.mark.parametrize(
    ("number", "country", "zones"),
    [("+442071838750", "GB", ("Europe/London",)), ("+4930123456", "DE", ("Europe/Berlin",)),
     ("+81312345678", "JP", ("Asia/Tokyo",)), ("+61412345678", "AU", ()), ("+999123456", None, ()),
     ("+8835100012345", None, ())],
)  # fmt: skip
def test_world_numbers(number: str, country: str | None, zones: tuple[str, ...]) -> None:
    """An Australian mobile has every zone of Australia: more than three say nothing."""
    assert abroad(number) == (country, zones)


@pytest.mark.parametrize(
    ("one", "other"),
    [("Travis County, TX", " travis,TX "), ("St. Louis, MO", "Saint Louis County, MO"),
     ("Orleans Parish, LA", "ORLEANS, LA"),
     ("Baltimore (city), MD", "Baltimore city, MD"), ("Prince George's, MD", "Prince Georges County, MD"),
     ("Prince George’s, MD", "Prince George's, MD"), ("Bayamón, PR", "Bayamon Municipio, PR"),
     ("Ft. Worth, TX", "Fort Worth, TX"), ("Winston Salem, NC", "Winston-Salem, NC"),
     ("N. Miami, FL", "North Miami, FL"),
     ("Ste. Genevieve, MO", "Sainte Genevieve County, MO"), ("Kenai Peninsula Borough, AK", "kenai peninsula, ak")],
)  # fmt: skip
def test_names_that_are_one(one: str, other: str) -> None:
    assert fold_place(one) == fold_place(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("Baltimore city, MD", "Baltimore County, MD"), ("Travis, TX", "Travis, CA"), ("Travis", "Travis, TX"),
     ("Orange, CA", "Orange Park, CA"), ("Saint, MO", "Street, MO"), ("Parish, NY", "")],
)  # fmt: skip
def test_names_that_are_not(one: str, other: str) -> None:
    assert fold_place(one) != fold_place(other)


def test_an_empty_name_stays_empty() -> None:
    assert fold_place("  ") == ""


@pytest.mark.parametrize(
    ("operator", "piece", "name", "holds"),
    [
        ("prefix", "St", "Stark, OH", True),
        ("prefix", "St", "St. Clair, AL", True),
        ("prefix", "Saint", "St. Clair, AL", True),
        ("prefix", "N", "Nueces, TX", True),
        ("prefix", "n", "Austin, TX", False),
        ("contains", "St. Louis", "Saint Louis, MO", True),
        ("contains", "Doña", "Dona Ana, NM", True),
        ("contains", "winston-s", "Winston-Salem, NC", True),
        ("contains", ", TX", "Austin, TX", True),
        ("contains", ".", "Austin, TX", False),
    ],
)
def test_a_piece_of_a_name_is_found_however_it_is_written(operator: str, piece: str, name: str, holds: bool) -> None:
    condition = Condition("geo.city", Operator(operator), (piece,))
    assert Question(condition, fold_place, "text").passes(fold_place(name)) is holds
