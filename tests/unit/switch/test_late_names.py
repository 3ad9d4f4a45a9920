"""A target whose address is found after its offer was written: its leg is on disk before its INVITE leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from trunkline.config.trunks import Trunk, TrunkOutbound
from trunkline.engine.calls import inputs as i
from trunkline.engine.routing.offer import Ring
from trunkline.events.changes import LegDrop, LegPut
from trunkline.journal.errors import JournalUnavailable
from trunkline.kernel.clock import Instant
from trunkline.sip.endpoint import EndpointConfig, Hop, SipEndpoint
from trunkline.switch.buyers import Buyers
from trunkline.switch.metrics import Metrics
from trunkline.switch.registry import Registry
from trunkline.switch.trunk_load import TrunkLoads
from trunkline.telephony.sip.names import Unresolved
from trunkline.telephony.sip.servers import Place

pytestmark = pytest.mark.unit

RING = Ring(
    dial="sip:desk@pbx.example",
    trunks=(),
    ring_seconds=25,
    first_response_seconds=4,
    caller_id="caller",
    max_duration_seconds=60,
)


class Names:
    """A resolver whose answer the test gives."""

    def __init__(self) -> None:
        self.answer: asyncio.Future[tuple[Hop, ...]] = asyncio.get_running_loop().create_future()

    def servers(self, place: Place) -> None:
        """Not known yet."""

    async def resolve(self, place: Place) -> tuple[Hop, ...]:
        """What the test will say."""
        return await self.answer


class Call:
    """What `Buyers` need of a live call: the journal is the test's, the SIP core is real."""

    def __init__(self) -> None:
        self.endpoint = SipEndpoint(EndpointConfig("203.0.113.1", 5060), lambda count: b"\1" * count)
        self.names = Names()
        self.kept: list[object] = []
        self.saved: list[asyncio.Future[int]] = []
        self.told: list[i.Input] = []
        media = SimpleNamespace(open=self._open, close=lambda leg: None)
        self.plant: Any = SimpleNamespace(
            loop=asyncio.get_running_loop(),
            names=self.names,
            entropy=bytes,
            metrics=Metrics(),
            media=media,
            sip=SimpleNamespace(
                endpoint=self.endpoint, now=lambda: 0.0, public=("203.0.113.1", 5060), flush=lambda: None
            ),
            clock=lambda: Instant(0, 0),
            loads=TrunkLoads(),
            health=SimpleNamespace(usable=lambda hops: hops),
        )
        self.registry = Registry()
        self.world = SimpleNamespace(trunks={})
        context = SimpleNamespace(account="acme", call="call", contact="contact", caller="+15125550100", number="+1833")
        self.machine = SimpleNamespace(context=context)
        self.caller = SimpleNamespace(codec="PCMU", hops=69)
        self.routing_ns = 0
        self.buyers = Buyers(self)  # type: ignore[arg-type]

    def _open(self, leg: str, call: str) -> Any:
        return SimpleNamespace(leg=leg, host="203.0.113.1", port=16_384)

    def keep(self, change: object) -> None:
        """A change for the next append."""
        self.kept.append(change)

    def save(self) -> asyncio.Future[int]:
        """An append that is durable when the test says so."""
        assert [type(change) for change in self.kept] == [LegPut]
        self.saved.append(asyncio.get_running_loop().create_future())
        return self.saved[-1]

    def tell(self, event: i.Input | None) -> None:
        """What the machine hears."""
        if event is not None:
            self.told.append(event)

    def sent(self) -> list[str]:
        """Methods of the requests that have left since the last look."""
        return [datagram.data.split(b" ", 1)[0].decode() for datagram in self.endpoint.datagrams()]


def test_a_trunk_that_is_full_when_its_name_is_found_carries_no_more() -> None:
    async def run() -> None:
        call = Call()
        outbound = TrunkOutbound(proxy="sip:gw.example")
        call.world.trunks = {"carrier": Trunk(key="carrier", default_country="US", max_live=1, outbound=outbound)}
        call.world.logins = SimpleNamespace(ours={})
        ring = msgspec.structs.replace(RING, dial="+15125550123", trunks=("carrier",))
        call.buyers.prepare("att", ring)
        assert call.buyers.ring("att") == []
        call.plant.loads.of("carrier").begin(0)  # another call, while the name was looked up
        call.names.answer.set_result((Hop("192.0.2.7", 5060),))
        await settle()
        assert (call.sent(), call.kept) == ([], [])
        assert call.told == [i.BuyerUnreachable("att", "trunk_limit", 0)]

    asyncio.run(run())


async def settle() -> None:
    """Let everything run that can run now."""
    for _ in range(5):
        await asyncio.sleep(0)


