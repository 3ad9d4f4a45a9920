"""The operator hears of a challenge that was left unanswered, and what to do if it was the carrier's own."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from trunkline.sip.events import ForeignRealm
from trunkline.switch.switchboard import Switchboard

pytestmark = pytest.mark.unit


def test_a_foreign_realm_is_logged_with_its_trunk(caplog: pytest.LogCaptureFixture) -> None:
    unused: Any = None
    board = Switchboard(unused, unused, unused, unused)
    with caplog.at_level(logging.WARNING, "trunkline.switch"):
        board.on_sip(ForeignRealm(7, "carrier", "evil\r\nexample"))
    (record,) = caplog.records
    assert "trunk carrier" in record.getMessage()
    assert r"'evil\r\nexample'" in record.getMessage(), "what a stranger wrote cannot make lines of its own"
    assert "outbound.realm" in record.getMessage()
