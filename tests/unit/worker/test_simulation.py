"""Simulated traffic, small enough to be worked out by hand, and rules that hold for any."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from trunkline.cli.main import main

pytestmark = pytest.mark.integration

CONFIG = """
version: 1
account: {key: acme, currency: USD, timezone: America/New_York}
publishers: [{key: adwave}]
campaigns:
  - key: injury
    flow: intake
    plan: main
    conversion: {call: {event: duration, seconds: 60}, lead: {event: accepted}}
    payouts: [{publisher: adwave, event: convert, percent: 50}]
    lead_fields: [{name: phone, type: phone}]
numbers: [{number: "+18335550100", campaign: injury, publisher: adwave}]
buyers:
  - key: ann
    limits: [{measure: live, max: 1}, {measure: convert, per: day, max: 2}, {measure: spend, per: month, max: "500.00"}]
  - {key: bob}
targets:
  - {key: ann-desk, buyer: ann, dial: "sip:ann@127.0.0.1:5081", ring_seconds: 20}
  - {key: bob-desk, buyer: bob, dial: "sip:bob@127.0.0.1:5082", ring_seconds: 20}
  - {key: bob-form, buyer: bob, deliver: {url: "https://bob.example/leads"}}
plans:
  - key: main
    tiers: [{key: t1, method: priority, routes: [
      {target: ann-desk, priority: 1, price: "50.00"}, {target: bob-desk, priority: 2, price: "40.00"},
      {target: bob-form, priority: 3, price: "10.00"}]}]
flows: [{key: intake, start: sell, nodes: {sell: {route: {}}}}]
"""
STEADY = {"default": {"answer": 1, "answer_s": [5, 5], "duration_s": {"median": 90}}}


def at(seconds: int) -> str:
    return f"2026-11-23T15:{seconds // 60:02d}:{seconds % 60:02d}Z"


def call(seconds: int, **more: Any) -> dict[str, Any]:
    return {"at": at(seconds), "to": "+18335550100", "from": "+15125550100", **more}


class Bench:
    """A configuration and traffic in a folder."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.capsys = capsys

    def run(self, *lines: Any, config: str = CONFIG, header: Any = STEADY, more: tuple[str, ...] = ()) -> Any:
        (self.folder / "acme.yaml").write_text(config)
        written = [json.dumps({"header": header})] if header is not None else []
        written += [line if isinstance(line, str) else json.dumps(line) for line in lines]
        (self.folder / "traffic.jsonl").write_text("\n".join(written) + "\n")
        code = main(
            ["simulate", "--config", str(self.folder / "acme.yaml"), "--traffic", str(self.folder / "traffic.jsonl"),
             "--json", *more]
        )  # fmt: skip
        out, self.err = self.capsys.readouterr()
        self.code = code
        return json.loads(out) if out else None