def on_call(work: Callable[[Call], Awaitable[None]]) -> None:
    """Do `work` with a call whose offer to RING is written while its name is being looked up."""

    async def run() -> None:
        call = Call()
        call.buyers.prepare("att", RING)
        await settle()
        await work(call)

    asyncio.run(run())


@pytest.mark.parametrize("wanted_first", [True, False])
def test_the_invite_leaves_when_its_leg_is_durable_and_not_before(wanted_first: bool) -> None:
    async def work(call: Call) -> None:
        if wanted_first:
            assert call.buyers.ring("att") == []
        call.names.answer.set_result((Hop("192.0.2.7", 5060),))
        await settle()
        if not wanted_first:
            assert call.buyers.ring("att") == [], "the offer is durable and the leg is not"
        await settle()
        assert (call.sent(), call.told) == ([], [])
        call.saved[0].set_result(1)
        await settle()
        assert call.sent() == ["INVITE"]
        assert [type(event) for event in call.told] == [i.Dialled]

    on_call(work)


def test_a_leg_that_is_durable_before_the_offer_waits_for_it() -> None:
    async def work(call: Call) -> None:
        call.names.answer.set_result((Hop("192.0.2.7", 5060),))
        await settle()
        call.saved[0].set_result(1)
        await settle()
        assert (call.sent(), call.told) == ([], [])
        assert [type(news) for news in call.buyers.ring("att")] == [i.Dialled]
        assert call.sent() == ["INVITE"]

    on_call(work)


def test_a_phone_of_a_group_that_is_let_go_while_its_name_is_looked_up_never_rings() -> None:
    async def run() -> None:
        call = Call()
        call.buyers.prepare("att", msgspec.structs.replace(RING, also_dial=("sip:mobile@pbx.example",)))
        assert sorted(call.registry.media) == ["att", "att.2"]
        assert call.buyers.ring("att") == []
        call.buyers.drop("att", 1, "elsewhere")
        assert call.kept.pop() == LegDrop("att.2")
        call.names.answer.set_result((Hop("192.0.2.7", 5060),))
        await settle()
        call.saved[0].set_result(1)
        await settle()
        assert call.sent() == ["INVITE"]
        assert [(type(event), event.leg) for event in call.told] == [(i.Dialled, 0)]  # type: ignore[union-attr]
        assert (len(call.saved), list(call.registry.media)) == (1, ["att"])
        assert call.buyers.get("att", 1) is None

    asyncio.run(run())


@pytest.mark.parametrize("found_first", [True, False])
def test_a_caller_who_goes_meanwhile_leaves_nobody_ringing_and_no_leg_behind(found_first: bool) -> None:
    async def work(call: Call) -> None:
        assert call.buyers.ring("att") == []
        if found_first:
            call.names.answer.set_result((Hop("192.0.2.7", 5060),))
            await settle()
        call.buyers.hang_up("att")
        if found_first:
            call.saved[0].set_result(1)
        else:
            call.names.answer.set_result((Hop("192.0.2.7", 5060),))
        await settle()
        assert (call.sent(), call.told) == ([], [])
        assert call.kept[-1] == LegDrop("att")
        assert call.registry.media == {}

    on_call(work)


@pytest.mark.parametrize(
    ("error", "reason", "logged"),
    [
        (Unresolved("pbx.example has no address"), "dns", False),
        (RuntimeError("a bug of ours"), "internal_error", True),
    ],
)
def test_a_lookup_that_fails_ends_the_attempt(
    error: Exception, reason: str, logged: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async def work(call: Call) -> None:
        assert call.buyers.ring("att") == []
        call.names.answer.set_exception(error)
        await settle()
        assert call.told == [i.BuyerUnreachable("att", reason)]

    on_call(work)
    assert ("a bug of ours" in caplog.text) == logged


def test_a_lookup_that_fails_before_the_offer_is_durable_ends_the_attempt_then() -> None:
    async def work(call: Call) -> None:
        call.names.answer.set_exception(RuntimeError("a bug of ours"))
        await settle()
        assert call.told == []
        assert call.buyers.ring("att") == [i.BuyerUnreachable("att", "internal_error")]

    on_call(work)


def test_a_leg_that_cannot_be_written_is_not_rung() -> None:
    async def work(call: Call) -> None:
        assert call.buyers.ring("att") == []
        call.names.answer.set_result((Hop("192.0.2.7", 5060),))
        await settle()
        call.saved[0].set_exception(JournalUnavailable("no room"))
        await settle()
        assert call.sent() == []
        assert call.told == [i.BuyerUnreachable("att", "journal")]

    on_call(work)
