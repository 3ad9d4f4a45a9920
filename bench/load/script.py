"""What callers and buyers do, and the configuration that sells the calls."""

from __future__ import annotations

import json
from enum import Enum
from typing import Any

from trunkline.testing.sipp_steps import (
    ack,
    acked,
    answer,
    buyer,
    bye,
    byed,
    caller,
    expect,
    invite,
    invited,
    pause,
    provisional,
)

NUMBER = "+18335550100"
TALK_S = 1.0
RING_S = 0.1
REFUSING = 4
"""Buyers that refuse before one takes the call, in the waterfall."""

CALLER = caller(invite(), provisional(), expect(200), ack(), pause(round(1000 * TALK_S)), bye())
TAKES = buyer(invited(), answer(180), pause(round(1000 * RING_S)), answer(200), acked(), byed())
REFUSES = buyer(invited(), answer(486), acked())


class Scenario(Enum):
    """One buyer that takes the call, or five of whom the first four are busy."""

    PLAIN = "plain"
    WATERFALL = "waterfall"

    @property
    def refusing(self) -> int:
        """Buyers asked before the one that takes the call."""
        return REFUSING if self is Scenario.WATERFALL else 0


def caller_number(index: int) -> str:
    """A caller of its own for every call, in E.164, so that a call can be found again at the buyer."""
    return f"+1512{2_000_000 + index % 8_000_000:07}"


def configuration(refusing: str, taking: str, scenario: Scenario) -> str:
    """Targets at the two addresses (host:port), every buyer with limits and every call paid for, as in earnest."""
    addresses = [refusing] * scenario.refusing + [taking]
    keys = [f"buyer-{place}" for place in range(1, len(addresses) + 1)]
    limits = [{"measure": "live", "max": 100_000}, {"measure": "connect", "per": "day", "max": 10_000_000}]
    routes = [{"target": key, "priority": place, "price": "20.00"} for place, key in enumerate(keys, 1)]
    whole: dict[str, Any] = {
        "version": 1,
        "account": {"key": "acme", "currency": "USD", "timezone": "America/New_York"},
        "publishers": [{"key": "adwave"}],
        "campaigns": [
            {
                "key": "injury",
                "flow": "intake",
                "plan": "injury",
                "conversion": {"call": {"event": "connect"}},
                "payouts": [{"publisher": "adwave", "event": "convert", "amount": "8.00"}],
            }
        ],
        "numbers": [{"number": NUMBER, "campaign": "injury", "publisher": "adwave"}],
        "buyers": [{"key": key, "limits": limits} for key in keys],
        "targets": [
            {"key": key, "buyer": key, "dial": f"sip:{key}@{address}"}
            for key, address in zip(keys, addresses, strict=True)
        ],
        "plans": [{"key": "injury", "tiers": [{"key": "only", "method": "priority", "routes": routes}]}],
        "flows": [{"key": "intake", "start": "sell", "nodes": {"sell": {"route": {}}}}],
        "trunks": [{"key": "carrier", "allow": ["127.0.0.0/8"], "default_country": "US"}],
    }
    return json.dumps(whole)
