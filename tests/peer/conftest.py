"""One lab for each test against real peers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.peer.lab import Lab

PASSED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Keep for the fixture below whether the test itself has passed."""
    report = yield
    if call.when == "call":
        item.stash[PASSED] = report.passed
    return report


@pytest.fixture
def lab(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Lab]:
    """A lab that checks, when the test has passed, what holds after every call, and is emptied in any case."""
    made = Lab(tmp_path)
    try:
        yield made
        if request.node.stash.get(PASSED, False):
            made.check()
    finally:
        made.close()
