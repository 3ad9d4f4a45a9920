"""What is known of a caller: what was stated, and what follows from it, each with how it is known and how surely.

A stated value wins for its own key. A stated ZIP code also replaces what the area code says of state, county, city and
zone, unless those are stated too; a ZIP code that nobody knows leaves them unknown. Otherwise the area code decides: of
counties and cities it gives the probabilities, of zones the only one or none. What an operator has imported of the
numbering plan knows area codes that the tables do not, and the city of an exchange.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfoNotFoundError

import msgspec

from trunkline.engine.geo.numbers import abroad, area_code
from trunkline.engine.geo.overlay import NO_OVERLAY, ExchangePlace, Overlay
from trunkline.engine.geo.places import (
    ISSUED_CONFIDENCE,
    ZIP_COUNTY_CONFIDENCE,
    Place,
    five_digits,
    place_of_area_code,
    place_of_zip,
)
from trunkline.engine.routing.hours import WEEKDAYS, WallClock
from trunkline.engine.routing.offer import Attribute

AREA_CODE: Final = "area_code"
EXCHANGE: Final = "exchange"
ZIP: Final = "zip"
NUMBER: Final = "number"
SIP: Final = "sip"
CONFIGURED: Final = "configuration"
CLOCK: Final = "clock"
"""How derived attributes are known."""

_WHOLE_MINUTES_S: Final = 100_000_000
"""1973: since then all zones are a whole number of minutes away from UTC."""
_GIVEN_BY_ZIP = ("geo.state", "geo.county", "geo.city", "geo.timezone", "geo.zip3")


class Origin(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What is fixed about a caller when the call arrives.

    `caller` is E.164 or None for a withheld number; `number_key` the tracking number's key; `zone` the account's;
    `repeat` whether the contact has been here before, None when that is not known; `attestation` the level (A, B, C)
    that the carrier or the signer of the caller's number claims; `subid` the publisher's finer name of the source;
    `overlay` is what is imported of the numbering plan. `begins` is the beginning (`+1512555`) of a number of which no
    more is told.
    """

    zone: str
    caller: str | None
    publisher: str
    source: str | None = None
    subid: str | None = None
    number_key: str | None = None
    tags: tuple[tuple[str, str], ...] = ()
    repeat: bool | None = None
    attestation: str | None = None
    overlay: Overlay = NO_OVERLAY
    begins: str | None = None


def derive(
    origin: Origin,
    stated: Mapping[str, Attribute],
    utc_ms: int,
    missing: frozenset[str] = frozenset(),
) -> dict[str, Attribute]:
    """All attributes of a caller at `utc_ms`. What is in `missing` stays unknown, derived or stated."""
    found = _arrival(origin)
    found.update(_clock(origin.zone, _minute_s(utc_ms)))
    if origin.caller is not None:
        found.update(_issued(origin.caller, origin.overlay))
    elif origin.begins is not None:
        found.update(_begun(origin.begins, origin.overlay))
    said = {name: attribute for name, attribute in stated.items() if attribute.value.strip() and name not in missing}
    code = said.get("geo.zip")
    if code is not None:
        for name in _GIVEN_BY_ZIP:
            found.pop(name, None)
        found.update(_posted(code))
        digits = five_digits(code.value)
        if digits is not None:
            said["geo.zip"] = Attribute(digits, code.basis, code.confidence)
    found.update(said)
    for name in missing:
        found.pop(name, None)
    zone = found.get("geo.timezone")
    if zone is not None:  # one that the number or the ZIP code leaves no doubt of, or that was stated
        for name, attribute in _callers_clock(zone, _minute_s(utc_ms)).items():
            if name not in missing:
                found.setdefault(name, attribute)
    return found


def _arrival(origin: Origin) -> dict[str, Attribute]:
    withheld = origin.caller is None and origin.begins is None
    found = {"caller.anonymous": Attribute("yes" if withheld else "no", SIP)}
    if origin.caller is not None:
        found["caller.number"] = Attribute(origin.caller, SIP)
    if origin.attestation is not None:
        found["caller.attestation"] = Attribute(origin.attestation, SIP)
    if origin.repeat is not None:
        found["caller.repeat"] = Attribute("yes" if origin.repeat else "no", "history")
    configured = {
        "source.publisher": origin.publisher or None,
        "source.key": origin.source,
        "source.subid": origin.subid,
        "number.key": origin.number_key,
    }
    for name, value in (*configured.items(), *origin.tags):
        if value is not None:
            found[name] = Attribute(value, CONFIGURED)
    return found


def _minute_s(utc_ms: int) -> int:
    """The second from which on a wall clock shows the same minute; in the seventies a few changed inside a minute."""
    utc_s = utc_ms // 1000
    return utc_s - utc_s % 60 if utc_s >= _WHOLE_MINUTES_S else utc_s


