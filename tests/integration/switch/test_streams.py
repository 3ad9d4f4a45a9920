"""The driver's TCP and TLS over real sockets: who is let in, what ends a connection, whose certificate is believed."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.integration.switch.certificates import Authority
from tests.integration.switch.wires import OPEN, SHUT, WAIT_S_MAX, answer, options

from trunkline.config.schema import Platform
from trunkline.config.trunks import Trunk
from trunkline.sip import events
from trunkline.sip.endpoint import Hop, InviteTarget, LegIdentifiers
from trunkline.sip.events import SipEvent
from trunkline.telephony.sip.connection import ConnectionLimits
from trunkline.telephony.sip.doors import Doors
from trunkline.telephony.sip.driver import SipDriver
from trunkline.telephony.sip.listening import Places, SipListenError
from trunkline.telephony.sip.tls import TlsFiles, TlsUnusable, load_tls

pytestmark = pytest.mark.integration

LOOPBACK = (("127.0.0.1", 0),)


class Stream:
    """One end of a connection that a test holds by hand."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def say(self, data: bytes) -> None:
        """Send."""
        self.writer.write(data)
        await self.writer.drain()

    async def hear(self) -> str:
        """One message, whose body is empty."""
        data = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), WAIT_S_MAX)
        length = next(line for line in data.split(b"\r\n") if line.startswith(b"Content-Length: "))
        return (data + await self.reader.readexactly(int(length[16:]))).decode()

    async def ended(self) -> bytes:
        """Whatever else comes until the other side has ended the connection."""
        try:
            return await asyncio.wait_for(self.reader.read(), WAIT_S_MAX)
        except ConnectionError:
            return b""

    async def close(self) -> None:
        """End it."""
        self.writer.close()
        try:
            await self.writer.wait_closed()
        except OSError:
            return


