"""Who may speak SIP to the switch, and which numbers are read from what they send."""

from __future__ import annotations

import pytest

from trunkline.config.schema import Platform
from trunkline.config.trunks import Trunk
from trunkline.sip.message import Request, parse
from trunkline.telephony.sip.doors import PEERS_MAX, Doors, Peers, read_call

pytestmark = pytest.mark.unit


def doors(**trunks: list[str]) -> Doors:
    """Doors with these trunks and their networks; a name that begins with `paused` is paused."""
    return Doors(
        Platform(
            trunks=tuple(
                Trunk(key=key, allow=tuple(allow), paused=key.startswith("paused")) for key, allow in trunks.items()
            )
        )
    )


def let_in(at: Doors, host: str) -> str | None:
    trunk = at.trunk_of(host)
    return None if trunk is None else trunk.key


# -- networks --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "trunk"),
    [
        ("192.0.2.0", "carrier"),
        ("192.0.2.255", "carrier"),
        ("192.0.3.0", None),
        ("198.51.100.7", "gateway"),
        ("198.51.100.8", None),
        ("2001:db8::17", "six"),
        ("2001:db9::17", None),
        ("127.0.0.1", None),
        ("::ffff:192.0.2.9", "carrier"),
        ("::ffff:203.0.113.9", None),
        ("fe80::1%eth0", None),
    ],
)
def test_a_host_comes_in_by_the_trunk_whose_network_it_is_in(host: str, trunk: str | None) -> None:
    at = doors(carrier=["192.0.2.0/24"], gateway=["198.51.100.7"], six=["2001:db8::/32"])
    assert let_in(at, host) == trunk
    assert let_in(at, host) == trunk, "the second time is like the first"


def test_a_trunk_without_networks_lets_nobody_in() -> None:
    assert let_in(doors(outbound=[]), "192.0.2.1") is None
    assert let_in(Doors(Platform()), "192.0.2.1") is None


def test_the_narrowest_network_wins_wherever_it_stands() -> None:
    for at in (
        doors(wide=["192.0.0.0/16"], narrow=["192.0.2.0/24"], one=["192.0.2.7/32"]),
        doors(one=["192.0.2.7/32"], narrow=["192.0.2.0/24"], wide=["192.0.0.0/16"]),
    ):
        found = [let_in(at, host) for host in ("192.0.2.7", "192.0.2.8", "192.0.3.1")]
        assert found == ["one", "narrow", "wide"]


def test_among_equal_networks_the_first_in_the_configuration_wins() -> None:
    assert let_in(doors(first=["192.0.2.0/24"], second=["192.0.2.0/24"]), "192.0.2.1") == "first"


def test_a_paused_trunk_keeps_its_networks_shut_also_for_wider_ones() -> None:
    at = doors(wide=["192.0.0.0/16"], paused_one=["192.0.2.0/24"])
    assert (let_in(at, "192.0.2.1"), let_in(at, "192.0.3.1")) == (None, "wide")


def test_hosts_we_have_sent_to_are_remembered_and_the_longest_unused_forgotten() -> None:
    peers = Peers()
    for number in range(PEERS_MAX):
        peers.sent_to(f"host{number}")
    peers.sent_to("host0")
    peers.sent_to("one more")
    assert "one more" in peers
    assert "host0" in peers, "used again, so not the oldest"
    assert "host1" not in peers


# -- numbers ---------------------------------------------------------------------------------------------------------


def invite_bytes(
    *more: str, uri: str = "sip:+18335550100@203.0.113.1", to: str = "<sip:x@h>", from_: str = "<sip:y@h>;tag=1"
) -> bytes:
    lines = (
        f"INVITE {uri} SIP/2.0",
        "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1",
        f"To: {to}",
        f"From: {from_}",
        "Call-ID: c",
        "CSeq: 1 INVITE",
        "Max-Forwards: 70",
        "Content-Length: 0",
        *more,
    )
    return "\r\n".join((*lines, "", "")).encode()


def invite(uri: str = "sip:+18335550100@203.0.113.1", to: str = "<sip:x@h>", from_: str = "<sip:y@h>;tag=1") -> Request:
    request = parse(invite_bytes(uri=uri, to=to, from_=from_))
    assert isinstance(request, Request)
    return request


US = Trunk(key="us", default_country="US")
BARE = Trunk(key="bare")


def called(uri: str, trunk: Trunk = US) -> str | None:
    return read_call(invite(uri), trunk).number


