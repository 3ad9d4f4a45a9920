"""A small configuration without a single problem, and a way to break it at one place."""

from __future__ import annotations

from collections.abc import Iterable

from trunkline.config.load import Loaded, load_sources
from trunkline.config.problems import Problem
from trunkline.config.reading import Source
from trunkline.config.voices import Voices
from trunkline.engine.geo.gazetteer import Gazetteer

GOOD = """\
version: 1
account: {key: acme, name: Acme Calls, currency: USD, timezone: America/New_York}
publishers:
  - {key: adwave}
  - {key: own}
campaigns:
  - key: injury
    flow: intake
    plan: injury
    conversion: {call: {event: duration, seconds: 90}}
    payouts:
      - {publisher: adwave, event: convert, amount: "45.00"}
      - {publisher: "*", percent: 60, min: "1.00", max: "80.00"}
    recording: {mode: from_connect, announce: "This call may be recorded."}
    attributes: [{name: tag.points, type: number}]
numbers:
  - {number: "+18335550100", campaign: injury, publisher: adwave, source: tx, tags: {tag.page: home}}
  - {number: "+18335550101", campaign: injury, publisher: own}
buyers:
  - key: lone-star
    timezone: America/Chicago
    hours: {mon: ["08:00-18:00"], sat: ["22:00-02:00"], sun: [], exceptions: {"2026-12-25": []}}
    limits: [{measure: live, max: 3}, {measure: spend, per: month, max: "50000.00"}]
  - {key: house}
buyer_groups:
  - {key: texas, buyers: [lone-star]}
targets:
  - {key: star, buyer: lone-star, dial: "sip:intake@127.0.0.1:5081", caller_id: caller, whisper: "A call."}
  - {key: desk, buyer: house, dial: "+12125550123", trunk: carrier, headers: {X-Desk: "1"}}
plans:
  - key: injury
    floor: "20.00"
    tiers:
      - key: contract
        method: priority
        routes:
          - {target: star, price: "120.00", criteria: {all: [{attr: geo.state, in: [TX, OK]}]}}
      - method: weighted
        routes:
          - {target: desk, price: "50.00", weight: 2}
    no_buyer: {say: "Please call again.", then: hang_up}
flows:
  - key: intake
    start: greet
    nodes:
      greet: {play: {say: "Thank you for calling."}, next: zip}
      zip: {collect: {say: "Your zip code.", digits: 5, into: geo.zip}, next: ask, otherwise: ask}
      ask: {menu: {say: "Press 1 or 2.", choices: {"1": sell, "2": spanish}, otherwise: bye}}
      spanish: {set: {caller.language: es}, next: sell}
      sell: {route: {}}
      bye: {hang_up: {}}
lists:
  - {key: blocked}
outbound: {allow_networks: ["127.0.0.0/8"]}
trunks:
  - {key: carrier, allow: ["127.0.0.0/8"], default_country: US, outbound: {proxy: "sip:127.0.0.1:5090"}}
"""

VOICES = Voices(
    languages=frozenset({"en"}),
    shipped=lambda language, text: text == "Hola.",
    engine=True,
    file_exists=lambda file: file == "prompts/here.wav",
)
MUTE = Voices(
    languages=frozenset({"en"}), shipped=lambda language, text: False, engine=False, file_exists=lambda file: False
)


def load(text: str | bytes, voices: Voices | None = VOICES, name: str = "acme.yaml") -> Loaded:
    """Load one file."""
    return load_sources([Source(name, text)], "/base", voices, Gazetteer())


def broken(*changes: tuple[str, str], base: str = GOOD) -> str:
    """The good configuration with every first text of a pair replaced by the second; each must stand in it once."""
    for old, new in changes:
        assert base.count(old) == 1, f"{old!r} stands {base.count(old)} times"
        base = base.replace(old, new)
    return base


def told(problems: Iterable[Problem]) -> list[tuple[str, str, str]]:
    """Problems without their words."""
    return [(problem.severity, problem.code, problem.path) for problem in problems]
