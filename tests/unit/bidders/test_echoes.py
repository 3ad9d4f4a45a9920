"""What bidders and buyers say in their own words: kept without what they repeat of a person."""

from __future__ import annotations

import pytest

from trunkline.engine.payloads.echoes import without_echoes

pytestmark = pytest.mark.unit

KNOWN = {
    "caller.number": "+15125550100",
    "lead.phone": "+15125550100",
    "lead.email": "ann@example.com",
    "lead.name": "Ann Lee",
    "lead.state": "TX",
    "tag.word": "lead",
    "geo.city": "Austin",
}


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("duplicate: (512) 555-0100", "duplicate: [caller.number]"),
        ("15125550100 called before", "[caller.number] called before"),
        ("+1 512.555.0100", "[caller.number]"),
        ("no more of ANN@Example.com", "no more of [lead.email]"),
        ("ann lee, +15125550100", "[lead.name], [caller.number]"),
        ("Lead of Ann Lee", "[tag.word] of [lead.name]"),
        ("nothing in TX today, nor in Austin", "nothing in TX today, nor in Austin"),
        ("call 18005550199, ticket 123456789", "call 18005550199, ticket 123456789"),
    ],
)
def test_names_stand_in_the_place_of_what_we_have_told(said: str, kept: str) -> None:
    assert without_echoes(said, KNOWN) == kept


def test_who_is_not_known_is_not_looked_for() -> None:
    assert without_echoes("call 18005550199", {"geo.zip": "78701"}) == "call 18005550199"
