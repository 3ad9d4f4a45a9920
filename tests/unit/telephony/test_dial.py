"""From a target's settings to the INVITE that rings it."""

from __future__ import annotations

from typing import Any

import pytest

from trunkline.config.schema import Account, AccountConfig, Platform, Target
from trunkline.config.trunks import Trunk, TrunkOutbound
from trunkline.engine.routing.offer import Ring
from trunkline.sip.endpoint import CallTerms, EndpointConfig, Hop, SipEndpoint
from trunkline.sip.errors import LocalSipError
from trunkline.sip.message import Request, parse
from trunkline.telephony.sip.dial import Shown, Undiallable, invite_to, places_to_resolve, terms_of, ways_to
from trunkline.telephony.sip.servers import hop_of

pytestmark = pytest.mark.unit

CARRIER = Trunk(key="carrier", default_country="US", outbound=TrunkOutbound(proxy="sip:198.51.100.5:5070"))
TRUNKS = {
    "carrier": CARRIER,
    "six": Trunk(key="six", default_country="US", outbound=TrunkOutbound(proxy="sip:[2001:db8::5]")),
    "inbound": Trunk(key="inbound", allow=("192.0.2.0/24",)),
    "paused": Trunk(key="paused", paused=True, outbound=TrunkOutbound(proxy="sip:198.51.100.5")),
}
CALLER, NUMBER = "+15125550100", "+18335550100"
LOCAL = ("203.0.113.1", 5060)


def ring(dial: str = "sip:desk@192.0.2.7:5081", **changed: Any) -> Ring:
    usual: dict[str, Any] = {
        "trunks": (),
        "ring_seconds": 25,
        "first_response_seconds": 4,
        "caller_id": "caller",
        "max_duration_seconds": 60,
    }
    return Ring(dial=dial, **(usual | changed))


def invite(
    to_ring: Ring,
    caller: str | None = CALLER,
    local: tuple[str, int] = LOCAL,
    trunks: dict[str, Trunk] | None = None,
) -> tuple[Request, tuple[str, int]]:
    """The INVITE as it goes on the wire, and where it goes."""
    way = ways_to(to_ring, trunks or TRUNKS)[0]
    target = invite_to(to_ring, way, hop_of(way.place, way.place.host), Shown(caller, NUMBER), local, b"v=0\r\n")
    endpoint = SipEndpoint(EndpointConfig(*local), lambda count: b"\1" * count)
    endpoint.launch(endpoint.prepare(target), 0.0)
    (sent,) = endpoint.datagrams()
    request = parse(sent.data)
    assert isinstance(request, Request)
    return request, sent.destination[:2]


# -- where it goes ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dial", "trunk", "uri", "destination"),
    [
        ("sip:desk@192.0.2.7:5081", None, "sip:desk@192.0.2.7:5081", ("192.0.2.7", 5081)),
        ("sip:desk@192.0.2.7", None, "sip:desk@192.0.2.7", ("192.0.2.7", 5060)),
        ("SIP:desk@192.0.2.7", None, "SIP:desk@192.0.2.7", ("192.0.2.7", 5060)),
        ("sip:desk@192.0.2.7;transport=UDP", None, "sip:desk@192.0.2.7;transport=UDP", ("192.0.2.7", 5060)),
        ("sip:desk@[2001:db8::7]:5081", None, "sip:desk@[2001:db8::7]:5081", ("2001:db8::7", 5081)),
        ("+12125550123", "carrier", "sip:+12125550123@198.51.100.5:5070", ("198.51.100.5", 5070)),
        ("+12125550123", "six", "sip:+12125550123@[2001:db8::5]", ("2001:db8::5", 5060)),
        ("sip:desk@192.0.2.7", "carrier", "sip:desk@192.0.2.7", ("192.0.2.7", 5060)),
    ],
)
def test_an_address_is_dialled_as_it_is_and_a_number_by_its_trunks_proxy(
    dial: str, trunk: str | None, uri: str, destination: tuple[str, int]
) -> None:
    request, sent_to = invite(ring(dial, trunks=() if trunk is None else (trunk,)))
    assert (request.uri, sent_to) == (uri, destination)
    assert request.to.uri == uri


