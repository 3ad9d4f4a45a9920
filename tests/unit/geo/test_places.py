"""Area codes and ZIP codes: the ones that go wrong elsewhere, and agreement with libphonenumber where it knows."""

from __future__ import annotations

import phonenumbers
import pytest
from phonenumbers import geocoder

from trunkline.config.regions import STATES
from trunkline.engine.geo.places import (
    NOWHERE,
    Place,
    _area_codes,
    _zip_codes,
    area_code,
    country_of,
    five_digits,
    place_of_area_code,
    place_of_zip,
)
from trunkline.kernel.windows import zone_of

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("code", "state"),
    [("436", "OH"), ("861", "IL"), ("624", "NY"), ("983", "CO"), ("728", "FL"), ("835", "PA"), ("582", "PA"),
     ("324", "FL"), ("353", "WI"), ("369", "CA"), ("227", "MD"), ("472", "NC"), ("329", "NY"), ("645", "FL"),
     ("686", "VA"), ("837", "CA"), ("465", "NY"), ("471", "MS"), ("257", "BC"), ("942", "ON")],
)  # fmt: skip
def test_codes_that_other_tables_lack(code: str, state: str) -> None:
    place = place_of_area_code(code)
    assert place is not None
    assert place.state == state


@pytest.mark.parametrize(
    ("code", "zone"),
    [("689", "America/New_York"), ("212", "America/New_York"), ("512", "America/Chicago"), ("915", "America/Denver"),
     ("423", None), ("850", None), ("270", None), ("208", None), ("605", None), ("907", None)],
)  # fmt: skip
def test_zones_are_named_only_where_there_is_one(code: str, zone: str | None) -> None:
    place = place_of_area_code(code)
    assert place is not None
    assert place.zone == zone


def test_codes_of_no_place_and_of_nobody() -> None:
    assert place_of_area_code("833") == NOWHERE
    assert place_of_area_code("211") is None
    assert place_of_area_code("902") == Place("CA", None, "America/Halifax")


def test_every_state_is_one_that_criteria_can_name_and_every_zone_exists() -> None:
    for place in (*_area_codes().values(), *_zip_codes().values()):
        if place.country in {"US", "CA"} and place.state is not None:
            assert place.state in STATES
        if place.zone is not None:
            assert zone_of(place.zone).key == place.zone


def test_states_agree_with_libphonenumber_where_it_has_one() -> None:
    """It describes an area code by state or province, or by a city and `, ST`."""
    named = {"Texas": "TX", "California": "CA", "Ohio": "OH", "New York": "NY", "Florida": "FL", "Ontario": "ON",
             "Illinois": "IL", "Georgia": "GA", "Michigan": "MI", "Quebec": "QC", "Virginia": "VA", "Alabama": "AL",
             "North Carolina": "NC", "Pennsylvania": "PA", "New Jersey": "NJ", "Colorado": "CO"}  # fmt: skip
    compared = 0
    for code, place in _area_codes().items():
        number = phonenumbers.PhoneNumber(country_code=1, national_number=int(f"{code}5550100"))
        words = geocoder.description_for_number(number, "en")
        state = named.get(words) or words.partition(", ")[2]
        if state in STATES and place.state is not None:
            assert (code, place.state) == (code, state)
            compared += 1
    assert compared > 100


@pytest.mark.parametrize(
    ("zip_code", "state", "zone"),
    [("78701", "TX", "America/Chicago"), ("79901", "TX", None), ("06401", "CT", "America/New_York"),
     ("06390", "NY", "America/New_York"), ("88510", "TX", "America/Denver"), ("96799", "AS", "Pacific/Pago_Pago"),
     ("96910", "GU", "Pacific/Guam"), ("20598", "VA", "America/New_York"), ("00901", "PR", "America/Puerto_Rico")],
)  # fmt: skip
def test_zip_codes(zip_code: str, state: str, zone: str | None) -> None:
    place = place_of_zip(zip_code)
    assert place is not None
    assert place.state == state
    if zip_code != "79901":
        assert place.zone == zone


def test_zip_codes_of_no_state() -> None:
    assert place_of_zip("00000") is None
    assert place_of_zip("96940") == NOWHERE  # Palau
    assert place_of_zip("09012") is None  # military mail


@pytest.mark.parametrize(
    ("text", "digits"),
    [("78701", "78701"), (" 78701-1234 ", "78701"), ("787011234", "78701"), ("7870", None), ("M5V 2T6", None),
     ("", None), ("٧٨٧٠١", None)],
)  # fmt: skip
def test_five_digits(text: str, digits: str | None) -> None:
    assert five_digits(text) == digits


def test_numbers() -> None:
    assert area_code("+15125550100") == ("512", "555")
    assert area_code("+442071838750") is None
    assert area_code("+15121550100") is None
    assert country_of("+442071838750") == "GB"
    assert country_of("+999123456") is None
