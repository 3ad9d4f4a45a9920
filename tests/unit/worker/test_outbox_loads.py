"""What goes out together, how much at once, and how often."""

from __future__ import annotations

import pytest

from trunkline.config.deliveries import Deliver, Email, Sftp
from trunkline.events.changes import StoredDelivery
from trunkline.worker.outbox.loads import ROWS_MAX, loads_of
from trunkline.worker.outbox.pace import MINUTE_MS, Pace

pytestmark = pytest.mark.unit

MAIL = Deliver(email=Email(to=("a@b.example",)))
DAILY = Deliver(email=Email(to=("a@b.example",), format="csv", every="day"))
FILES = Deliver(sftp=Sftp(host="f.example", user="us", password_env="P", host_key="k"))


def row(attempt: str, due_ms: int = 7) -> StoredDelivery:
    return StoredDelivery(
        attempt=attempt, account="acme", call=f"lead_{attempt}", target="t", kind="email", queued_ms=1, due_ms=due_ms
    )


def test_one_by_one_or_all_that_is_due_at_one_time() -> None:
    rows = [row("a"), row("b"), row("c", 8)]
    assert [load.attempts for load in loads_of(rows, MAIL)] == [("a",), ("b",), ("c",)]
    assert [load.attempts for load in loads_of(rows, None)] == [("a",), ("b",), ("c",)]
    assert [load.attempts for load in loads_of(rows, DAILY)] == [("a", "b"), ("c",)]
    many = [row(f"a{number:05}") for number in range(ROWS_MAX + 1)]
    assert [len(load.rows) for load in loads_of(many, DAILY)] == [ROWS_MAX, 1]


def test_so_many_at_once() -> None:
    pace = Pace()
    assert pace.room(MAIL, 0) == 2
    assert pace.room(FILES, 0) == 1
    assert pace.room(Deliver(email=MAIL.email, concurrency=5), 0) == 5
    pace.begin(MAIL, 0)
    assert pace.room(MAIL, 0) == 1
    pace.begin(MAIL, 0)
    assert pace.room(MAIL, 0) == 0
    assert pace.room(FILES, 0) == 0  # the target goes by another way now
    pace.end()
    assert pace.room(MAIL, 0) == 1


def test_so_many_a_minute() -> None:
    pace, slow = Pace(), Deliver(email=MAIL.email, concurrency=9, per_minute=2)
    for now_ms in (0, 10):
        assert pace.room(slow, now_ms) > 0
        pace.begin(slow, now_ms)
        pace.end()
    assert pace.room(slow, MINUTE_MS - 1) == 0
    assert pace.room(slow, MINUTE_MS) == 1
    assert pace.room(slow, MINUTE_MS + 10) == 2
