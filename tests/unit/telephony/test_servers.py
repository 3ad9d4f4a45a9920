"""Which servers an address stands for, in which order: SRV draws, NAPTR, hosts file, times to live."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random

import pytest

from trunkline.sip.hops import Hop
from trunkline.sip.uri import parse_uri
from trunkline.telephony.sip import names as names_module
from trunkline.telephony.sip.hosts_file import HostsFile
from trunkline.telephony.sip.names import Names, Unresolved
from trunkline.telephony.sip.resolver import TTL_S, Found, NoServers, Resolver
from trunkline.telephony.sip.servers import Place, Server, hop_of, in_order, place_of
from trunkline.testing.dns import DnsServer

pytestmark = pytest.mark.unit

PBX = Place("pbx.example", None, None)
A, B, C = Hop("192.0.2.1", 5060), Hop("192.0.2.2", 5060), Hop("192.0.2.3", 5060)


# -- the draw --------------------------------------------------------------------------------------------------------


def test_lower_priorities_come_first_and_equals_in_proportion_to_their_weight() -> None:
    random = Random(7)
    servers = (Server(20, 0, (C,)), Server(10, 30, (A,)), Server(10, 10, (B,)))
    first = Counter(in_order(servers, random.randrange)[0] for _ in range(4_000))
    assert set(first) == {A, B}
    assert 2_850 < first[A] < 3_150, "three of four"
    assert all(in_order(servers, random.randrange)[2] == C for _ in range(20))


def test_weight_zero_is_last_among_equals_but_drawn_when_alone() -> None:
    random = Random(7)
    servers = (Server(10, 0, (A,)), Server(10, 5, (B,)))
    assert {in_order(servers, random.randrange) for _ in range(200)} == {(B, A)}
    alone = (Server(10, 0, (A,)), Server(10, 0, (B,)))
    assert {in_order(alone, random.randrange) for _ in range(50)} == {(A, B), (B, A)}


def test_each_hop_is_tried_once_and_every_draw_has_all() -> None:
    servers = (Server(1, 1, (A, B)), Server(1, 1, (B, C)), Server(2, 9, (A,)))
    for seed in range(50):
        found = in_order(servers, Random(seed).randrange)
        assert sorted(found) == [A, B, C]


@pytest.mark.parametrize(
    ("uri", "place"),
    [
        ("sip:x@PBX.example", Place("pbx.example", None, None)),
        ("sip:x@pbx.example:5070;transport=TCP", Place("pbx.example", 5070, "tcp")),
        ("sips:x@pbx.example", Place("pbx.example", None, "tls", True)),
        ("sip:x@[2001:db8::7]", Place("2001:db8::7", None, None)),
    ],
)
def test_what_an_address_says(uri: str, place: Place) -> None:
    assert place_of(parse_uri(uri)) == place


def test_a_tls_server_must_show_the_name_that_was_dialled() -> None:
    assert hop_of(Place("pbx.example", None, "tls"), "192.0.2.1") == Hop("192.0.2.1", 5061, "tls", 0, "pbx.example")


# -- questions -------------------------------------------------------------------------------------------------------


def asking(work: Callable[[DnsServer, Resolver], Awaitable[None]], hosts: Path | None = None) -> DnsServer:
    """Do `work` with a DNS server and a resolver that asks it."""

    async def run() -> DnsServer:
        async with DnsServer() as server:
            await work(server, Resolver(server.address, hosts=HostsFile(hosts or Path("/nonexistent"))))
        return server

    return asyncio.run(run())


def hops(found: Found) -> list[Hop]:
    return [hop for server in found.servers for hop in server.hops]


def test_naptr_leads_to_srv_and_srv_to_addresses() -> None:
    async def work(server: DnsServer, resolver: Resolver) -> None:
        server.add(
            "pbx.example",
            "NAPTR",
            '20 10 "s" "SIP+D2U" "" _sip._udp.pbx.example.',
            '10 10 "s" "SIP+D2T" "" _sip._tcp.pbx.example.',
            '5 10 "u" "E2U+sip" "!^.*$!sip:x@y!" .',
        )
        server.add("_sip._tcp.pbx.example", "SRV", "10 60 5070 a.example.", "10 40 5071 b.example.", ttl=300)
        server.add("a.example", "A", "192.0.2.1", "192.0.2.2", ttl=30)
        server.add("b.example", "AAAA", "2001:db8::1")
        found = await resolver.look_up(PBX)
        assert sorted(hops(found)) == [
            Hop("192.0.2.1", 5070, "tcp"),
            Hop("192.0.2.2", 5070, "tcp"),
            Hop("2001:db8::1", 5071, "tcp"),
        ]
        assert found.ttl_s == 30, "the shortest of all that was asked"

    asking(work)


def test_without_naptr_srv_is_asked_and_without_srv_the_address() -> None:
    async def work(server: DnsServer, resolver: Resolver) -> None:
        server.add("pbx.example", "A", "192.0.2.9")
        assert hops(await resolver.look_up(PBX)) == [Hop("192.0.2.9", 5060)]
        server.add("_sip._udp.pbx.example", "SRV", "1 1 5080 pbx.example.")
        assert hops(await resolver.look_up(PBX)) == [Hop("192.0.2.9", 5080)]

    asked = asking(work).asked
    assert asked[0] == ("pbx.example.", "NAPTR")
    assert ("_sip._udp.pbx.example.", "SRV") in asked


@pytest.mark.parametrize(
    ("place", "questions", "hop"),
    [
        (Place("pbx.example", 5070, None), {"A", "AAAA"}, Hop("192.0.2.9", 5070)),
        (Place("pbx.example", None, "udp"), {"SRV", "A", "AAAA"}, Hop("192.0.2.9", 5060)),
    ],
)
def test_what_the_address_says_is_not_asked(place: Place, questions: set[str], hop: Hop) -> None:
    async def work(server: DnsServer, resolver: Resolver) -> None:
        server.add("pbx.example", "A", "192.0.2.9")
        assert hops(await resolver.look_up(place)) == [hop]

    assert {kind for _, kind in asking(work).asked} == questions


def test_a_transport_that_is_not_spoken_is_not_chosen() -> None:
    async def run() -> None:
        async with DnsServer() as server:
            server.add(
                "pbx.example",
                "NAPTR",
                '10 10 "s" "SIPS+D2T" "" _sips._tcp.pbx.example.',
                '20 10 "s" "SIP+D2U" "" _sip._udp.pbx.example.',
            )
            for name, at in (("_sips._tcp", 5061), ("_sip._udp", 5062)):
                server.add(f"{name}.pbx.example", "SRV", f"1 1 {at} pbx.example.")
            server.add("pbx.example", "A", "192.0.2.9")
            only_udp = Resolver(server.address, transports=("udp",), hosts=HostsFile(Path("/nonexistent")))
            assert hops(await only_udp.look_up(PBX)) == [Hop("192.0.2.9", 5062)]
            every = Resolver(server.address, hosts=HostsFile(Path("/nonexistent")))
            assert hops(await every.look_up(PBX)) == [Hop("192.0.2.9", 5061, "tls", 0, "pbx.example")]

    asyncio.run(run())


@pytest.mark.parametrize(
    "records",
    [
        {("_sip._udp.pbx.example", "SRV"): "1 1 5060 ."},
        {("_sip._udp.pbx.example", "SRV"): "1 1 0 pbx.example.", ("pbx.example", "A"): "192.0.2.9"},
        {("_sip._udp.pbx.example", "SRV"): "1 1 5060 gone.example."},
        {("pbx.example", "A"): "0.0.0.0"},
        {("pbx.example", "A"): "224.0.0.1"},
        {},
    ],
)
def test_what_stands_for_no_server_is_said_to(records: dict[tuple[str, str], str]) -> None:
    async def work(server: DnsServer, resolver: Resolver) -> None:
        for (name, kind), data in records.items():
            server.add(name, kind, data)
        with pytest.raises(NoServers) as caught:
            await resolver.look_up(PBX)
        assert caught.value.known

    asking(work)


@pytest.mark.parametrize("host", ["a" * 64 + ".example", "", "x..y", "ex ample"])
def test_a_name_that_is_none_is_no_error_of_ours(host: str) -> None:
    async def work(_server: DnsServer, resolver: Resolver) -> None:
        with pytest.raises(NoServers):
            await resolver.look_up(Place(host, None, None))

    asking(work)


def test_a_server_that_fails_is_another_thing_than_one_that_knows_nothing() -> None:
    async def work(server: DnsServer, resolver: Resolver) -> None:
        server.failing = True
        with pytest.raises(NoServers) as caught:
            await resolver.look_up(PBX)
        assert not caught.value.known

    asking(work)


def test_what_no_dns_knows_the_system_may(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        async with DnsServer() as server:
            own = Resolver(server.address, hosts=HostsFile(Path("/nonexistent")))
            system = Resolver(server.address, hosts=HostsFile(Path("/nonexistent")))
            monkeypatch.setattr(system, "_own_server", False)  # as if these were the servers that the system asks
            place = Place("localhost", 5060, None)
            assert "127.0.0.1" in {hop.host for hop in hops(await system.look_up(place))}
            with pytest.raises(NoServers):
                await own.look_up(place)

    asyncio.run(run())


def test_times_to_live_are_bounded() -> None:
    async def work(server: DnsServer, resolver: Resolver) -> None:
        for ttl, kept in ((0, TTL_S[0]), (100_000, TTL_S[1]), (77, 77)):
            server.add("pbx.example", "A", "192.0.2.9", ttl=ttl)
            server.add("pbx.example", "AAAA", "2001:db8::9", ttl=ttl)
            assert (await resolver.look_up(Place("pbx.example", 5060, None))).ttl_s == kept

    asking(work)


def test_the_hosts_file_comes_before_dns_and_is_read_again_when_it_changes(tmp_path: Path) -> None:
    file = tmp_path / "hosts"
    file.write_text("# ours\n192.0.2.5 pbx.example pbx # comment\nnonsense x\n2001:db8::5 PBX.example.\n")

    async def work(_server: DnsServer, resolver: Resolver) -> None:
        assert [hop.host for hop in hops(await resolver.look_up(PBX))] == ["192.0.2.5", "2001:db8::5"]
        file.write_text("192.0.2.66 pbx.example\n")
        assert [hop.host for hop in hops(await resolver.look_up(PBX))] == ["192.0.2.66"]

    assert asking(work, file).asked == []


# -- what is remembered ----------------------------------------------------------------------------------------------


class Asked:
    """Knows what the test says; counts who asks."""

    def __init__(self) -> None:
        self.answer: Found | Exception = Found((Server(0, 0, (A,)),), 60)
        self.asked: list[Place] = []
        self.at_once = self.at_once_max = 0

    async def look_up(self, place: Place) -> Found:
        self.asked.append(place)
        self.at_once += 1
        self.at_once_max = max(self.at_once_max, self.at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        if place.host == "odd":
            raise RuntimeError("a bug of ours")
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class Clock:
    """Monotonic time as the test says."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(names_module, "time", made)
    return made


