"""Events in, rate book out: each offer once, when its outcome stands, weighed by its age."""

from __future__ import annotations

from typing import Any

import pytest

from trunkline.engine.scoring.rate_book import DAY_MS, Rate
from trunkline.engine.scoring.tally import RateTally
from trunkline.events.calls import AttemptEnded, CallEnded, CallReceived, Converted, OfferReserved
from trunkline.events.entry import Event
from trunkline.kernel.money import Money

pytestmark = pytest.mark.unit

NOW = 100 * DAY_MS


def call(
    name: str,
    ago_days: float,
    *offers: tuple[str, str, bool],
    source: str | None = None,
    ends: bool = True,
    now_ms: int = NOW,
) -> list[Event]:
    """A call with (route, outcome, converted) for each of its offers."""
    at_ms = now_ms - int(ago_days * DAY_MS)
    about: dict[str, Any] = {"account": "acme", "call": name, "at_ms": at_ms}
    events: list[Event] = [
        CallReceived(
            **about, number="+1", campaign="c", publisher="p", source=source, caller=None, caller_given="", trunk="t",
            snapshot="s",
        )
    ]  # fmt: skip
    for rank, (route, outcome, converted) in enumerate(offers, 1):
        attempt = f"{name}.{rank}"
        events.append(
            OfferReserved(
                **about, attempt=attempt, lease=attempt, rank=rank, route=route, target=route, buyer=route[-1],
                tier="t", method="performance", price=Money(100, "USD"), conversion="", decision_us=1, snapshot="s",
            )
        )  # fmt: skip
        if converted:
            paid = Converted(**about, attempt=attempt, buyer="b", route=route, amount=Money(100, "USD"), rule="")
            events.append(paid)
        if outcome:
            events.append(AttemptEnded(**about, attempt=attempt, outcome=outcome))
    if ends:
        events.append(CallEnded(**about, outcome="sold", reason=None, ended_by="caller", duration_ms=1))
    return events


def counted(*calls: list[Event], **settings: Any) -> RateTally:
    tally = RateTally(NOW, **settings)
    for events in calls:
        for event in events:
            tally.take(event)
    return tally


def test_offers_and_conversions_count_at_every_level_and_fade() -> None:
    book = counted(
        call("1", 0, ("p.t.a", "connected", True), source="fb"),
        call("2", 14, ("p.t.a", "busy", False), ("p.t.b", "connected", True), source="fb"),
        call("3", 28, ("p.t.a", "connected", False)),
    ).book("acme")
    assert book.routes == {"p.t.a": Rate(3, 1.75, 1.0), "p.t.b": Rate(1, 0.5, 0.5)}
    assert book.plans == {"p": Rate(4, 2.25, 1.5)}
    assert book.buyers == {"p": {"a": Rate(3, 1.75, 1.0), "b": Rate(1, 0.5, 0.5)}}
    assert book.sources == {"p.t.a": {"fb": Rate(2, 1.5, 1.0)}, "p.t.b": {"fb": Rate(1, 0.5, 0.5)}}
    assert (book.account, book.at_ms, book.half_lives) == ("acme", NOW, {})


def test_tiers_forget_as_they_say_and_plans_with_their_buyers_as_the_plan_says() -> None:
    days = {"p.t": 7, "p": 28}
    book = counted(call("1", 28, ("p.t.a", "busy", False)), half_life=lambda _account, name: days[name]).book("acme")
    assert book.routes["p.t.a"] == Rate(1, 0.0625, 0)
    assert book.plans["p"] == Rate(1, 0.5, 0)
    assert book.half_lives == {"p.t": 7}


def test_what_came_to_nothing_through_us_or_goes_on_is_left_out() -> None:
    tally = counted(
        call("1", 1, ("p.t.a", "interrupted", False)),
        call("2", 1, ("p.t.a", "capacity_lost", False)),
        call("3", 1, ("p.t.a", "interrupted", True)),
        call("4", 1, ("p.t.a", "", False), ends=False),
        call("5", 1),
    )
    assert tally.book("acme").routes["p.t.a"].offers == 1, "a conversion stands, however the call ended"
    assert (tally.counted, tally.left_out, tally.waiting()) == (1, 2, 1)


def test_only_what_has_matured_counts() -> None:
    calls = (call("1", 3, ("p.t.a", "busy", False)), call("2", 1, ("p.t.a", "busy", False)))
    tally = counted(*calls, mature_ms=2 * DAY_MS)
    assert tally.book("acme").routes["p.t.a"].offers == 1
    assert tally.waiting() == 1


def test_a_conversion_that_comes_before_its_offer_has_matured_counts() -> None:
    late = Converted(
        account="acme", call="1", at_ms=NOW, attempt="1.1", buyer="b", route="p.t.a", amount=Money(1, "USD"), rule=""
    )
    events = [*call("1", 3, ("p.t.a", "connected", False)), late]
    assert counted(events, mature_ms=2 * DAY_MS).book("acme").routes["p.t.a"].converted > 0
    assert counted(events).book("acme").routes["p.t.a"].converted == 0


def test_what_has_faded_is_forgotten_and_accounts_are_apart() -> None:
    tally = counted(call("1", 14 * 11, ("p.t.a", "busy", False)))
    assert tally.book("acme").routes == {}
    assert tally.book("other").routes == {}
    assert tally.accounts() == ["acme"]


def test_calls_and_sources_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trunkline.engine.scoring.tally.OPEN_CALLS_MAX", 2)
    monkeypatch.setattr("trunkline.engine.scoring.tally.SOURCES_MAX", 1)
    tally = counted(
        call("1", 1, ("p.t.a", "", False), ends=False),
        call("2", 1, ("p.t.a", "", False), ends=False),
        call("3", 1, ("p.t.a", "busy", False), source="one"),
        call("4", 1, ("p.t.a", "busy", False), source="two"),
    )
    assert (tally.left_out, tally.waiting()) == (1, 1)
    book = tally.book("acme")
    assert (book.routes["p.t.a"].offers, list(book.sources["p.t.a"])) == (2, ["one"])