class Site:
    """One driver, what it told, and listeners of a test."""

    def __init__(self, driver: SipDriver, told: list[SipEvent]) -> None:
        self.driver, self.told = driver, told
        self.taken: asyncio.Queue[Stream] = asyncio.Queue()
        self._streams: list[Stream] = []
        self._servers: list[asyncio.Server] = []

    async def dial(self, transport: str = "tcp", context: ssl.SSLContext | None = None, **more: Any) -> Stream:
        """Connect to the driver."""
        host, port = self.driver.addresses[transport][0]
        made = Stream(*await asyncio.open_connection(host, port, ssl=context, **more))
        self._streams.append(made)
        return made

    async def listen(self, context: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> int:
        """Take connections into `taken`; the port."""

        async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            made = Stream(reader, writer)
            self._streams.append(made)
            self.taken.put_nowait(made)

        server = await asyncio.start_server(take, host, 0, ssl=context)
        self._servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    async def next(self) -> Stream:
        """The next connection of the driver."""
        return await asyncio.wait_for(self.taken.get(), WAIT_S_MAX)

    def invite(self, destination: Hop, **changes: Any) -> int:
        """Call somebody; the leg."""
        fields: dict[str, Any] = {
            "request_uri": f"sip:desk@127.0.0.1;transport={destination.transport}", "destination": destination,
            "to": None, "from_uri": "sip:us@127.0.0.1", "from_display": None, "sdp": b"", "first_response_s": 8.0,
        }  # fmt: skip
        leg = self.driver.endpoint.invite(InviteTarget(**(fields | changes)), self.driver.now())
        self.driver.flush()
        return leg

    async def until(self, condition: Callable[[], object]) -> None:
        """Let the loop run until `condition` holds."""
        async with asyncio.timeout(WAIT_S_MAX):
            while not condition():  # noqa: ASYNC110 - the driver tells nobody what it has counted
                await asyncio.sleep(0.002)

    async def close(self) -> None:
        """End everything."""
        self.driver.close()
        for stream in self._streams:
            await stream.close()
        for server in self._servers:
            server.close()
            await server.wait_closed()
        await self.until(lambda: not len(self.driver.streams))


def on_site(
    work: Callable[[Site], Awaitable[None]],
    places: Places = Places(LOOPBACK),
    allow: tuple[str, ...] = OPEN,
    **limits: Any,
) -> None:
    """Run `work` with a driver that listens."""

    async def run() -> None:
        told: list[SipEvent] = []
        doors = Doors(Platform(trunks=(Trunk(key="lo", allow=allow),)))
        driver = SipDriver(places, doors, os.urandom, told.append, connection_limits=ConnectionLimits(**limits))
        driver.start()
        site = Site(driver, told)
        try:
            await work(site)
        finally:
            await site.close()

    asyncio.run(run())


def tcp_options(number: int = 1) -> bytes:
    return options(number).replace(b"/UDP ", b"/TCP ")


# -- connections that peers make -------------------------------------------------------------------------------------


def test_requests_are_answered_over_their_connection_in_whatever_pieces_they_come() -> None:
    async def work(site: Site) -> None:
        stream = await site.dial()
        await stream.say(tcp_options(1) + tcp_options(2))
        assert [(await stream.hear()).split("\r\n")[0] for _ in range(2)] == ["SIP/2.0 200 OK"] * 2
        whole = tcp_options(3)
        for start in range(0, len(whole), 40):
            await stream.say(whole[start : start + 40])
            await asyncio.sleep(0)
        assert "Call-ID: options-3" in await stream.hear()
        await stream.say(b"\r\n\r\n")
        assert await asyncio.wait_for(stream.reader.readexactly(2), WAIT_S_MAX) == b"\r\n"
        assert site.driver.endpoint.counters["keepalives"] == 1

    on_site(work)


def test_a_stranger_is_cut_off_without_a_byte() -> None:
    async def work(site: Site) -> None:
        stream = await site.dial()
        assert await stream.ended() == b""
        await site.until(lambda: site.driver.dropped["stream_unknown_source"])
        assert len(site.driver.streams) == 0

    on_site(work, allow=SHUT)


def test_a_host_that_is_no_longer_allowed_is_cut_off_when_it_speaks() -> None:
    async def work(site: Site) -> None:
        stream = await site.dial()
        await site.until(lambda: len(site.driver.streams) == 1)
        site.driver.doors = Doors(Platform())
        await stream.say(tcp_options())
        assert await stream.ended() == b""

    on_site(work)


def test_a_message_without_length_gets_400_and_the_end() -> None:
    async def work(site: Site) -> None:
        stream = await site.dial()
        await stream.say(tcp_options().replace(b"Content-Length: 0\r\n", b"") + tcp_options(2))
        assert (await stream.hear()).startswith("SIP/2.0 400 ")
        assert await stream.ended() == b""
        assert site.driver.dropped["stream_framing_no_length"] == 1

    on_site(work)


@pytest.mark.parametrize(
    ("said", "counted"),
    [
        (b"OPTIONS sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TC", "stream_partial"),
        (tcp_options().replace(b"Content-Length: 0", b"Content-Length: 9"), "stream_partial"),
        (b"", "stream_mute"),
        (b"\r\n\r\n", "stream_mute"),
        (tcp_options(), "stream_idle"),
        (b"\x16\x03\x01", "stream_framing_garbage"),
        (b"A" * 20_000, "stream_framing_head_too_large"),
    ],
)
def test_who_keeps_us_waiting_is_cut_off(said: bytes, counted: str) -> None:
    async def work(site: Site) -> None:
        stream = await site.dial()
        if said:
            await stream.say(said)
        await stream.ended()
        await site.until(lambda: site.driver.dropped[counted] == 1)
        await site.until(lambda: not len(site.driver.streams))

    idle_s = 0.2 if counted == "stream_idle" else 60.0
    on_site(work, partial_s=0.2, mute_s=0.5, idle_s=idle_s)


def test_connections_are_limited_for_each_host_and_in_all() -> None:
    async def work(site: Site) -> None:
        for _ in range(3):
            await site.dial()
        await site.until(lambda: site.driver.dropped["stream_too_many_connections_of_source"] == 1)
        for _ in range(2):
            await site.dial(local_addr=("127.0.0.2", 0))
        await site.until(lambda: site.driver.dropped["stream_too_many_connections"] == 1)
        assert len(site.driver.streams) == 3

    on_site(work, connections=3, connections_per_source=2)


def test_strangers_who_may_try_a_password_hold_few_connections() -> None:
    async def work(site: Site) -> None:
        site.driver.gate.open = True
        for _ in range(3):
            await site.dial()
        await site.until(lambda: site.driver.dropped["stream_too_many_connections_of_source"] == 1)
        for _ in range(2):
            await site.dial(local_addr=("127.0.0.2", 0))
        await site.until(lambda: site.driver.dropped["stream_too_many_strangers"] == 1)
        site.driver.doors = Doors(Platform(trunks=(Trunk(key="lo", allow=("127.0.0.3/32",)),)))
        await site.dial(local_addr=("127.0.0.3", 0))
        await site.until(lambda: len(site.driver.streams) == 4)

    on_site(work, allow=SHUT, strangers=3, connections_per_stranger=2)


def test_a_stranger_that_proves_nothing_keeps_its_place_for_a_moment_only() -> None:
    async def work(site: Site) -> None:
        site.driver.gate.open = site.driver.gate.watching = True
        talks = await site.dial()
        await talks.say(tcp_options())
        proves = await site.dial(local_addr=("127.0.0.2", 0))
        await site.until(lambda: len(site.driver.streams) == 2)
        site.driver._peers.sent_to("127.0.0.2")  # as the answer to a proved call does
        await proves.say(tcp_options(1))
        assert (await proves.hear()).startswith("SIP/2.0 200 OK")
        await talks.ended()
        await site.until(lambda: site.driver.dropped["stream_mute"] == 1)
        await proves.say(tcp_options(2))
        assert (await proves.hear()).startswith("SIP/2.0 200 OK")
        assert site.driver.streams._strangers == 0

    on_site(work, allow=SHUT, mute_s=0.5)


def test_a_connection_that_fails_for_a_reason_of_ours_is_forgotten(caplog: pytest.LogCaptureFixture) -> None:
    async def work(site: Site) -> None:
        site.driver._tls = None  # type: ignore[assignment]
        leg = site.invite(Hop("127.0.0.1", 9, "tls", 0, "buyer.example"))
        await site.until(lambda: events.TransportFailed(leg) in site.told)
        assert len(site.driver.streams) == 0
        assert "for a reason of ours" in caplog.text

    on_site(work)


def test_a_peer_that_does_not_read_is_cut_off_before_it_fills_the_memory() -> None:
    async def work(site: Site) -> None:
        host, port = site.driver.addresses["tcp"][0]
        with socket.socket() as peer:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            peer.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_connect(peer, (host, port))
            batch = b"".join(tcp_options(number) for number in range(100))

            async def pour() -> None:
                while True:
                    await loop.sock_sendall(peer, batch)

            task = asyncio.create_task(pour())
            await site.until(lambda: site.driver.dropped["stream_slow_reader"] == 1)
            with pytest.raises(ConnectionError):
                await asyncio.wait_for(task, WAIT_S_MAX)

    on_site(work, unsent_bytes=20_000)


def test_who_speaks_too_fast_is_read_more_slowly_and_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trunkline.telephony.sip.driver.MESSAGES_PER_S", 400)
    monkeypatch.setattr("trunkline.telephony.sip.driver.MESSAGES_BURST_S", 0.1)

    async def work(site: Site) -> None:
        stream = await site.dial()
        for start in range(0, 200, 50):
            await stream.say(b"".join(tcp_options(number) for number in range(start + 1, start + 51)))
            assert [(await stream.hear())[:11] for _ in range(50)] == ["SIP/2.0 200"] * 50
        assert site.driver.dropped["stream_paused"] >= 1
        assert site.driver.dropped["rate"] == 0

    on_site(work)


def test_over_udp_what_comes_too_fast_is_dropped_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trunkline.telephony.sip.driver.MESSAGES_PER_S", 1)
    monkeypatch.setattr("trunkline.telephony.sip.driver.MESSAGES_BURST_S", 5.0)

    async def work(site: Site) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            for number in range(1, 12):
                peer.sendto(options(number), site.driver.address)
            await site.until(lambda: site.driver.endpoint.counters["options"] + site.driver.dropped["rate"] == 11)
        assert site.driver.dropped["rate"] >= 5

    on_site(work)


# -- connections that we make ----------------------------------------------------------------------------------------


def test_one_connection_serves_all_calls_to_one_address() -> None:
    async def work(site: Site) -> None:
        port = await site.listen()
        legs = [site.invite(Hop("127.0.0.1", port, "tcp")) for _ in range(3)]
        stream = await site.next()
        invites = [await stream.hear() for _ in legs]
        for leg, invite in zip(legs, invites, strict=True):
            assert "\r\nVia: SIP/2.0/TCP 127.0.0.1:" in invite
            await stream.say(answer(invite, "486 Busy Here"))
            assert (await stream.hear()).startswith("ACK ")
            await site.until(lambda leg=leg: events.Gone(leg) in site.told)  # type: ignore[misc]
        assert site.taken.empty()
        assert len(site.driver.streams) == 1
        assert site.driver.endpoint.live_transactions == 0, "nothing lingers after a refusal over a stream"

    on_site(work)


@pytest.mark.parametrize("how", ["nobody", "reset", "silent"])
def test_a_buyer_that_cannot_be_reached_fails_at_once(how: str) -> None:
    async def work(site: Site) -> None:
        with socket.socket() as held:
            held.bind(("127.0.0.1", 0))
            if how == "nobody":
                pass
            elif how == "silent":
                held.listen(0)  # and never accepts: after a few the system no longer answers
            port = held.getsockname()[1] if how != "reset" else await site.listen()
            fillers = []
            if how == "silent":
                for _ in range(4):
                    fillers.append(socket.socket())
                    fillers[-1].setblocking(False)
                    fillers[-1].connect_ex(("127.0.0.1", port))
            leg = site.invite(Hop("127.0.0.1", port, "tcp"))
            if how == "reset":
                stream = await site.next()
                await stream.hear()
                stream.writer.transport.abort()
            await site.until(lambda: site.told)
            assert site.told == [events.TransportFailed(leg), events.Gone(leg)]
            for each in fillers:
                each.close()

    on_site(work, connect_s=0.3)


def test_an_answer_finds_its_way_when_the_callers_connection_is_gone() -> None:
    async def work(site: Site) -> None:
        port = await site.listen()
        stream = await site.dial()
        invite = tcp_options().replace(b"OPTIONS", b"INVITE").replace(b"SIP/2.0/TCP 127.0.0.1;", b"SIP/2.0/TCP %b;")
        invite = invite.replace(b"%b", f"127.0.0.1:{port}".encode())
        invite = invite.replace(
            b"Max-Forwards", f"Contact: <sip:peer@127.0.0.1:{port};transport=tcp>\r\nMax-Forwards".encode()
        )
        await stream.say(invite)
        await site.until(lambda: site.told)
        await stream.close()
        await site.until(lambda: not len(site.driver.streams))
        site.driver.endpoint.reject(site.told[0].leg, 486, site.driver.now())
        site.driver.flush()
        assert (await (await site.next()).hear()).startswith("SIP/2.0 486 ")

    on_site(work)


def test_what_is_stored_of_a_call_hangs_it_up_over_a_new_connection() -> None:
    async def work(site: Site) -> None:
        port = await site.listen()
        leg = site.invite(Hop("127.0.0.1", port, "tcp"), sdp=b"v=0\r\n")
        stream = await site.next()
        invite = answer(await stream.hear(), "200 OK")
        contact = f"\r\nContact: <sip:desk@127.0.0.1:{port};transport=tcp>\r\nContent-Length".encode()
        await stream.say(invite.replace(b"\r\nContent-Length", contact))
        assert (await stream.hear()).startswith("ACK ")
        stored = msgspec.json.encode(site.driver.endpoint.identifiers(leg))
        await stream.close()

        told: list[SipEvent] = []
        heir = SipDriver(Places(LOOPBACK), Doors(Platform()), os.urandom, told.append)
        heir.start()
        try:
            known = msgspec.json.decode(stored, type=LegIdentifiers)
            orphan = heir.endpoint.orphan_bye(known, heir.now())
            heir.flush()
            stream = await site.next()
            bye = await stream.hear()
            assert bye.startswith(f"BYE sip:desk@127.0.0.1:{port};transport=tcp SIP/2.0")
            await stream.say(answer(bye, "200 OK"))
            await site.until(lambda: told)
            assert told == [events.OrphanEnded(orphan, 200), events.Gone(orphan)]
        finally:
            heir.close()

    on_site(work)


# -- TLS -------------------------------------------------------------------------------------------------------------


def trusting(authority: Authority) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=authority.file)


