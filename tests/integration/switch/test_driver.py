"""The SIP driver with real sockets: who is heard, what errors it lives through, that its timer always runs."""

from __future__ import annotations

import asyncio

import pytest
from tests.integration.switch.wires import SHUT, Wire, answer, on_wire, options

from trunkline.config.schema import Platform
from trunkline.kernel.errors import ExitCode
from trunkline.sip import events
from trunkline.telephony.sip.doors import Doors
from trunkline.telephony.sip.driver import SipDriver
from trunkline.telephony.sip.listening import Places, SipListenError
from trunkline.telephony.sip.udp import READS_PER_WAKE

pytestmark = pytest.mark.integration


def test_a_trunk_gets_an_answer() -> None:
    async def work(wire: Wire) -> None:
        wire.peer.send(wire.driver, options())
        assert (await wire.peer.receive()).startswith("SIP/2.0 200 ")

    on_wire(work)


@pytest.mark.parametrize("data", [options(), b"INVITE sip:x@h SIP/2.0\r\n\r\n", b"\xff" * 2_000, b""])
def test_an_unknown_source_gets_nothing_at_all(data: bytes) -> None:
    async def work(wire: Wire) -> None:
        wire.peer.send(wire.driver, data)
        await wire.until(lambda: wire.driver.dropped["unknown_source"])
        assert not wire.peer.has_mail()
        assert (wire.told, wire.driver.endpoint.counters) == ([], {})

    on_wire(work, SHUT)


def test_a_host_that_we_have_called_may_answer_though_it_is_no_trunk() -> None:
    async def work(wire: Wire) -> None:
        leg = wire.invite(wire.peer.port)
        wire.peer.send(wire.driver, answer(await wire.peer.receive(), "486 Busy Here"))
        await wire.until(lambda: wire.told)
        (refused, gone) = wire.told
        assert isinstance(refused, events.Refused)
        assert (refused.leg, refused.status, type(gone)) == (leg, 486, events.Gone)
        assert (await wire.peer.receive()).startswith("ACK ")

    on_wire(work, SHUT)


def test_doors_may_be_changed_while_it_listens() -> None:
    async def work(wire: Wire) -> None:
        wire.driver.doors = Doors(Platform())
        wire.peer.send(wire.driver, options())
        await wire.until(lambda: wire.driver.dropped["unknown_source"])

    on_wire(work)


# -- errors ----------------------------------------------------------------------------------------------------------


def test_a_datagram_that_cannot_be_sent_is_counted_and_nothing_else_suffers() -> None:
    async def work(wire: Wire) -> None:
        leg = wire.invite(5060, "2001:db8::1")  # our socket speaks IPv4
        await wire.until(lambda: wire.told)
        assert wire.told == [events.TransportFailed(leg), events.Gone(leg)]
        assert sum(count for name, count in wire.driver.dropped.items() if name.startswith("send_")) == 1
        wire.peer.send(wire.driver, options())
        assert (await wire.peer.receive()).startswith("SIP/2.0 200 ")

    on_wire(work)


def test_a_port_that_nobody_listens_on_does_not_stop_the_listener() -> None:
    async def work(wire: Wire) -> None:
        silent = wire.peer.port
        wire.peer.socket.close()
        leg = wire.invite(silent, first_response_s=30.0)
        await wire.until(lambda: wire.told)
        assert wire.told == [events.TransportFailed(leg), events.Gone(leg)], "ICMP says so; nobody waits 30 s"
        assert wire.driver.dropped["icmp_ECONNREFUSED"] == 1
        wire.peer = type(wire.peer)()
        wire.peer.send(wire.driver, options())
        assert (await wire.peer.receive()).startswith("SIP/2.0 200 ")

    on_wire(work)


@pytest.mark.parametrize(
    "via",
    [
        "127.0.0.1:99999",
        "127.0.0.1:99999999999999999999",
        "127.0.0.1:0",
        "127.0.0.1:-1",
        "127.0.0.1:5060:5060",
        "256.256.256.256",
        "255.255.255.255:5060",
        "[::1",
        "a" * 300,
        "\u0660.example",
        "127.0.0.1;received=256.1.1.1;maddr=224.0.0.1",
    ],
)
def test_a_hostile_via_costs_its_sender_an_answer_and_nobody_else_anything(via: str) -> None:
    async def work(wire: Wire) -> None:
        wire.peer.send(wire.driver, options(1, via))
        wire.peer.send(wire.driver, options(2))
        while "Call-ID: options-2" not in await wire.peer.receive():
            pass
        assert not any(name.startswith(("send_", "event_")) for name in wire.driver.dropped)

    on_wire(work)