@lru_cache(maxsize=1_024)
def _callers_clock(zone: Attribute, utc_s: int) -> Mapping[str, Attribute]:
    """The hour and weekday where the caller is; nothing when there is no such zone."""
    try:
        clock = WallClock(1000 * utc_s, zone.value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return {}
    return {
        "time.caller_hour": Attribute(str(clock.minute // 60), zone.basis, zone.confidence),
        "time.caller_weekday": Attribute(WEEKDAYS[clock.weekday], zone.basis, zone.confidence),
    }


@lru_cache(maxsize=64)
def _clock(zone: str, utc_s: int) -> Mapping[str, Attribute]:
    clock = WallClock(1000 * utc_s, zone)
    return {
        "time.hour": Attribute(str(clock.minute // 60), CLOCK),
        "time.weekday": Attribute(WEEKDAYS[clock.weekday], CLOCK),
        "time.date": Attribute(clock.date, CLOCK),
    }


def _issued(caller: str, overlay: Overlay) -> dict[str, Attribute]:
    """What a number says about where it was issued."""
    codes = area_code(caller)
    if codes is None:
        return {} if caller.startswith("+1") else _abroad(caller)
    found = {"geo.area_code": Attribute(codes[0], NUMBER), "geo.exchange": Attribute(codes[1], NUMBER)}
    imported = overlay.imported(codes[0])
    found.update(_of_area_code(codes[0]) if imported is None else _of_place(imported))
    place = overlay.exchange(*codes)
    if place is not None:
        _refine(found, overlay.places[place])
    return found


def _begun(beginning: str, overlay: Overlay) -> dict[str, Attribute]:
    """What the beginning of a North American number says: of a shorter one than the area code, nothing."""
    if len(beginning) < len("+1NPA"):
        return {}
    codes = area_code(beginning.ljust(len("+1NPANXXXXXX"), "2"))
    if codes is None:
        return {}
    if len(beginning) >= len("+1NPANXX"):
        return _issued(beginning.ljust(len("+1NPANXXXXXX"), "2"), overlay)
    imported = overlay.imported(codes[0])
    place = _of_area_code(codes[0]) if imported is None else _of_place(imported)
    return {"geo.area_code": Attribute(codes[0], NUMBER), **place}


def _refine(found: dict[str, Attribute], place: ExchangePlace) -> None:
    """Let an imported exchange say what it knows better than its area code."""
    state = found.get("geo.state")
    if state is not None and state.value != place.state:
        for name in ("geo.county", "geo.city", "geo.timezone"):
            found.pop(name, None)
    values = (("country", place.country), ("state", place.state), ("city", place.city), ("timezone", place.zone))
    for name, value in values:
        if value:
            found[f"geo.{name}"] = Attribute(value, EXCHANGE, ISSUED_CONFIDENCE)
    if len(place.counties) == 1:
        found["geo.county"] = Attribute(place.counties[0][0], EXCHANGE, ISSUED_CONFIDENCE)
    elif place.counties:
        found["geo.county"] = Attribute("", EXCHANGE, ISSUED_CONFIDENCE, place.counties)


def _abroad(caller: str) -> dict[str, Attribute]:
    """The country of a number outside the North American plan, and its zone when it can be in one only."""
    country, zones = abroad(caller)
    found = {} if country is None else {"geo.country": Attribute(country, NUMBER, ISSUED_CONFIDENCE)}
    if len(zones) == 1:
        found["geo.timezone"] = Attribute(zones[0], NUMBER, ISSUED_CONFIDENCE)
    return found


@lru_cache(maxsize=1024)
def _of_area_code(code: str) -> Mapping[str, Attribute]:
    return _of_place(place_of_area_code(code))


def _of_place(place: Place | None) -> Mapping[str, Attribute]:
    if place is None:
        return {}
    values = {"geo.country": place.country, "geo.state": place.state, "geo.timezone": place.zone}
    spread = {"geo.county": place.counties, "geo.city": place.cities}
    found = {
        name: Attribute(value, AREA_CODE, ISSUED_CONFIDENCE) for name, value in values.items() if value is not None
    }
    for name, chances in spread.items():
        if chances:
            found[name] = Attribute("", AREA_CODE, ISSUED_CONFIDENCE, chances)
    return found


@lru_cache(maxsize=4_096)
def _posted(stated: Attribute) -> Mapping[str, Attribute]:
    """What a stated ZIP code says about where the caller is."""
    digits = five_digits(stated.value)
    if digits is None:
        return {}
    found = {"geo.zip3": Attribute(digits[:3], ZIP, stated.confidence)}
    place = place_of_zip(digits)
    if place is None:
        return found
    values = (("state", place.state, 1.0), ("county", place.county, ZIP_COUNTY_CONFIDENCE), ("city", place.city, 1.0),
              ("timezone", place.zone, 1.0))  # fmt: skip
    for name, value, confidence in values:
        if value is not None:
            found[f"geo.{name}"] = Attribute(value, ZIP, stated.confidence * confidence)
    return found