def serving(files: TlsFiles) -> ssl.SSLContext:
    context = load_tls(files).server
    assert context is not None
    return context


def secure(files: TlsFiles) -> Places:
    return Places(LOOPBACK, LOOPBACK, tls_files=files)


def test_requests_over_tls_are_answered(tmp_path: Path) -> None:
    authority = Authority(tmp_path)

    async def work(site: Site) -> None:
        stream = await site.dial("tls", trusting(authority))
        await stream.say(options().replace(b"/UDP ", b"/TLS "))
        assert (await stream.hear()).startswith("SIP/2.0 200 ")

    on_site(work, secure(authority.issue("127.0.0.1")))


def test_a_handshake_that_does_not_end_is_cut_off(tmp_path: Path) -> None:
    async def work(site: Site) -> None:
        host, port = site.driver.addresses["tls"][0]
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(b"\x16\x03\x01\x02\x00")
        assert await asyncio.wait_for(reader.read(), WAIT_S_MAX) == b""
        await site.until(lambda: site.driver.dropped["stream_handshake_failed"] == 1)
        assert len(site.driver.streams) == 0
        writer.close()

    on_site(work, secure(Authority(tmp_path).issue("127.0.0.1")), handshake_s=0.2)


def test_a_new_certificate_serves_new_connections_and_the_old_ones_stay(tmp_path: Path) -> None:
    first, second = Authority(tmp_path, "first"), Authority(tmp_path, "second")

    async def work(site: Site) -> None:
        old = await site.dial("tls", trusting(first))
        second.issue("127.0.0.1")
        site.driver.reload_tls()
        new = await site.dial("tls", trusting(second))
        for stream in (old, new):
            await stream.say(options().replace(b"/UDP ", b"/TLS "))
            assert (await stream.hear()).startswith("SIP/2.0 200 ")
        with pytest.raises(ssl.SSLCertVerificationError):
            await site.dial("tls", trusting(first))
        (tmp_path / "server.crt").write_text("nonsense")
        site.driver.reload_tls()
        assert site.driver.dropped["tls_reload_failed"] == 1
        await site.dial("tls", trusting(second))

    on_site(work, secure(first.issue("127.0.0.1")))


