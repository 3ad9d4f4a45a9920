"""Who has called before, within bounds."""

from __future__ import annotations

import pytest

from trunkline.switch.contacts import Contacts

pytestmark = pytest.mark.unit


def contact(name: str) -> tuple[str, str, str]:
    return ("acme", "roofing", name)


def test_a_contact_is_new_once() -> None:
    contacts = Contacts()
    assert not contacts.see(contact("a"), 1)
    assert contacts.see(contact("a"), 2)
    assert not contacts.see(("acme", "other", "a"), 3)


def test_the_longest_unseen_is_forgotten_first() -> None:
    contacts = Contacts(most=2)
    contacts.learn({contact("a"): 10, contact("b"): 20, contact("c"): 30})
    assert len(contacts) == 2
    assert contacts.see(contact("b"), 40)
    assert not contacts.see(contact("d"), 50), "c makes room for it"
    assert contacts.see(contact("b"), 60)
    assert not contacts.see(contact("c"), 70)
    assert len(contacts) == 2


def test_those_of_before_the_start_are_asked_for_until_they_are_learned() -> None:
    asked: list[str] = []

    def earlier(found: tuple[str, str, str]) -> bool:
        asked.append(found[2])
        return found[2] == "old"

    contacts = Contacts(earlier, most=3)
    assert contacts.see(contact("old"), 40)
    assert not contacts.see(contact("new"), 50)
    assert contacts.see(contact("new"), 60)
    assert asked == ["old", "new"]
    contacts.learn({contact("x"): 1, contact("old"): 2, contact("y"): 3})
    assert contacts.see(contact("y"), 70)
    assert not contacts.see(contact("x"), 80), "it was the longest unseen of four"
    assert asked == ["old", "new"]