def test_an_address_is_its_own_and_a_name_is_unknown_until_it_was_asked_for() -> None:
    asked = Asked()
    names = Names(asked, lambda limit: 0)
    assert names.servers(Place("192.0.2.7", 5070, None)) == (Hop("192.0.2.7", 5070),)
    assert names.servers(PBX) is None
    assert asyncio.run(names.resolve(PBX)) == (A,)
    assert (names.servers(PBX), len(asked.asked)) == ((A,), 1)


def test_an_old_answer_is_used_while_nobody_gives_another_and_dropped_when_somebody_says_so(clock: Clock) -> None:
    asked = Asked()
    names = Names(asked, lambda limit: 0)
    asyncio.run(names.resolve(PBX))
    asked.answer = NoServers("nobody answers", known=False)
    clock.now += 1_000
    asyncio.run(names.refresh([PBX]))
    assert names.servers(PBX) == (A,)
    clock.now += 3_600
    assert names.servers(PBX) is None
    clock.now -= 3_600
    asked.answer = NoServers("it is gone", known=True)
    asyncio.run(names.refresh([PBX]))
    assert names.servers(PBX) is None


@pytest.mark.parametrize(("known", "kept_s"), [(True, 30.0), (False, 5.0)])
def test_that_there_is_no_server_is_remembered_for_a_while(clock: Clock, known: bool, kept_s: float) -> None:
    asked = Asked()
    asked.answer = NoServers("none", known=known)
    names = Names(asked, lambda limit: 0)
    for passed, count in ((0.0, 1), (kept_s - 1, 1), (2.0, 2)):
        clock.now += passed
        with pytest.raises(Unresolved):
            asyncio.run(names.resolve(PBX))
        assert len(asked.asked) == count


