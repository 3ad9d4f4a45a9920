"""What the switch makes of the end of a leg: a reason code, or a plain goodbye."""

from __future__ import annotations

import pytest

from trunkline.media.port import RemoteMedia
from trunkline.sip import events
from trunkline.switch.sessions import unheard
from trunkline.switch.switchboard import _why

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("event", "code"),
    [
        (events.Ended(1, "SESSION", None, 408), "session_expired"),
        (events.Ended(1, "PRACK", None, 504), "not_acknowledged"),
        (events.Unacknowledged(1), "not_acknowledged"),
        (events.Ended(1, "BYE", "Q.850;cause=16"), "q850_16"),
        (events.Ended(1, "BYE"), None),
        (events.Ended(1, "CANCEL", None, 487), None),
        (events.Ended(1, "UPDATE", None, 481), "dialog_lost"),
        (events.TransportFailed(1), None),
    ],
)
def test_why_a_leg_has_ended(event: events.SipEvent, code: str | None) -> None:
    assert _why(event) == code


@pytest.mark.parametrize(
    ("agreed", "early"),
    [("sendrecv", "recvonly"), ("recvonly", "recvonly"), ("sendonly", "inactive"), ("inactive", "inactive")],
)
def test_a_phone_that_has_not_answered_is_sent_nothing(agreed: str, early: str) -> None:
    remote = RemoteMedia("192.0.2.1", 4000, "PCMU", 0, direction=agreed)  # type: ignore[arg-type]
    assert unheard(remote).direction == early
