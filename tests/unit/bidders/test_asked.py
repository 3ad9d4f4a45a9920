"""What a ping tells of a caller before it is won."""

from __future__ import annotations

import pytest

from trunkline.engine.bidders.asked import hidden_number, told
from trunkline.engine.bidders.hops import HEADER, HOPS_MAX, header_of, hops_of

pytestmark = pytest.mark.unit

KNOWN = {
    "caller.number": "+15125550100",
    "lead.phone": "+15125550100",
    "lead.mobile": "+12125550123",
    "lead.email": "Ann@Example.com",
    "tag.cid": "(512) 555-0100",
    "ivr.callback": "5125550100",
    "geo.zip": "78701",
    "number.key": "+18335550100",
    "source.subid": "5125550100",
}


def test_the_whole_caller_is_told_only_when_it_is_said() -> None:
    assert told(KNOWN, "full") == KNOWN


def test_masked_keeps_area_code_and_exchange() -> None:
    assert told(KNOWN, "masked") == {
        "caller.number": "+1512555",
        "lead.phone": "+1512555",
        "lead.mobile": "+1212555",
        "lead.email": "@Example.com",
        "tag.cid": "512555",
        "ivr.callback": "512555",
        "geo.zip": "78701",
        "number.key": "+18335550100",
        "source.subid": "5125550100",
    }


def test_hashed_is_of_the_digits_alone_so_that_bidders_can_look_it_up() -> None:
    digits = "33c6438defc14519a2f9147cbf01d0ccb0471bbaf4b17bff231402de8fcceda7"
    hashed = told(KNOWN, "hashed")
    assert hashed["caller.number"] == hashed["lead.phone"] == hidden_number("+15125550100", "hashed") == digits
    assert hashed["lead.email"] == told({"lead.email": "ann@example.com "}, "hashed")["lead.email"]
    assert not any("5550100" in value for name, value in hashed.items() if name.split(".")[0] in {"tag", "ivr"})
    assert hashed["geo.zip"] == "78701"


def test_a_leads_phone_is_known_again_however_it_is_written() -> None:
    known = {"lead.phone": "+15125550100", "lead.callback": "512.555.0100", "lead.income": "5125550199"}
    assert told(known, "masked") == {"lead.phone": "+1512555", "lead.callback": "512555", "lead.income": "5125550199"}


def test_without_a_caller_nothing_is_taken_for_one() -> None:
    assert told({"tag.size": "5125550100"}, "masked") == {"tag.size": "5125550100"}


@pytest.mark.parametrize(
    ("header", "hops"),
    [
        (None, ()),
        ("a", ("a",)),
        ("a, b-1,C_2", ("a", "b-1", "C_2")),
        ("", None),
        ("a,,b", None),
        ("a b", None),
        ("a" * 65, None),
        (",".join("abcdefgh"), tuple("abcdefgh")),
        (",".join(["a"] * (HOPS_MAX + 1)), None),
        ("a," * 100_000, None),
    ],
)
def test_hops_are_read_or_refused(header: str | None, hops: tuple[str, ...] | None) -> None:
    assert hops_of(header) == hops
    if hops:
        assert hops_of(header_of(hops)[HEADER]) == hops
