"""One key press, one digit, whatever the network does to its packets."""

from __future__ import annotations

from itertools import product

import pytest

from trunkline.codec.dtmf import LOST_END_S, DigitReader, DtmfError, Event, Press, pack_event, parse_event

pytestmark = pytest.mark.unit

Packet = tuple[Event, int, bool, float]


def press(code: int, start: int, at: float, packets: int = 5) -> list[Packet]:
    """A key as RFC 4733 sends it: growing durations every 20 ms, the end three times."""
    running = [(Event(code, False, 160 * n), start, n == 1, at + 0.02 * n) for n in range(1, packets)]
    end = (Event(code, True, 160 * packets), start, False, at + 0.02 * packets)
    return [*running, end, end, end]


def read(packets: list[Packet]) -> list[Press]:
    reader = DigitReader()
    presses = [p for event, start, marker, at in packets for p in reader.read(event, start, marker, at)]
    last = packets[-1][3] if packets else 0.0
    return presses + reader.expire(last + 2 * LOST_END_S)


def test_payload() -> None:
    assert pack_event(Event(11, True, 800)).hex() == "0b8a0320"
    assert parse_event(bytes.fromhex("0b8a0320")) == Event(11, True, 800)
    assert parse_event(bytes.fromhex("050a00a0ffff")) == Event(5, False, 160)
    with pytest.raises(DtmfError):
        parse_event(b"\x01\x02\x03")


def test_all_sixteen_keys() -> None:
    packets = [packet for code in range(16) for packet in press(code, 8000 + 1600 * code, 0.2 * code)]
    assert "".join(p.digit for p in read(packets)) == "0123456789*#ABCD"


def test_every_pattern_of_loss_gives_one_digit() -> None:
    whole = press(5, 1000, 0.0)
    for kept in product((False, True), repeat=len(whole)):
        packets = [packet for packet, keep in zip(whole, kept, strict=True) if keep]
        assert [p.digit for p in read(packets)] == (["5"] if packets else [])


def test_every_pattern_of_loss_gives_two_presses_of_the_same_key_apart() -> None:
    first, second = press(7, 1000, 0.0, 3), press(7, 1000 + 2400, 0.3, 3)
    for kept in product((False, True), repeat=len(first) + len(second)):
        packets = [packet for packet, keep in zip(first + second, kept, strict=True) if keep]
        expected = any(kept[: len(first)]) + any(kept[len(first) :])
        assert [p.digit for p in read(packets)] == ["7"] * expected, kept


def test_duplicates_and_late_packets_of_the_key_before_change_nothing() -> None:
    first, second = press(1, 1000, 0.0), press(2, 2600, 0.2)
    mixed = first[:4] + second[:2] + first[3:] + second[1:] + first + second
    assert [p.digit for p in read(mixed)] == ["1", "2"]


def test_duration_is_of_the_last_packet_seen() -> None:
    assert read(press(3, 0, 0.0)) == [Press("3", 100)]
    assert read(press(3, 0, 0.0)[:2]) == [Press("3", 40)]


def test_long_press_in_segments_is_one_digit() -> None:
    packets: list[Packet] = [
        (Event(9, False, 160), 1000, True, 0.0),
        (Event(9, False, 0xFFFF), 1000, False, 8.0),
        (Event(9, False, 320), 1000 + 0xFFFF, False, 8.04),
        (Event(9, True, 800), 1000 + 0xFFFF, False, 8.1),
    ]
    assert read(packets) == [Press("9", (0xFFFF + 800) // 8)]


def test_timestamps_wrap() -> None:
    packets = press(4, 2**32 - 100, 0.0) + press(6, 1500, 0.2)
    assert [p.digit for p in read(packets)] == ["4", "6"]


def test_a_sender_that_starts_its_clock_anew_is_still_heard() -> None:
    assert [p.digit for p in read(press(1, 5_000_000, 0.0) + press(2, 100, 9.0))] == ["1", "2"]


def test_flash_and_other_events_are_no_digits() -> None:
    assert read(press(16, 1000, 0.0)) == []


def test_a_running_key_is_not_given_before_it_is_over() -> None:
    reader = DigitReader()
    assert reader.read(Event(1, False, 160), 1000, True, 0.0) == []
    assert reader.running
    assert reader.expire(LOST_END_S / 2) == []
    assert reader.flush() == [Press("1", 20)]
    assert not reader.running
