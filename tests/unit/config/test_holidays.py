"""Holidays: read with the configuration, resolved to days, the same whenever the file is read."""

from __future__ import annotations

from datetime import date

import pytest
from tests.unit.config.sample import broken, load, told

from trunkline.config.holiday_dates import HOLIDAY_YEARS, holiday_dates
from trunkline.config.hours import Hours

pytestmark = pytest.mark.unit

DATES = 'exceptions: {"2026-12-25": []}'
HOURS = "buyers[lone-star].hours"


def hours(text: str) -> Hours:
    loaded = load(broken((DATES, text)))
    assert loaded.snapshot is not None, loaded.problems
    found = loaded.snapshot.accounts[0].buyers[0].hours
    assert found is not None
    return found


def test_a_country_and_a_part_of_one() -> None:
    found = hours("holidays: [US, US-TX]")
    assert found.holidays == ("US", "US-TX")
    days = set(map(date.fromordinal, found.closed))
    assert {date(2026, 11, 26), date(2026, 12, 25), date(2027, 1, 1)} <= days
    assert date(2026, 11, 27) in days, "Texas has the Friday after Thanksgiving"
    assert date(2026, 11, 27).toordinal() not in holiday_dates("US")
    assert date(2026, 7, 3).toordinal() in holiday_dates("US"), "the fourth is a Saturday and observed before"


def test_one_may_stand_alone_and_the_order_does_not_matter() -> None:
    assert hours("holidays: CA-ON").holidays == ("CA-ON",)
    one, other = (load(broken((DATES, f"holidays: [{text}]"))).snapshot for text in ("US, CA", "CA, US"))
    assert one is not None
    assert other is not None
    assert one.digest == other.digest


def test_holidays_belong_to_the_digest() -> None:
    one, other = (load(broken((DATES, f"holidays: [{text}]"))).snapshot for text in ("US", "CA"))
    assert one is not None
    assert other is not None
    assert one.digest != other.digest


def test_years_beyond_the_known_ones_have_no_holidays() -> None:
    years = {date.fromordinal(day).year for day in holiday_dates("US")}
    assert years == set(HOLIDAY_YEARS)
    assert not years & {1970, 2100}


@pytest.mark.parametrize("text", ["ZZ", "US-ZZ", "us", "USA", "Texas", "US-TX-1", "2026"])
def test_what_is_no_region_is_an_error(text: str) -> None:
    problems = load(broken((DATES, f"holidays: [{text}]"))).problems
    assert told(problems) == [("error", "unknown_holidays", f"{HOURS}.holidays[0]")]
    assert problems[0].hint
