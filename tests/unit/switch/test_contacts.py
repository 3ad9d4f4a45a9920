"""Who has called before, within bounds."""

from __future__ import annotations

import pytest

from trunkline.switch.contacts import Contacts

pytestmark = pytest.mark.unit


def contact(name: str) -> tuple[str, str, str]:
    return ("acme", "roofing", name)


def test_a_contact_is_new_once() -> None:
    contacts = Contacts({})
    assert not contacts.see(contact("a"), 1)
    assert contacts.see(contact("a"), 2)
    assert not contacts.see(("acme", "other", "a"), 3)


def test_the_longest_unseen_is_forgotten_first() -> None:
    contacts = Contacts({contact("b"): 20, contact("a"): 10, contact("c"): 30}, most=2)
    assert len(contacts) == 2
    assert contacts.see(contact("b"), 40)
    assert not contacts.see(contact("d"), 50), "c makes room for it"
    assert contacts.see(contact("b"), 60)
    assert not contacts.see(contact("c"), 70)
    assert len(contacts) == 2
