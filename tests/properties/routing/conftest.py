"""What the tests of compiled plans share."""

from __future__ import annotations

import pytest

from trunkline.engine.routing import compiler


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of one to four routes, so that small plans have several."""
    monkeypatch.setattr(compiler, "_BLOCK_MIN", 1)
    monkeypatch.setattr(compiler, "_BLOCK_MAX", 4)
    monkeypatch.setattr(compiler, "_BLOCK_ENDS", 3)