def test_an_error_in_what_listens_loses_only_its_own_event(caplog: pytest.LogCaptureFixture) -> None:
    async def work(wire: Wire) -> None:
        def fails_once(event: events.SipEvent) -> None:
            wire.told.append(event)
            if len(wire.told) == 1:
                raise RuntimeError("a bug of ours")

        wire.on_event = fails_once
        wire.invite(wire.peer.port)
        wire.peer.send(wire.driver, answer(await wire.peer.receive(), "486 Busy Here"))
        await wire.until(lambda: len(wire.told) == 2)
        assert (await wire.peer.receive()).startswith("ACK ")
        assert wire.driver.dropped["event_error"] == 1

    on_wire(work)
    assert "a bug of ours" in caplog.text


# -- time and order --------------------------------------------------------------------------------------------------


def test_requests_are_repeated_until_they_are_answered_and_no_longer() -> None:
    async def work(wire: Wire) -> None:
        wire.invite(wire.peer.port)
        first, second = await wire.peer.receive(), await wire.peer.receive()
        assert first == second
        assert first.startswith("INVITE ")
        wire.peer.send(wire.driver, answer(first, "100 Trying"))
        before = wire.driver.endpoint.next_timer()
        await wire.until(lambda: wire.driver.endpoint.next_timer() != before)
        assert not wire.peer.has_mail()

    on_wire(work)


def test_an_earlier_timer_replaces_a_later_one() -> None:
    async def work(wire: Wire) -> None:
        slow = wire.invite(wire.peer.port, first_response_s=30.0)
        fast = wire.invite(wire.peer.port, first_response_s=0.05)
        await wire.until(lambda: wire.told)
        assert wire.told == [events.NoResponse(fast, 0.05)]
        assert slow != fast

    on_wire(work)


def test_orders_given_while_news_is_handed_out_are_sent_with_it() -> None:
    async def work(wire: Wire) -> None:
        def call_the_next(event: events.SipEvent) -> None:
            wire.told.append(event)
            if isinstance(event, events.Refused):
                wire.invite(wire.peer.port)

        wire.on_event = call_the_next
        wire.invite(wire.peer.port)
        wire.peer.send(wire.driver, answer(await wire.peer.receive(), "486 Busy Here"))
        following = {(await wire.peer.receive()).split(" ")[0] for _ in range(2)}
        assert following == {"ACK", "INVITE"}

    on_wire(work)


def test_a_burst_is_answered_whole_though_the_loop_gets_its_turn_in_between() -> None:
    burst = 3 * READS_PER_WAKE

    async def work(wire: Wire) -> None:
        for number in range(burst):
            wire.peer.send(wire.driver, options(number))
        answers = [await wire.peer.receive() for _ in range(burst)]
        assert sum(answer.startswith("SIP/2.0 200 ") for answer in answers) == burst

    on_wire(work)


# -- the address -----------------------------------------------------------------------------------------------------


def test_a_port_that_is_taken_is_named_with_what_to_do() -> None:
    async def work(wire: Wire) -> None:
        with pytest.raises(SipListenError) as caught:
            SipDriver(Places((wire.driver.address,)), wire.driver.doors, bytes, wire.told.append)
        assert f"127.0.0.1:{wire.driver.address[1]}" in caught.value.message
        assert "--sip" in caught.value.hint
        assert caught.value.exit_code == ExitCode.ENVIRONMENT

    on_wire(work)


def test_peers_are_told_the_public_address() -> None:
    async def run() -> None:
        driver = SipDriver(
            Places((("127.0.0.1", 0),), public_host="203.0.113.7"), Doors(Platform()), lambda n: b"1" * n, print
        )
        try:
            assert driver.public == ("203.0.113.7", driver.address[1])
        finally:
            driver.close()

    asyncio.run(run())