@pytest.mark.parametrize(
    ("dial", "trunk", "reason"),
    [
        ("+12125550123", None, "trunk"),
        ("+12125550123", "unknown", "trunk"),
        ("+12125550123", "inbound", "trunk"),
        ("+12125550123", "paused", "trunk"),
        ("sip:desk@192.0.2.7:99999", None, "bad_address"),
        ("sip:desk@", None, "bad_address"),
        ("sip:desk@192.0.2.7;transport=sctp", None, "transport"),
        ("sip:desk@192.0.2.7;transport=ws", None, "transport"),
    ],
)
def test_what_cannot_be_dialled_says_why(dial: str, trunk: str | None, reason: str) -> None:
    with pytest.raises(Undiallable) as caught:
        ways_to(ring(dial, trunks=() if trunk is None else (trunk,)), TRUNKS)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("dial", "destination"),
    [
        ("sip:desk@192.0.2.7;transport=tcp", Hop("192.0.2.7", 5060, "tcp")),
        ("sip:desk@192.0.2.7:5081;transport=TCP", Hop("192.0.2.7", 5081, "tcp")),
        ("sip:desk@192.0.2.7;transport=tls", Hop("192.0.2.7", 5061, "tls", 0, "192.0.2.7")),
        ("sips:desk@192.0.2.7", Hop("192.0.2.7", 5061, "tls", 0, "192.0.2.7")),
        ("SIPS:desk@[2001:db8::7]:5081;transport=tcp", Hop("2001:db8::7", 5081, "tls", 0, "2001:db8::7")),
    ],
)
def test_an_address_says_its_transport(dial: str, destination: Hop) -> None:
    (way,) = ways_to(ring(dial), TRUNKS)
    found = invite_to(ring(dial), way, hop_of(way.place, way.place.host), Shown(CALLER, NUMBER), LOCAL, b"v=0\r\n")
    assert (found.request_uri, found.destination) == (dial, destination)


def test_a_certificate_must_show_the_name_that_was_dialled_not_the_address_it_has() -> None:
    wanted = ring("sips:desk@buyer.example")
    (way,) = ways_to(wanted, TRUNKS)
    found = invite_to(wanted, way, hop_of(way.place, "192.0.2.7"), Shown(CALLER, NUMBER), LOCAL, b"v=0\r\n")
    assert found.destination == Hop("192.0.2.7", 5061, "tls", 0, "buyer.example")


def test_a_number_behind_a_secure_proxy_stays_secure() -> None:
    trunks = {"tls": Trunk(key="tls", default_country="US", outbound=TrunkOutbound(proxy="sips:198.51.100.5"))}
    (way,) = ways_to(ring("+12125550123", trunks=("tls",)), trunks)
    assert way.request_uri == "sips:+12125550123@198.51.100.5"


# -- who is shown ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("caller_id", "caller", "shown"),
    [
        ("caller", CALLER, f"sip:{CALLER}@203.0.113.1:5060"),
        ("caller", None, "sip:anonymous@anonymous.invalid"),
        ("number", CALLER, f"sip:{NUMBER}@203.0.113.1:5060"),
        ("number", None, f"sip:{NUMBER}@203.0.113.1:5060"),
        ("anonymous", CALLER, "sip:anonymous@anonymous.invalid"),
        ("+16465550199", CALLER, "sip:+16465550199@203.0.113.1:5060"),
    ],
)
def test_who_is_shown_to_the_buyer(caller_id: str, caller: str | None, shown: str) -> None:
    request, _ = invite(ring(caller_id=caller_id), caller)
    assert request.from_.uri == shown
    assert (request.from_.display == "Anonymous") == ("anonymous" in shown)


def test_a_withheld_number_is_nowhere_in_the_invite() -> None:
    request, _ = invite(ring(caller_id="anonymous"))
    assert CALLER not in repr(request)


def test_an_ipv6_address_of_ours_is_written_in_brackets() -> None:
    request, _ = invite(ring("sip:desk@[2001:db8::7]"), local=("2001:db8::1", 5060))
    assert request.from_.uri == f"sip:{CALLER}@[2001:db8::1]:5060"


# -- headers ---------------------------------------------------------------------------------------------------------


def test_headers_of_the_target_are_passed_on_as_they_stand() -> None:
    request, _ = invite(ring(headers=(("X-Campaign", "injury; lead=1"), ("X-Test", ""))))
    assert (request.header("X-Campaign"), request.header("X-Test")) == ("injury; lead=1", "")


