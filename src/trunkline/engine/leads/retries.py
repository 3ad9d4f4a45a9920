"""Whether, and when, something that did not go out is tried again. Pure: chance and the clock come in.

Two cases that have nothing to do with each other. What is queued has time: the waits double from a minute to three
hours, each a quarter shorter or longer by chance, so that what failed together does not come back together; sixteen
tries last a little more than a day. A post that a lead waits for has the rest of its deadline, and is only posted again
where that cannot make two leads of one: nothing was sent, or the buyer takes one `Idempotency-Key` once.
"""

from __future__ import annotations

from typing import Final

import msgspec

FIRST_WAIT_MS: Final = 60_000
LONGEST_WAIT_MS: Final = 3 * 3_600_000
CHANCES: Final = 1_000
"""`chance` is a whole number below this."""
POST_WAIT_MS: Final = 50
POST_TRIES_MAX: Final = 3
POST_LEFT_MS: Final = 100
"""Time that must be left for a post to be worth its while."""
DETAIL_MAX: Final = 200


class Sent(msgspec.Struct, frozen=True):
    """It went out; `name` is what the other side can find it by."""

    name: str


class Failed(msgspec.Struct, frozen=True, kw_only=True):
    """It did not go out. `reason` is a code, `detail` what was heard, in words.

    `permanent`: trying the same again cannot help. `after_ms`: the other side says how long to wait.
    """

    reason: str
    detail: str = ""
    permanent: bool = False
    after_ms: int = 0


def next_try_ms(failed: Failed, tries: int, tries_max: int, now_ms: int, chance: int) -> int | None:
    """When to try again after the `tries`th failure; None when there is no use, or it was the last of `tries_max`."""
    assert tries > 0
    assert 0 <= chance < CHANCES
    if failed.permanent or tries >= tries_max:
        return None
    wait_ms = min(LONGEST_WAIT_MS, FIRST_WAIT_MS << min(tries - 1, 20))
    spread_ms = wait_ms // 2
    wait_ms += spread_ms * chance // (CHANCES - 1) - spread_ms // 2
    return now_ms + max(wait_ms, min(failed.after_ms, LONGEST_WAIT_MS))


def post_again_ms(*, passing: bool, sent: bool, idempotent: bool, tries: int, left_ms: int) -> int | None:
    """How long to wait before a post is posted again within its deadline; None when it is not.

    `passing`: the fault is one that may pass (nobody listens, the connection broke). `sent`: the buyer may have it.
    """
    if not passing or tries >= POST_TRIES_MAX or (sent and not idempotent):
        return None
    wait_ms = POST_WAIT_MS << (tries - 1)
    return wait_ms if wait_ms + POST_LEFT_MS <= left_ms else None
