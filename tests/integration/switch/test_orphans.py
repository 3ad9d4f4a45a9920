"""After a crash: what was open is ended in the journal once, peers are told, seats are given back when they answer."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.integration.switch.wires import SHUT, Peer, Wire, answer

from trunkline.capacity.memory import MemoryCapacity
from trunkline.codec import wav
from trunkline.events.calls import AttemptEnded, CallEnded, CallReceived, RecordingEnded
from trunkline.events.changes import CallPut, LegPut, StoredCall, StoredLeg
from trunkline.events.entry import Entry, Event
from trunkline.events.switch import OrphanEnded, SwitchRecovered
from trunkline.journal.reader import JournalReader
from trunkline.journal.recovery import RecoveredState
from trunkline.journal.store import Journal, open_journal
from trunkline.kernel.leases import CounterId, CounterSet, Demand, HoldPut, Lease
from trunkline.sip import events
from trunkline.sip.endpoint import LegIdentifiers
from trunkline.switch.clock import read_clock
from trunkline.switch.metrics import Metrics
from trunkline.switch.orphans import Orphans
from trunkline.switch.plant import Plant

pytestmark = pytest.mark.integration

LIVE = CounterId("acme", "target", "desk", "live", "", "both")
ATTEMPTS = CounterId("acme", "buyer", "ace", "attempt", "day", "both")
CONNECTS = CounterId("acme", "buyer", "ace", "connect", "day", "both")
_DAY_MS = 86_400_000
_MIDNIGHT_MS = read_clock().utc_ms // _DAY_MS * _DAY_MS
DAY = (_MIDNIGHT_MS, _MIDNIGHT_MS + _DAY_MS)
"""The window that is open now: seats of windows long past are not kept."""
CONTACT = "c" * 32


def identifiers(port: int, *, outgoing: bool = True, answered: bool = True) -> bytes:
    """What the driver has stored of a leg to a peer on `port`."""
    return msgspec.json.encode(
        LegIdentifiers(
            outgoing=outgoing,
            call_id=f"leg-{port}",
            local_tag="us",
            remote_tag="them" if answered else None,
            branch="z9hG4bKold",
            cseq=1,
            request_uri=f"sip:desk@127.0.0.1:{port}",
            destination=("127.0.0.1", port),
            from_header="<sip:us@127.0.0.1>;tag=us",
            to_header=f"<sip:desk@127.0.0.1:{port}>" + (";tag=them" if answered else ""),
            remote_target=f"sip:desk@127.0.0.1:{port}" if answered else None,
        )
    )


def leg(name: str, port: int, attempt: str | None, *, confirmed: bool, outgoing: bool = True) -> StoredLeg:
    known = identifiers(port, outgoing=outgoing, answered=confirmed)
    return StoredLeg(name, "acme", "call_1", CONTACT, attempt, confirmed, known)


def lease(attempt: str) -> Lease:
    demands = (Demand(LIVE, 1, 5), Demand(ATTEMPTS, 1, 9, *DAY), Demand(CONNECTS, 1, 9, *DAY))
    return Lease(f"lease_{attempt}", "acme", "call_1", attempt, demands, DAY[0])


class Restart:
    """A switch that starts again in a folder where another was killed. Journal, seats and socket are real."""

    def __init__(self, folder: Path, wire: Wire) -> None:
        self.folder, self.wire = folder, wire
        self.journal, self.state = open_at(folder)
        plant: Any = Plant.__new__(Plant)
        plant.loop, plant.clock, plant.data = asyncio.get_running_loop(), read_clock, folder
        plant.journal, plant.capacity, plant.sip = self.journal, MemoryCapacity(), wire.driver
        plant.metrics = Metrics()
        self.plant = plant
        self.capacity: MemoryCapacity = plant.capacity
        self.orphans = Orphans(plant)
        self.capacity.restore(self.state, read_clock())
        wire.on_event = self._hears

    def _hears(self, event: events.SipEvent) -> None:
        self.wire.told.append(event)
        if isinstance(event, events.OrphanEnded):
            self.orphans.ended(event.leg, event.status)

    async def recover(self) -> None:
        """What the switch does with what it found, in its order."""
        await self.orphans.end_calls(self.state)
        self.orphans.hang_up(self.state.legs, self.state.leases)

    def used(self, counter: CounterId) -> int:
        """Seats used and held."""
        return self.capacity.used(counter, DAY[0] if counter.per else 0)

    async def over(self) -> list[Event]:
        """Close the journal; the events that were written since the crash."""
        await self.journal.close()
        return [event for event in written(self.folder) if not isinstance(event, CallReceived)]


def open_at(folder: Path) -> tuple[Journal, RecoveredState]:
    return open_journal(folder, "switch-1", os.urandom, now_ms=read_clock().utc_ms, min_free_mb=1)


def written(folder: Path) -> list[Event]:
    with JournalReader(folder) as reader:
        return [record.event for record in reader.tail(None)]


def call(**fields: Any) -> StoredCall:
    return StoredCall("call_1", "acme", CONTACT, **fields)


def recovering(folder: Path, changes: Callable[[int], list[Any]], work: Callable[[Restart], Awaitable[None]]) -> None:
    """Crash with `changes` (given the peer's port) in the state tables, start again, and do `work`."""

    async def run() -> None:
        wire = Wire(SHUT)
        wire.driver.start()
        try:
            await crash(folder, changes(wire.peer.port))
            await work(Restart(folder, wire))
        finally:
            wire.driver.close()
            wire.peer.socket.close()

    asyncio.run(run())


async def crash(folder: Path, changes: list[Any]) -> None:
    """A journal with a call and what was open with it, whose switch says nothing more."""
    journal, _ = open_at(folder)
    received = CallReceived(
        account="acme",
        call="call_1",
        at_ms=DAY[0],
        number="+18335550100",
        campaign="injury",
        publisher="adwave",
        source=None,
        caller="+15125550100",
        caller_given="5125550100",
        trunk="carrier",
        snapshot="s",
    )
    await journal.append([Entry(received, CONTACT)], changes)
    await journal.close()


async def still_known(folder: Path) -> RecoveredState:
    """What the next start would find."""
    journal, state = open_at(folder)
    await journal.close()
    return state


# -- what is written -------------------------------------------------------------------------------------------------


def test_nothing_is_written_after_an_orderly_end(tmp_path: Path) -> None:
    async def work(restart: Restart) -> None:
        await restart.recover()
        assert await restart.over() == []

    recovering(tmp_path, lambda port: [], work)


def test_a_call_that_was_cut_is_ended_as_interrupted_with_its_attempt(tmp_path: Path) -> None:
    async def work(restart: Restart) -> None:
        await restart.recover()
        attempt, ended, recovered = await restart.over()
        assert isinstance(attempt, AttemptEnded)
        assert (attempt.attempt, attempt.outcome, attempt.reason) == ("att_1", "interrupted", "crash")
        assert isinstance(ended, CallEnded)
        assert (ended.outcome, ended.reason, ended.ended_by) == ("interrupted", "crash", "system")
        assert isinstance(recovered, SwitchRecovered)
        assert (recovered.calls, recovered.attempts, recovered.legs, recovered.recordings) == (1, 1, 0, 0)

    recovering(tmp_path, lambda port: [CallPut(call(attempt="att_1"))], work)


def test_a_call_is_ended_once_however_often_the_switch_starts_again(tmp_path: Path) -> None:
    async def work(restart: Restart) -> None:
        await restart.recover()
        await restart.journal.close()
        again = Restart(restart.folder, restart.wire)
        assert (again.state.calls, again.state.legs, again.state.leases) == ((), (), ())
        await again.recover()
        assert [type(event) for event in await again.over()] == [CallEnded, SwitchRecovered]

    recovering(tmp_path, lambda port: [CallPut(call())], work)


def test_a_call_that_had_ended_only_lacks_the_end_of_its_file(tmp_path: Path) -> None:
    path = "recordings/a.wav"
    (tmp_path / "recordings").mkdir()
    (tmp_path / path).write_bytes(wav.recording_header(0) + bytes(32_000))

    async def work(restart: Restart) -> None:
        await restart.recover()
        closed, recovered = await restart.over()
        assert isinstance(closed, RecordingEnded)
        assert (closed.path, closed.duration_ms, closed.error) == (path, 1_000, "interrupted")
        assert isinstance(recovered, SwitchRecovered)
        assert (recovered.calls, recovered.recordings) == (0, 1)

    recovering(tmp_path, lambda port: [CallPut(call(ended=True, recordings=(("rec_1", path),)))], work)


def test_a_file_that_was_never_begun_is_told_to_be_missing(tmp_path: Path) -> None:
    async def work(restart: Restart) -> None:
        await restart.recover()
        closed = (await restart.over())[0]
        assert isinstance(closed, RecordingEnded)
        assert closed.duration_ms == 0
        assert closed.error

    recovering(tmp_path, lambda port: [CallPut(call(recordings=(("rec_1", "recordings/none.wav"),)))], work)


# -- seats -----------------------------------------------------------------------------------------------------------


def test_an_attempt_with_a_durable_offer_counts_as_attempted_and_not_as_connected(tmp_path: Path) -> None:
    changes = [CounterSet(ATTEMPTS, *DAY, 3), HoldPut(lease("att_1")), CallPut(call(attempt="att_1"))]

    async def work(restart: Restart) -> None:
        assert [restart.used(each) for each in (LIVE, ATTEMPTS, CONNECTS)] == [1, 4, 1]
        await restart.recover()
        assert [restart.used(each) for each in (LIVE, ATTEMPTS, CONNECTS)] == [1, 4, 1]
        assert restart.capacity.leases() == 1, "its INVITE may have left"
        await restart.journal.close()
        journal, state = open_at(restart.folder)
        assert [(each.counter, each.used) for each in state.counters] == [(ATTEMPTS, 4)]
        assert [each.attempt for each in state.leases] == ["att_1"]
        await journal.close()

    recovering(tmp_path, lambda port: changes, work)


# -- legs ------------------------------------------------------------------------------------------------------------


def test_an_answered_leg_gets_bye_and_keeps_its_seat_until_its_peer_has_answered(tmp_path: Path) -> None:
    async def work(restart: Restart) -> None:
        await restart.recover()
        bye = await restart.wire.peer.receive()
        assert bye.startswith("BYE sip:desk@127.0.0.1")
        assert restart.used(LIVE) == 1
        restart.wire.peer.send(restart.wire.driver, answer(bye, "200 OK"))
        await restart.wire.until(lambda: not len(restart.orphans))
        assert (restart.used(LIVE), restart.capacity.leases()) == (0, 0)
        ended = (await restart.over())[-1]
        assert isinstance(ended, OrphanEnded)
        assert (ended.leg, ended.method, ended.status) == ("att_1", "BYE", 200)
        assert not (await still_known(restart.folder)).legs

    recovering(
        tmp_path,
        lambda port: [
            CallPut(call(attempt="att_1", connected=True)),
            HoldPut(lease("att_1")),
            LegPut(leg("att_1", port, "att_1", confirmed=True)),
        ],
        work,
    )


def test_a_ringing_leg_gets_cancel(tmp_path: Path) -> None:
    async def work(restart: Restart) -> None:
        await restart.recover()
        cancel = await restart.wire.peer.receive()
        assert cancel.startswith("CANCEL sip:desk@127.0.0.1")
        assert "z9hG4bKold" in cancel, "it names the INVITE of the process before"
        assert restart.used(LIVE) == 1
        restart.wire.peer.send(restart.wire.driver, answer(cancel, "481 Call/Transaction Does Not Exist"))
        restart.wire.peer.send(restart.wire.driver, answer(cancel, "200 OK").replace(b"CANCEL", b"INVITE"))
        assert (await restart.wire.peer.receive()).startswith("ACK sip:desk@127.0.0.1"), "it had answered meanwhile"
        bye = await restart.wire.peer.receive()
        assert bye.startswith("BYE sip:desk@127.0.0.1")
        assert restart.used(LIVE) == 1
        restart.wire.peer.send(restart.wire.driver, answer(bye, "200 OK"))
        await restart.wire.until(lambda: not len(restart.orphans))
        assert restart.used(LIVE) == 0
        ended = (await restart.over())[-1]
        assert isinstance(ended, OrphanEnded)
        assert (ended.method, ended.status) == ("CANCEL", 200)
        assert not (await still_known(restart.folder)).legs

    recovering(
        tmp_path,
        lambda port: [
            CallPut(call(attempt="att_1")),
            HoldPut(lease("att_1")),
            LegPut(leg("att_1", port, "att_1", confirmed=False)),
        ],
        work,
    )


def test_a_caller_who_was_not_answered_is_left_to_its_own_timers(tmp_path: Path) -> None:
    async def work(restart: Restart) -> None:
        await restart.recover()
        assert len(restart.orphans) == 0
        assert not restart.wire.peer.has_mail()
        await restart.over()
        assert not (await still_known(restart.folder)).legs

    recovering(
        tmp_path,
        lambda port: [CallPut(call()), LegPut(leg("call_1", port, None, confirmed=False, outgoing=False))],
        work,
    )


def test_both_ends_of_a_call_are_told(tmp_path: Path) -> None:
    other = Peer()

    async def work(restart: Restart) -> None:
        await restart.recover()
        told = [await restart.wire.peer.receive(), await other.receive()]
        assert [text.split(" ")[0] for text in told] == ["BYE", "BYE"]
        for peer, text in zip((restart.wire.peer, other), told, strict=True):
            peer.send(restart.wire.driver, answer(text, "200 OK"))
        await restart.wire.until(lambda: not len(restart.orphans))
        ended = [event for event in await restart.over() if isinstance(event, OrphanEnded)]
        assert {event.leg for event in ended} == {"call_1", "att_1"}

    recovering(
        tmp_path,
        lambda port: [
            CallPut(call(attempt="att_1", connected=True)),
            LegPut(leg("call_1", port, None, confirmed=True, outgoing=False)),
            LegPut(leg("att_1", other.port, "att_1", confirmed=True)),
        ],
        work,
    )
    other.socket.close()


def test_an_answer_gives_back_the_seat_of_its_own_attempt_only(tmp_path: Path) -> None:
    async def work(restart: Restart) -> None:
        await restart.recover()
        bye = await restart.wire.peer.receive()
        assert (restart.capacity.leases(), restart.used(LIVE)) == (2, 2)
        restart.wire.peer.send(restart.wire.driver, answer(bye, "200 OK"))
        await restart.wire.until(lambda: not len(restart.orphans))
        assert (restart.capacity.leases(), restart.used(LIVE), restart.used(ATTEMPTS)) == (1, 1, 2)
        await restart.over()
        assert [each.attempt for each in (await still_known(restart.folder)).leases] == ["att_1"]

    recovering(
        tmp_path,
        lambda port: [
            HoldPut(lease("att_1")),
            HoldPut(lease("att_2")),
            LegPut(leg("att_2", port, "att_2", confirmed=True)),
        ],
        work,
    )


def test_a_crash_while_recovering_tells_the_peers_again_and_ends_nothing_twice(tmp_path: Path) -> None:
    async def work(restart: Restart) -> None:
        await restart.recover()
        assert (await restart.wire.peer.receive()).startswith("BYE ")
        await restart.journal.close()
        again = Restart(restart.folder, Wire(SHUT))
        again.wire.driver.start()
        await again.recover()
        assert (await restart.wire.peer.receive()).startswith("BYE ")
        again.wire.driver.close()
        again.wire.peer.socket.close()
        found = [type(event) for event in await again.over()]
        assert found.count(CallEnded) == 1
        assert found.count(AttemptEnded) == 1

    recovering(
        tmp_path,
        lambda port: [
            CallPut(call(attempt="att_1", connected=True)),
            HoldPut(lease("att_1")),
            LegPut(leg("att_1", port, "att_1", confirmed=True)),
        ],
        work,
    )
