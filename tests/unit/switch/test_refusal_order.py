"""No caller is refused before the call is on disk, whoever ends it."""

from __future__ import annotations

import asyncio
from collections import deque
from types import SimpleNamespace
from typing import Any

import pytest

from trunkline.config.trunks import Trunk
from trunkline.engine.calls import commands as c
from trunkline.engine.calls import inputs as i
from trunkline.kernel.clock import Instant
from trunkline.switch.livecall import LiveCall

pytestmark = pytest.mark.unit

NOW = Instant(1, 1)
Refused = list[tuple[int, tuple[tuple[str, str], ...]]]


def call_with(refused: Refused, responses: dict[str, int] | None = None) -> Any:
    """A call that was not answered, of which only the caller's leg is there."""
    call: Any = LiveCall.__new__(LiveCall)
    endpoint = SimpleNamespace(
        reject=lambda leg, status, now_s, headers: refused.append((status, headers)),
    )
    call.plant = SimpleNamespace(sip=SimpleNamespace(endpoint=endpoint, now=lambda: 0.0, flush=lambda: None))
    call.caller = SimpleNamespace(sip=1, trunk=Trunk(key="lo", responses=responses or {}))
    call.answered = False
    return call


def test_a_refusal_waits_for_the_first_append_and_for_no_other() -> None:
    async def run() -> None:
        refused: Refused = []
        call = call_with(refused)
        call._first_append = asyncio.get_running_loop().create_future()
        call._hang_up_caller(c.HangUpCaller(503), NOW)
        await asyncio.sleep(0)
        assert refused == []
        call._first_append.set_result(None)
        await asyncio.sleep(0)
        assert refused == [(503, (("Retry-After", "10"),))]
        call._hang_up_caller(c.HangUpCaller(480), NOW)
        assert refused[1:] == [(480, ())], "at once: the call is on disk"

    asyncio.run(run())


def test_a_trunk_may_want_another_status_and_gets_no_retry_after_with_it() -> None:
    refused: Refused = []
    call = call_with(refused, {"503": 480, "480": 503})
    call._first_append = None
    call._hang_up_caller(c.HangUpCaller(503), NOW)
    call._hang_up_caller(c.HangUpCaller(480), NOW)
    call._hang_up_caller(c.HangUpCaller(486), NOW)
    assert refused == [(480, ()), (503, (("Retry-After", "10"),)), (486, ())]


def test_what_people_wait_for_leaves_before_anything_is_written() -> None:
    done: list[str] = []
    call: Any = LiveCall.__new__(LiveCall)
    sip = SimpleNamespace(send_pending=lambda: done.append("sent"), flush=lambda: done.append("flushed"))
    call.plant = SimpleNamespace(sip=sip, clock=lambda: NOW)
    call.machine = SimpleNamespace(
        handle=lambda _event, _now: done.append("handled") or [],
        next_timer=lambda: None,
        is_due=lambda _now: False,
    )
    call._append = lambda *, patient: done.append("written")
    call._inbox, call._running, call._over, call._timer = deque[i.Input](), False, False, None
    call.tell(i.CallerLeft())
    assert done == ["handled", "sent", "written", "flushed"]


def test_what_is_due_at_once_is_earned_at_once() -> None:
    heard: list[i.Input] = []
    call: Any = LiveCall.__new__(LiveCall)
    sip = SimpleNamespace(send_pending=lambda: None, flush=lambda: None)
    call.plant = SimpleNamespace(sip=sip, clock=lambda: NOW)
    call.machine = SimpleNamespace(
        handle=lambda event, _now: heard.append(event) or [],
        next_timer=lambda: None,
        is_due=lambda _now: len(heard) < 2,
    )
    appended: list[int] = []
    call._append = lambda *, patient: appended.append(len(heard))
    call._inbox, call._running, call._over, call._timer = deque[i.Input](), False, False, None
    call.tell(i.BuyerAnswered("att", 1))
    assert heard == [i.BuyerAnswered("att", 1), i.Tick()]
    assert appended == [2], "one append holds both"
