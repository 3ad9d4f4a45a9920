"""What the worker counts comes into force in a switch: over the real socket, out of a real journal and real views."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from random import Random

import pytest
from tests.integration.switch.test_admin_socket import NOW, Desk, in_loop
from tests.integration.switch.test_rates import write_calls
from tests.unit.routing.accounts import account

from trunkline.cli.worker import tell
from trunkline.events.entry import Entry
from trunkline.events.switch import PenaltiesPublished, RatesPublished
from trunkline.testing.lives import lives
from trunkline.worker import penalties, publishing
from trunkline.worker.projections.plan import VIEWS
from trunkline.worker.projections.projector import Projector
from trunkline.worker.publishing import PenaltiesDue, RatesDue

pytestmark = pytest.mark.integration

TIERS = """
plans:
  - key: main
    tiers: [{key: t, method: performance, routes: [{target: a1, price: "1.00"}]}]
"""


def test_a_rate_book_of_the_journal_comes_into_force_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publishing, "configured", lambda data: (account(TIERS),))

    async def work(desk: Desk) -> None:
        await write_calls(desk)
        desk.plant.clock = lambda: NOW.later(10**18)  # the worker has the clock of the day
        due = RatesDue(tmp_path, partial(tell, tmp_path), lambda: time.time_ns() // 1_000_000)
        await due.publish()
        rates = desk.plant.facts.of("acme").rates
        assert {route: rate.offers for route, rate in rates.rates.routes.items()} == {"p.t.a": 2, "p.t.b": 1}
        await due.publish()  # it is not old yet
        assert len([event for event in desk.events() if isinstance(event, RatesPublished)]) == 1

    in_loop(tmp_path, work)
    assert not list(tmp_path.glob("rates-*")), "the file it was handed over in is gone"


def test_penalties_of_the_views_come_into_force_when_they_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(penalties, "SALES_MIN", 1)
    lived = lives(Random(15), calls=0, leads=80)

    async def work(desk: Desk) -> None:
        await desk.journal.append([Entry(event, contact) for event, contact in lived])
        Projector.open(tmp_path, VIEWS).close()
        due = PenaltiesDue(tmp_path, partial(tell, tmp_path), lambda: lived[-1][0].at_ms)
        await due.publish()
        found = desk.plant.facts.of("acme").penalties
        assert found
        assert all(0 < penalty <= 10_000 for penalty in found.values())
        await due.publish()
        (event,) = [event for event in desk.events() if isinstance(event, PenaltiesPublished)]
        assert event.penalties == found

    in_loop(tmp_path, work)
