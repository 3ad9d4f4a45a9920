"""Tables of area codes and exchanges in the forms in which others publish them, what is wrong in them, what is kept."""

from __future__ import annotations

import pytest

from trunkline.engine.geo.imports import Imported, UnusableImport, read_import
from trunkline.engine.geo.overlay import (
    MAGIC,
    NO_OVERLAY,
    Contents,
    DamagedImport,
    ExchangePlace,
    Overlay,
    from_bytes,
    to_bytes,
)
from trunkline.engine.geo.places import place_of_area_code
from trunkline.engine.routing.attributes import Origin, derive
from trunkline.engine.routing.offer import Attribute
from trunkline.kernel.windows import zone_of

pytestmark = pytest.mark.unit

NANPA_CODES = (
    "State\tNPA-NXX\tOCN\tCompany\tRateCenter\tEffectiveDate\tUse\tAssignDate\tInitial/Growth\r\n"
    "TX \t512-236\t9533\tCARRIER ONE\tAUSTIN\t\tAS\t\t\r\n"
    "TX \t512-237\t9533\tCARRIER ONE\tSMITHVILLE\t\tAS\t\t\r\n"
    "TX \t210-555\t9533\tCARRIER TWO\tSNANTONIO\t\tAS\t\t\r\n"
    "TX \t512-911\t\t\t\t\tUA\t\t\r\n"
    "ID \t208-664\t9533\tCARRIER TWO\tCOEUR D ALENE\t\tAS\t\t\r\n"
)
NANPA_REPORT = (
    "File Date,11/20/2026\n"
    "NPA_ID,type_of_code,ASSIGNABLE,LOCATION,COUNTRY,IN_SERVICE,OVERLAY,OVERLAY_COMPLEX,PARENT,TIME_ZONE\n"
    "201,General Purpose Code,Yes,NJ,US,Y,Yes,201/551,,E\n"
    "222,General Purpose Code,Yes,TX,US,N,Yes,512/737/222,,C\n"
    "223,General Purpose Code,Yes,ONTARIO,CANADA,Y,No,,,E\n"
    "229,General Purpose Code,Yes,BERMUDA,BERMUDA,Y,No,,,A\n"
    "300,General Purpose Code,Yes,,,N,No,,,\n"
    "800,Easily Recognizable Code,Yes,,US,Y,No,,,\n"
)
LERG = (
    "NPA;NXX;X;RC Name;LOC State;LATA\n512;236;A;AUSTIN;TX;558\n512;236;1;ROUND ROCK;TX;558\n416;204;A;TORONTO;ON;888\n"
)
SOLD = (
    '"NPA","NXX","CountyName","City","State","TimeZone","Latitude","Longitude","ZipCode"\n'
    '"512","250","WILLIAMSON COUNTY","CEDAR PARK","TX","6","30.5","-97.8","78613"\n'
    '"512","251","Nowhere Special","Nowhere","TX","6","","",""\n'
    '"830","300","","BIG RATE","TX","6","29.70","-98.12",""\n'
)


def taken(text: str, name: str = "table.csv") -> Imported:
    return read_import(text.encode(), name)


def place(text: str, code: str, exchange: str) -> ExchangePlace | None:
    overlay = Overlay(taken(text).contents)
    number = overlay.exchange(code, exchange)
    return None if number is None else overlay.places[number]


def test_nanpas_central_office_codes() -> None:
    imported = taken(NANPA_CODES)
    assert (imported.kind, imported.source.rows, imported.skipped, imported.wrong) == ("exchanges", 4, 1, 0)
    assert place(NANPA_CODES, "512", "237") == ExchangePlace(
        "US", "TX", "Smithville, TX", (("Bastrop, TX", 1.0),), "America/Chicago"
    )
    assert place(NANPA_CODES, "512", "911") is None, "nobody's"
    assert place(NANPA_CODES, "512", "999") is None
    assert place(NANPA_CODES, "208", "664") == ExchangePlace("US", "ID"), "the city is written Coeur d'Alene"


def test_a_city_in_several_counties_has_their_shares() -> None:
    found = place(NANPA_CODES, "512", "236")
    assert found is not None
    assert found.city == "Austin, TX"
    assert found.counties[0][0] == "Travis, TX"
    assert sum(share for _, share in found.counties) == pytest.approx(1.0, abs=0.02)


def test_a_rate_centre_that_is_no_city_still_gives_the_state() -> None:
    assert place(NANPA_CODES, "210", "555") == ExchangePlace("US", "TX")


def test_lergs_blocks_count_once_and_canada_has_provinces() -> None:
    imported = taken(LERG)
    assert (imported.source.rows, imported.skipped) == (2, 1)
    first = place(LERG, "512", "236")
    assert first is not None
    assert first.city == "Austin, TX"
    assert place(LERG, "416", "204") == ExchangePlace("CA", "ON")


def test_a_list_with_counties_zip_codes_and_coordinates() -> None:
    assert place(SOLD, "512", "250") == ExchangePlace(
        "US", "TX", "Cedar Park, TX", (("Williamson, TX", 1.0),), "America/Chicago"
    )
    assert place(SOLD, "512", "251") == ExchangePlace("US", "TX", "Nowhere, TX", (("Nowhere Special, TX", 1.0),))
    near = place(SOLD, "830", "300")
    assert near is not None
    assert near.counties == (("Comal, TX", 1.0),), "New Braunfels is at these coordinates"
    assert near.zone == "America/Chicago"


