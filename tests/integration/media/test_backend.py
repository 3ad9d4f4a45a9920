"""The embedded backend with its real child processes."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import wave
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

import pytest
from tests.unit.media.rig import HOST, Party, frame, neighbours, pcm_samples

import trunkline
from trunkline.codec.g711 import Law, decode
from trunkline.media.embedded import wire
from trunkline.media.embedded.backend import SPARE_MIN, EmbeddedMedia
from trunkline.media.embedded.process import Process
from trunkline.media.errors import BadRemote, MediaStartError, NoMediaPorts
from trunkline.media.port import (
    BackendLost,
    Closed,
    DeadMedia,
    Digit,
    LegStats,
    LocalMedia,
    MediaEvent,
    Played,
    Prompt,
    Recorded,
    RemoteMedia,
)
from trunkline.media.recordings import repair

pytestmark = pytest.mark.integration

WAIT_S = 20.0


def free_range(pairs: int) -> int:
    """The first of `2 * pairs` neighbouring ports that nobody has; each process of a test run looks elsewhere first."""
    first = 20_000 + os.getpid() % 100 * 100
    for start in (*range(first, 32_000, 2 * pairs), *range(20_000, first, 2 * pairs)):
        held: list[socket.socket] = []
        try:
            for port in range(start, start + 2 * pairs):
                sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                held.append(sock)
                sock.bind((HOST, port))
        except OSError:
            continue
        else:
            return start
        finally:
            for sock in held:
                sock.close()
    raise AssertionError("no free ports")


class Switch:
    """What the switch is to the backend: it gives orders and keeps the events."""

    def __init__(self, media: EmbeddedMedia) -> None:
        self.media = media
        self.events: list[MediaEvent] = []
        self.parties: list[Party] = []
        self._changed = asyncio.Event()
        media.on_event = self._take

    def _take(self, event: MediaEvent) -> None:
        self.events.append(event)
        self._changed.set()

    async def until(self, wanted: Callable[[MediaEvent], bool]) -> MediaEvent:
        """Wait for an event, those that came already included."""
        async with asyncio.timeout(WAIT_S):
            while True:
                for event in self.events:
                    if wanted(event):
                        return event
                self._changed.clear()
                await self._changed.wait()

    async def one(self, kind: type) -> MediaEvent:
        """Wait for the first event of a kind."""
        return await self.until(lambda event: isinstance(event, kind))

    async def restarted(self, pairs: int) -> None:
        """Wait until a lost child's ports can be had again; there is no event for that, so look now and then."""
        for _ in range(int(WAIT_S / 0.01)):
            if self.media.free_ports() == pairs:
                return
            await asyncio.sleep(0.01)
        raise AssertionError("the child was not started anew")

    def leg(self, name: str, call: str, direction: str = "sendrecv") -> Party:
        """Open and connect a leg."""
        local = self.media.open(name, call)
        assert local == LocalMedia(name, HOST, local.port)
        party = Party()
        party.target = local.port
        self.parties.append(party)
        self.media.connect(name, RemoteMedia(HOST, party.port, "PCMU", 0, 101, direction))  # type: ignore[arg-type]
        return party


@asynccontextmanager
async def switch(pairs: int = 4, **options: int) -> AsyncIterator[Switch]:
    start = free_range(pairs)
    media = EmbeddedMedia(HOST, HOST, start, start + 2 * pairs - 1, **options)
    running = Switch(media)
    await media.start()
    try:
        yield running
    finally:
        await media.stop()
        for party in running.parties:
            party.close()


async def hear(party: Party, wanted: int) -> list[bytes]:
    """Payloads of the next `wanted` packets."""
    loop = asyncio.get_running_loop()
    payloads: list[bytes] = []
    ready = asyncio.Event()
    loop.add_reader(party.rtp, ready.set)
    try:
        async with asyncio.timeout(WAIT_S):
            while len(payloads) < wanted:
                ready.clear()
                payloads += [packet.payload for packet in party.received()]
                if len(payloads) < wanted:
                    await ready.wait()
    finally:
        loop.remove_reader(party.rtp)
    return payloads


async def hears_something(speaker: Party, listener: Party) -> None:
    """Speak until the other side hears: from then on orders given before are known to be carried out."""
    heard: list[bytes] = []
    async with asyncio.timeout(WAIT_S):
        while not heard:
            speaker.send(frame(1))
            await asyncio.sleep(0.02)
            heard = [packet.payload for packet in listener.received()]
    assert set(heard) == {frame(1)}


