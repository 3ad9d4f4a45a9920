"""What one leg says of its audio over a whole call: versions grow, keys stay or change, nothing falls back to clear."""

from __future__ import annotations

import hashlib
from itertools import count

import pytest

from trunkline.media.port import LocalMedia
from trunkline.sip import sdp
from trunkline.sip.errors import NoCommonCodec
from trunkline.sip.sdes import SrtpMode
from trunkline.switch.description import Description

pytestmark = pytest.mark.unit


def side(srtp: SrtpMode, name: str = "a") -> Description:
    numbers = count()

    def entropy(size: int) -> bytes:
        return hashlib.sha512(f"{name} {next(numbers)}".encode()).digest()[:size]

    return Description(LocalMedia(name, "192.0.2.5", 4000), 77, srtp, entropy)


def test_without_srtp_no_randomness_is_used() -> None:
    def none(size: int) -> bytes:
        raise AssertionError(size)

    plain = Description(LocalMedia("a", "192.0.2.5", 4000), 77, "off", none)
    body = plain.offer()
    assert b"crypto" not in body
    answer, _ = plain.answer(plain.read(body))
    assert plain.accept(answer).ours is None


def test_versions_grow_within_one_session() -> None:
    ours = side("off")
    ours.said(ours.offer())
    answer, _ = ours.answer(ours.read(side("off").offer()))
    assert b"o=- 77 2 IN" in answer
    ours.said(answer)
    assert b"o=- 77 3 IN" in ours.offer()


def test_a_version_grows_only_with_a_change_that_was_sent() -> None:
    ours, phone = side("off"), side("off").offer()
    held = phone.replace(b"sendrecv", b"sendonly")
    first, _ = ours.answer(ours.read(phone))
    ours.said(first)
    refused, _ = ours.answer(ours.read(held))
    assert b"o=- 77 2 IN" in refused
    assert ours.answer(ours.read(phone))[0] == first, "a refresh changes nothing"
    ours.said(first)
    taken, _ = ours.answer(ours.read(held))
    assert taken == refused, "what was refused does not count"


def test_hold_and_resume_keep_both_keys() -> None:
    phone, ours = side("required", "phone"), side("optional", "ours")
    first_answer, first = ours.answer(ours.read(phone.offer()))
    phone.accept(first_answer)
    again = phone.offer()
    answer, second = ours.answer(ours.read(again))
    assert (second.ours, second.theirs) == (first.ours, first.theirs)
    assert phone.accept(answer).theirs == first.ours


def test_a_new_key_of_the_peer_brings_a_new_one_of_ours() -> None:
    ours = side("optional", "ours")
    _, first = ours.answer(ours.read(side("required", "phone").offer()))
    _, second = ours.answer(ours.read(side("required", "another phone").offer()))
    assert first.theirs != second.theirs
    assert first.ours is not None
    assert second.ours is not None
    assert first.ours.key != second.ours.key


def test_what_was_encrypted_does_not_fall_back_to_clear() -> None:
    ours = side("optional", "ours")
    ours.answer(ours.read(side("required", "phone").offer()))
    with pytest.raises(NoCommonCodec):
        ours.read(side("off", "phone").offer())
    assert b"RTP/SAVP" in ours.offer()


def test_optional_goes_on_in_the_clear_until_a_key_comes() -> None:
    ours = side("optional", "ours")
    assert ours.answer(ours.read(side("off", "phone").offer()))[1].ours is None
    assert ours.answer(ours.read(side("required", "phone").offer()))[1].ours is not None


@pytest.mark.parametrize(
    ("direction", "host", "held"),
    [
        ("sendrecv", "192.0.2.9", False),
        ("sendonly", "192.0.2.9", True),
        ("inactive", "192.0.2.9", True),
        ("recvonly", "192.0.2.9", False),
        ("sendrecv", "0.0.0.0", True),
    ],
)
def test_a_peer_that_holds_us_is_known_by_direction_or_by_the_older_address(
    direction: str, host: str, held: bool
) -> None:
    ours = side("off")
    assert not ours.held, "nothing was said yet"
    body = sdp.offer("192.0.2.9", 5004, direction=direction).replace(b"192.0.2.9", host.encode())
    ours.answer(ours.read(body))
    assert ours.held is held
    ours.answer(ours.read(side("off", "phone").offer()))
    assert not ours.held


def test_whether_a_peer_takes_keys_as_events_is_known() -> None:
    ours = side("off")
    assert not ours.takes_events
    body = sdp.offer("192.0.2.9", 5004)
    ours.answer(ours.read(body))
    assert ours.takes_events
    without = b"".join(line for line in body.replace(b" 101\r\n", b"\r\n").splitlines(True) if b":101 " not in line)
    ours.answer(ours.read(without))
    assert not ours.takes_events


def test_an_answer_of_ours_can_be_offered_again_to_refresh_the_session() -> None:
    """RFC 4028 7.4: the SIP core repeats what was said last, and the peer answers it under the same keys."""
    phone, ours = side("required", "phone"), side("optional", "ours")
    body, first = ours.answer(ours.read(phone.offer()))
    phone.accept(body)
    answer, _ = phone.answer(phone.read(body))
    again = ours.accept(answer)
    assert (again.ours, again.theirs) == (first.ours, first.theirs)
