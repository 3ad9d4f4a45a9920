"""ZIP codes: state, county, city and zone of each, and those around one."""

from __future__ import annotations

import math

import pytest

from trunkline.config.regions import STATES
from trunkline.engine.geo.places import EARTH_RADIUS_MILES, five_digits, place_of_zip, zips_within
from trunkline.engine.geo.tables import zip_table
from trunkline.kernel.windows import zone_of

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("code", "state", "county", "city", "zone"),
    [("78701", "TX", "Travis, TX", "Austin, TX", "America/Chicago"),
     ("79901", "TX", "El Paso, TX", "El Paso, TX", "America/Denver"),
     ("06401", "CT", "New Haven, CT", "Ansonia, CT", "America/New_York"),
     ("06390", "NY", "Suffolk, NY", "Fishers Island, NY", "America/New_York"),
     ("63101", "MO", "St. Louis city, MO", "Saint Louis, MO", "America/Chicago"),
     ("63141", "MO", "St. Louis, MO", "Saint Louis, MO", "America/Chicago"),
     ("21201", "MD", "Baltimore city, MD", "Baltimore, MD", "America/New_York"),
     ("21204", "MD", "Baltimore, MD", "Towson, MD", "America/New_York"),
     ("70112", "LA", "Orleans, LA", "New Orleans, LA", "America/Chicago"),
     ("99501", "AK", "Anchorage, AK", "Anchorage, AK", "America/Anchorage"),
     ("20001", "DC", "District of Columbia, DC", "Washington, DC", "America/New_York"),
     ("32501", "FL", "Escambia, FL", "Pensacola, FL", "America/Chicago"),
     ("96799", "AS", None, "Pago Pago, AS", "Pacific/Pago_Pago")],
)  # fmt: skip
def test_zip_codes(code: str, state: str, county: str | None, city: str, zone: str) -> None:
    place = place_of_zip(code)
    assert place is not None
    assert (place.state, place.city, place.zone) == (state, city, zone)
    if county is not None:
        assert place.county == county


def test_countries() -> None:
    found = {code: place_of_zip(code) for code in ("78701", "00901", "96910", "96940", "96960")}
    assert {code: place and (place.country, place.state) for code, place in found.items()} == {
        "78701": ("US", "TX"), "00901": ("PR", "PR"), "96910": ("GU", "GU"), "96940": ("PW", None),
        "96960": ("MH", None),
    }  # fmt: skip


def test_codes_that_nobody_knows() -> None:
    assert place_of_zip("00000") is None
    assert place_of_zip("09012") is None, "military mail is no place"
    assert place_of_zip("34512") is None, "no code begins with 345"


def test_a_code_newer_than_the_table_has_what_its_neighbours_agree_on() -> None:
    place = place_of_zip("78700")
    assert place is not None
    assert (place.state, place.zone, place.county, place.lat) == ("TX", "America/Chicago", None, None)
    straddling = place_of_zip("57599")  # 575: South Dakota on both sides of the line between the zones
    assert straddling is not None
    assert (straddling.state, straddling.zone) == ("SD", None)


def test_every_state_can_be_named_by_criteria_and_every_zone_exists() -> None:
    table = zip_table()
    assert {state for state in table.states if state} - STATES == {"FM", "MH", "PW"}
    for zone in table.zones:
        assert zone is None or zone_of(zone).key == zone
    assert list(table.code) == sorted(set(table.code))
    assert len(table.code) > 41_000
    for name in table.counties[1:]:
        assert name is not None
        assert not name.split(", ")[0].endswith((" County", " Parish", " (city)", " Borough"))
    assert len({name for name in table.counties if name and name.endswith(", CT")}) == 8


def test_the_codes_within_some_miles_are_those_that_are_there() -> None:
    """Compared with the distance of every code, by the law of cosines instead of the haversine."""
    table = zip_table()
    for code, miles in (("78701", 50), ("10001", 5), ("99501", 300), ("96701", 40), ("96912", 100)):
        centre = place_of_zip(code)
        assert centre is not None
        assert centre.lat is not None
        assert centre.lon is not None
        lat0, lon0 = math.radians(centre.lat), math.radians(centre.lon)
        near, edge = set(), set()
        for number, lat, lon in zip(table.code, table.lat, table.lon, strict=True):
            if lat or lon:
                there, east = math.radians(lat / 1e4), math.radians(lon / 1e4)
                cosine = math.sin(lat0) * math.sin(there) + math.cos(lat0) * math.cos(there) * math.cos(east - lon0)
                away = EARTH_RADIUS_MILES * math.acos(min(1.0, cosine))
                if abs(away - miles) < 0.01:
                    edge.add(f"{number:05}")
                elif away < miles:
                    near.add(f"{number:05}")
        found = zips_within(code, miles)
        assert near <= found <= near | edge
        assert code in found


def test_the_codes_around_a_code_without_a_place_are_none() -> None:
    assert zips_within("00000", 50) == frozenset()
    assert zips_within("96940", 50) == frozenset()
    assert zips_within("78701", 0) >= {"78701"}
    assert len(zips_within("78701", 25_000)) > 40_000


@pytest.mark.parametrize(
    ("text", "digits"),
    [("78701", "78701"), (" 78701-1234 ", "78701"), ("787011234", "78701"), ("7870", None), ("M5V 2T6", None),
     ("", None), ("٧٨٧٠١", None)],
)  # fmt: skip
def test_five_digits(text: str, digits: str | None) -> None:
    assert five_digits(text) == digits
