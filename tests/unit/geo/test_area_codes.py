"""Area codes: those that other tables lack, zones that others have wrong, codes of several places and of none."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import phonenumbers
import pytest
from phonenumbers import geocoder

from trunkline.config.place_names import fold_place
from trunkline.config.regions import STATES
from trunkline.engine.geo.places import NOWHERE, Place, place_of_area_code
from trunkline.engine.geo.tables import area_code_table
from trunkline.kernel.windows import zone_of

pytestmark = pytest.mark.unit

CODES = sorted(area_code_table().codes)


def place(code: str) -> Place:
    found = place_of_area_code(code)
    assert found is not None, code
    return found


def share(code: str, county: str) -> float:
    return {fold_place(name): p for name, p in place(code).counties}.get(fold_place(county), 0.0)


@pytest.mark.parametrize(
    ("code", "state", "parent"),
    [("436", "OH", "440"), ("624", "NY", "716"), ("861", "IL", "309"), ("387", "ON", "416"), ("837", "CA", "530"),
     ("465", "NY", "718"), ("471", "MS", "662"), ("565", "GA", "912"), ("983", "CO", "303"), ("728", "FL", "561"),
     ("835", "PA", "610"), ("582", "PA", "814"), ("324", "FL", "904"), ("353", "WI", "608"), ("369", "CA", "707"),
     ("645", "FL", "305"), ("686", "VA", "804"), ("472", "NC", "910"), ("227", "MD", "240"), ("329", "NY", "845"),
     ("821", "SC", "864"), ("942", "ON", "416"), ("382", "ON", "519"), ("683", "ON", "705"), ("367", "QC", "418"),
     ("474", "SK", "306"), ("428", "NB", "506"), ("742", "ON", "905"), ("748", "CO", "970"), ("557", "MO", "314"),
     ("584", "MB", "204"), ("943", "GA", None), ("364", "KY", "270"), ("730", "IL", "618"), ("738", "CA", "213"),
     ("975", "MO", "816"), ("235", "MO", "573"), ("826", "VA", "540"), ("945", "TX", "214"), ("656", "FL", "813"),
     ("263", "QC", "514"), ("273", "QC", "418"), ("257", "BC", None), ("879", "NL", "709"), ("948", "VA", "757")],
)  # fmt: skip
def test_codes_that_other_tables_lack_have_the_places_of_those_they_lie_over(
    code: str, state: str, parent: str | None
) -> None:
    assert place(code).state == state
    if parent is not None:
        assert place(code).counties is place(parent).counties, "one table for all codes of a territory"
        assert place(code).cities is place(parent).cities
        assert place(code).zones == place(parent).zones
    assert place(code).cities


def test_an_overlay_over_two_territories_has_the_people_of_both() -> None:
    """878 lies over 412 (Pittsburgh) and 724 (around it), and has less of each county than the code whose it is."""
    assert share("878", "Allegheny, PA") < share("412", "Allegheny, PA")
    assert 0 < share("878", "Westmoreland, PA") < share("724", "Westmoreland, PA")
    assert share("917", "New York, NY") + share("917", "Kings, NY") < share("212", "New York, NY")
    assert 0.1 < share("321", "Brevard, FL") < 0.9, "321 is the Space Coast and an overlay of Orlando"


@pytest.mark.parametrize(
    ("code", "zone"),
    [("689", "America/New_York"), ("212", "America/New_York"), ("512", "America/Chicago"), ("915", "America/Denver"),
     ("204", "America/Winnipeg"), ("441", "Atlantic/Bermuda"), ("876", "America/Jamaica"), ("658", "America/Jamaica"),
     ("246", "America/Barbados"), ("868", "America/Port_of_Spain"), ("787", "America/Puerto_Rico"),
     ("671", "Pacific/Guam"), ("670", "Pacific/Saipan"), ("809", "America/Santo_Domingo"), ("340", "America/St_Thomas"),
     ("345", "America/Cayman"), ("268", "America/Antigua"), ("264", "America/Anguilla"), ("284", "America/Tortola"),
     ("649", "America/Grand_Turk"), ("684", "Pacific/Pago_Pago"), ("242", "America/Nassau"), ("480", "America/Phoenix"),
     ("808", "Pacific/Honolulu"), ("306", "America/Regina"), ("902", "America/Halifax")],
)  # fmt: skip
def test_a_code_in_one_zone_names_it(code: str, zone: str) -> None:
    assert place(code).zone == zone
    assert place(code).zones == ((zone, 1.0),)


@pytest.mark.parametrize(
    ("code", "zone", "low", "high"),
    [("208", "America/Boise", 0.75, 0.85), ("986", "America/Boise", 0.75, 0.85), ("219", "America/Chicago", 0.97, 1.0),
     ("270", "America/Chicago", 0.8, 0.9), ("364", "America/Chicago", 0.8, 0.9), ("308", "America/Chicago", 0.65, 0.8),
     ("605", "America/Chicago", 0.65, 0.8), ("812", "America/Indiana/Indianapolis", 0.7, 0.85),
     ("850", "America/Chicago", 0.65, 0.8), ("906", "America/Detroit", 0.65, 0.85),
     ("334", "America/Chicago", 0.85, 0.95), ("574", "America/Indiana/Indianapolis", 0.9, 0.99),
     ("701", "America/Chicago", 0.9, 0.97), ("928", "America/Phoenix", 0.8, 0.95),
     ("423", "America/New_York", 0.9, 0.97), ("606", "America/New_York", 0.9, 1.0),
     ("807", "America/Toronto", 0.55, 0.75), ("867", "America/Edmonton", 0.3, 0.5),
     ("709", "America/St_Johns", 0.9, 0.99), ("907", "America/Anchorage", 0.9, 1.0)],
)  # fmt: skip
def test_a_code_that_spans_zones_names_none_and_says_how_its_people_are_spread(
    code: str, zone: str, low: float, high: float
) -> None:
    found = place(code)
    assert found.zone is None
    assert found.zones[0][0] == zone
    assert low <= found.zones[0][1] < high
    clocks = {datetime(2026, 7, 1, tzinfo=UTC).astimezone(ZoneInfo(name)).utcoffset() for name, _ in found.zones}
    assert len(clocks) > 1, "zones with the same clock are one"


def test_codes_of_no_place_and_of_nobody() -> None:
    for code in ("800", "822", "833", "844", "855", "866", "877", "888", "500", "533", "700", "900", "600", "622"):
        assert place(code) == NOWHERE
    assert place_of_area_code("211") is None
    assert place_of_area_code("999") is None


def test_codes_of_several_provinces_name_none() -> None:
    assert (place("902").country, place("902").state, place("902").states) == ("CA", None, ("NS", "PE"))
    assert (place("867").state, place("867").states) == (None, ("YT", "NT", "NU"))


def test_counties_are_known_by_probability() -> None:
    assert place("212").counties == (("New York, NY", 1.0),)
    assert [name for name, _ in place("512").counties[:3]] == ["Travis, TX", "Williamson, TX", "Hays, TX"]
    assert 0.5 < share("512", "Travis County, TX") < 0.65
    assert 0.15 < share("303", "Denver, CO") < 0.25
    assert share("406", "Yellowstone, MT") < 0.2, "one code for all of a state"
    assert place("416").counties == (), "counties are known of the United States only"
    assert place("416").cities[0][0] == "Toronto, ON"


def test_probabilities_are_ordered_and_sum_to_at_most_one() -> None:
    for code in CODES:
        found = place(code)
        for chances in (found.counties, found.cities):
            shares = [p for _, p in chances]
            assert shares == sorted(shares, reverse=True)
            assert sum(shares) <= 1.02, code
            assert not shares or sum(shares) > 0.85, code
        assert not found.zones or sum(p for _, p in found.zones) == pytest.approx(1.0, abs=0.001)


def test_every_state_is_one_that_criteria_can_name_and_every_zone_exists() -> None:
    for code in CODES:
        found = place(code)
        if found.country in {"US", "CA"}:
            assert found.states
            assert set(found.states) <= STATES
        for zone, _ in found.zones:
            assert zone_of(zone).key == zone


def test_every_state_and_province_has_an_area_code() -> None:
    assert {state for code in CODES for state in place(code).states} == STATES


def test_states_agree_with_libphonenumber_where_it_has_one() -> None:
    """It describes an area code by state or province, or by a city and `, ST`."""
    named = {"Texas": "TX", "California": "CA", "Ohio": "OH", "New York": "NY", "Florida": "FL", "Ontario": "ON",
             "Illinois": "IL", "Georgia": "GA", "Michigan": "MI", "Quebec": "QC", "Virginia": "VA", "Alabama": "AL",
             "North Carolina": "NC", "Pennsylvania": "PA", "New Jersey": "NJ", "Colorado": "CO"}  # fmt: skip
    compared = 0
    for code in CODES:
        number = phonenumbers.PhoneNumber(country_code=1, national_number=int(f"{code}5550100"))
        words = geocoder.description_for_number(number, "en")
        state = named.get(words) or words.partition(", ")[2]
        if state in STATES and place(code).state is not None:
            assert (code, place(code).state) == (code, state)
            compared += 1
    assert compared > 100


def test_every_region_that_libphonenumber_knows_is_known_here() -> None:
    """Which of all 800 possible codes it takes for someone's, and that ours say the same country."""
    missing = []
    for number in range(200, 1000):
        code = str(number)
        region = phonenumbers.region_code_for_number(phonenumbers.parse(f"+1{code}2345678"))
        if region is not None and place_of_area_code(code) is None:
            missing.append(code)
    assert missing == []
