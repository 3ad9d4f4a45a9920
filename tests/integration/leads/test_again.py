"""Leads that come twice: by the same key, by the same person, at once and after a restart."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from tests.integration.leads.posts import CONFIG, TEXAN, configured, lead, post

from trunkline.testing.bidders.background import answering
from trunkline.testing.bidders.lead_buyer import LeadBuyer
from trunkline.testing.switch import SwitchProcess

pytestmark = pytest.mark.integration

RULES = """    duplicates: {mark: {event: convert, days: 30}, route: nowhere}
    suppress: [blocked]
    lead_fields:
      - {name: phone"""
STRICT = CONFIG.replace("    lead_fields:\n      - {name: phone", RULES, 1).replace(
    "flows:", "lists: [{key: blocked, file: blocked.csv}]\nflows:"
)
SAME = STRICT.replace("keys: [KEY2], campaigns: [solar]", "keys: [KEY2], leads_per_minute: 2").replace(
    "    lead_fields: [{name: email",
    "    leads: {same_by: [email]}\n    duplicates: {mark: {event: incoming, days: 1}, route: nowhere}\n"
    "    lead_fields: [{name: email",
)
OTHER = "tl_other_secret"


def person(number: int) -> dict[str, str]:
    return {**TEXAN, "phone": f"+1512555{number:04d}"}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SwitchProcess, LeadBuyer]]:
    folder: Path = tmp_path_factory.mktemp("again")
    (folder / "blocked.csv").write_text("+15125559999\n")
    buyer = LeadBuyer()
    with (
        answering({"/leads": buyer}) as buyers,
        SwitchProcess(configured(f"{buyers.url}/leads", config=SAME), folder) as s,
    ):
        yield s, buyer


def test_the_same_key_gets_the_same_answer_and_another_body_a_conflict(shop: tuple[SwitchProcess, LeadBuyer]) -> None:
    switch, buyer = shop
    before, headers = len(buyer.leads), {"Idempotency-Key": "form-1"}
    first = post(switch, lead(person(1)), headers=headers)
    assert first[0] == 201
    assert post(switch, lead(person(1)), headers=headers)[:2] == first[:2]
    status, answer, _ = post(switch, lead(person(2)), headers=headers)
    assert (status, answer["status"]) == (409, "idempotency_conflict")
    assert post(switch, lead({"zip": "78701"}), headers={"Idempotency-Key": "form-2"})[0] == 422
    assert post(switch, lead(person(3)), headers={"Idempotency-Key": "form-2"})[0] == 201  # nothing was taken before
    switch.stop()
    switch.restart()
    assert post(switch, lead(person(1)), headers=headers)[:2] == first[:2]
    assert post(switch, lead(person(2)), headers=headers)[0] == 409
    assert post(switch, lead(person(4)), headers={"Idempotency-Key": "é" * 300})[0] == 400
    assert len(buyer.leads) == before + 2


def test_concurrent_posts_with_one_key_are_one_lead(shop: tuple[SwitchProcess, LeadBuyer]) -> None:
    switch, buyer = shop
    before = len(buyer.leads)
    with ThreadPoolExecutor(8) as threads:
        found = list(
            threads.map(lambda _: post(switch, lead(person(20)), headers={"Idempotency-Key": "form-20"}), range(8))
        )
    assert len({json.dumps(answer) for _, answer, _ in found}) == 1
    assert {status for status, *_ in found} == {201}
    assert len(buyer.leads) == before + 1


def test_of_concurrent_posts_of_one_person_one_is_sold(shop: tuple[SwitchProcess, LeadBuyer]) -> None:
    switch, buyer = shop
    before = len(buyer.leads)
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: post(switch, lead(person(30))), range(8)))
    sold = [answer for status, answer, _ in found if status == 201]
    again: list[dict[str, Any]] = [answer for status, answer, _ in found if status == 409]
    assert (len(sold), len(again)) == (1, 7)
    assert {answer["of"] for answer in again} == {sold[0]["id"]}
    assert {answer["status"] for answer in again} == {"duplicate"}
    assert len(buyer.leads) == before + 1


def test_what_makes_leads_the_same_is_the_campaigns_say(shop: tuple[SwitchProcess, LeadBuyer]) -> None:
    switch, _ = shop
    solar = lead({"email": "bob@example.com"}, campaign="solar")
    first = post(switch, solar)
    assert first[1]["status"] == "unmatched"  # nothing places it in Texas
    status, answer, _ = post(switch, solar)
    assert (status, answer["of"]) == (409, first[1]["id"])
    assert post(switch, lead({"email": "eve@example.com"}, campaign="solar"))[0] == 200


def test_who_is_on_a_list_is_blocked_and_nobody_is_told(shop: tuple[SwitchProcess, LeadBuyer]) -> None:
    switch, buyer = shop
    before = len(buyer.leads)
    status, answer, _ = post(switch, lead(person(9999)))
    assert (status, answer["status"], answer["reasons"]) == (200, "unmatched", ["no_buyer"])
    assert len(buyer.leads) == before
    ended = [event for event in switch.journal_events() if getattr(event, "call", None) == answer["id"]][-1]
    assert (getattr(ended, "outcome", None), getattr(ended, "reason", None)) == ("blocked", "suppression")


def test_who_sends_faster_than_agreed_is_told_when_to_come_again(shop: tuple[SwitchProcess, LeadBuyer]) -> None:
    switch, _ = shop
    found = [post(switch, lead(person(40 + each)), OTHER) for each in range(3)]
    assert [status for status, *_ in found] == [201, 201, 429]
    assert 1 <= int(found[2][2]["retry-after"]) <= 60
