"""How long people wait: from a buyer's 200 to audio both ways, and from a caller who goes to the buyer who is told.

A real switch on one core, scripted callers and buyers in this process on the other. Both ends of every call are ours,
so both moments are read off one clock, at the peers: the switch's way, the way of the datagrams and the peers' own
turns are all in it, and so are the up to 20 ms until a telephone sends its next packet.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.load.machine import LOAD_CORE, SERVER_CORE, pinned
from bench.load.script import NUMBER, Scenario, caller_number, configuration

from trunkline.testing.call import PeerCall
from trunkline.testing.peers import Buyer, Caller
from trunkline.testing.scripts import answers, only_rings
from trunkline.testing.switch import SwitchProcess

AT_ONCE = 4
GAP_S = 0.05
HEARD_S = 0.3
"""How long a call goes on after its answer."""
RING_S = 0.1


class Moments:
    """Three lists of milliseconds, one entry a call."""

    def __init__(self) -> None:
        self.two_way_ms: list[float] = []
        self.bye_ms: list[float] = []
        self.cancel_ms: list[float] = []


def measure(folder: Path, calls: int) -> Moments:
    """Make `calls` calls that are answered and `calls` that are given up while they ring."""
    with pinned(LOAD_CORE):
        return asyncio.run(_measure(folder, calls))


async def _measure(folder: Path, calls: int) -> Moments:
    found = Moments()
    async with Buyer(answers(RING_S)) as takes, Buyer(only_rings()) as rings, Caller() as caller:
        with _switch(folder / "takes", takes) as sip:
            await _make(calls, lambda index: _talk(caller, takes, sip, index, found))
        with _switch(folder / "rings", rings) as sip:
            await _make(calls, lambda index: _give_up(caller, rings, sip, index, found))
    return found


@contextmanager
def _switch(folder: Path, buyer: Buyer) -> Iterator[str]:
    """A switch that sells to one buyer; its address."""
    at = f"{buyer.host}:{buyer.port}"
    switch = SwitchProcess(configuration(at, at, Scenario.PLAIN), folder, legs=200)
    try:
        with pinned(SERVER_CORE):
            switch.start()
        yield switch.sip
        switch.stop()
    finally:
        switch.kill()


async def _make(calls: int, make: Callable[[int], Awaitable[None]]) -> None:
    """Start one after the other, a moment apart, a few at a time."""
    room = asyncio.Semaphore(AT_ONCE)

    async def one(index: int) -> None:
        async with room:
            await make(index)

    tasks = []
    for index in range(calls):
        tasks.append(asyncio.create_task(one(index)))
        await asyncio.sleep(GAP_S)
    await asyncio.gather(*tasks)


async def _talk(caller: Caller, buyer: Buyer, sip: str, index: int, found: Moments) -> None:
    number = caller_number(index)
    call = caller.dial(f"sip:{NUMBER}@{sip}", number)
    await call.wait_answered()
    other = _of(buyer, number)
    await call.pause(HEARD_S)
    assert other.answered_at is not None
    assert call.audio.first_heard_at is not None, "the caller never heard the buyer"
    assert other.audio.first_heard_at is not None, "the buyer never heard the caller"
    both_at = max(call.audio.first_heard_at, other.audio.first_heard_at)
    found.two_way_ms.append(1000 * (both_at - other.answered_at))
    found.bye_ms.append(await _gone(call, other))


async def _give_up(caller: Caller, buyer: Buyer, sip: str, index: int, found: Moments) -> None:
    number = caller_number(index)
    call = caller.dial(f"sip:{NUMBER}@{sip}", number)
    await call.wait_ringing()
    found.cancel_ms.append(await _gone(call, _of(buyer, number)))


async def _gone(call: PeerCall, other: PeerCall) -> float:
    """Let the caller go; the milliseconds until the buyer is told."""
    left_at = call.now()
    call.hang_up()
    await other.wait_over()
    assert other.over_at is not None
    return 1000 * (other.over_at - left_at)


def _of(buyer: Buyer, number: str) -> PeerCall:
    return next(call for call in reversed(buyer.calls) if call.caller == number)
