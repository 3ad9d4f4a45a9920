"""Installations that bid for each other's traffic do not ask each other for ever."""

from __future__ import annotations

import pytest

from trunkline.engine.bidders.loops import PASSED_MAX, installation_of, is_loop

pytestmark = pytest.mark.unit

OWN = installation_of(b"secret")


def test_a_question_that_has_passed_us_gets_no_bid() -> None:
    assert is_loop(("other", OWN), OWN)
    assert not is_loop(("other",), OWN)
    assert not is_loop((), OWN)


def test_nor_does_one_whose_way_is_too_long_or_unknown() -> None:
    assert is_loop(None, OWN)
    assert is_loop([f"i{at}" for at in range(PASSED_MAX + 1)], OWN)
    assert not is_loop([f"i{at}" for at in range(PASSED_MAX)], OWN)


def test_the_name_of_an_installation_is_its_own_and_tells_nothing() -> None:
    assert OWN == installation_of(b"secret") != installation_of(b"other")
    assert len(OWN) == 16
    assert OWN.isalnum()
