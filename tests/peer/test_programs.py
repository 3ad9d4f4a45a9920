"""A program that is missing fails the tests that need it, and says what to install."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.peer.baresip import Baresip

from trunkline.testing.sipp import Sipp, SippMissing
from trunkline.testing.sipp_steps import buyer, invited

pytestmark = pytest.mark.peer


def test_a_missing_sipp_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SippMissing, match=r"apt-get install .* sip-tester"):
        Sipp(buyer(invited()), tmp_path, "buyer")


def test_a_missing_baresip_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AssertionError, match=r"apt-get install .* baresip-core"):
        Baresip(tmp_path / "baresip", b"")
