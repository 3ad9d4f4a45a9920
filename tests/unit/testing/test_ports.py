"""Free ports for programs that bind them later."""

from __future__ import annotations

import pytest

from trunkline.testing import ports
from trunkline.testing.ports import free_block

pytestmark = pytest.mark.unit


@pytest.fixture(autouse=True)
def _one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)


def test_blocks_of_one_run_do_not_overlap_before_they_are_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "LOWEST", 20_000)
    monkeypatch.setattr(ports, "HIGHEST", 20_200)
    monkeypatch.setattr(ports, "_GIVEN", type(ports._GIVEN)(maxlen=8))
    firsts = [free_block(10) for _ in range(8)]
    assert len({port for first in firsts for port in range(first, first + 10)}) == 80
    assert all(first % 2 == 0 for first in firsts)


def test_large_blocks_are_given_again_when_there_is_no_other_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "LOWEST", 20_000)
    monkeypatch.setattr(ports, "HIGHEST", 20_012)
    monkeypatch.setattr(ports, "_GIVEN", type(ports._GIVEN)([(ports.HOST, range(20_000, 20_012))], maxlen=8))
    assert free_block(4) in range(20_000, 20_012)


def test_test_processes_side_by_side_have_ports_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "LOWEST", 20_000)
    monkeypatch.setattr(ports, "HIGHEST", 20_400)
    lanes = []
    for worker in ("gw0", "gw1"):
        monkeypatch.setenv("PYTEST_XDIST_WORKER", worker)
        monkeypatch.setattr(ports, "_GIVEN", type(ports._GIVEN)(maxlen=8))
        lanes.append([free_block(10) for _ in range(8)])
    assert max(lanes[0]) + 10 <= 20_200 <= min(lanes[1])
