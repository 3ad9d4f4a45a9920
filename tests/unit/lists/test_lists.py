"""Contact lists: what a line means, who is on a list, and that nobody else is."""

from __future__ import annotations

from datetime import date
from hashlib import md5, sha256
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.engine.lists.reading import BAD_SHOWN, BadList, pack_list
from trunkline.engine.lists.table import ContactList, ListDamaged, ListType

pytestmark = pytest.mark.unit

TODAY = date(2026, 11, 23).toordinal()
ME = "+15125550100"


def packed(kind: ListType, *lines: str) -> ContactList:
    return ContactList(pack_list(kind, lines))


def on(kind: ListType, line: str, number: str | None = ME, day: int = TODAY) -> bool:
    return packed(kind, line).holds(number, day)


@pytest.mark.parametrize(
    "line",
    ["+15125550100", "15125550100", "5125550100", "(512) 555-0100", " +1 512 555 0100 ", "+1.512.555.0100,2026-11-23"],
)
def test_a_number_is_found_however_it_is_written(line: str) -> None:
    assert on("numbers", line)
    assert not on("numbers", line, "+15125550101")
    assert not on("numbers", line, "+25125550100")
    assert not on("numbers", line, None)


def test_without_a_plus_only_ten_digits_are_national() -> None:
    assert on("numbers", "493012345678", "+493012345678")
    assert on("numbers", "+4930123456", "+4930123456"), "ten digits with a plus are no national number"
    assert not on("numbers", "+4930123456", "+14930123456")


@pytest.mark.parametrize(("line", "hit"), [("+1512*", True), ("+15125550100*", True), ("1", True), ("+1513*", False),
                                           ("+151255501001*", False), ("+5125*", False)])  # fmt: skip
def test_a_prefix_holds_for_all_numbers_that_begin_so(line: str, hit: bool) -> None:
    assert on("prefixes", line) is hit


def test_prefixes_of_all_lengths_are_asked_for() -> None:
    held = packed("prefixes", "+49*", "+1212*", "+18335550100")
    for number, hit in (("+4930123", True), ("+12125550100", True), ("+18335550100", True), ("+18335550101", False)):
        assert held.holds(number, TODAY) is hit


@pytest.mark.parametrize("text", ["+15125550100", "15125550100"])
def test_hashes_are_those_of_the_digits_with_the_plus_or_without(text: str) -> None:
    assert on("sha256", sha256(text.encode()).hexdigest())
    assert on("sha256", sha256(text.encode()).hexdigest().upper())
    assert on("md5", md5(text.encode()).hexdigest())
    assert not on("sha256", sha256(text.encode()).hexdigest(), "+15125550101")


def test_hashes_of_national_digits_are_nobodys() -> None:
    """They could be those of two numbers: 51 25550100 is one of Peru."""
    assert not on("sha256", sha256(b"5125550100").hexdigest())


def test_withheld_numbers_are_an_entry() -> None:
    for kind in ("numbers", "prefixes", "sha256", "md5"):
        assert on(kind, "anonymous", None)
        assert not on(kind, "Anonymous,2026-11-22", None)
        assert not on(kind, "anonymous")


def test_an_entry_counts_to_the_end_of_its_day() -> None:
    line = "+15125550100,2026-11-23"
    assert on("numbers", line, day=TODAY)
    assert not on("numbers", line, day=TODAY + 1)
    again = packed("numbers", line, "+15125550100,2026-11-30", "+15125550101")
    assert again.holds(ME, TODAY + 7), "of two lines the later counts"
    assert not again.holds(ME, TODAY + 8)
    assert packed("numbers", line, "+15125550100").holds(ME, TODAY + 9_999), "no day is later than any"
    assert packed("numbers", "+15125550100", line).holds(ME, TODAY + 9_999)


