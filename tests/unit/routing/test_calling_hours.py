"""Laws on calling hours: the strictest of all places where a caller may be."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from trunkline.engine.routing.attributes import Origin, derive
from trunkline.engine.routing.calling_hours import closed_by, federal_holidays, opens
from trunkline.engine.routing.calling_hours_us import STATES
from trunkline.engine.routing.offer import Attribute

pytestmark = pytest.mark.unit


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


def known(**values: str) -> dict[str, Attribute]:
    return {f"geo.{name}": Attribute(value, "stated") for name, value in values.items()}


CA = known(country="US", state="CA", timezone="America/Los_Angeles")
TX = known(country="US", state="tx", timezone="America/Chicago")
RI = known(country="US", state="RI", timezone="America/New_York")


@pytest.mark.parametrize(
    ("where", "at", "law"),
    [
        (CA, "2026-11-23T07:59:59-08:00", "US"),
        (CA, "2026-11-23T08:00:00-08:00", None),
        (CA, "2026-11-23T20:59:59-08:00", None),
        (CA, "2026-11-23T21:00:00-08:00", "US"),
        (TX, "2026-11-23T08:30:00-06:00", "TX"),
        (TX, "2026-11-22T11:59:00-06:00", "TX"),
        (TX, "2026-11-22T12:00:00-06:00", None),
        (RI, "2026-11-21T17:00:00-05:00", "RI"),
        (RI, "2026-11-22T12:00:00-05:00", "RI"),
        (RI, "2026-11-26T12:00:00-05:00", "RI"),
        (RI, "2026-11-27T12:00:00-05:00", None),
    ],
)
def test_the_law_of_the_state_by_the_clock_of_the_zone(where: dict[str, Attribute], at: str, law: str | None) -> None:
    found = closed_by(where, ms(at))
    assert (found is None) == (law is None)
    assert law is None or f"calling hours of {law} (" in (found or "")


def test_of_an_area_code_with_two_zones_both_count() -> None:
    knoxville = known(country="US", area_code="423", state="TN")  # Eastern and Central
    assert closed_by(knoxville, ms("2026-11-23T08:30:00-05:00")), "7:30 Central"
    assert closed_by(knoxville, ms("2026-11-23T09:00:00-05:00")) is None
    assert closed_by(knoxville, ms("2026-11-23T21:00:00-05:00")), "20:00 Central"


def by_number(caller: str, **stated: str) -> dict[str, Attribute]:
    said = {f"geo.{name}": Attribute(value, "ivr") for name, value in stated.items()}
    return derive(Origin(zone="UTC", caller=caller, publisher="pub"), said, 0)


def test_who_says_to_be_in_another_state_is_not_in_the_zone_of_the_number() -> None:
    moved = by_number("+12125550123", state="CA")
    assert moved["geo.timezone"].value == "America/New_York"
    assert closed_by(moved, ms("2026-11-23T09:30:00-05:00")), "6:30 in California"
    assert closed_by(moved, ms("2026-11-23T13:00:00-05:00")) is None, "eight in Honolulu"
    assert closed_by(by_number("+12125550123", state="ny"), ms("2026-11-23T09:30:00-05:00")) is None
    assert closed_by(by_number("+12125550123", zip="90001"), ms("2026-11-23T09:30:00-05:00"))
    assert closed_by(by_number("+12125550123", zip="90001", state="CA"), ms("2026-11-23T11:30:00-05:00")) is None
    assert closed_by(by_number("+12125550123", zip="10001", state="CA"), ms("2026-11-23T09:30:00-05:00"))
    assert closed_by(by_number("+14235550123", state="CA"), ms("2026-11-23T09:30:00-05:00")), (
        "an area code of two zones"
    )


@pytest.mark.parametrize("state", ["Texas", "??"])
def test_what_is_no_state_is_not_known(state: str) -> None:
    dallas = by_number("+12145550123", state=state)
    assert closed_by(dallas, ms("2026-11-23T08:30:00-06:00")), "as in Texas, which the number is of"


def test_of_whom_nothing_is_known_every_law_counts_everywhere() -> None:
    assert closed_by({}, ms("2026-11-23T14:00:00-05:00")), "nine in Honolulu, where Kentucky's law may hold"
    assert closed_by({}, ms("2026-11-23T15:00:00-05:00")) is None
    assert closed_by({}, ms("2026-11-22T15:00:00-05:00")), "a Sunday"
    assert opens({}, ms("2026-11-22T15:00:00-05:00")) == "2026-11-23T15:00-05:00"


def test_other_countries_have_other_laws() -> None:
    assert (
        closed_by(known(country="CA", state="ON", timezone="America/Toronto"), ms("2026-11-23T03:00:00-05:00")) is None
    )


def test_a_zone_that_is_none_is_not_believed() -> None:
    assert closed_by(known(state="CA", timezone="Mars/Olympus"), ms("2026-11-23T08:30:00-08:00")), "6:30 in Honolulu"


def test_when_it_opens_is_told_across_days_off_and_clock_changes() -> None:
    assert opens(TX, ms("2026-11-21T21:00:00-06:00")) == "2026-11-22T12:00-06:00"
    assert opens(RI, ms("2026-12-24T18:30:00-05:00")) == "2026-12-26T10:00-05:00"
    assert opens(CA, ms("2026-10-31T22:00:00-07:00")) == "2026-11-01T08:00-08:00"


def test_federal_holidays_and_the_days_they_are_observed_on() -> None:
    days = federal_holidays(2026)
    assert {date(2026, 1, 19), date(2026, 2, 16), date(2026, 5, 25), date(2026, 6, 19), date(2026, 9, 7),
            date(2026, 10, 12), date(2026, 11, 11), date(2026, 11, 26), date(2026, 12, 25)} <= days  # fmt: skip
    assert date(2026, 7, 3) in days, "the fourth is a Saturday"
    assert date(2021, 12, 31) in federal_holidays(2021)
    assert date(2022, 12, 26) in federal_holidays(2022)


def test_every_row_is_stricter_than_the_federal_rule() -> None:
    for rule in STATES.values():
        spans = (rule.weekdays, rule.saturday, rule.sunday)
        assert rule.holidays or any(span != (8, 21) for span in spans), rule.place
        assert all(span is None or (8 <= span[0] < span[1] <= 21) for span in spans), rule.place
        assert rule.law
