"""Scripted callers and buyers meet each other directly, over real sockets of loopback."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from trunkline.codec.g711 import Law, decode, encode
from trunkline.codec.tones import tone
from trunkline.testing.call import PeerCall
from trunkline.testing.peers import (
    Buyer,
    Caller,
    CallOver,
    CallRefused,
    PeerTimeout,
    answers,
    busy,
    calls,
    declines,
    gives_up,
    only_rings,
    refuses,
    silent,
)
from trunkline.testing.scripts import talk

pytestmark = pytest.mark.integration

NUMBER = "+15125550100"
LOW = tone((400,), 0.3, 600)
HIGH = tone((700,), 0.3, 600)


def carried(pcm: bytes, law: Law = Law.PCMU) -> bytes:
    """What is left of it after G.711."""
    return decode(law, encode(law, pcm))


def test_each_hears_the_other_to_the_sample() -> None:
    async def scene() -> None:
        async with Buyer(answers(0.1, say=HIGH, talk_s=1.5)) as buyer, Caller() as caller:
            call = await caller.call(buyer.uri("desk"), NUMBER, calls(say=LOW))
            taken = buyer.calls[0]
            assert (taken.dialled, taken.caller) == ("desk", NUMBER)
            assert (call.status, call.ended_by, taken.ended_by) == (200, "peer", "us")
            assert carried(HIGH) in call.audio.heard()
            assert carried(LOW) in taken.audio.heard()
            assert 1.4 < call.talked_s < 4

    asyncio.run(scene())


def test_a_law_law_is_spoken_when_only_that_is_offered() -> None:
    async def scene() -> None:
        async with Buyer(answers(say=HIGH, talk_s=1.0)) as buyer, Caller() as caller:
            call = await caller.call(buyer.uri(), NUMBER, calls(say=LOW), codecs=("PCMA",))
            assert carried(HIGH, Law.PCMA) in call.audio.heard()
            assert carried(LOW, Law.PCMA) in buyer.calls[0].audio.heard()

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("script", "status"),
    [(busy(), 486), (declines(0.05), 603), (refuses(404), 404), (only_rings(0.1), 480)],
    ids=["busy", "declines", "404", "only rings"],
)
def test_refusals(script: Callable[[PeerCall], Awaitable[None]], status: int) -> None:
    async def scene() -> None:
        async with Buyer(script) as buyer, Caller() as caller:
            call = await caller.call(buyer.uri(), NUMBER, calls())
            assert (call.status, call.answered_at, call.ended_by) == (status, None, "peer")
            assert call.fault is None

    asyncio.run(scene())


def test_giving_up_cancels_and_the_buyer_learns_it() -> None:
    async def scene() -> None:
        async with Buyer(only_rings()) as buyer, Caller() as caller:
            call = await caller.call(buyer.uri(), NUMBER, gives_up(0.2))
            assert (call.rang, call.status, call.ended_by) == ([180], 487, "us")
            assert (buyer.calls[0].over, buyer.calls[0].ended_by) == (True, "peer")

    asyncio.run(scene())


def test_silence_is_no_response_at_all() -> None:
    async def scene() -> None:
        async with Buyer(silent()) as buyer, Caller() as caller:
            call = caller.dial(buyer.uri(), NUMBER)
            with pytest.raises(PeerTimeout, match="an answer"):
                await call.wait_answered(0.7)
            assert (call.rang, call.status) == ([], None)
            assert len(buyer.calls) == 1, "the repeated INVITE is no second call"

    asyncio.run(scene())


@pytest.mark.parametrize("by", ["rtp", "info"])
def test_keys_arrive_once_each(by: str) -> None:
    async def pressing(call: PeerCall) -> None:
        await call.wait_answered()
        await call.press("1*70#", by=by, key_ms=60)  # type: ignore[arg-type]
        await talk(call, None, seconds=0.3)

    async def scene() -> None:
        async with Buyer(answers()) as buyer, Caller() as caller:
            await caller.call(buyer.uri(), NUMBER, pressing)
            assert buyer.calls[0].audio.digits_heard == ("1*70#" if by == "rtp" else "")
            assert buyer.calls[0].infos == ([] if by == "rtp" else list("1*70#"))

    asyncio.run(scene())


def test_prompts_are_answered_one_after_the_other() -> None:
    asked: list[str] = []

    async def menu(call: PeerCall) -> None:
        call.answer()
        for count in (1, 6):
            await call.say(LOW)
            asked.append(await call.wait_digits(count))
        call.hang_up()

    async def scene() -> None:
        async with Buyer(menu) as buyer, Caller() as caller:
            await caller.call(buyer.uri(), NUMBER, calls(("1", "78701")))
            assert asked == ["1", "178701"]

    asyncio.run(scene())


def test_an_echo_comes_back() -> None:
    async def scene() -> None:
        async with Buyer(answers(echo=True)) as buyer, Caller() as caller:
            call = await caller.call(buyer.uri(), NUMBER, calls(say=LOW, hang_up_after_s=1.2))
            assert carried(LOW) in call.audio.heard()

    asyncio.run(scene())


def test_hold_stops_the_other_side_and_resume_lets_it_speak() -> None:
    async def scene() -> None:
        async with Buyer(answers(say=HIGH, repeat=True)) as buyer, Caller() as caller:
            call = caller.dial(buyer.uri(), NUMBER)
            await call.wait_heard()
            call.hold()
            await call.wait_quiet(0.5)
            heard = call.audio.packets_heard
            await call.pause(0.2)
            assert call.audio.packets_heard == heard
            call.hold(False)
            await call.wait_heard()
            call.hang_up()

    asyncio.run(scene())


def test_waiting_on_a_call_that_is_over_says_so() -> None:
    async def scene() -> None:
        async with Buyer(busy()) as refusing, Buyer(answers(talk_s=0.1)) as leaving, Caller() as caller:
            call = caller.dial(refusing.uri(), NUMBER)
            with pytest.raises(CallRefused) as refused:
                await call.wait_answered()
            assert refused.value.status == 486
            call = caller.dial(leaving.uri(), NUMBER)
            with pytest.raises(CallOver):
                await call.pause(5)

    asyncio.run(scene())


def test_an_error_of_a_script_comes_out() -> None:
    async def broken(call: PeerCall) -> None:
        call.answer()
        raise ValueError("a mistake in the script")

    async def scene() -> None:
        async with Caller() as caller, Buyer(broken) as buyer:
            call = await caller.call(buyer.uri(), NUMBER, calls())
            assert call.ended_by == "peer"

    with pytest.raises(ValueError, match="a mistake in the script"):
        asyncio.run(scene())


def test_closing_hangs_up_what_goes_on() -> None:
    async def scene() -> None:
        async with Buyer(answers()) as buyer:
            async with Caller() as caller:
                call = caller.dial(buyer.uri(), NUMBER)
                await call.wait_answered()
            assert call.over
            await buyer.calls[0].wait_over(2)
            assert buyer.calls[0].ended_by == "peer"

    asyncio.run(scene())


def test_a_line_without_script_takes_no_calls() -> None:
    async def scene() -> None:
        async with Caller() as deaf, Caller() as caller:
            call = await caller.call(deaf.uri(), NUMBER, calls())
            assert call.status == 600

    asyncio.run(scene())


def test_what_waits_to_be_said_is_bounded() -> None:
    async def scene() -> None:
        async with Buyer(answers()) as buyer, Caller() as caller:
            call = caller.dial(buyer.uri(), NUMBER)
            await call.wait_answered()
            with pytest.raises(ValueError, match="would wait"):
                call.audio.say(bytes(16_000 * 301))
            with pytest.raises(ValueError, match="are not at most"):
                call.audio.press("12x")

    asyncio.run(scene())
