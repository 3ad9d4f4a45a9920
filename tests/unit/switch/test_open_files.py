"""Connections leave files for everything else."""

from __future__ import annotations

import resource

import pytest

from trunkline.switch.open_files import CONNECTIONS_MIN, RESERVED, connection_limits, take_open_files
from trunkline.telephony.sip.connection import ConnectionLimits

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("open_files", "connections", "per_source"),
    [
        (1_000_000, 4_000, 1_000),
        (4_096, 4_096 - RESERVED, 1_000),
        (1_024, 1_024 - RESERVED, (1_024 - RESERVED) // 2),
        (256, CONNECTIONS_MIN, CONNECTIONS_MIN // 2),
    ],
)
def test_few_files_mean_few_connections(open_files: int, connections: int, per_source: int) -> None:
    limits = connection_limits(open_files)
    assert (limits.connections, limits.connections_per_source) == (connections, per_source)
    assert limits.mute_s == ConnectionLimits().mute_s


def test_the_soft_limit_is_raised_to_the_hard_one(monkeypatch: pytest.MonkeyPatch) -> None:
    limit = (1_024, 9_000)

    def set_limit(kind: int, wanted: tuple[int, int]) -> None:
        nonlocal limit
        limit = wanted

    monkeypatch.setattr(resource, "getrlimit", lambda kind: limit)
    monkeypatch.setattr(resource, "setrlimit", set_limit)
    assert take_open_files() == 9_000
    assert limit == (9_000, 9_000)


def test_a_limit_that_cannot_be_raised_is_kept_to(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(kind: int, wanted: tuple[int, int]) -> None:
        raise ValueError

    monkeypatch.setattr(resource, "getrlimit", lambda kind: (1_024, 9_000))
    monkeypatch.setattr(resource, "setrlimit", refuse)
    assert take_open_files() == 1_024


def test_no_limit_leaves_room_for_the_usual_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    endless = resource.RLIM_INFINITY
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (endless, endless))
    monkeypatch.setattr(resource, "setrlimit", lambda kind, wanted: None)
    assert connection_limits(take_open_files()) == ConnectionLimits()
