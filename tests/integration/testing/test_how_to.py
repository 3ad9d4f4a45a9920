"""The test that the documentation shows is run as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "how-to" / "test-your-configuration.md"


def test_the_example_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    code = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)[0]
    shown: dict[str, object] = {}
    exec(compile(code, str(PAGE), "exec"), shown)
    test = shown["test_a_busy_buyer_costs_no_sale"]
    assert callable(test)
    test(tmp_path)
