"""kill -9 while leads come in: nothing that was answered is lost, nothing is delivered twice, what was open goes on."""

from __future__ import annotations

import asyncio
import threading
import urllib.error
from collections import Counter
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest
from tests.integration.leads.posts import CONFIG, configured, lead, post

from trunkline.events.calls import Converted, OfferReserved
from trunkline.events.leads import DeliveryEnded, LeadAccepted, LeadEnded, LeadReceived, LeadUnmatched
from trunkline.testing.bidders.background import answering
from trunkline.testing.bidders.lead_buyer import LeadBuyer
from trunkline.testing.bidders.server import Peer, Received
from trunkline.testing.switch import SwitchProcess

pytestmark = pytest.mark.integration

CLIENTS = 16
LOAD = 150
LIMITED = CONFIG.replace(
    "{key: ace}", "{key: ace, limits: [{measure: in_flight, max: 9}, {measure: connect, per: day, max: 9000}]}"
)


class SlowBuyer(LeadBuyer):
    """A buyer that thinks for a moment, so that a crash finds posts in every state."""

    async def __call__(self, peer: Peer, request: Received) -> None:
        await asyncio.sleep(0.02)
        await super().__call__(peer, request)


class Senders:
    """Publishers that post one lead after another until the switch is gone, and keep what they are answered."""

    def __init__(self, switch: SwitchProcess) -> None:
        self._switch = switch
        self._stop = threading.Event()
        self.answers: dict[str, tuple[int, dict[str, Any]]] = {}
        self.unanswered: list[str] = []
        self._threads = [threading.Thread(target=self._send, args=(number,)) for number in range(CLIENTS)]
        for thread in self._threads:
            thread.start()

    def _send(self, client: int) -> None:
        for count in range(10_000):
            key = f"{client}-{count}"
            if self._stop.is_set():
                return
            try:
                status, answer, _ = post(self._switch, body_of(key), headers={"Idempotency-Key": key})
            except (OSError, HTTPException, urllib.error.URLError, ValueError):
                self.unanswered.append(key)
                return
            self.answers[key] = status, answer

    def join(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


def body_of(key: str) -> dict[str, Any]:
    client, _, count = key.partition("-")
    fields = {"phone": f"+1512{2000000 + 10_000 * int(client) + int(count):07d}", "zip": "78701", "story": key}
    return lead(fields)


def test_a_crash_under_load(tmp_path: Path) -> None:
    ace = SlowBuyer(lambda request: (400, {}) if refuses(request) else (200, {}))
    bolt = SlowBuyer()
    with answering({"/ace": ace, "/bolt": bolt}) as buyers:
        switch = SwitchProcess(configured(f"{buyers.url}/ace", f"{buyers.url}/bolt", LIMITED), tmp_path)
        with switch:
            senders = Senders(switch)
            switch.until(lambda: len(senders.answers) > LOAD, "a load")
            switch.kill()
            senders.join()
            switch.restart()
            switch.until(lambda: switch.metric("trunkline_live_leads") == 0, "all leads to be over")
            switch.until(lambda: switch.metric("trunkline_live_leases") == 0, "all seats to be given back")
            retried = {key: post(switch, body_of(key), headers={"Idempotency-Key": key}) for key in senders.unanswered}
            repeated = {
                key: post(switch, body_of(key), headers={"Idempotency-Key": key})[:2]
                for key in list(senders.answers)[-20:]
            }
        events = switch.journal_events()

    received = [event for event in events if isinstance(event, LeadReceived)]
    ended = [event for event in events if isinstance(event, LeadAccepted | LeadUnmatched | LeadEnded)]
    assert senders.unanswered, "the crash cut somebody off"

    by_id = Counter(event.call for event in received)
    assert set(by_id.values()) == {1}
    assert Counter(event.call for event in ended) == by_id, "every lead has one end"
    for status, answer in senders.answers.values():
        assert status == 201
        assert by_id[answer["id"]] == 1
    assert repeated == {key: senders.answers[key] for key in repeated}

    ends = {event.call: event for event in ended}
    offers = {event.attempt: event for event in events if isinstance(event, OfferReserved)}
    over = Counter(event.attempt for event in events if isinstance(event, DeliveryEnded))
    assert over == Counter(offers.keys()), "every attempt has one end"
    assert all(isinstance(ends[name], LeadAccepted) for name in by_id), "leads that were open went on"
    assert {status for status, *_ in retried.values()} == {201}

    posted = Counter(request.json()["story"] for request in (*ace.leads, *bolt.leads) if taken(request, ace))
    assert set(posted.values()) == {1}, "no buyer that knows repetitions has a lead twice, and no lead has two buyers"
    converted = Counter(event.call for event in events if isinstance(event, Converted))
    assert converted == by_id


def taken(request: Received, ace: LeadBuyer) -> bool:
    """Whether the buyer took the lead."""
    return request not in ace.leads or not refuses(request)


def refuses(request: Received) -> bool:
    """Whether the first buyer refuses the lead."""
    return int(request.json()["story"].partition("-")[2]) % 5 == 4


def test_a_post_that_nobody_answers_after_the_crash_is_offered_to_nobody_else(tmp_path: Path) -> None:
    async def hangs(peer: Peer, _request: Received) -> None:
        await peer.until_left()

    bolt = LeadBuyer()
    with answering({"/ace": hangs, "/bolt": bolt}) as buyers:
        config = configured(f"{buyers.url}/ace", f"{buyers.url}/bolt").replace(
            "deadline_ms: 2000", "deadline_ms: 600", 1
        )
        switch = SwitchProcess(config, tmp_path)
        with switch:
            thread = threading.Thread(target=_post_in_vain, args=(switch,))
            thread.start()
            switch.until(lambda: len(buyers.at("/ace")) == 1, "the post to arrive")
            switch.kill()
            thread.join()
            switch.restart()
            switch.until(lambda: any(isinstance(event, LeadEnded) for event in switch.journal_events()), "the end")
        events = switch.journal_events()
    first, second = buyers.at("/ace")
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]
    assert not bolt.posts
    delivery = next(event for event in events if isinstance(event, DeliveryEnded))
    end = next(event for event in events if isinstance(event, LeadEnded))
    assert (delivery.outcome, end.outcome) == ("interrupted", "interrupted")
    assert not [event for event in events if isinstance(event, Converted)]


def _post_in_vain(switch: SwitchProcess) -> None:
    with pytest.raises((OSError, HTTPException)):
        post(switch, lead())


def test_a_stop_that_cannot_wait_leaves_the_lead_to_the_next_start(tmp_path: Path) -> None:
    calls: list[str] = []

    async def hangs_once(peer: Peer, request: Received) -> None:
        calls.append(request.headers["idempotency-key"])
        if len(calls) == 1:
            await peer.until_left()
        await peer.json(200, {})

    with answering({"/ace": hangs_once}) as buyers:
        switch = SwitchProcess(configured(f"{buyers.url}/ace").replace("2000", "60000"), tmp_path, drain_s=0)
        answers: list[tuple[int, dict[str, Any]]] = []
        with switch:
            thread = threading.Thread(target=lambda: answers.append(post(switch, lead())[:2]))
            thread.start()
            switch.until(lambda: len(calls) == 1, "the post to arrive")
            switch.stop()
            thread.join()
            switch.restart()
            switch.until(lambda: any(isinstance(event, LeadAccepted) for event in switch.journal_events()), "the sale")
    assert [(status, answer["status"]) for status, answer in answers] == [(503, "interrupted")]
    assert calls == [calls[0]] * 2
