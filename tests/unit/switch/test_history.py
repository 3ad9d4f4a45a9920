"""What happened with contacts before: bounded, packed, and as one call may know it."""

from __future__ import annotations

import pytest

from trunkline.config.contacts import Duplicates, MarkDuplicates
from trunkline.config.schema import (
    Campaign,
)
from trunkline.events.calls import AttemptConnected, CallReceived, CallRepeated, Converted, OfferReserved
from trunkline.events.changes import Change, ContactHad
from trunkline.events.contacts import ContactEvent, Seen
from trunkline.events.entry import Entry
from trunkline.kernel.money import Money
from trunkline.switch.history import EVENTS_MAX, CallHistory, Histories, packed, unpacked

pytestmark = pytest.mark.unit

ANN, BOB = "a" * 32, "b" * 32
ALL: frozenset[ContactEvent] = frozenset({"incoming", "connect", "convert"})


def received(at_ms: int) -> CallReceived:
    return CallReceived(account="acme", call="c", at_ms=at_ms, number="+18335550100", campaign="roof", publisher="p",
                        source=None, caller=None, caller_given="", trunk="t", snapshot="s")  # fmt: skip


def connected(at_ms: int) -> AttemptConnected:
    return AttemptConnected(account="acme", call="c", at_ms=at_ms, attempt="a", ring_ms=1)


def offered(buyer: str) -> OfferReserved:
    return OfferReserved(account="acme", call="c", at_ms=1, attempt="a", lease="l", rank=1, route="r", target="t",
                         buyer=buyer, tier="t", method="priority", price=Money(1, "USD"), conversion="x",
                         decision_us=1, snapshot="s")  # fmt: skip


class Party:
    """One call and what it has written."""

    def __init__(
        self,
        histories: Histories,
        call: str,
        event: ContactEvent = "connect",
        kept: frozenset[ContactEvent] = ALL,
    ) -> None:
        rule = Duplicates(mark=MarkDuplicates(event=event, days=30))
        campaign = Campaign(key="roof", flow="f", plan="p", duplicates=rule)
        self.history = CallHistory(histories, "acme", ANN, campaign, call, kept, anonymous=False)
        self.entries: list[Entry] = []
        self.changes: list[Change] = []

    def writes(self, event: CallReceived | AttemptConnected | Converted, buyer: str | None = None) -> None:
        self.history.follow(event, None if buyer is None else offered(buyer), self.entries, self.changes)

    def told(self) -> CallRepeated | None:
        events = [entry.event for entry in self.entries]
        return None if not events else events[-1]  # type: ignore[return-value]


def test_events_are_packed_and_the_newest_of_each_kind_is_kept() -> None:
    histories = Histories()
    histories.add("acme", ANN, Seen("connect", 5, "roof", "ann", "c1"))
    histories.add("acme", ANN, Seen("incoming", 7, "roof", None, "c2"))
    histories.add("acme", ANN, Seen("connect", 6, "roof", "bob", "c1"))
    histories.add("acme", ANN, Seen("connect", 9, "roof", "ann", "c3"))
    assert histories.of("acme", ANN) == (
        Seen("connect", 6, "roof", "bob", "c1"),
        Seen("incoming", 7, "roof", None, "c2"),
        Seen("connect", 9, "roof", "ann", "c3"),
    )
    assert histories.of("acme", BOB) == ()
    many = [Seen("connect", at, "roof", f"buyer{at}", "c") for at in range(EVENTS_MAX + 1)]
    assert unpacked(packed(many)) == tuple(many[1:])


def test_the_longest_unseen_contact_is_forgotten_first() -> None:
    histories = Histories(most=2)
    for at, contact in enumerate((ANN, BOB, ANN, "c" * 32)):
        histories.add("acme", contact, Seen("incoming", at, "roof", None, "c"))
    assert len(histories) == 2
    assert histories.of("acme", BOB) == ()
    assert histories.of("acme", ANN)


def test_contacts_of_before_the_start_are_asked_for_until_they_are_learned() -> None:
    old = Seen("connect", 1, "roof", "ann", "old")
    histories = Histories(lambda account, contact: (old,) if contact == ANN else ())
    assert histories.of("acme", ANN) == (old,)
    histories.add("acme", ANN, Seen("incoming", 2, "roof", None, "new"))
    assert histories.of("acme", ANN)[0] == old, "what the disk knows is kept beside what is added"
    histories.learn({bytes.fromhex(ANN): packed([old]), bytes.fromhex(BOB): packed([old])})
    assert len(histories.of("acme", ANN)) == 2, "what memory knows is newer than what was read"
    assert histories.of("acme", BOB) == (old,)
    assert histories.of("acme", "c" * 32) == ()


def test_of_two_calls_at_once_the_second_is_a_duplicate_by_incoming() -> None:
    histories = Histories()
    first, second = Party(histories, "c1", "incoming"), None
    first.writes(received(10))
    second = Party(histories, "c2", "incoming")
    second.writes(received(10))
    assert first.told() is None
    told = second.told()
    assert told is not None
    assert (told.duplicate, told.duplicate_of) == (True, "c1")
    first.history.tell(11, first.entries)
    assert first.told() is None, "a call that came later does not make the earlier one a duplicate"


def test_what_another_call_connects_meanwhile_counts_at_the_route_node() -> None:
    histories = Histories()
    first, second = Party(histories, "c1"), Party(histories, "c2")
    first.writes(received(10))
    second.writes(received(11))
    first.writes(connected(12), "ann")
    second.history.tell(13, second.entries)
    told = second.told()
    assert told is not None
    assert (told.duplicate, told.duplicate_of) == (True, "c1")
    assert told.seen == (Seen("connect", 12, "roof", "ann", "c1"),)
    second.history.tell(14, second.entries)
    assert len(second.entries) == 1, "the same is told once"
    first.history.tell(14, first.entries)
    assert first.told() is None, "what a call does itself does not make it a duplicate"


def test_the_past_that_a_call_itself_has_overwritten_is_still_known_to_it() -> None:
    histories = Histories()
    old = Seen("connect", 1, "roof", "ann", "old")
    histories.add("acme", ANN, old)
    call = Party(histories, "c")
    call.writes(connected(20), "ann")
    assert call.history.seen() == (old,)
    assert histories.of("acme", ANN) == (Seen("connect", 20, "roof", "ann", "c"),)


def test_only_what_a_rule_asks_for_is_kept() -> None:
    histories = Histories()
    call = Party(histories, "c", kept=frozenset({"convert"}))
    call.writes(received(1))
    call.writes(connected(2), "ann")
    assert call.changes == []
    convert = Converted(account="acme", call="c", at_ms=3, attempt="a", buyer="ann", route="r", amount=Money(1, "USD"),
                        rule="x")  # fmt: skip
    call.writes(convert, "ann")
    assert call.changes == [ContactHad("acme", ANN, Seen("convert", 3, "roof", "ann", "c"))]


def test_what_was_not_kept_of_a_lead_makes_nobody_a_duplicate() -> None:
    histories = Histories()
    earlier = Party(histories, "earlier", "incoming")
    earlier.writes(received(1_000))
    lost = Party(histories, "c", "incoming")
    lost.writes(received(2_000))
    assert [seen.call for seen in histories.of("acme", ANN)] == ["c"]
    lost.history.forget()
    assert [seen.call for seen in histories.of("acme", ANN)] == ["earlier"]
    earlier.history.forget()
    assert (histories.of("acme", ANN), len(histories)) == ((), 0)