def child_pid(media: EmbeddedMedia) -> int:
    [pid] = media.pids()
    return pid


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(scenario())  # type: ignore[arg-type]


def test_a_call_from_end_to_end(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with switch() as running:
            media = running.media
            caller, buyer = running.leg("caller", "call"), running.leg("buyer", "call")
            assert media.free_ports() == 2
            media.play("caller", 1, [Prompt("beep")])
            assert await running.one(Played) == Played("caller", 1, True)
            assert len(await hear(caller, 20)) == 20
            media.bridge("caller", "buyer")
            path = tmp_path / "recordings" / "one.wav"
            media.record("rec", str(path), "caller", "buyer")
            await asyncio.sleep(0)  # orders leave when the turn of the loop ends
            said = [bytes((n + i) & 0xFF for i in range(160)) for n in range(50)]
            for payload in said:
                caller.send(payload)
            assert await hear(buyer, 50) == said
            caller.press(9)
            assert await running.one(Digit) == Digit("caller", "9", 100)
            media.stop_record("rec")
            event = await running.one(Recorded)
            assert isinstance(event, Recorded)
            assert (event.recording, event.path, event.error) == ("rec", str(path), None)
            with wave.open(str(path)) as file:
                left = pcm_samples(file.readframes(file.getnframes()))[0::2]
            wanted = pcm_samples(decode(Law.PCMU, b"".join(said)))
            start = next(n for n in range(len(left)) if left[n : n + 160] == wanted[:160])
            assert left[start : start + len(wanted)] == wanted
            media.close("caller")
            media.close("caller")
            media.close("buyer")
            closed = await running.until(lambda event: isinstance(event, Closed) and event.leg == "buyer")
            assert isinstance(closed, Closed)
            assert closed.stats.packets_out >= 57
            assert media.free_ports() == 4

    run(scenario)


def test_a_leg_that_nothing_was_asked_of_costs_its_child_nothing() -> None:
    async def scenario() -> None:
        async with switch(pairs=1) as running:
            media = running.media
            for number in range(3):
                media.open(f"refused {number}", f"call {number}")
                with pytest.raises(NoMediaPorts):
                    media.open("one more", "call")
                media.close(f"refused {number}")
                media.close(f"refused {number}")
                assert media.free_ports() == 1
            await running.until(lambda event: isinstance(event, Closed) and event.leg == "refused 2")
            assert running.events == [Closed(f"refused {number}", LegStats()) for number in range(3)]
            party = running.leg("taken", "call")
            media.play("taken", 1, [Prompt("beep")])
            assert await running.one(Played) == Played("taken", 1, True)
            assert len(await hear(party, 20)) == 20

    run(scenario)


def test_orders_for_unknown_legs_are_ignored(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with switch() as running:
            media = running.media
            media.connect("x", RemoteMedia(HOST, 4000, "PCMU", 0))
            media.play("x", 1, [Prompt("beep")])
            media.stop_play("x")
            media.bridge("x", "y")
            media.unbridge("x", "y")
            media.record("r", str(tmp_path / "r.wav"), "x", None)
            assert await running.one(Recorded) == Recorded("r", str(tmp_path / "r.wav"), 0, "its legs are gone")
            media.pause_record("r")
            media.resume_record("r")
            media.stop_record("r")
            media.send_digits("x", "1")
            media.close("x")
            a, b = running.leg("a", "call"), running.leg("b", "call")
            media.bridge("a", "b")
            await hears_something(a, b)
            assert len(running.events) == 1

    run(scenario)


def test_the_range_is_a_limit() -> None:
    async def scenario() -> None:
        async with switch(pairs=4, children=2) as running:
            media = running.media
            media.open("a", "one")
            media.open("b", "two")
            media.open("c", "one")
            media.open("d", "two")
            with pytest.raises(NoMediaPorts, match="4 port pairs"):
                media.open("e", "three")
            media.close("a")
            await running.one(Closed)
            with pytest.raises(NoMediaPorts):
                media.open("e", "two")
            assert media.open("e", "one").port > 0

    run(scenario)


def test_bad_addresses_are_refused() -> None:
    async def scenario() -> None:
        async with switch() as running:
            media = running.media
            media.open("a", "call")
            good = RemoteMedia(HOST, 4000, "PCMU", 0)
            for host, port in (("example.com", 4000), ("224.0.0.1", 4000), ("0.0.0.0", 4000), ("::1", 4000), (HOST, 0)):
                with pytest.raises(BadRemote):
                    media.connect("a", RemoteMedia(host, port, "PCMU", 0))
            with pytest.raises(BadRemote):
                media.connect("a", RemoteMedia(HOST, 99_999_999, "PCMU", 0))
            with pytest.raises(BadRemote):
                media.connect("a", RemoteMedia(HOST, 4000, "PCMU", 200))
            own = media.open("b", "call").port
            with pytest.raises(BadRemote, match="one of our own"):
                media.connect("a", RemoteMedia(HOST, own, "PCMU", 0))
            media.connect("a", good)
            media.connect("a", RemoteMedia("0.0.0.0", 4000, "PCMU", 0, None, "inactive"))

    run(scenario)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "192.0.2.7"])
