"""A few leads in each turn of the loop, in their order."""

from __future__ import annotations

import asyncio

import pytest

from trunkline.switch.leads.turns import Turns

pytestmark = pytest.mark.unit


async def begin(count: int, at_once: int, *, gone: frozenset[int] = frozenset()) -> list[list[int]]:
    """Who begins in which turn of the loop, until everybody has."""
    loop = asyncio.get_running_loop()
    turns, begun = Turns(at_once), [0]
    seen: list[list[int]] = []

    async def lead(number: int) -> None:
        await turns.mine()
        while len(seen) <= begun[0]:
            seen.append([])
        seen[begun[0]].append(number)

    tasks = [loop.create_task(lead(number)) for number in range(count)]
    for _ in range(4 * count + 4):
        await asyncio.sleep(0)
        begun[0] += 1
        for number in gone:
            tasks[number].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return [each for each in seen if each]


def test_a_burst_is_spread_over_turns_in_its_order() -> None:
    seen = asyncio.run(begin(10, 3))
    assert [number for turn in seen for number in turn] == list(range(10))
    assert all(len(turn) <= 3 for turn in seen)
    assert len(seen) >= 4


def test_who_comes_alone_waits_for_nobody() -> None:
    assert asyncio.run(begin(2, 3)) == [[0, 1]]


def test_who_has_gone_keeps_no_place() -> None:
    seen = asyncio.run(begin(6, 1, gone=frozenset({2, 3})))
    assert [number for turn in seen for number in turn] == [0, 1, 4, 5]
