"""When something is tried again, and when never."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.engine.leads.retries import (
    CHANCES,
    FIRST_WAIT_MS,
    LONGEST_WAIT_MS,
    POST_LEFT_MS,
    POST_TRIES_MAX,
    Failed,
    next_try_ms,
    post_again_ms,
)

pytestmark = pytest.mark.unit

NOW = 1_700_000_000_000
PASSING = Failed(reason="unreachable")
MIDDLE = CHANCES // 2


def waits(tries_max: int) -> list[float]:
    found = []
    tries = 1
    while (due := next_try_ms(PASSING, tries, tries_max, NOW, MIDDLE)) is not None:
        found.append(round((due - NOW) / 60_000, 1))
        tries += 1
    return found


def test_waits_double_up_to_three_hours() -> None:
    assert [round(wait) for wait in waits(16)] == [1, 2, 4, 8, 16, 32, 64, 128, *[180] * 7]
    assert sum(waits(16)) > 24 * 60
    assert waits(1) == []


@given(tries=st.integers(1, 60), chance=st.integers(0, CHANCES - 1))
def test_chance_moves_a_wait_by_a_quarter_at_most(tries: int, chance: int) -> None:
    due = next_try_ms(PASSING, tries, 100, NOW, chance)
    assert due is not None
    whole = min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (tries - 1))
    assert abs(due - NOW - whole) <= whole / 4 + 1


def test_what_cannot_help_is_not_tried_again() -> None:
    assert next_try_ms(Failed(reason="rejected", permanent=True), 1, 16, NOW, MIDDLE) is None
    assert next_try_ms(PASSING, 16, 16, NOW, MIDDLE) is None
    assert next_try_ms(PASSING, 15, 16, NOW, MIDDLE) is not None


def test_who_says_how_long_is_waited_for_within_reason() -> None:
    asked = Failed(reason="http_error", after_ms=600_000)
    assert next_try_ms(asked, 1, 16, NOW, MIDDLE) == NOW + 600_000
    assert next_try_ms(asked, 9, 16, NOW, MIDDLE) == next_try_ms(PASSING, 9, 16, NOW, MIDDLE)
    assert next_try_ms(Failed(reason="x", after_ms=10**12), 1, 16, NOW, MIDDLE) == NOW + LONGEST_WAIT_MS


@pytest.mark.parametrize(
    ("passing", "sent", "idempotent", "tries", "left_ms", "wait_ms"),
    [
        (True, False, False, 1, 5_000, 50),
        (True, False, False, 2, 5_000, 100),
        (True, True, True, 1, 5_000, 50),
        (True, True, False, 1, 5_000, None),
        (False, False, True, 1, 5_000, None),
        (True, False, True, POST_TRIES_MAX, 5_000, None),
        (True, False, False, 1, 50 + POST_LEFT_MS, 50),
        (True, False, False, 1, 49 + POST_LEFT_MS, None),
    ],
)
def test_posts_are_repeated_only_where_that_is_safe(
    *, passing: bool, sent: bool, idempotent: bool, tries: int, left_ms: int, wait_ms: int | None
) -> None:
    found = post_again_ms(passing=passing, sent=sent, idempotent=idempotent, tries=tries, left_ms=left_ms)
    assert found == wait_ms
