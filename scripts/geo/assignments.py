"""Reads `area_codes.txt`: which codes there are, whose they are, and which of them share a territory."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

SOURCE = Path(__file__).with_name("area_codes.txt")


@dataclass(frozen=True)
class AreaCode:
    """One code. `zones` are (zone, share or None to be computed); `country` and `states` may be empty.

    A territory is named by its codes as they are written (`214/469/945/972`). `home` is the code's own, None for one
    that only lies over those of others; `over` are all that it serves.
    """

    code: str
    country: str
    states: tuple[str, ...]
    zones: tuple[tuple[str, float | None], ...]
    home: str | None
    over: tuple[str, ...]


def read() -> dict[str, AreaCode]:
    """All codes. A code that stands twice, or lies over one that does not stand here, ends the build."""
    codes: dict[str, AreaCode] = {}
    territory: dict[str, str] = {}
    for line in SOURCE.read_text().splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        country, states, zones, *groups = line.split()
        for group in groups:
            names, _, below = group.partition("=")
            over = below.split("+") if below else names.split("/")[:1]
            for code in names.split("/"):
                assert code not in codes, f"{code} stands twice"
                territory[code] = names
                codes[code] = AreaCode(
                    code,
                    "" if country == "*" else country,
                    () if states == "-" else tuple(states.split(",")),
                    () if zones == "-" else tuple(_zone(zone) for zone in zones.split(",")),
                    names if not below or code in over else None,
                    tuple(over),
                )
    return {code: replace(each, over=tuple(territory[one] for one in each.over)) for code, each in codes.items()}


def _zone(text: str) -> tuple[str, float | None]:
    name, _, share = text.partition(":")
    return name, float(share) if share else None