@pytest.mark.parametrize(
    "header",
    [
        ("X-A", "1\r\nVia: SIP/2.0/UDP 192.0.2.66"),
        ("X-A", "1\nX-B: 2"),
        ("X-A\r\nX-B", "1"),
        ("X A", "1"),
        ("", "1"),
        ("Contact", "<sip:evil@192.0.2.66>"),
        ("From", "<sip:evil@192.0.2.66>"),
        ("Route", "<sip:192.0.2.66;lr>"),
    ],
)
def test_a_header_that_would_change_the_call_is_not_sent(header: tuple[str, str]) -> None:
    with pytest.raises(LocalSipError):
        invite(ring(headers=(header,)))


@pytest.mark.parametrize("caller_id", ["+1>\r\nX: y", 'x" <sip:evil@h', "a b"])
def test_a_caller_id_cannot_break_out_of_its_header(caller_id: str) -> None:
    with pytest.raises(LocalSipError):
        invite(ring(caller_id=caller_id))


# -- names -----------------------------------------------------------------------------------------------------------


def test_host_names_of_targets_and_proxies_are_looked_up_ahead_and_addresses_are_not() -> None:
    targets = (
        Target(key="a", buyer="b", dial="sip:desk@pbx.example.com:5070", also_dial=("sip:cell@Mobile.example.com",)),
        Target(key="b", buyer="b", dial="sip:desk@192.0.2.7"),
        Target(key="c", buyer="b", dial="sip:desk@[2001:db8::7]"),
        Target(key="d", buyer="b", dial="+12125550123", trunk=("carrier",)),
        Target(key="e", buyer="b"),
    )
    platform = Platform(trunks=(CARRIER, Trunk(key="named", outbound=TrunkOutbound(proxy="sip:gw.example.com"))))
    account = AccountConfig(account=Account(key="acme", timezone="UTC"), targets=targets)
    found = {(place.host, place.port) for place in places_to_resolve(platform, [account])}
    assert found == {("pbx.example.com", 5070), ("mobile.example.com", None), ("gw.example.com", None)}


# -- several trunks, and what they may dial --------------------------------------------------------------------------


def test_a_number_has_one_way_for_each_trunk_that_may_carry_it_in_their_order() -> None:
    ways = ways_to(ring("+12125550123", trunks=("paused", "six", "inbound", "carrier")), TRUNKS)
    assert [way.trunk.key for way in ways if way.trunk is not None] == ["six", "carrier"]
    assert len(ways_to(ring("sip:desk@192.0.2.7", trunks=("six", "carrier")), TRUNKS)) == 1


@pytest.mark.parametrize(
    ("number", "reason"), [("+442079460000", "international_number"), ("+19005550123", "premium_number")]
)
def test_a_number_that_came_past_the_checks_of_the_configuration_is_not_dialled(number: str, reason: str) -> None:
    with pytest.raises(Undiallable) as caught:
        ways_to(ring(number, trunks=("carrier", "paused")), TRUNKS)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("form", "uri", "shown"),
    [
        ("plus", "+12125550123", CALLER),
        ("e164", "12125550123", CALLER[1:]),
        ("national", "12125550123", CALLER[1:]),
    ],
)
def test_numbers_are_written_as_the_trunk_wants_them(form: Any, uri: str, shown: str) -> None:
    outbound = TrunkOutbound(proxy="sip:198.51.100.5", number_format=form)
    trunk = Trunk(key="x", default_country="US", national_prefix="1", outbound=outbound)
    request, _ = invite(ring("+12125550123", trunks=("x",)), trunks={"x": trunk})
    assert (request.uri, request.from_.uri) == (f"sip:{uri}@198.51.100.5", f"sip:{shown}@203.0.113.1:5060")
    assert request.to.uri == request.uri


def test_what_is_asked_of_a_call_is_its_trunks_word() -> None:
    assert terms_of(None) == CallTerms(session_s=1800)
    assert terms_of(Trunk(key="a")) == CallTerms(session_s=1800)
    ours = Trunk(key="a", session_seconds=None, reliable_provisional="required")
    assert terms_of(ours) == CallTerms(session_s=None, reliable="required")


@pytest.mark.parametrize("hops", [0, 4, 69])
def test_an_invite_may_take_the_hops_that_are_left(hops: int) -> None:
    (way,) = ways_to(ring(), TRUNKS)
    hop = hop_of(way.place, way.place.host)
    found = invite_to(ring(), way, hop, Shown(CALLER, NUMBER), LOCAL, b"v=0\r\n", max_forwards=hops)
    assert found.max_forwards == hops
    assert invite(ring())[0].max_forwards == 70
