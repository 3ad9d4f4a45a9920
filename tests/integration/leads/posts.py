"""A configuration that sells leads, and posts to a switch that runs it."""

from __future__ import annotations

import hashlib
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

from trunkline.testing.switch import SwitchProcess

KEY = "tl_adwave_secret"
OTHER_KEY = "tl_other_secret"

CONFIG = """
version: 1
account: {key: acme, timezone: America/New_York}
publishers:
  - {key: adwave, keys: [KEY1]}
  - {key: other, keys: [KEY2], campaigns: [solar]}
campaigns:
  - key: roofing
    flow: sell
    plan: all
    payouts: [{publisher: "*", event: convert, percent: 60}]
    lead_fields:
      - {name: phone, type: phone, required: true}
      - {name: email, type: email}
      - {name: zip, type: zip, required: true}
      - {name: story, type: text}
  - key: solar
    flow: sell
    plan: all
    lead_fields: [{name: email, type: email, required: true}]
  - {key: calls-only, flow: sell, plan: all}
buyers: [{key: ace}, {key: bolt}]
targets:
  - {key: ace-crm, buyer: ace, deliver: {url: "ACE", deadline_ms: 2000, reject_reason: why, buyers_id: id}}
  - {key: bolt-crm, buyer: bolt, deliver: {url: "BOLT", deadline_ms: 2000}}
plans:
  - key: all
    tiers:
      - method: priority
        routes:
          - {target: ace-crm, price: "35.00", criteria: {all: [{attr: geo.state, in: [TX]}]}}
          - {target: bolt-crm, price: "20.00", priority: 2, criteria: {all: [{attr: geo.state, in: [TX]}]}}
flows: [{key: sell, start: sell, nodes: {sell: {route: {}}}}]
outbound: {allow_networks: ["127.0.0.0/8"]}
"""
TEXAN = {"phone": "(512) 555-0100", "zip": "78701", "email": "Ann@Example.com"}
NOBODY = "http://127.0.0.1:9/leads"


def configured(ace: str = NOBODY, bolt: str = NOBODY, config: str = CONFIG) -> str:
    """The configuration with these buyers."""
    sums = {name: hashlib.sha256(key.encode()).hexdigest() for name, key in (("KEY1", KEY), ("KEY2", OTHER_KEY))}
    for name, value in {**sums, '"ACE"': f'"{ace}"', '"BOLT"': f'"{bolt}"'}.items():
        config = config.replace(name, value)
    return config


def lead(fields: Mapping[str, Any] = TEXAN, campaign: str = "roofing", **more: Any) -> dict[str, Any]:
    """The body of a post."""
    return {"campaign": campaign, "fields": dict(fields), **more}


def post(
    switch: SwitchProcess,
    body: Any,
    key: str | None = KEY,
    headers: Mapping[str, str] | None = None,
    path: str = "/v1/leads",
    method: str = "POST",
) -> tuple[int, dict[str, Any], dict[str, str]]:
    """Post a lead: status, document and headers of the answer. Bytes are sent as they are."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = {"Content-Type": "application/json", **(headers or {})}
    if key is not None:
        sent["Authorization"] = f"Bearer {key}"
    request = urllib.request.Request(f"http://{switch.http}{path}", content, sent, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, json.loads(answer.read()), dict(answer.headers)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read()), dict(error.headers)