@pytest.fixture
def bench(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Bench:
    return Bench(tmp_path, capsys)


def test_worked_out_by_hand(bench: Bench) -> None:
    # Ann has one seat: the second caller meets it taken (5 s + 90 s from 0), the third comes when it is free again, and
    # her two conversions a day are then used up. The fourth talks too short to be owed for.
    lines = [call(0), call(60), call(100), call(300, observed={"bob-desk": {"answered": True, "duration_s": 59}})]
    answer = bench.run(*lines)
    assert answer == {
        "calls": 4,
        "sold": 4,
        "unsold": {},
        "currency": "USD",
        "revenue": "140.00",
        "payout": "70.00",
        "buyers": {
            "ann": {"offers": 2, "connected": 2, "converted": 2, "revenue": "100.00"},
            "bob": {"offers": 2, "connected": 2, "converted": 1, "revenue": "40.00"},
        },
        "limits": [
            {"level": "buyer", "key": "ann", "measure": "convert", "per": "day", "peak": 2, "max": 2},
            {"level": "buyer", "key": "ann", "measure": "live", "per": None, "peak": 1, "max": 1},
            {"level": "buyer", "key": "ann", "measure": "spend", "per": "month", "peak": "100.00", "max": "500.00"},
        ],
    }


def test_a_refusal_goes_on_to_the_next_buyer_and_gives_the_seat_back(bench: Bench) -> None:
    refused = {"ann-desk": {"answered": False, "answer_s": 3}}
    answer = bench.run(call(0, observed=refused), call(4))
    assert answer["buyers"]["ann"] == {"offers": 2, "connected": 1, "converted": 1, "revenue": "50.00"}
    assert answer["buyers"]["bob"]["connected"] == 1


def test_nobody_takes_it(bench: Bench) -> None:
    answer = bench.run(call(0), header={"default": {"answer": 0, "busy": 1}})
    assert (answer["sold"], answer["unsold"], answer["revenue"]) == (0, {"not_taken": 1}, "0.00")
    assert all(each["peak"] in {1, "50.00"} for each in answer["limits"])


def test_a_lead_is_taken_at_once(bench: Bench) -> None:
    lead = {"at": at(0), "kind": "lead", "campaign": "injury", "publisher": "adwave", "from": "+15125550100"}
    answer = bench.run(lead)
    assert answer["buyers"] == {"bob": {"offers": 1, "connected": 1, "converted": 1, "revenue": "10.00"}}
    assert answer["payout"] == "5.00"


@pytest.mark.parametrize(
    ("rule", "revenue", "payout"),
    [
        ('{publisher: adwave, event: incoming, amount: "3.00"}', "40.00", "6.00"),
        ('{publisher: adwave, event: connect, amount: "3.00"}', "40.00", "6.00"),
        ('{publisher: adwave, event: duration, seconds: 80, amount: "3.00"}', "40.00", "3.00"),
        ('{publisher: other, event: convert, amount: "3.00"}', "40.00", "0.00"),
    ],
)
def test_what_publishers_earn(bench: Bench, rule: str, revenue: str, payout: str) -> None:
    config = CONFIG.replace("{publisher: adwave, event: convert, percent: 50}", rule)
    config = config.replace("publishers: [{key: adwave}]", "publishers: [{key: adwave}, {key: other}]")
    config = config.replace("max: 1}", "max: 0}")
    answer = bench.run(call(0), call(200, observed={"bob-desk": {"duration_s": 10}}), config=config)
    assert (answer["revenue"], answer["payout"]) == (revenue, payout)


def test_an_attempt_that_is_owed_for_need_not_be_answered(bench: Bench) -> None:
    config = CONFIG.replace("call: {event: duration, seconds: 60}", "call: {event: attempt}")
    answer = bench.run(call(0), config=config, header={"default": {"answer": 0}})
    assert (answer["sold"], answer["revenue"], answer["payout"]) == (0, "90.00", "25.00")


def traffic(count: int) -> list[dict[str, Any]]:
    chance = random.Random(7)
    seconds, lines = 0, []
    for _ in range(count):
        seconds += chance.randrange(4)
        lines.append(call(seconds % 3600, **{"from": f"+1512555{chance.randrange(10_000):04d}"}))
    return sorted(lines, key=lambda line: str(line["at"]))


def test_the_same_run_has_the_same_end_and_another_seed_another(bench: Bench) -> None:
    lines = traffic(400)
    header = {"default": {"answer": 0.6, "busy": 0.5}, "targets": {"ann-desk": {"answer": 0.3}}}
    first, again = bench.run(*lines, header=header), bench.run(*lines, header=header)
    assert first == again
    assert bench.run(*lines, header=header, more=("--seed", "1")) != first
    assert first["calls"] == 400
    assert first["sold"] + sum(first["unsold"].values()) == 400
    assert first["sold"] == sum(each["connected"] for each in first["buyers"].values())
    total = sum(float(each["revenue"]) for each in first["buyers"].values())
    assert f"{total:.2f}" == first["revenue"]
    assert all(float(each["peak"]) <= float(each["max"]) for each in first["limits"])


def test_two_configurations_meet_the_same_buyers(bench: Bench) -> None:
    other = bench.folder / "other.yaml"
    other.write_text(CONFIG.replace('price: "50.00"', 'price: "60.00"'))
    header = {"default": {"answer": 0.6}}
    answer = bench.run(*traffic(100), header=header, more=("--compare", str(other)))
    before, after = answer["buyers"]["ann"], answer["compared"]["buyers"]["ann"]
    assert before["connected"] == after["connected"]
    assert float(after["revenue"]) == 1.2 * float(before["revenue"])


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("no JSON", "line 3"),
        ({"at": at(0)}, "no campaign ''"),
        ({"to": "+18335550100"}, "line 3"),
        (call(0, to="+18335550199"), "no tracking number"),
        (call(0, at="yesterday"), "no time"),
        (call(0, at="2026-11-23T15:00:00"), "no time"),
        (call(0, at="1066-10-14T09:00:00Z"), "no time"),
        (call(0, at="2026-11-22T15:00:00Z"), "earlier"),
        (call(0, surprise=1), "surprise"),
        (call(0, **{"from": "12"}), "no phone number"),
        (call(0, kind="fax"), "kind"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(bench: Bench, line: Any, said: str) -> None:
    assert bench.run(call(0), line) is None
    assert bench.code == 2
    assert said in bench.err


@pytest.mark.parametrize(
    "header",
    [
        {"default": {"answer": 2}},
        {"default": {"answer_s": [9, 2]}},
        {"default": {"duration_s": {"median": -1}}},
        {"targets": {"ann-desk": {"busy": -0.5}}},
        {"targets": {"ann-desk": {"anwser": 0.5}}},
    ],
)
def test_a_header_that_cannot_be_meant_is_refused(bench: Bench, header: Any) -> None:
    assert bench.run(call(0), header=header) is None
    assert bench.code == 2
    assert bench.err


def test_a_target_that_is_not_there_is_told(bench: Bench) -> None:
    assert bench.run(call(0), header={"targets": {"carol-desk": {}}})["sold"] == 1
    assert "carol-desk" in bench.err


def test_without_a_header_buyers_are_assumed(bench: Bench) -> None:
    assert bench.run(call(0), header=None)["sold"] == 1


def test_a_wrong_configuration_ends_with_one(bench: Bench) -> None:
    assert bench.run(call(0), config=CONFIG.replace("buyer: bob", "buyer: nobody")) is None
    assert bench.code == 1


def test_a_duplicate_is_known_by_what_happened_earlier_in_the_run(bench: Bench) -> None:
    config = CONFIG.replace(
        "    lead_fields:", "    duplicates: {mark: {event: connect, days: 30}, route: nowhere}\n    lead_fields:"
    )
    again, other = call(200), call(210, **{"from": "+12125550100"})
    answer = bench.run(call(0), again, other, call(400, **{"from": "anonymous"}), config=config)
    assert (answer["sold"], answer["unsold"]) == (3, {"duplicate": 1})


def test_a_buyer_that_wants_nobody_twice(bench: Bench) -> None:
    config = CONFIG.replace("- key: ann\n", "- key: ann\n    not_seen_days: 30\n")
    answer = bench.run(call(0), call(200), config=config)
    assert {key: each["connected"] for key, each in answer["buyers"].items()} == {"ann": 1, "bob": 1}


def test_callers_on_a_list_are_blocked(bench: Bench) -> None:
    (bench.folder / "blocked.txt").write_text("+12125550100\n+17135550100\n")
    config = CONFIG.replace("publishers:", "lists: [{key: bad, type: numbers, file: blocked.txt}]\npublishers:")
    config = config.replace("timezone: America/New_York}", "timezone: America/New_York, suppress: [bad]}")
    callers = ["+12125550100", "+17135550100", "+15125550100"]
    answer = bench.run(*(call(100 * at, **{"from": caller}) for at, caller in enumerate(callers)), config=config)
    assert (answer["calls"], answer["sold"], answer["unsold"]) == (3, 1, {"blocked": 2})


def test_several_accounts(bench: Bench) -> None:
    (bench.folder / "all" / "accounts").mkdir(parents=True)
    (bench.folder / "all" / "accounts" / "acme.yaml").write_text(CONFIG)
    other = CONFIG.replace("key: acme", "key: zeta").replace("0100", "0101").replace("currency: USD", "currency: EUR")
    (bench.folder / "all" / "accounts" / "zeta.yaml").write_text(other.replace("injury", "roof"))
    (bench.folder / "all" / "platform.yaml").write_text("version: 1\n")
    (bench.folder / "traffic.jsonl").write_text(json.dumps(call(0)) + "\n" + json.dumps(call(0, to="+18335550101")))
    arguments = ["--config", str(bench.folder / "all"), "--traffic", str(bench.folder / "traffic.jsonl")]
    assert main(["simulate", *arguments, "--json"]) == 0
    accounts = json.loads(bench.capsys.readouterr().out)["accounts"]
    assert {key: (each["sold"], each["currency"]) for key, each in accounts.items()} == {
        "acme": (1, "USD"),
        "zeta": (1, "EUR"),
    }
    assert main(["simulate", *arguments]) == 0
    assert "zeta: 1 arrivals, 1 sold (100.0%)" in bench.capsys.readouterr().out


def test_seats_wait_for_a_conversion_that_may_still_come(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    short = {"default": {"answer": 1, "answer_s": [5, 5], "duration_s": {"median": 30, "sigma": 0}}}
    arrivals = [call(seconds) for seconds in (0, 100, 200, 650, 651)]
    waits = CONFIG.replace("seconds: 60}", "seconds: 60, decide_within_seconds: 600}")
    offers = [
        {key: buyer["offers"] for key, buyer in Bench(tmp_path, capsys).run(*arrivals, config=text, header=short)[
            "buyers"
        ].items()}
        for text in (CONFIG, waits)
    ]  # fmt: skip
    assert offers[0] == {"ann": 4, "bob": 1}, "only the last finds ann on the line"
    assert offers[1] == {"ann": 3, "bob": 2}, (
        "the third finds two conversions still open, the fourth the first given up"
    )
