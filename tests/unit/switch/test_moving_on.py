"""A leg whose server did not take the call: the next INVITE leaves when its identifiers are on disk, and not before."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from random import Random
from types import SimpleNamespace

import msgspec
import pytest
from tests.unit.switch.test_late_names import RING, Call, settle

from trunkline.engine.calls import inputs as i
from trunkline.events.calls import AttemptMoved
from trunkline.events.changes import LegDrop, LegPut
from trunkline.journal.errors import JournalUnavailable
from trunkline.sip.endpoint import EndpointConfig, Hop, SipEndpoint
from trunkline.sip.message import parse
from trunkline.switch.legs import BuyerLeg
from trunkline.telephony.sip.servers import Place

pytestmark = pytest.mark.unit

FIRST, SECOND = Hop("192.0.2.7", 5060), Hop("192.0.2.8", 5060)
SILENT = i.BuyerSilent("att")


class Moving(Call):
    """A call whose target has two servers, the first of which has been asked."""

    def __init__(self) -> None:
        super().__init__()
        random = Random(1)
        self.endpoint = self.plant.sip.endpoint = SipEndpoint(EndpointConfig("203.0.113.1", 5060), random.randbytes)
        self.plant.names = SimpleNamespace(servers=self._servers)
        self.health: list[tuple[Hop, str]] = []
        self.plant.health = SimpleNamespace(
            usable=lambda hops: hops,
            failed=lambda hop, reason: self.health.append((hop, reason)),
            worked=lambda hop: self.health.append((hop, "")),
        )
        self.noted: list[object] = []
        self.buyers.prepare("att", RING)
        self.kept.clear()
        (self.dialled,) = self.buyers.ring("att")
        assert self.sent() == ["INVITE"]

    def _servers(self, place: Place) -> tuple[Hop, ...]:
        return (FIRST, SECOND)

    def note(self, event: object) -> None:
        """An event for the next append."""
        self.noted.append(event)

    @property
    def leg(self) -> BuyerLeg:
        """The leg of the attempt."""
        leg = self.buyers.get("att")
        assert leg is not None
        return leg

    def sent_to(self) -> list[tuple[str, Hop]]:
        """Methods of what has left, and to whom."""
        return [(each.data.split(b" ", 1)[0].decode(), each.destination) for each in self.endpoint.datagrams()]


def on_move(work: Callable[[Moving], Awaitable[None]]) -> None:
    async def run() -> None:
        await work(Moving())

    asyncio.run(run())


def test_the_next_server_is_asked_when_its_leg_is_durable_under_a_name_of_its_own() -> None:
    async def work(call: Moving) -> None:
        before = call.leg.sip
        assert call.buyers.failed(call.leg, None, "no_response", SILENT)
        await settle()
        assert call.sent_to() == []
        (put,) = call.kept
        assert isinstance(put, LegPut)
        assert (put.leg.leg, put.leg.attempt, put.leg.confirmed) == ("att~2", "att", False)
        (moved,) = call.noted
        assert isinstance(moved, AttemptMoved)
        assert (moved.reason, moved.server, moved.trunk) == ("no_response", "192.0.2.8:5060", None)
        call.saved[0].set_result(1)
        await settle()
        assert call.sent_to() == [("INVITE", SECOND)]
        assert call.told == [], "it is one attempt, dialled once"
        assert call.leg.sip not in (None, before)
        assert [call.registry.sip[number].stored for number in (before, call.leg.sip) if number] == ["att", "att~2"]
        assert call.health == [(FIRST, "no_response")]
        assert not call.buyers.failed(call.leg, 503, "sip_503", i.BuyerRefused("att", 503)), "nobody is left"

    on_move(work)


def test_the_machine_is_told_when_a_server_moves_whose_phone_was_heard() -> None:
    async def work(call: Moving) -> None:
        call.leg.early = True
        assert call.buyers.failed(call.leg, 503, "sip_503", i.BuyerRefused("att", 503))
        assert call.told == [i.BuyerMoved("att")]
        assert not call.leg.early
        await settle()
        call.saved[0].set_result(1)
        await settle()
        assert call.sent_to() == [("INVITE", SECOND)]

    on_move(work)


@pytest.mark.parametrize("status", [302, 404, 480, 486, 603])
def test_the_targets_own_answer_is_final_and_shows_that_the_server_lives(status: int) -> None:
    async def work(call: Moving) -> None:
        assert not call.buyers.failed(call.leg, status, f"sip_{status}", i.BuyerRefused("att", status))
        await settle()
        assert (call.kept, call.saved, call.health) == ([], [], [(FIRST, "")])

    on_move(work)


def test_a_caller_who_goes_meanwhile_leaves_nobody_ringing_and_no_leg_behind() -> None:
    async def work(call: Moving) -> None:
        assert call.buyers.failed(call.leg, 503, "sip_503", i.BuyerRefused("att", 503))
        await settle()
        call.buyers.hang_up("att")
        call.saved[0].set_result(1)
        await settle()
        assert call.sent_to() == []
        assert call.kept[-1] == LegDrop("att~2")
        assert call.told == []

    on_move(work)


def test_a_next_leg_that_cannot_be_written_ends_the_attempt() -> None:
    async def work(call: Moving) -> None:
        assert call.buyers.failed(call.leg, None, "transport", i.BuyerUnreachable("att", "transport"))
        await settle()
        call.saved[0].set_exception(JournalUnavailable("no room"))
        await settle()
        assert call.sent_to() == []
        assert call.told == [i.BuyerUnreachable("att", "journal")]

    on_move(work)


def test_every_phone_and_every_server_gets_the_hops_that_the_caller_has_left() -> None:
    async def work(call: Moving) -> None:
        call.buyers.hang_up("att")
        call.endpoint.datagrams()
        call.caller.hops = 4
        call.buyers.prepare("two", msgspec.structs.replace(RING, also_dial=("sip:mobile@pbx.example",)))
        call.buyers.ring("two")
        leg = call.buyers.get("two")
        assert leg is not None
        call.kept.clear()
        assert call.buyers.failed(leg, None, "no_response", i.BuyerSilent("two"))
        await settle()
        call.saved[0].set_result(1)
        await settle()
        sent = [parse(each.data) for each in call.endpoint.datagrams() if each.data.startswith(b"INVITE")]
        assert [each.header("Max-Forwards") for each in sent] == ["4", "4", "4"]

    on_move(work)
