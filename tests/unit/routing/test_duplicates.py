"""What has to be kept of contacts, when a campaign last saw one, and who is not even let in."""

from __future__ import annotations

import pytest
from tests.unit.routing.accounts import MONDAY_NOON_MS, NUMBER, account, at, router

from trunkline.engine.lists.reading import pack_list
from trunkline.engine.lists.table import ContactList
from trunkline.engine.routing.duplicates import counts_anonymous, duplicate_of, events_asked_for, last_seen_ms
from trunkline.engine.routing.facts import NO_FACTS, facts_of
from trunkline.events.contacts import Seen

pytestmark = pytest.mark.unit

CAMPAIGN = "campaigns: [{key: camp, flow: intake, plan: main, %s}]"
NOW = MONDAY_NOON_MS
DAY = 86_400_000


@pytest.mark.parametrize(
    ("text", "events"),
    [
        ("", set()),
        (CAMPAIGN % "duplicates: {route: normal}", set()),
        (CAMPAIGN % "duplicates: {route: nowhere}", {"connect"}),
        (CAMPAIGN % "duplicates: {mark: {event: incoming}}", {"incoming"}),
        (CAMPAIGN % "duplicates: {mark: {event: incoming}, route: original}", {"incoming", "connect"}),
        (CAMPAIGN % "duplicates: {mark: {event: convert}, route: different}", {"convert"}),
        (CAMPAIGN % "payouts: [{amount: '1.00', duplicates: {pay: always}}]", set()),
        (CAMPAIGN % "payouts: [{amount: '1.00', duplicates: {pay: never}}]", {"connect"}),
        ("buyers: [{key: ann, not_seen_days: 3}, {key: bob}]", {"connect"}),
    ],
)
def test_only_what_rules_ask_for_is_kept(text: str, events: set[str]) -> None:
    assert events_asked_for(account(text or "{}")) == events


def test_the_newest_event_marks_and_the_future_is_not_known_yet() -> None:
    campaign = account(CAMPAIGN % "duplicates: {mark: {event: connect, days: 2}}").campaigns[0]
    old, new, other, future = (
        Seen("connect", NOW - DAY, "camp", "ann", "c1"),
        Seen("connect", NOW - 1, "camp", "bob", "c2"),
        Seen("connect", NOW - 1, "else", "bob", "c3"),
        Seen("connect", NOW + 1, "camp", "bob", "c4"),
    )
    assert duplicate_of((old, new, other, future), campaign, anonymous=False, utc_ms=NOW) == new
    assert duplicate_of((other, future), campaign, anonymous=False, utc_ms=NOW) is None
    assert duplicate_of((old,), campaign, anonymous=False, utc_ms=NOW + DAY) is None
    assert last_seen_ms((old,), campaign, anonymous=False, utc_ms=NOW + 300 * DAY) == old.at_ms
    assert last_seen_ms((other, future), campaign, anonymous=False, utc_ms=NOW) is None


def test_withheld_numbers_are_one_contact_where_the_campaign_says_so() -> None:
    seen = (Seen("connect", NOW - 1, "camp", "ann"),)
    for rule, counts in (("anonymous: true", True), ("days: 9", False)):
        campaign = account(CAMPAIGN % f"duplicates: {{mark: {{{rule}}}}}").campaigns[0]
        assert counts_anonymous(campaign) is counts
        assert (duplicate_of(seen, campaign, anonymous=True, utc_ms=NOW) is not None) is counts
        assert (last_seen_ms(seen, campaign, anonymous=True, utc_ms=NOW) is not None) is counts


def test_lists_above_the_plan_keep_callers_out_and_hours_do_not() -> None:
    asked = router(
        "lists: [{key: blocked}]\n"
        + CAMPAIGN % "calling_hours: us"
        + "\npublishers: [{key: pub, suppress: [blocked]}]\nbuyers: [{key: ann, suppress: [blocked]}, {key: bob}]"
    )
    facts = facts_of(lists={"blocked": ContactList(pack_list("numbers", ["+15125550100", "anonymous"]))})

    def kept_away(caller: str | None) -> tuple[str, str] | None:
        return asked.kept_away("camp", "pub", NUMBER, caller, facts, at())

    assert kept_away("+15125550100") == ("publisher", "on list blocked")
    assert kept_away(None) == ("publisher", "on list blocked")
    assert kept_away("+15125550101") is None
    assert asked.kept_away("camp", "pub", NUMBER, "+15125550101", NO_FACTS, at()) == (
        "publisher",
        "list blocked is not loaded",
    )
    assert router("{}").kept_away("camp", "pub", NUMBER, None, NO_FACTS, at()) is None
