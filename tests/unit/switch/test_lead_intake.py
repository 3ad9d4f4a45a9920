"""What the intake of leads refuses before anybody looks at the lead."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from trunkline.switch.leads.intake import IN_FLIGHT_MAX, LeadIntake
from trunkline.switch.leads.publishers import Sender
from trunkline.switch.metrics import Metrics

pytestmark = pytest.mark.unit


class Bench:
    """An intake of which only the entrance is there."""

    def __init__(self, reason: str | None = None) -> None:
        self.metrics = Metrics()
        sender = Sender("acme", "adwave")
        publishers = SimpleNamespace(of=lambda header: sender if header == "Bearer known" else None)
        plant: Any = SimpleNamespace(metrics=self.metrics, publishers=publishers)
        self.intake = LeadIntake(plant, lambda: reason)

    def post(self, *messages: Mapping[str, Any], method: str = "POST", key: bytes = b"Bearer known") -> list[Any]:
        sent: list[Any] = []
        waiting = list(messages)

        async def receive() -> Mapping[str, Any]:
            return waiting.pop(0)

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {"type": "http", "method": method, "path": "/v1/leads", "headers": [(b"authorization", key)]}
        asyncio.run(self.intake(scope, receive, send))
        return sent

    def refused(self, reason: str) -> float:
        return self.metrics.registry.get_sample_value("trunkline_leads_refused_total", {"reason": reason}) or 0.0


def read(sent: list[Any]) -> tuple[int, dict[str, Any], dict[bytes, bytes]]:
    start, body = sent
    return start["status"], json.loads(body["body"]), dict(start["headers"])


def test_a_switch_that_takes_nothing_says_when_to_come_again() -> None:
    bench = Bench("draining")
    status, answer, headers = read(bench.post())
    assert (status, answer["status"], headers[b"retry-after"]) == (503, "not_ready", b"5")
    assert bench.refused("not_ready") == 1


def test_leads_in_flight_are_bounded() -> None:
    bench = Bench()
    bench.intake._in_flight = IN_FLIGHT_MAX
    status, answer, headers = read(bench.post())
    assert (status, answer["status"], headers[b"retry-after"]) == (429, "overloaded", b"1")
    assert bench.intake._in_flight == IN_FLIGHT_MAX
    assert bench.refused("overloaded") == 1


def test_strangers_and_other_methods() -> None:
    bench = Bench()
    assert read(bench.post(key=b"Bearer guessed"))[0] == 401
    assert read(bench.post(method="GET"))[0] == 405


def test_who_leaves_in_the_middle_of_a_body_is_answered_nothing() -> None:
    bench = Bench()
    bench.intake._too_fast = lambda _sender: None  # type: ignore[method-assign]
    half = {"type": "http.request", "body": b'{"campaign', "more_body": True}
    assert bench.post(half, {"type": "http.disconnect"}) == []
    assert bench.refused("gone") == 1


def test_a_body_that_grows_too_long_is_not_read_to_its_end() -> None:
    bench = Bench()
    bench.intake._too_fast = lambda _sender: None  # type: ignore[method-assign]
    piece = {"type": "http.request", "body": b" " * 40_000, "more_body": True}
    assert read(bench.post(piece, piece))[0] == 413