def test_a_buyer_must_show_the_name_that_was_dialled(tmp_path: Path) -> None:
    authority, other = Authority(tmp_path), Authority(tmp_path, "other")
    theirs = authority.issue("buyer.example", file="theirs")

    async def work(site: Site) -> None:
        port = await site.listen(serving(theirs))
        site.invite(Hop("127.0.0.1", port, "tls", 0, "buyer.example"), request_uri="sips:desk@buyer.example")
        assert (await (await site.next()).hear()).startswith("INVITE sips:desk@buyer.example ")
        strange = await site.listen(serving(other.issue("buyer.example", file="strange")))
        for hop in (
            Hop("127.0.0.1", port, "tls", 0, "other.example"),
            Hop("127.0.0.1", strange, "tls", 0, "buyer.example"),
        ):
            leg = site.invite(hop)
            await site.until(lambda leg=leg: events.Gone(leg) in site.told)  # type: ignore[misc]
            assert events.TransportFailed(leg) in site.told
        assert site.driver.dropped["stream_connect_failed"] == 2

    on_site(work, secure(authority.issue("127.0.0.1")))


def test_an_expired_certificate_is_not_believed(tmp_path: Path) -> None:
    authority = Authority(tmp_path)

    async def work(site: Site) -> None:
        port = await site.listen(serving(authority.issue("127.0.0.1", file="theirs", days=-1)))
        leg = site.invite(Hop("127.0.0.1", port, "tls", 0, "127.0.0.1"))
        await site.until(lambda: events.Gone(leg) in site.told)
        assert events.TransportFailed(leg) in site.told

    on_site(work, secure(authority.issue("127.0.0.1")))