def test_a_name_that_fails_holds_up_no_other_and_only_some_are_asked_for_at_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    asked = Asked()
    names = Names(asked, lambda limit: 0)
    places = [Place(host, None, None) for host in ("odd", *(f"pbx{number}.example" for number in range(30)))]
    asyncio.run(names.refresh(places))
    assert [names.servers(place) for place in places] == [None, *[(A,)] * 30]
    assert 1 < asked.at_once_max <= names_module.LOOKUPS_AT_ONCE
    assert "a bug of ours" in caplog.text


def test_names_are_asked_for_again_before_their_time_is_over(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, times = Asked(), 0
    names = Names(asked, lambda limit: 0)

    async def sleep(seconds: float) -> None:
        nonlocal times
        clock.now += seconds
        times += 1
        if times > 200:
            raise asyncio.CancelledError

    monkeypatch.setattr(names_module.asyncio, "sleep", sleep)
    asked_in_turn = asked.look_up

    async def look_up(place: Place) -> Found:
        asked.asked.append(place)
        assert isinstance(asked.answer, Found)
        return asked.answer

    asked.look_up = look_up  # type: ignore[method-assign]
    assert asked_in_turn is not None
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(names.keep_fresh(lambda: [PBX]))
    assert len(asked.asked) == 5, "at once, then every 50 s: ten before its minute is over"