def test_bound_to_all_addresses_our_ports_are_ours_on_each(host: str) -> None:
    media = EmbeddedMedia("0.0.0.0", "192.0.2.7", 20_000, 20_009)
    with pytest.raises(BadRemote, match="one of our own"):
        media.check(RemoteMedia(host, 20_004, "PCMU", 0))
    media.check(RemoteMedia(host, 19_998, "PCMU", 0))
    media.check(RemoteMedia("198.51.100.9", 20_004, "PCMU", 0))


def test_dead_media_and_hold() -> None:
    async def scenario() -> None:
        async with switch(dead_media_ms=300) as running:
            running.leg("held", "call", direction="inactive")
            running.leg("silent", "call")
            event = await running.one(DeadMedia)
            assert isinstance(event, DeadMedia)
            assert event.leg == "silent"
            assert event.silent_ms >= 300
            assert len(running.events) == 1

    run(scenario)


def test_a_port_in_use_is_named() -> None:
    async def scenario() -> None:
        first, second = neighbours(HOST)
        with first, second:
            port: int = first.getsockname()[1]
            first.close()
            media = EmbeddedMedia(HOST, HOST, port, port + 1)
            with pytest.raises(MediaStartError, match=f":{port + 1} cannot be bound: Address already in use") as caught:
                await media.start()
            assert "--rtp" in caught.value.hint
            await media.stop()

    run(scenario)


@pytest.mark.parametrize(
    ("host", "low", "high", "children"),
    [
        ("localhost", 20000, 20009, 1),
        (HOST, 80, 200, 1),
        (HOST, 30000, 29000, 1),
        (HOST, 30001, 30002, 1),
        (HOST, 30000, 30003, 3),
    ],
)
def test_bad_ranges_are_refused(host: str, low: int, high: int, children: int) -> None:
    media = EmbeddedMedia(host, HOST, low, high, children=children)
    with pytest.raises(MediaStartError):
        asyncio.run(media.start())


def test_an_address_of_another_machine_is_named() -> None:
    media = EmbeddedMedia("192.0.2.1", "192.0.2.1", 20_000, 20_003)
    with pytest.raises(MediaStartError, match="Cannot assign") as caught:
        asyncio.run(media.start())
    assert "no address of this machine" in caught.value.hint


