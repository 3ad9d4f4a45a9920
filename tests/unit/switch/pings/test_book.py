"""The bids that stand: who finds them, how long, and that there is an end to how many."""

from __future__ import annotations

import hashlib

import msgspec
import pytest

from trunkline.events.changes import StoredPing
from trunkline.switch.pings.book import PingBook, hashed
from trunkline.switch.pings.tokens import LATE_MS

pytestmark = pytest.mark.unit

CALLER = "+15125550100"
NUMBER = "+18335550100"


def ping(name: str = "ping_1", publisher: str = "adwave", **said: object) -> StoredPing:
    base = StoredPing(
        ping=name,
        account="acme",
        publisher=publisher,
        source=None,
        campaign="injury",
        kind="lead",
        made_ms=0,
        expires_ms=1_000,
        bid=2100,
        floor=3000,
        currency="USD",
        route="main.t.a",
        target="a",
        seed=7,
        contact="ping_1",
        repeat=f"question of {name}",
    )
    return msgspec.structs.replace(base, **said)


def test_the_same_question_finds_its_bid_while_it_stands() -> None:
    book = PingBook()
    book.put(ping())
    assert book.again("acme", "adwave", "question of ping_1", 999) == ping()
    assert book.again("acme", "adwave", "question of ping_1", 1_000) is None
    assert book.again("acme", "other", "question of ping_1", 0) is None
    book.put(ping(by="lead_1"))
    assert book.again("acme", "adwave", "question of ping_1", 0) is None, "it was taken up"


def test_a_bid_is_forgotten_when_it_is_over_once_and_for_all() -> None:
    book = PingBook()
    book.put(ping())
    book.put(ping("ping_2"))
    book.put(ping("ping_2", by="lead_2"))
    assert book.sweep(1_000 + LATE_MS) == []
    assert {each.ping for each in book.sweep(1_001 + LATE_MS)} == {"ping_1", "ping_2"}
    assert book.find("ping_1") is None
    assert book.sweep(1_000_000) == []
    assert len(book) == 0
    assert not book.full("acme", "adwave")


def test_seats_are_held_from_the_confirmation_to_the_call() -> None:
    book = PingBook()
    book.put(ping())
    assert book.waiting() == ()
    held = ping(lease="lease_1")
    book.put(held)
    assert book.waiting() == (held,)
    book.put(ping(lease="lease_1", by="call_1"))
    assert book.waiting() == ()
    book.put(ping("ping_2", lease="lease_2"))
    book.sweep(1_000_000)
    assert book.waiting() == ()


@pytest.mark.parametrize("form", [CALLER, CALLER[1:], CALLER[2:]])
def test_a_caller_is_known_by_contact_or_by_sum(form: str) -> None:
    book = PingBook()
    assert book.expects("acme", NUMBER, CALLER, "contact", 0) is None
    book.put(ping(kind="call", number=NUMBER, caller="contact"))
    sum_ = hashed(hashlib.sha256(form.encode()).hexdigest())
    book.put(ping("ping_2", kind="call", number="+18335550101", caller=sum_))
    found = book.expects("acme", NUMBER, CALLER, "contact", 1_000 + LATE_MS)
    assert found is not None
    assert found.ping == "ping_1"
    assert book.expects("acme", NUMBER, CALLER, "contact", 1_001 + LATE_MS) is None
    assert book.expects("acme", NUMBER, "+15125550199", "other", 0) is None
    hashed_one = book.expects("acme", "+18335550101", CALLER, "another contact", 0)
    assert hashed_one is not None
    assert hashed_one.ping == "ping_2"


def test_the_book_is_full_and_one_publisher_fills_half_of_it() -> None:
    book = PingBook(most=4)
    for place in range(2):
        assert not book.full("acme", "adwave")
        book.put(ping(f"ping_{place}"))
    assert book.full("acme", "adwave")
    assert not book.full("acme", "other")
    for place in range(2, 4):
        book.put(ping(f"ping_{place}", publisher="other"))
    assert book.full("acme", "third")
    book.drop(ping("ping_0"))
    book.drop(ping("ping_0"))
    assert not book.full("acme", "adwave")
    assert book.again("acme", "adwave", "question of ping_0", 0) is None
