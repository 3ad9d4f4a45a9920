"""The configuration of hostile tests, and everything they are made of."""

from __future__ import annotations

import json
from typing import Any, Final

from trunkline.testing.byhand import (
    NUMBER,
    Behaviour,
    Caller,
    Message,
    Outgoing,
    Peer,
    answers,
    ping,
    sdp,
)
from trunkline.testing.ports import HOST
from trunkline.testing.voices import FRAME, GoodCall, Voice, frame, kernel_drops, rss_mb

__all__ = [
    "FRAME",
    "GOOD",
    "HOST",
    "SINK",
    "Behaviour",
    "Caller",
    "GoodCall",
    "Message",
    "Outgoing",
    "Peer",
    "Voice",
    "answers",
    "configuration",
    "frame",
    "kernel_drops",
    "ping",
    "rss_mb",
    "sdp",
]

GOOD: Final = NUMBER
SINK: Final = "+18335550199"
"""A number of a paused campaign: its calls are taken, journalled and refused."""


def configuration(
    *targets: dict[str, Any], nodes: dict[str, Any] | None = None, allow: str = "127.0.0.1/32", **plan: Any
) -> str:
    """`GOOD` is offered to `targets` in their order; `nodes` is the flow before that, beginning at `start`."""
    routes = [{"target": each["key"], "priority": place + 1, "price": "20.00"} for place, each in enumerate(targets)]
    conversion = {"call": {"event": "connect"}}
    whole: dict[str, Any] = {
        "version": 1,
        "account": {"key": "acme", "currency": "USD", "timezone": "America/New_York"},
        "publishers": [{"key": "adwave"}],
        "campaigns": [
            {"key": "good", "flow": "intake", "plan": "good", "conversion": conversion},
            {"key": "sink", "flow": "intake", "plan": "good", "conversion": conversion, "paused": True},
        ],
        "numbers": [
            {"number": GOOD, "campaign": "good", "publisher": "adwave"},
            {"number": SINK, "campaign": "sink", "publisher": "adwave"},
        ],
        "buyers": [{"key": each["key"]} for each in targets],
        "targets": [{"buyer": each["key"], **each} for each in targets],
        "plans": [
            {
                "key": "good",
                "max_offers": 50,
                "tiers": [{"key": "only", "method": "priority", "routes": routes}],
                **plan,
            }
        ],
        "flows": [{"key": "intake", "start": "start", "nodes": nodes or {"start": {"route": {}}}}],
        "trunks": [{"key": "carrier", "allow": [allow], "default_country": "US", "same_caller_seconds": 0}],
    }
    return json.dumps(whole, indent=1)
