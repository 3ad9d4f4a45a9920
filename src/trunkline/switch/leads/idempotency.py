"""Posts that come with an `Idempotency-Key`: sent again with the same key and body, they get the same answer.

An answer is kept in the transaction that ends its lead, so a restart changes nothing. What took nothing in (a refusal,
a failure of ours) is not kept: sent again, it is another try.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import msgspec

from trunkline.events.changes import PostKept, PostName
from trunkline.journal.posts import PostsReader
from trunkline.kernel.clock import Instant
from trunkline.switch.leads.answers import Answer, answered, refusal
from trunkline.switch.leads.orders import Kept, LeadAnswer

KEY_CHARS_MAX: Final = 200
KEPT_MAX: Final = 50_000
"""Answers in memory; those before are asked of the disk."""
Name = tuple[str, str, str]
"""Account, publisher and key."""


class _Open(msgspec.Struct):
    """A post that is being answered."""

    digest: bytes
    answer: asyncio.Future[Answer | None]


class Posts:
    """What was posted with which key, and what it was answered."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._reader: PostsReader | None = None
        self._open: dict[Name, _Open] = {}
        self._kept: dict[Name, tuple[bytes, Answer]] = {}

    async def once(self, name: Name, digest: bytes, work: Callable[[], Awaitable[Answer]]) -> Answer:
        """The answer of `work`, or that of the same post before; 409 when something else came with the key."""
        while (waiting := self._open.get(name)) is not None:
            if waiting.digest != digest:
                return _conflict()
            before = await asyncio.shield(waiting.answer)
            if before is not None:
                return before
        known = self._kept.get(name) or self._read(name)
        if known is not None:
            return known[1] if known[0] == digest else _conflict()
        mine = self._open[name] = _Open(digest, asyncio.get_running_loop().create_future())
        answer: Answer | None = None
        try:
            answer = await work()
        finally:
            del self._open[name]
            mine.answer.set_result(answer)
        if answer.tells:
            self._remember(name, digest, answer)
        return answer

    def close(self) -> None:
        """Let the file go."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def _read(self, name: Name) -> tuple[bytes, Answer] | None:
        if self._reader is None:
            self._reader = PostsReader(self._folder)
        found = self._reader.find(*name)
        return None if found is None else (found.digest, Answer(found.status, found.answer))

    def _remember(self, name: Name, digest: bytes, answer: Answer) -> None:
        if len(self._kept) >= KEPT_MAX:
            del self._kept[next(iter(self._kept))]
        self._kept[name] = digest, answer


def keeping(account: str, publisher: str, post: PostName, currency: str, *, test: bool) -> Kept:
    """What is to be written with the answer of a lead that was posted with a key."""

    def kept(answer: LeadAnswer, now: Instant) -> PostKept:
        made = answered(answer, currency, test=test)
        return PostKept(account, publisher, post.key, post.digest, made.status, made.body, now.utc_ms)

    return kept


def _conflict() -> Answer:
    return refusal(409, "idempotency_conflict", "something else was posted with this Idempotency-Key; use a new one")