def test_nanpas_report_adds_what_the_package_does_not_know() -> None:
    imported = taken(NANPA_REPORT, "npa_report.csv")
    assert (imported.kind, imported.source.rows, imported.skipped, imported.wrong) == ("area_codes", 4, 2, 0)
    assert imported.source.date == "11/20/2026"
    overlay = Overlay(imported.contents)
    austin = place_of_area_code("512")
    assert austin is not None
    assert overlay.area_code("201") is place_of_area_code("201"), "known in the same state: stays as it is"
    assert overlay.area_code("222") == austin, "a new overlay has the people of those it lies over"
    moved = overlay.area_code("223")
    assert moved is not None
    assert (moved.country, moved.state, moved.counties) == ("CA", "ON", ()), "known elsewhere: the import wins"
    bermuda = overlay.area_code("229")
    assert bermuda is not None
    assert (bermuda.country, bermuda.state) == ("BM", None)
    assert overlay.area_code("300") is None


@pytest.mark.parametrize(
    ("text", "why"),
    [("", "no line"), ("name,colour\nann,red\n", "no line"), ("npa,nxx\n512,236\n", "no column state"),
     ("npa,nxx,state\n", "no row"), ("npa,nxx,state\n512,2x6,TX\n", "no row"),
     ("npa,nxx,state\n512,236,TX\n112,236,TX\n512,237,ZZ\n", "2 of 3 rows"), ("\x00\x01\x02", "no line"),
     ('npa,nxx,state\n512,236,"' + "x" * 200_000, "no table")],
)  # fmt: skip
def test_what_is_no_table_is_refused_whole(text: str, why: str) -> None:
    with pytest.raises(UnusableImport, match=why):
        taken(text)


def test_a_wrong_row_is_left_out_and_named_by_its_line() -> None:
    good = "".join(f"512,{exchange},TX\n" for exchange in range(200, 240))
    imported = taken(f"npa,nxx,state\n\n{good}512,999,Atlantis\n51,222,TX\n")
    assert (imported.source.rows, imported.wrong) == (40, 2)
    assert [(each.line, each.message) for each in imported.problems] == [
        (43, "'Atlantis' is no state or province"),
        (44, "'51-222' is no area code with an exchange"),
    ]


def test_a_name_longer_than_names_are_and_places_off_the_globe_are_no_names_and_places() -> None:
    good = "".join(f"512,{exchange},TX,Austin,nan,inf\n" for exchange in range(200, 240))
    imported = taken(f"npa,nxx,state,city,lat,lon\n{good}512,999,TX,{'x' * 300},1,1\n830,200,TX,Far,1e300,-1e300\n")
    assert (imported.source.rows, imported.wrong) == (41, 1)


def test_latin_1_and_a_byte_order_mark_are_read() -> None:
    assert read_import("npa,nxx,region,rc\n514,200,Québec,Montréal\n".encode("latin-1"), "x").source.rows == 1
    assert read_import("\ufeffnpa,nxx,region\n514,200,QC\n".encode(), "x").source.rows == 1


def test_the_version_is_of_what_is_said_and_not_of_who_said_it() -> None:
    one, other = taken(LERG, "a.csv"), taken(LERG, "b.csv")
    assert Overlay(one.contents).version == Overlay(other.contents).version != ""
    assert Overlay(one.contents).version != Overlay(taken(NANPA_CODES).contents).version
    assert NO_OVERLAY.version == ""


def test_what_is_stored_comes_back_and_damage_is_seen() -> None:
    both = Contents(taken(LERG).contents.exchanges, taken(NANPA_REPORT).contents.area_codes)
    stored = to_bytes(both)
    assert from_bytes(stored) == both
    assert to_bytes(from_bytes(stored)) == stored
    for broken in (b"", MAGIC, stored[:-1], stored[:60] + b"\x00" + stored[61:], b"x" + stored[1:]):
        with pytest.raises(DamagedImport):
            from_bytes(broken)


def test_callers_are_known_by_their_exchange() -> None:
    overlay = Overlay(taken(NANPA_CODES).contents)
    origin = Origin(zone="UTC", caller="+15122370100", publisher="p", overlay=overlay)
    found = derive(origin, {}, 0)
    assert found["geo.city"] == Attribute("Smithville, TX", "exchange", 0.98)
    assert found["geo.county"] == Attribute("Bastrop, TX", "exchange", 0.98)
    austin = derive(Origin(zone="UTC", caller="+15122360100", publisher="p", overlay=overlay), {}, 0)
    assert austin["geo.county"].value == ""
    assert austin["geo.county"].basis == "exchange"
    assert austin["geo.county"].chances[0][0] == "Travis, TX"
    stated = derive(origin, {"geo.zip": Attribute("94103", "ivr")}, 0)
    assert stated["geo.city"] == Attribute("San Francisco, CA", "zip")
    plain = derive(Origin(zone="UTC", caller="+15129990100", publisher="p", overlay=overlay), {}, 0)
    assert plain == derive(Origin(zone="UTC", caller="+15129990100", publisher="p"), {}, 0), "not imported: as without"


def test_an_exchange_in_another_state_takes_nothing_from_its_area_code() -> None:
    overlay = Overlay(taken("npa,nxx,state\n512,555,OK\n").contents)
    found = derive(Origin(zone="UTC", caller="+15125550100", publisher="p", overlay=overlay), {}, 0)
    assert found["geo.state"].value == "OK"
    assert not {"geo.county", "geo.city", "geo.timezone"} & found.keys()


def test_an_imported_area_code_is_known() -> None:
    overlay = Overlay(taken(NANPA_REPORT).contents)
    found = derive(Origin(zone="UTC", caller="+12225550100", publisher="p", overlay=overlay), {}, 0)
    assert (found["geo.state"].value, found["geo.timezone"].value) == ("TX", "America/Chicago")
    assert zone_of(found["geo.timezone"].value)
