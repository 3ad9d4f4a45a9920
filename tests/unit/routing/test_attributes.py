"""What follows from what: stated values, ZIP codes, area codes, the clock."""

from __future__ import annotations

import msgspec
import pytest
from msgspec import structs
from tests.unit.routing.accounts import MONDAY_NOON_MS, at, router

from trunkline.config.criteria import All, AnyOf, Condition, Node, Not, Operator
from trunkline.config.folds import fold_number
from trunkline.config.hours import Hours, TimeRange
from trunkline.config.schema import Account, AccountConfig, AttributeType, Campaign
from trunkline.engine.routing.attributes import Origin, derive
from trunkline.engine.routing.criteria import judge
from trunkline.engine.routing.offer import Attribute
from trunkline.engine.routing.profile import CallerProfile
from trunkline.engine.routing.values import Known, Types

pytestmark = pytest.mark.unit

TEXAN = Origin(zone="America/New_York", caller="+15125550100", publisher="pub", source="s1", number_key="n1")


def values(origin: Origin = TEXAN, missing: frozenset[str] = frozenset(), **stated: str) -> dict[str, str]:
    given = {name.replace("__", "."): Attribute(text, "ivr") for name, text in stated.items()}
    return {name: fact.value for name, fact in derive(origin, given, MONDAY_NOON_MS, missing).items()}


def test_a_number_says_where_it_was_issued_and_how_surely() -> None:
    found = derive(TEXAN, {}, MONDAY_NOON_MS)
    assert found["geo.state"] == Attribute("TX", "area_code", 0.98)
    assert found["geo.country"].value == "US"
    assert (found["geo.area_code"].value, found["geo.exchange"].value) == ("512", "555")
    assert found["caller.number"] == Attribute("+15125550100", "sip")
    assert (found["source.key"].value, found["source.publisher"].value) == ("s1", "pub")


def test_an_area_code_says_counties_and_cities_by_probability_and_never_one_of_them() -> None:
    found = derive(TEXAN, {}, MONDAY_NOON_MS)
    county, city = found["geo.county"], found["geo.city"]
    assert (county.value, county.basis, county.confidence) == ("", "area_code", 0.98)
    assert county.chances[0][0] == "Travis, TX"
    assert city.chances[0][0] == "Austin, TX"
    types = Types()
    known = Known(found, types)
    travis = Condition("geo.county", Operator.EQ, ("travis county, tx",))
    assert judge(travis, known, types) is None, "nobody takes the likeliest for the truth"
    assert judge(msgspec.structs.replace(travis, confidence=0.55), known, types) is True
    both = Condition("geo.county", Operator.IN, ("Travis, TX", "Williamson, TX"))
    assert judge(both, known, types) is True
    assert judge(Not(both), known, types) is False
    assert judge(Condition("geo.county", Operator.IN, ("Harris, TX",)), known, types) is False
    assert judge(Condition("geo.county", Operator.NOT_IN, ("Milam, TX",)), known, types) is True
    assert judge(Condition("geo.county", Operator.EXISTS, ("true",)), known, types) is True


def test_a_code_that_spans_zones_leaves_the_zone_unknown() -> None:
    assert values()["geo.timezone"] == "America/Chicago"
    pensacola = Origin(zone="UTC", caller="+18505550100", publisher="p")
    assert "geo.timezone" not in values(pensacola)
    assert values(pensacola, geo__zip="32501")["geo.timezone"] == "America/Chicago"


def test_nothing_is_known_of_an_area_code_that_nobody_has_heard_of() -> None:
    found = values(Origin(zone="UTC", caller="+19995550100", publisher="p"))
    assert {name for name in found if name.startswith("geo.")} == {"geo.area_code", "geo.exchange"}
    tollfree = values(Origin(zone="UTC", caller="+18335550100", publisher="p"))
    assert {name for name in tollfree if name.startswith("geo.")} == {"geo.area_code", "geo.exchange"}


def test_a_stated_zip_code_gives_one_county_and_city() -> None:
    found = derive(TEXAN, {"geo.zip": Attribute("94103", "ivr", 0.9)}, MONDAY_NOON_MS)
    assert found["geo.county"] == Attribute("San Francisco, CA", "zip", pytest.approx(0.9 * 0.97))
    assert found["geo.city"] == Attribute("San Francisco, CA", "zip", 0.9)
    assert values(geo__zip="94103", geo__county="Marin, CA")["geo.county"] == "Marin, CA"
    assert values(geo__county="Bexar, TX")["geo.county"] == "Bexar, TX"


def test_the_callers_own_hour_is_that_of_the_only_zone_that_it_can_be_in() -> None:
    found = values()
    assert (found["time.caller_hour"], found["time.caller_weekday"]) == ("11", "mon"), "Austin is an hour behind"
    spread = structs.replace(TEXAN, caller="+18505550100")
    assert "time.caller_hour" not in values(spread), "850 has two zones"
    assert values(spread, geo__zip="32501")["time.caller_hour"] == "11"
    assert values(spread, geo__timezone="America/Phoenix")["time.caller_hour"] == "10"
    assert values(spread, time__caller_hour="7")["time.caller_hour"] == "7"
    assert "time.caller_hour" not in values(spread, geo__timezone="Mars/Olympus")
    assert "time.caller_hour" not in values(missing=frozenset({"geo.timezone"}))
    assert "time.caller_hour" not in values(missing=frozenset({"time.caller_hour"}))
    assert "time.caller_weekday" in values(missing=frozenset({"time.caller_hour"}))


