"""Settings come from the most specific level that has one, and guards stand at all of them."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from trunkline.config.flows import Prompt
from trunkline.config.schema import (
    Account,
    Buyer,
    Campaign,
    Conversion,
    ConversionRule,
    Kind,
    Plan,
    Recording,
    Route,
    Target,
)
from trunkline.engine.routing.settings import ring_settings
from trunkline.engine.terms.conversion import resolve_conversion

pytestmark = pytest.mark.unit

LEVELS: tuple[Any, ...] = (
    Route(target="desk", key="r"),
    Target(key="desk", buyer="ann", dial="sip:a@127.0.0.1"),
    Buyer(key="ann"),
    Plan(key="main"),
    Campaign(key="camp", flow="f", plan="main"),
    Account(key="acme", timezone="UTC"),
)
"""From the most specific to the least."""


def having(first: int, **setting: Any) -> tuple[Any, ...]:
    """The levels, those from `first` on with the setting as their own: a number is their place."""
    made = []
    for place, level in enumerate(LEVELS):
        own = {name: value(place) for name, value in setting.items()} if place >= first else {}
        made.append(structs.replace(level, **own))
    return tuple(made)


@pytest.mark.parametrize("first", range(len(LEVELS)))
def test_every_setting_of_a_ring_can_stand_at_every_level(first: int) -> None:
    levels = having(
        first,
        ring_seconds=lambda place: 10 + place,
        max_duration_seconds=lambda place: 100 + place,
        caller_id=lambda place: f"+1212555010{place}",
        whisper=lambda place: f"whisper {place}",
        recording=lambda place: Recording(announce=f"announce {place}"),
    )
    ring = ring_settings(*levels)
    assert ring is not None
    assert (ring.ring_seconds, ring.max_duration_seconds) == (10 + first, 100 + first)
    assert ring.caller_id == f"+1212555010{first}"
    assert ring.whisper == Prompt(say=f"whisper {first}")
    assert ring.recording == Recording(announce=f"announce {first}")


NAMES = ["route r", "target desk", "buyer ann", "plan main", "campaign camp", "account acme"]


@pytest.mark.parametrize(("first", "name"), list(enumerate(NAMES)))
def test_what_converts_can_stand_at_every_level(first: int, name: str) -> None:
    def rule(place: int) -> Conversion:
        return Conversion(call=ConversionRule(event="duration", seconds=30 + place))

    terms, words = resolve_conversion(Kind.CALL, *having(first, conversion=rule))
    assert (terms.after_ms, words) == ((30 + first) * 1000, f"{name}: duration")
