"""Who lives in the territory of an area code: counties, cities and time zones with their shares of the population.

No open data say which area code serves which address. What is open: libphonenumber names the city of some thirty
thousand exchanges (area code and the next three digits), the Census the population of every ZIP code. So a ZIP code
belongs to the area codes whose exchanges are in its city, in proportion to their number; a ZIP code whose city has no
known exchange belongs to those of the nearest city of the state that has. The shares are of residents, not of numbers.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from phonenumbers.geodata import GEOCODE_DATA
from scripts.geo.assignments import AreaCode
from scripts.geo.zip_codes import ZipCode

from trunkline.config.place_names import fold_place

WHOLE_CODE_WEIGHT = 50
"""How many exchanges the name of a city counts for that libphonenumber gives to a whole area code."""

_LONG = {
    "bch": "beach", "ctr": "center", "cty": "city", "hls": "hills", "hts": "heights", "is": "island", "isle": "island",
    "jct": "junction", "lk": "lake", "pk": "park", "spg": "spring", "spgs": "springs", "vlg": "village",
    "vly": "valley",
}  # fmt: skip
_WORDS_LEFT_OUT = frozenset({"charter", "township", "twp"})

Shares = dict[str, Counter[str]]
"""Territory to the weight of each name."""


def _key(place: str) -> str:
    name, _, state = fold_place(place).rpartition(",")
    words = [_LONG.get(word, word) for word in name.split() if word not in _WORDS_LEFT_OUT]
    return f"{' '.join(words)},{state}"


class Territories:
    """Territories by the codes that are written together (`214/469/945/972`), with `counties`, `cities` and `zones`."""

    def __init__(self, codes: Mapping[str, AreaCode], zips: Iterable[ZipCode]) -> None:
        self._codes = codes
        self._zips = list(zips)
        self.counties: Shares = defaultdict(Counter)
        self.cities: Shares = defaultdict(Counter)
        self.zones: Shares = defaultdict(Counter)
        self.unmatched = 0
        self.matched = 0
        self._exchanges = self._read_exchanges()
        self._spread()

    def of(self, code: AreaCode, shares: Shares) -> dict[str, float]:
        """The shares in the territories that `code` lies over, largest first, summing to 1; empty where unknown."""
        total: Counter[str] = Counter()
        for territory in code.over:
            total.update(shares.get(territory, Counter()))
        weight = sum(total.values())
        return {name: count / weight for name, count in total.most_common()} if weight else {}

    def _read_exchanges(self) -> dict[str, Counter[str]]:
        """City (folded) to how many exchanges each territory has there; cities of Canada also go to `cities`."""
        found: dict[str, Counter[str]] = defaultdict(Counter)
        whole: list[tuple[str, str]] = []
        for prefix, words in GEOCODE_DATA.items():
            code = self._codes.get(prefix[1:4]) if prefix.startswith("1") else None
            name = words.get("en", "")
            if code is None or code.home is None or ", " not in name or name.rpartition(", ")[2] not in code.states:
                continue
            if len(prefix) == 4:
                whole.append((code.home, name))
                continue
            weight = 10 ** (7 - len(prefix))
            if code.country == "CA":
                self.cities[code.home][name] += weight
            found[_key(name)][code.home] += weight
        served = {territory for counts in found.values() for territory in counts}
        for territory, name in whole:
            if territory not in served:
                found[_key(name)][territory] = WHOLE_CODE_WEIGHT
        return found

    def _spread(self) -> None:
        """Give the population of every ZIP code to territories."""
        centres = self._centres()
        self.matched = sum(sum(counts.values()) for city, counts in self._exchanges.items() if city in centres)
        self.unmatched = sum(sum(counts.values()) for city, counts in self._exchanges.items() if city not in centres)
        cities: dict[str, list[tuple[float, float, Counter[str]]]] = defaultdict(list)
        for city, counts in self._exchanges.items():
            if city in centres:
                cities[city.rpartition(",")[2]].append((*centres[city], counts))
        alone = self._alone()
        for each in self._zips:
            if each.lat is None or (each.population is None and each.state not in alone):
                continue
            counts = alone.get(each.state) or self._exchanges.get(_key(f"{each.city}, {each.state}"))
            if not counts:
                counts = _nearest(cities[each.state.lower()], each)
            self._add(each, counts)

    def _add(self, code: ZipCode, counts: Mapping[str, int]) -> None:
        total = sum(counts.values())
        for territory, count in counts.items():
            people = (code.population or 1) * count / total
            for shares, name in ((self.counties, code.county), (self.cities, code.city)):
                if name is not None:
                    shares[territory][f"{name}, {code.state}"] += people
            if code.zone is not None:
                self.zones[territory][code.zone] += people

    def _centres(self) -> dict[str, tuple[float, float]]:
        """Where the people of each city are, in the middle."""
        sums: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
        for each in self._zips:
            if each.lat is not None and each.city is not None:
                weight = 1 + (each.population or 0)
                for place, value in enumerate((each.lat * weight, each.lon * weight, weight)):
                    sums[_key(f"{each.city}, {each.state}")][place] += value
        return {city: (lat / weight, lon / weight) for city, (lat, lon, weight) in sums.items()}

    def _alone(self) -> dict[str, Counter[str]]:
        """States with one territory: all of it is theirs."""
        of_state: dict[str, set[str]] = defaultdict(set)
        for code in self._codes.values():
            for state in code.states:
                if code.home is not None:
                    of_state[state].add(code.home)
        return {state: Counter(territories) for state, territories in of_state.items() if len(territories) == 1}


def _nearest(cities: list[tuple[float, float, Counter[str]]], code: ZipCode) -> Counter[str]:
    shrink = math.cos(math.radians(code.lat))
    return min(cities, key=lambda city: (city[0] - code.lat) ** 2 + (shrink * (city[1] - code.lon)) ** 2)[2]
