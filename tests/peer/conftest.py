"""One lab for each test against real peers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.peer.lab import Lab


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """A lab that checks, when the test has passed, what holds after every call, and is emptied in any case."""
    made = Lab(tmp_path)
    try:
        yield made
        made.check()
    finally:
        made.close()
