"""Whatever a file holds, reading it as a table gives an import that can be kept, or says why not."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trunkline.engine.geo.imports import UnusableImport, read_import
from trunkline.engine.geo.overlay import DamagedImport, Overlay, from_bytes, to_bytes
from trunkline.engine.routing.attributes import Origin, derive

pytestmark = pytest.mark.property

HEADS = st.lists(
    st.sampled_from("NPA NXX NPA-NXX STATE CITY COUNTY ZIP LAT LON USE COUNTRY PARENT".split()), min_size=1, max_size=8
)  # fmt: skip
FIELDS = st.one_of(
    st.sampled_from(
        ["512", "236", "512-236", "TX", "ON", "Ontario", "Austin", "78701", "nan", "30.2", "-97.7", "AS", ""]
    ),
    st.text(max_size=6),
)


@given(st.binary(max_size=300))
@settings(max_examples=100)
def test_any_bytes(content: bytes) -> None:
    with suppress(UnusableImport):
        read_import(content, "x")
    with suppress(DamagedImport):
        from_bytes(content)


@given(HEADS, st.lists(st.lists(FIELDS, max_size=8), max_size=6), st.sampled_from([",", "\t", ";", "|"]))
@settings(max_examples=150, deadline=None)
def test_any_table(heads: list[str], rows: list[list[str]], sign: str) -> None:
    text = "\n".join(sign.join(line) for line in [heads, *rows])
    imported = None
    with suppress(UnusableImport):
        imported = read_import(text.encode(errors="replace"), "x")
    if imported is None:
        return
    overlay = Overlay(imported.contents)
    assert Overlay(from_bytes(to_bytes(imported.contents))).version == overlay.version != ""
    for number in ("+15122360100", "+12225550100", "+18335550100"):
        for name, fact in derive(Origin(zone="UTC", caller=number, publisher="p", overlay=overlay), {}, 0).items():
            assert bool(fact.value) != bool(fact.chances), name
