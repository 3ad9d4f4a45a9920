"""kill -9 at ten random instants under load; `bench crash --long` does a hundred."""

from __future__ import annotations

from pathlib import Path

import pytest

from trunkline.testing.crash import Storm

pytestmark = pytest.mark.acceptance


def test_ten_crashes_lose_no_answered_call_and_miscount_nothing(tmp_path: Path) -> None:
    result = Storm(tmp_path, seed=1, instants=10).run()
    assert result.violations == ()
    assert result.instants == 10
    assert result.calls_answered > 100
    assert result.legs_told > 20, "the switch was killed with calls going on"
    assert result.recordings > 20