def test_a_listener_that_fails_does_not_end_the_calls(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        async with switch() as running:
            a, b = running.leg("a", "call"), running.leg("b", "call")
            running.media.bridge("a", "b")
            failed = asyncio.Event()

            def fail(event: MediaEvent) -> None:
                failed.set()
                raise ZeroDivisionError(event)

            running.media.on_event = fail
            running.media.play("a", 1, [])
            async with asyncio.timeout(WAIT_S):
                await failed.wait()
            await hears_something(a, b)

    run(scenario)
    assert "the listener failed" in caplog.text


def test_a_killed_child_loses_less_than_a_second_and_is_replaced(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with switch() as running:
            media = running.media
            caller, buyer = running.leg("caller", "call"), running.leg("buyer", "call")
            media.bridge("caller", "buyer")
            path = tmp_path / "one.wav"
            media.record("rec", str(path), "caller", None)
            await hears_something(caller, buyer)
            spoken = await speak_until(caller, lambda: path.exists() and path.stat().st_size > 44 + 2 * 32_000)
            os.kill(child_pid(media), signal.SIGKILL)
            event = await running.one(BackendLost)
            assert isinstance(event, BackendLost)
            assert set(event.legs) == {"caller", "buyer"}
            assert event.recordings == ("rec",)
            [ended] = [event for event in running.events if isinstance(event, Recorded)]
            assert (ended.recording, ended.error) == ("rec", "the media process died")
            assert ended.duration_ms == (path.stat().st_size - 44) // 32
            assert not repair(path), "it is repaired already"
            with wave.open(str(path)) as file:
                left = pcm_samples(file.readframes(file.getnframes()))[0::2]
            wanted = pcm_samples(decode(Law.PCMU, b"".join(spoken)))
            start = next(n for n in range(len(left)) if left[n : n + 160] == wanted[:160])
            # Less than the last second may be missing, or silent where packets were still on their way.
            sure = len(wanted) - 8000
            assert sure > 6000
            assert left[start : start + sure] == wanted[:sure]
            await running.restarted(4)
            caller, buyer = running.leg("caller", "call"), running.leg("buyer", "call")
            media.bridge("caller", "buyer")
            await hears_something(caller, buyer)

    run(scenario)


async def speak_until(party: Party, enough: Callable[[], bool]) -> list[bytes]:
    """Speak in real time until enough of it is on disk; gives all that was said."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    spoken = []
    for n in count():
        payload = bytes((n * 7 + i) & 0xFF for i in range(160))
        spoken.append(payload)
        party.send(payload)
        await asyncio.sleep(max(began + 0.02 * (n + 1) - loop.time(), 0))
        if enough():
            break
        assert loop.time() - began < WAIT_S
    return spoken


def test_stopping_finishes_what_is_being_recorded(tmp_path: Path) -> None:
    path = tmp_path / "one.wav"

    async def scenario() -> None:
        async with switch() as running:
            caller, buyer = running.leg("caller", "call"), running.leg("buyer", "call")
            running.media.bridge("caller", "buyer")
            running.media.record("rec", str(path), "caller", "buyer")
            await hears_something(caller, buyer)
        assert [type(event) for event in running.events] == [Closed, Closed, Recorded]

    run(scenario)
    with wave.open(str(path)) as file:
        assert file.getnframes() >= 160
    assert not repair(path)


ORPHAN = """
import asyncio, sys
from trunkline.media.embedded.backend import EmbeddedMedia

async def main():
    media = EmbeddedMedia("127.0.0.1", "127.0.0.1", int(sys.argv[1]), int(sys.argv[1]) + 3)
    media.on_event = print
    await media.start()
    media.open("a", "call")
    media.record("r", sys.argv[2], "a", None)
    await asyncio.sleep(0)  # the order leaves when the turn of the loop ends
    await asyncio.sleep(0)
    print(media.pids()[0], flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


def test_children_die_with_the_switch_and_finish_their_recordings(tmp_path: Path) -> None:
    root = str(Path(trunkline.__file__).parents[1])
    path = tmp_path / "one.wav"
    with subprocess.Popen(
        [sys.executable, "-c", ORPHAN, str(free_range(2)), str(path)],
        env={**os.environ, "PYTHONPATH": root},
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stdout is not None
        child = os.pidfd_open(int(parent.stdout.readline()))
        try:
            parent.kill()
            gone = asyncio.run(_readable(child))
        finally:
            os.close(child)
    assert gone
    with wave.open(str(path)) as file:
        assert file.getnchannels() == 2


async def _readable(fd: int) -> bool:
    """Whether a descriptor becomes readable in time; a pidfd does when its process ends."""
    ready = asyncio.Event()
    asyncio.get_running_loop().add_reader(fd, ready.set)
    try:
        async with asyncio.timeout(WAIT_S):
            return await ready.wait()
    finally:
        asyncio.get_running_loop().remove_reader(fd)


def test_a_port_comes_back_at_once_when_few_are_left(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, bool, bool]] = []
    real = Process.send

    def send(process: Process, order: wire.Order, *, patient: bool = False) -> None:
        if isinstance(order, wire.Close):
            asked.append((order.leg, order.soon, patient))
        real(process, order, patient=patient)

    monkeypatch.setattr(Process, "send", send)

    async def run() -> None:
        async with switch(pairs=SPARE_MIN + 1) as running:
            for leg in ("first", "second"):
                running.leg(leg, "call")
                running.media.play(leg, 1, [Prompt("beep")])
            for leg in ("second", "first"):
                running.media.close(leg)
                await running.until(lambda event, leg=leg: isinstance(event, Closed) and event.leg == leg)

    asyncio.run(run())
    assert asked == [("second", True, False), ("first", False, True)]
