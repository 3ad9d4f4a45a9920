"""Posts with a key: what they are answered when they come again and nothing of the answer is on disk."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from trunkline.switch.leads.answers import Answer, answered
from trunkline.switch.leads.idempotency import Posts
from trunkline.switch.leads.orders import LeadAnswer

pytestmark = pytest.mark.unit

NAME = ("acme", "adwave", "key-1")


class NothingOnDisk(Posts):
    """Of a journal that has no answers yet."""

    def _read(self, name: tuple[str, str, str]) -> None:
        return None


@pytest.mark.parametrize(("status", "sold"), [("interrupted", 1), ("failed", 2), ("accepted", 1)])
def test_a_lead_that_was_taken_is_not_sold_again_and_one_that_was_not_is(status: str, sold: int) -> None:
    made: list[Answer] = []

    async def sell() -> Answer:
        made.append(answered(LeadAnswer(lead=f"lead_{len(made)}", status=status), "USD", test=False))
        return made[-1]

    async def run() -> None:
        posts = NothingOnDisk(Path())
        answers = [await posts.once(NAME, b"digest", sell) for _ in range(2)]
        assert answers == ([made[0]] * 2 if sold == 1 else made)
        assert len(made) == sold

    asyncio.run(run())