def test_a_sub_id_is_the_publishers_finer_name() -> None:
    assert values(structs.replace(TEXAN, subid="creative-7"))["source.subid"] == "creative-7"
    assert "source.subid" not in values()


def test_the_clock_is_the_accounts() -> None:
    found = values()
    assert (found["time.hour"], found["time.weekday"], found["time.date"]) == ("12", "mon", "2026-11-23")


def test_a_withheld_number_is_anonymous_and_has_no_place() -> None:
    found = values(Origin(zone="UTC", caller=None, publisher=""))
    assert found["caller.anonymous"] == "yes"
    assert not {name for name in found if name.startswith("geo.")} | ({"caller.number"} & found.keys())


def test_a_stated_zip_code_rederives_what_is_not_stated() -> None:
    found = values(geo__zip="94103-1234")
    assert (found["geo.zip"], found["geo.zip3"], found["geo.state"]) == ("94103", "941", "CA")
    assert found["geo.timezone"] == "America/Los_Angeles"
    assert found["geo.area_code"] == "512"
    assert values(geo__zip="94103", geo__state="NV")["geo.state"] == "NV"


@pytest.mark.parametrize("code", ["00000", "7870", "none"])
def test_an_unknown_zip_code_leaves_its_gifts_unknown(code: str) -> None:
    found = values(geo__zip=code)
    assert found["geo.zip"] == code
    assert not {"geo.state", "geo.county", "geo.city", "geo.timezone"} & found.keys()


def test_what_is_missing_stays_missing_and_empty_says_nothing() -> None:
    assert "geo.state" not in values(missing=frozenset({"geo.state"}))
    assert values(geo__state="  ")["geo.state"] == "TX"


def test_world_numbers_have_a_country() -> None:
    found = values(Origin(zone="UTC", caller="+442071838750", publisher="p"))
    assert (found["geo.country"], found["geo.timezone"]) == ("GB", "Europe/London")
    assert "geo.state" not in found


def test_a_tracking_numbers_tags_and_a_flows_questions() -> None:
    asked = router(
        'numbers: [{number: "+18335550100", campaign: camp, publisher: pub, key: k, tags: {tag.line: gold}}]'
    )
    origin = asked.origin(None, "pub", "s", "+18335550100")
    profile = CallerProfile(AccountConfig(account=Account(key="a", timezone="UTC")), origin, "America/New_York")
    attributes = profile.attributes(at())
    assert (attributes["tag.line"].value, attributes["number.key"].value) == ("gold", "k")
    assert profile.holds(Condition("tag.line", Operator.EQ, ("GOLD",)), at())
    noon = Hours(mon=(TimeRange(start=720, until=721),))
    assert profile.is_open(noon, None, at())
    assert not profile.is_open(noon, "America/Chicago", at())


TX = Condition("geo.state", Operator.EQ, ("TX",))
CA = Condition("geo.state", Operator.EQ, ("CA",))
LOST = Condition("tag.none", Operator.EQ, ("x",))


@pytest.mark.parametrize(
    ("node", "verdict"),
    [
        (TX, True),
        (CA, False),
        (LOST, None),
        (Not(LOST), None),
        (Not(CA), True),
        (All((TX, LOST)), None),
        (All((CA, LOST)), False),
        (AnyOf((TX, LOST)), True),
        (AnyOf((CA, LOST)), None),
        (Not(All((CA, LOST))), True),
        (Condition("tag.none", Operator.NOT_IN, ("x",)), None),
        (Condition("tag.none", Operator.EXISTS, ("false",)), True),
        (Condition("geo.state", Operator.EXISTS, ("true",)), True),
        (Not(Condition("tag.none", Operator.EXISTS, ("true",))), True),
        (Condition("geo.state", Operator.NOT_IN, ("CA", "OK")), True),
    ],
)
def test_three_valued_logic(node: Node, verdict: bool | None) -> None:
    types = Types()
    assert judge(node, Known(derive(TEXAN, {}, MONDAY_NOON_MS), types), types) is verdict


@pytest.mark.parametrize(
    ("name", "known", "asked", "verdict"),
    [
        ("time.hour", "9", "09", True),
        ("tag.points", "10.0", "10", True),
        ("tag.points", "ten", "10", None),
        ("caller.repeat", "true", "yes", True),
        ("tag.city", " Straße", "STRASSE ", True),
        ("tag.city", "e\u0301", "É", True),
        ("tag.city", "", "x", None),
    ],
)
def test_values_compare_by_type(name: str, known: str, asked: str, verdict: bool | None) -> None:
    campaign = Campaign(key="c", flow="f", plan="p", attributes=(AttributeType(name="tag.points", type="number"),))
    types = Types([campaign])
    facts = Known({name: Attribute(known, "stated")}, types)
    assert judge(Condition(name, Operator.EQ, (asked,)), facts, types) is verdict


@pytest.mark.parametrize("text", ["nan", "inf", "1e999999", "9" * 50, "", "١٢"])
def test_odd_numbers_are_bounded(text: str) -> None:
    folded = fold_number(text)
    assert folded is None or len(folded) < 50


def test_a_condition_that_is_gone_is_forgotten() -> None:
    """A switch reads its configuration many times, and its types live on."""
    types = Types()
    for _ in range(3):
        condition = Condition("geo.zip", Operator.IN, ("78701",))
        assert judge(condition, Known({"geo.zip": Attribute("78701", "ivr")}, types), types) is True
    del condition
    assert types._questions == {}
