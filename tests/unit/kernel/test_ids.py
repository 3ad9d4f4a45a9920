"""Ids: their time part is the whole millisecond in Crockford's base 32, however many were made in between."""

from __future__ import annotations

import pytest

from trunkline.kernel.ids import ALPHABET, Ids

pytestmark = pytest.mark.unit

NOW_MS = 1_764_000_000_000


def time_of(name: str) -> int:
    value = 0
    for character in name.partition("_")[2][:10]:
        value = value * 32 + ALPHABET.index(character)
    return value


@pytest.mark.parametrize("first", [0, NOW_MS, NOW_MS + 1_023, 32**10 - 2_000])
def test_each_id_says_when_it_was_made_across_every_carry(first: int) -> None:
    ids = Ids(bytes)
    made = [(at, ids.make("call", at)) for at in range(first, first + 2_000, 7)]
    assert [time_of(name) for _, name in made] == [at for at, _ in made]
    assert [name for _, name in made] == sorted(name for _, name in made)


def test_a_clock_that_goes_back_is_believed() -> None:
    ids = Ids(bytes)
    times = [NOW_MS, NOW_MS - 5_000, NOW_MS, NOW_MS + 1, NOW_MS - 1]
    assert [time_of(ids.make("att", at)) for at in times] == times


def test_an_id_is_its_kind_ten_characters_of_time_and_sixteen_of_chance() -> None:
    ids = Ids(lambda count: bytes(range(count)))
    assert ids.make("lease", 33) == "lease_" + "0" * 8 + "11" + ALPHABET[:16]
