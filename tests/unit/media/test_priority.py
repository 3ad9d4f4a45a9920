"""When a media child asks to come before all others."""

from __future__ import annotations

import os

import pytest

from trunkline.media.embedded import child

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("processors", "asked"), [({0}, []), ({0, 1}, [(0, os.SCHED_RR)]), ({3, 5}, [(0, os.SCHED_RR)])]
)
def test_it_is_asked_for_where_something_is_left_for_the_switch(
    monkeypatch: pytest.MonkeyPatch, processors: set[int], asked: list[tuple[int, int]]
) -> None:
    calls: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: processors)
    monkeypatch.setattr(os, "sched_setscheduler", lambda pid, policy, _param: calls.append((pid, policy)))
    child._ask_for_priority()
    assert calls == asked
