"""A configuration that buys leads and calls by ping, and what publishers send to a switch that runs it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.integration.leads.posts import KEY, TEXAN, configured, post

from trunkline.testing.switch import SwitchProcess

CONFIG = """
version: 1
account: {key: acme, timezone: America/New_York}
publishers:
  - {key: adwave, keys: [KEY1], pings_per_minute: 200}
  - {key: other, keys: [KEY2], margin: {percent: 50}, min_bid: "12.00", ping_budget: 2}
campaigns:
  - key: roofing
    flow: sell
    plan: all
    payouts: [{publisher: "*", event: convert, percent: 60}]
    leads: {margin: {amount: "8.00"}, ping_ttl_seconds: 60}
    lead_fields:
      - {name: phone, type: phone, required: true}
      - {name: email, type: email}
      - {name: zip, type: zip, required: true}
      - {name: story, type: text}
  - key: calls
    flow: sell
    plan: phones
    call_bids: {margin: {percent: 20}, ttl_seconds: 300}
  - {key: closed, flow: sell, plan: phones}
numbers:
  - {number: "+18335550100", campaign: calls, publisher: adwave}
  - {number: "+18335550101", campaign: closed, publisher: adwave}
buyers: [{key: ace}, {key: bolt}]
targets:
  - {key: ace-crm, buyer: ace, deliver: {url: "ACE", deadline_ms: 2000, reject_reason: why}}
  - {key: bolt-crm, buyer: bolt, deliver: {url: "BOLT", deadline_ms: 2000}}
  - {key: ace-desk, buyer: ace, dial: "PHONE", limits: [{measure: live, max: 1}]}
plans:
  - key: all
    tiers:
      - method: priority
        routes:
          - {target: ace-crm, price: "35.00", criteria: {all: [{attr: geo.state, in: [TX]}]}}
          - {target: bolt-crm, price: "20.00", priority: 2, criteria: {all: [{attr: geo.state, in: [TX]}]}}
  - key: phones
    tiers:
      - method: priority
        routes:
          - target: ace-desk
            price: "50.00"
            criteria: {all: [{attr: geo.state, in: [TX]}]}
            conversion: {call: {event: duration, seconds: 1}}
flows: [{key: sell, start: sell, nodes: {sell: {route: {}}}}]
trunks: [{key: carrier, allow: ["127.0.0.0/8"], default_country: US, same_caller_seconds: 0}]
outbound: {allow_networks: ["127.0.0.0/8"]}
"""
NOBODY = "http://127.0.0.1:9/leads"
NUMBER = "+18335550100"

Said = tuple[int, dict[str, Any], dict[str, str]]


def market(ace: str = NOBODY, bolt: str = NOBODY, phone: str = "sip:desk@127.0.0.1:9") -> str:
    """The configuration with these buyers."""
    return configured(ace, bolt, CONFIG).replace("PHONE", phone)


def ping(switch: SwitchProcess, fields: Mapping[str, Any], key: str = KEY, **more: Any) -> Said:
    """Ask for a bid."""
    return post(switch, {"campaign": "roofing", "fields": dict(fields), **more}, key, path="/v1/ping")


def ask(switch: SwitchProcess, caller: str | None = "+15125550100", key: str = KEY, **more: Any) -> Said:
    """Ask for a bid on a call."""
    said = {} if caller is None else {"caller": caller}
    return post(switch, {"campaign": "calls", "kind": "call", **said, **more}, key, path="/v1/ping")


def send(switch: SwitchProcess, token: str, fields: Mapping[str, Any] = TEXAN, key: str = KEY, **more: Any) -> Said:
    """Post the lead of a ping."""
    return post(switch, {"ping_id": token, "fields": dict(fields), **more}, key, path="/v1/post")


def confirm(switch: SwitchProcess, token: str, key: str = KEY) -> Said:
    """Promise the call of a ping."""
    return post(switch, {"ping_id": token}, key, path="/v1/confirm")
