"""A reload that changes where requests may go, while a lead is being posted."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest
from tests.integration.leads.posts import TEXAN, configured, lead, post

from trunkline.testing.bidders.background import answering
from trunkline.testing.bidders.server import Peer, Received
from trunkline.testing.switch import SwitchProcess

pytestmark = pytest.mark.integration


def test_a_post_that_has_left_goes_on_and_the_next_is_kept_in(tmp_path: Path) -> None:
    asked = threading.Event()
    go_on = threading.Event()

    async def waits(peer: Peer, _request: Received) -> None:
        asked.set()
        await asyncio.to_thread(go_on.wait, 10)
        await peer.json(200, {})

    answers: list[tuple[int, dict[str, Any]]] = []
    with answering({"/ace": waits}) as buyers:
        config = configured(f"{buyers.url}/ace").replace("2000", "20000")
        with SwitchProcess(config, tmp_path) as switch:
            thread = threading.Thread(target=lambda: answers.append(post(switch, lead())[:2]))
            thread.start()
            assert asked.wait(10)
            switch.write_config(config.replace('["127.0.0.0/8"]', "[]"))
            switch.until(lambda: switch.metric("trunkline_reloads_total", result="loaded") == 1, "the reload")
            go_on.set()
            thread.join()
            after = post(switch, lead({**TEXAN, "phone": "+15125550177"}))
        assert len(buyers.received) == 1
    assert [status for status, _ in answers] == [201]
    assert after[1]["status"] == "unmatched"
    assert "Unclosed" not in switch.log()
