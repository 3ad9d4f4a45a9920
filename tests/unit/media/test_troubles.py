"""What goes wrong for a reason of ours in a media child: counted, told once, and tried again."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from tests.unit.media.rig import media

from trunkline.media.embedded.engine import AGAIN_S

pytestmark = pytest.mark.unit


def test_a_timer_that_fails_is_called_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with media(tmp_path) as rig, caplog.at_level(logging.ERROR):
        called: list[float] = []

        def fails_twice(now: float) -> float | None:
            called.append(now)
            if len(called) < 3:
                raise RuntimeError("a bug of ours")
            return None

        rig.engine.schedule(rig.now, fails_twice)
        rig.advance(5 * AGAIN_S)
        assert len(called) == 3
        assert rig.engine.troubles["RuntimeError"] == 2
        assert len(caplog.records) == 1