def test_unusable_files_are_told_by_flag_and_name(tmp_path: Path) -> None:
    usable = Authority(tmp_path).issue("127.0.0.1")
    broken = tmp_path / "broken.pem"
    broken.write_text("nonsense")
    assert usable.certificate is not None
    for files, flag in (
        (TlsFiles(broken, usable.key), "--tls-certificate"),
        (TlsFiles(usable.certificate, tmp_path / "absent.key"), "--tls-certificate"),
        (TlsFiles(usable.certificate, usable.key, tmp_path / "absent.pem"), "--tls-ca"),
    ):
        with pytest.raises(TlsUnusable, match=flag):
            load_tls(files)


# -- several listeners -----------------------------------------------------------------------------------------------


def test_ipv4_and_ipv6_side_by_side_answer_each_from_the_address_that_was_called() -> None:
    async def work(site: Site) -> None:
        loop = asyncio.get_running_loop()
        for place, family in enumerate((socket.AF_INET, socket.AF_INET6, socket.AF_INET)):
            host, port = site.driver.addresses["udp"][place]
            with socket.socket(family, socket.SOCK_DGRAM) as peer:
                peer.setblocking(False)
                peer.connect((host, port))  # takes datagrams of that address alone
                via = f"[{peer.getsockname()[0]}]" if family == socket.AF_INET6 else "127.0.0.1"
                peer.send(options(1, via))
                data = await asyncio.wait_for(loop.sock_recv(peer, 65_535), WAIT_S_MAX)
                assert data.startswith(b"SIP/2.0 200 ")
        stream = Stream(*await asyncio.open_connection(*site.driver.addresses["tcp"][1]))
        await stream.say(tcp_options())
        assert (await stream.hear()).startswith("SIP/2.0 200 ")
        await stream.close()

        port = await site.listen(host="::1")
        site.invite(Hop("::1", port, "tcp"))
        invite = await (await site.next()).hear()
        own = site.driver.addresses["tcp"][1][1]
        assert f"\r\nVia: SIP/2.0/TCP [::1]:{own};" in invite
        assert f"\r\nContact: <sip:[::1]:{own};transport=tcp>" in invite

    on_site(work, Places((("127.0.0.1", 0), ("::1", 0), ("127.0.0.1", 0))), allow=(*OPEN, "::1/128"))


def test_a_dead_port_is_told_over_ipv6_too() -> None:
    async def work(site: Site) -> None:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as held:
            held.bind(("::1", 0))
            port = held.getsockname()[1]
        leg = site.invite(Hop("::1", port))
        await site.until(lambda: site.told)
        assert site.told == [events.TransportFailed(leg), events.Gone(leg)]

    on_site(work, Places((("::1", 0),)))


def test_a_port_that_is_taken_for_tcp_alone_is_refused_and_nothing_stays_open() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = taken.getsockname()
        with pytest.raises(SipListenError) as caught:
            SipDriver(Places((("127.0.0.1", 0), address)), Doors(Platform()), os.urandom, print)
        assert "ss -tlnp" in str(caught.value.hint)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
            free.bind(address)
