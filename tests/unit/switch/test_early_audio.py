"""Early media: what is made of a phone's description before its answer."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any

import pytest

from trunkline.media.port import LocalMedia
from trunkline.switch.description import Description
from trunkline.switch.early import Early

pytestmark = pytest.mark.unit


class Whole(SimpleNamespace):
    """What stands for a live call: its parts know it weakly."""


def leg(name: str) -> Any:
    """A phone that was offered audio."""
    description = Description(LocalMedia(name, "192.0.2.5", 4000), 77, "off", bytes)
    description.said(description.offer())
    return SimpleNamespace(media=name, description=description)


def test_a_phone_that_says_nonsense_again_and_again_is_complained_of_once(caplog: pytest.LogCaptureFixture) -> None:
    call: Any = Whole(
        machine=SimpleNamespace(context=SimpleNamespace(early_media="pass")), plant=SimpleNamespace(media=None)
    )
    early, phones = Early(call), (leg("att"), leg("att.2"))
    with caplog.at_level(logging.WARNING):
        for _ in range(100):
            assert not any(early.hears(phone, b"nonsense") for phone in phones)
    assert [record.args[0] for record in caplog.records if record.args] == ["att", "att.2"]  # type: ignore[index]


@pytest.mark.parametrize(("direction", "heard"), [("sendrecv", True), ("recvonly", False), ("inactive", False)])
def test_a_leg_knows_whether_its_phone_is_heard(direction: str, heard: bool) -> None:
    media = SimpleNamespace(connect=lambda name, remote: None)
    call: Any = Whole(
        machine=SimpleNamespace(context=SimpleNamespace(early_media="pass")), plant=SimpleNamespace(media=media)
    )
    phone = leg("att")
    session = "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n"
    body = f"{session}m=audio 5000 RTP/AVP 0\r\na={direction}\r\n"
    assert Early(call).hears(phone, body.encode()) is heard
    assert phone.early is heard
