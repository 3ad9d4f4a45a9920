"""A crash between a lead's post and its answer: what was promised for it still counts when it goes on."""

from __future__ import annotations

import urllib.error
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.integration.leads.posts import TEXAN
from tests.integration.pings.market import market, ping, send

from trunkline.events.calls import OfferReserved
from trunkline.events.leads import LeadUnmatched
from trunkline.testing.bidders.background import answering
from trunkline.testing.bidders.behaviours import hangs, says
from trunkline.testing.bidders.lead_buyer import LeadBuyer
from trunkline.testing.bidders.server import Peer, Received
from trunkline.testing.switch import SwitchProcess

pytestmark = pytest.mark.integration


class Slow:
    """A buyer that never answers the first post, and refuses every other."""

    def __init__(self) -> None:
        self.posts = 0

    async def __call__(self, peer: Peer, request: Received) -> None:
        self.posts += 1
        await (hangs() if self.posts == 1 else says({"why": "no roof"}, 400))(peer, request)


def test_a_lead_that_goes_on_is_still_sold_to_nobody_who_pays_too_little(tmp_path: Path) -> None:
    ace, bolt = Slow(), LeadBuyer()
    with answering({"/ace": ace, "/bolt": bolt}) as buyers:
        switch = SwitchProcess(market(f"{buyers.url}/ace", f"{buyers.url}/bolt"), tmp_path)
        with switch, ThreadPoolExecutor(1) as pool:
            token = ping(switch, TEXAN)[1]["ping_id"]
            posting = pool.submit(send, switch, token)
            switch.until(lambda: ace.posts == 1, "the lead to be posted")
            switch.kill()
            with pytest.raises((urllib.error.URLError, ConnectionError)):
                posting.result()
            switch.restart()
            switch.until(lambda: any(isinstance(each, LeadUnmatched) for each in switch.journal_events()), "its end")
            status, answer, _ = send(switch, token)
            assert (status, answer["status"]) == (200, "unmatched")
            assert (ace.posts, bolt.posts) == (2, 0), "20.00 would not cover a bid of 27.00"
            [offer] = [each for each in switch.journal_events() if isinstance(each, OfferReserved)]
            assert answer["id"] == offer.call
