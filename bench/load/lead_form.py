"""The leads of the bench: a form of 18 fields, the configuration that takes it, and wrk's script that fills it in.

Every lead is of another person. Nobody buys leads from Ohio, so those end unmatched; those from Texas are posted.
"""

from __future__ import annotations

import hashlib
from typing import Final

KEY: Final = "bench_publisher_key"
PATH: Final = "/v1/leads"
ROUTES: Final = 5

_FIELDS: Final = (
    ("phone", "phone", "", "+1512%07d"),
    ("email", "email", "", "person%d@example.com"),
    ("first_name", "text", "", "Ann"),
    ("last_name", "text", "", "O'Brien"),
    ("address", "text", "", "12 Long Street, Apt 4"),
    ("city", "text", "", "Springfield"),
    ("state", "state", "", "%s"),
    ("zip", "zip", "", "%s"),
    ("born_on", "date", "", "1980-02-29"),
    ("move_on", "date", "", "2027-01-15"),
    ("homeowner", "yes_no", "", "yes"),
    ("roof_age", "number", ", min: 0, max: 100", "17"),
    ("budget", "number", ", min: 0", "12500.50"),
    ("roof_type", "choice", ", choices: [asphalt, tile, metal, slate]", "asphalt"),
    ("property", "choice", ", choices: [house, flat, office]", "house"),
    ("language", "choice", ", choices: [en, es]", "en"),
    ("best_time", "text", "", "evenings after six"),
    ("comment", "text", ", max_length: 2000", "It leaks above the kitchen since the last storm; two rooms are wet."),
)
"""Name, type, further settings, and what is sent: a place for a number or a text is filled for each lead."""

_CONFIG: Final = """\
version: 1
account: {{key: bench, timezone: America/New_York}}
publishers: [{{key: sender, keys: [{sum}]}}]
campaigns:
  - key: roofing
    flow: sell
    plan: roofing
    duplicates: {{mark: {{event: connect, days: 30}}, route: nowhere}}
    payouts: [{{publisher: "*", event: convert, percent: 60}}]
    lead_fields:
{fields}
buyers:
{buyers}
targets:
{targets}
plans:
  - key: roofing
    tiers:
      - method: priority
        routes:
{routes}
flows: [{{key: sell, start: sell, nodes: {{sell: {{route: {{}}}}}}}}]
outbound: {{allow_networks: ["127.0.0.0/8"]}}
"""


def configuration(buyer_url: str) -> str:
    """A campaign with the form, and routes to buyers that want leads of Texas."""
    numbers = range(ROUTES)
    limits = "limits: [{measure: in_flight, max: 500}, {measure: connect, per: day, max: 100000000}]"
    route = '          - {{target: crm{n}, price: "{price}.00", priority: {n}, criteria: {{all: [{only}]}}}}'
    only = "{attr: geo.state, in: [TX]}, {attr: lead.homeowner, eq: yes}, {attr: lead.roof_age, gte: 5}"
    return _CONFIG.format(
        sum=hashlib.sha256(KEY.encode()).hexdigest(),
        fields="\n".join(
            f"      - {{name: {name}, type: {kind}, required: true{more}}}" for name, kind, more, _ in _FIELDS
        ),
        buyers="\n".join(f"  - {{key: buyer{n}, {limits}}}" for n in numbers),
        targets="\n".join(f'  - {{key: crm{n}, buyer: buyer{n}, deliver: {{url: "{buyer_url}"}}}}' for n in numbers),
        routes="\n".join(route.format(n=n, price=60 - n, only=only) for n in numbers),
    )


def script(state: str, code: str, first: int, delay_ms: int = 0) -> str:
    """wrk's program in Lua: one lead after another, numbered from `first`, all from one state and ZIP code.

    A connection waits `delay_ms` in the mean after each answer, less or more by half of it, so that none march in step.
    """
    fields = ",".join(f'\\"{name}\\":\\"{value}\\"' for name, _, _, value in _FIELDS)
    fields = fields.replace("%s", state, 1).replace("%s", code, 1)
    body = f'{{\\"campaign\\":\\"roofing\\",\\"source\\":\\"fb-12\\",\\"fields\\":{{{fields}}}}}'
    pause = f"delay = function() return {delay_ms} * (0.5 + math.random()) end\n" if delay_ms else ""
    return f"""\
{pause}local headers = {{["Authorization"] = "Bearer {KEY}", ["Content-Type"] = "application/json"}}
local number = {first}
request = function()
  number = number + 1
  return wrk.format("POST", "{PATH}", headers, string.format("{body}", number, number))
end
"""
