"""Which addresses a bid may name."""

from __future__ import annotations

import pytest

from trunkline.engine.bidders.destinations import dial_of, is_allowed
from trunkline.engine.payloads.documents import Unusable

pytestmark = pytest.mark.unit

ALLOW = ("sip:pbx.example.com", "sip:.rtb.example", "sip:[2001:db8::1]", "+1512", "+44")


@pytest.mark.parametrize(
    "dial",
    [
        "sip:7@pbx.example.com",
        "sip:7@PBX.example.com:5070;transport=tcp",
        "sips:7@pbx.example.com",
        "sip:7@pbx.example.com.",
        "sip:pbx.example.com",
        "sip:7@a.rtb.example",
        "sip:7@a.b.rtb.example",
        "sip:7@[2001:db8::1]:5060",
        "+15125550100",
        "+442079460000",
    ],
)
def test_addresses_inside_are_allowed(dial: str) -> None:
    assert is_allowed(dial, ALLOW)


@pytest.mark.parametrize(
    "dial",
    [
        "sip:7@rtb.example",
        "sip:7@evilrtb.example",
        "sip:7@pbx.example.com.evil.example",
        "sip:7@evil-pbx.example.com",
        "sip:pbx.example.com@evil.example",
        "sip:7@evil.example;transport=tcp",
        "sip:7@pbx.example.com;maddr=198.51.100.7",
        "sip:7@pbx.example.com;transport=tcp;maddr=198.51.100.7",
        "sip:7@pbx.example.com?Route=evil.example",
        "sip:7@pbx.example.com@evil.example",
        "sip:7@evil.example#@pbx.example.com",
        "sip:7@pbx.example.com\r\nX: y",
        "sip:7@[2001:db8::2]",
        "tel:+15125550100",
        "+12125550100",
        "+1900",
        "15125550100",
        "",
    ],
)
def test_everything_else_is_not(dial: str) -> None:
    assert not is_allowed(dial, ALLOW)


def test_nothing_said_allows_nobody() -> None:
    assert not is_allowed("sip:7@pbx.example.com", ())
    assert dial_of(["sip:7@pbx.example.com"], ()) is None


@pytest.mark.parametrize(
    ("named", "dial"),
    [
        ([None, "", " "], None),
        (["7@pbx.example.com"], "sip:7@pbx.example.com"),
        (["SIP:7@pbx.example.com"], "sip:7@pbx.example.com"),
        (["15125550100"], "+15125550100"),
        (["5125550100"], "+15125550100"),
        (["(512) 555-0100"], "+15125550100"),
        (["sip:7@evil.example", "+15125550100"], "+15125550100"),
        ([None, "+442079460000"], "+442079460000"),
    ],
)
def test_the_first_address_that_is_allowed_is_dialled(named: list[str | None], dial: str | None) -> None:
    assert dial_of(named, ALLOW) == dial


@pytest.mark.parametrize("named", ["sip:7@evil.example", "+12125550100", "call us", "x" * 10_000])
def test_a_bid_that_names_only_what_is_not_allowed_cannot_be_used(named: str) -> None:
    with pytest.raises(Unusable, match="`allow` does not"):
        dial_of([named], ALLOW)