def test_comments_empty_lines_and_a_heading_are_passed_over() -> None:
    held = packed("numbers", "\ufeffphone,until", "", "# ours", "+15125550100", "  ")
    assert held.header.entries == 1
    assert packed("sha256", "sha256", sha256(b"x").hexdigest()).header.entries == 1


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("numbers", "+1555*"),
        ("numbers", "+123456"),
        ("numbers", "+1234567890123456"),
        ("numbers", "+0123456789"),
        ("numbers", "five"),
        ("numbers", "+15125550100,tomorrow"),
        ("numbers", "+15125550100,2026-02-29"),
        ("numbers", "٠١٢٣٤٥٦٧٨٩"),
        ("prefixes", "*"),
        ("prefixes", "+*"),
        ("prefixes", "+0*"),
        ("prefixes", "+1*5"),
        ("sha256", "5125550100"),
        ("sha256", "g" * 64),
        ("md5", "0" * 31),
    ],
)
def test_a_line_that_cannot_be_read_is_named_and_nothing_is_used(kind: ListType, line: str) -> None:
    with pytest.raises(BadList) as found:
        pack_list(kind, ["# first", line])
    assert (found.value.count, found.value.shown[0].number) == (1, 2)
    assert found.value.shown[0].why


@pytest.mark.parametrize("line", ["+1555*", "911", "+15*,2026-13-01", "five*"])
def test_a_first_line_that_may_be_meant_as_an_entry_is_no_heading(line: str) -> None:
    with pytest.raises(BadList):
        pack_list("numbers", [line, "+15125550100"])


def test_a_few_of_many_bad_lines_are_shown() -> None:
    with pytest.raises(BadList) as found:
        pack_list("numbers", ["x"] * 100)
    assert found.value.count == 99, "the first may be a heading"
    assert len(found.value.shown) == BAD_SHOWN


def test_equal_lists_have_equal_digests_whatever_their_order() -> None:
    one = packed("numbers", "+15125550100", "+15125550101,2026-12-31", "anonymous")
    same = packed("numbers", "anonymous", "15125550101,2026-12-31", "5125550100", "+15125550100")
    assert one.digest == same.digest
    others = [
        packed("numbers", "+15125550100", "+15125550101,2026-12-30", "anonymous"),
        packed("numbers", "+15125550100", "+15125550101,2026-12-31"),
        packed("prefixes", "+15125550100", "+15125550101,2026-12-31", "anonymous"),
    ]
    assert len({one.digest, *(other.digest for other in others)}) == 4


def test_what_is_no_packed_list_is_refused() -> None:
    data = pack_list("numbers", ["+15125550100", "+15125550101,2026-12-31"])
    assert ContactList(data).is_whole()
    for broken in (b"", b"TRNKLST1", data[:-1], data + b"\0", b"X" + data[1:], data[:14] + b"\xff" + data[15:]):
        with pytest.raises(ListDamaged):
            ContactList(broken)
    changed = bytearray(data)
    changed[-9] ^= 1
    assert not ContactList(bytes(changed)).is_whole()


@given(st.integers(0, 2**32), st.sampled_from(["numbers", "prefixes", "sha256", "md5"]))
def test_membership_is_exact(seed: int, kind: ListType) -> None:
    random = Random(seed)
    digits = [str(random.choice([1, 12, 49])) + str(random.randrange(10**6, 10**6 + 40)) for _ in range(30)]
    listed = {f"+{each}" for each in digits[:12]}
    if kind == "prefixes":
        listed = {each[: random.randint(3, len(each))] for each in listed}
        held = packed(kind, *(f"{each}*" for each in listed))
        expected = {f"+{each}" for each in digits if any(f"+{each}".startswith(prefix) for prefix in listed)}
    else:
        make = {"sha256": sha256, "md5": md5}.get(kind)
        held = packed(kind, *(each if make is None else make(each.encode()).hexdigest() for each in listed))
        expected = listed
    assert {f"+{each}" for each in digits if held.holds(f"+{each}", TODAY)} == expected & {
        f"+{each}" for each in digits
    }