@pytest.mark.parametrize(
    ("uri", "number"),
    [
        ("sip:+18335550100@203.0.113.1", "+18335550100"),
        ("sip:18335550100@203.0.113.1", "+18335550100"),
        ("sip:8335550100@203.0.113.1", "+18335550100"),
        ("sip:(833)555-0100@203.0.113.1", "+18335550100"),
        ("sip:833.555.0100@203.0.113.1", "+18335550100"),
        ("sip:01144207946000@203.0.113.1", "+44207946000"),
        ("sip:+442079460000@203.0.113.1;user=phone", "+442079460000"),
        ("sip:+18335550100;npdi;rn=+15125550000@203.0.113.1", "+18335550100"),
        ("sip:%2B18335550100@203.0.113.1", "+18335550100"),
        ("tel:+1-833-555-0100", "+18335550100"),
        ("tel:8335550100;phone-context=+1", "+18335550100"),
        ("sips:+18335550100@203.0.113.1", "+18335550100"),
    ],
)
def test_the_called_number_is_read_as_a_carrier_writes_it(uri: str, number: str) -> None:
    assert called(uri) == number


@pytest.mark.parametrize(
    "uri",
    [
        "sip:203.0.113.1",
        "sip:alice@203.0.113.1",
        "sip:@203.0.113.1",
        "sip:+@203.0.113.1",
        "sip:+1833555010099999@203.0.113.1",
        "sip:+18335550100%0d%0aX@203.0.113.1",
        "sip:%00@203.0.113.1",
        "sip:+1833'OR'1@203.0.113.1",
        "mailto:someone",
    ],
)
def test_what_is_no_number_is_none_and_no_error(uri: str) -> None:
    assert called(uri) is None


def test_without_a_default_country_only_international_numbers_are_read() -> None:
    assert called("sip:+18335550100@h", BARE) == "+18335550100"
    assert called("sip:8335550100@h", BARE) is None


def test_another_default_country_reads_the_same_digits_otherwise() -> None:
    assert called("sip:02079460000@h", Trunk(key="gb", default_country="GB")) == "+442079460000"


def test_prefixes_bound_what_is_dialled_and_change_no_number_that_is_called() -> None:
    trunk = Trunk(key="uk", default_country="US", prefixes=("+44", "+1"))
    assert called("sip:+442079460000@h", trunk) == "+442079460000"
    assert called("sip:+18335550100@h", Trunk(key="no-country", prefixes=("+1",))) == "+18335550100"


def test_a_trunk_may_write_the_called_number_into_to() -> None:
    request = invite("sip:trunk-4711@203.0.113.1", to='"Tracking" <sip:+18335550100@carrier.example>')
    assert read_call(request, Trunk(key="to", number_from="to")).number == "+18335550100"
    assert read_call(request, US).number is None


# -- callers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("from_", "caller", "given"),
    [
        ("<sip:+15125550100@192.0.2.1>;tag=1", "+15125550100", "+15125550100"),
        ('"Bob" <sip:5125550100@192.0.2.1>;tag=1', "+15125550100", "5125550100"),
        ("<tel:+15125550100>;tag=1", "+15125550100", "+15125550100"),
        ("<sip:+15125550100;cpc=ordinary@192.0.2.1>;tag=1", "+15125550100", "+15125550100"),
        ("<sip:+19995550100@192.0.2.1>;tag=1", "+19995550100", "+19995550100"),
        ('"Anonymous" <sip:anonymous@anonymous.invalid>;tag=1', None, "anonymous"),
        ("<sip:Restricted@192.0.2.1>;tag=1", None, "Restricted"),
        ("<sip:192.0.2.1>;tag=1", None, ""),
        ("<sip:alice@192.0.2.1>;tag=1", None, "alice"),
    ],
)
def test_the_caller_is_read_from_the_from_header(from_: str, caller: str | None, given: str) -> None:
    found = read_call(invite(from_=from_), US).caller.id
    assert (found.number, found.given, found.anonymous) == (caller, given, caller is None)


# -- where and how one carrier writes them ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("+18335550100", "+18335550100"),
        ("8335550100", "+18335550100"),
        ("<sip:+18335550100@carrier.example;user=phone>;reason=unconditional", "+18335550100"),
        ("tel:+18335550100", "+18335550100"),
        ('"Desk" <tel:8335550100>', "+18335550100"),
        ("desk", None),
        ("<sip:>", None),
        ("", None),
    ],
)
def test_a_trunk_may_write_the_called_number_into_a_header_of_its_own(value: str, number: str | None) -> None:
    trunk = Trunk(key="own", default_country="US", number_from="header:X-Dialed")
    request = parse(invite_bytes(f"x-dialed: {value}"))
    assert isinstance(request, Request)
    assert read_call(request, trunk).number == number


def test_a_header_that_is_not_there_names_no_number() -> None:
    assert read_call(invite(), Trunk(key="own", number_from="header:X-Dialed")).number is None


def test_numbers_are_read_with_the_prefixes_of_the_trunk_in_both_places() -> None:
    trunk = Trunk(key="de", default_country="DE", national_prefix="0", international_prefix="00")
    found = read_call(invite("sip:0018335550100@h", from_="<sip:030123456@h>;tag=1"), trunk)
    assert (found.number, found.caller.id.number, found.caller.id.given) == ("+18335550100", "+4930123456", "030123456")
    assert read_call(invite(from_="<sip:anonymous@anonymous.invalid>;tag=1"), trunk).caller.id.number is None
