"""`trunkline explain` as its user meets it: the document, the table, and every way to call it wrongly."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from trunkline.cli.main import main
from trunkline.engine.routing.facts import facts_of

pytestmark = pytest.mark.integration

CONFIG = """
version: 1
account: {key: acme, currency: USD, timezone: America/New_York}
publishers: [{key: adwave}]
campaigns: [{key: injury, flow: intake, plan: main}]
numbers: [{number: "+18335550100", campaign: injury, publisher: adwave, source: search}]
buyers: [{key: ann, funding: {mode: prepaid, limit: "100.00"}, limits: [{measure: live, max: 2}]}, {key: bob}]
targets:
  - {key: ann-desk, buyer: ann, dial: "sip:ann@127.0.0.1:5081"}
  - {key: bob-desk, buyer: bob, dial: "sip:bob@127.0.0.1:5082"}
plans:
  - key: main
    tiers: [{key: t1, method: priority, routes: [
      {target: ann-desk, priority: 1, price: "50.00"}, {target: bob-desk, priority: 2, price: "40.00"}]}]
flows: [{key: intake, start: sell, nodes: {sell: {route: {}}}}]
"""
CALL = ["--to", "+18335550100", "--from", "+15125550100", "--at", "2026-11-23T10:00:00-05:00"]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "acme.yaml"
    path.write_text(CONFIG)
    return path


def explain(config: Path, *arguments: str) -> int:
    try:
        return main(["explain", "--config", str(config), *arguments])
    except SystemExit as end:  # argparse ends so
        return int(str(end.code))


def test_the_document(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert explain(config, *CALL, "--live", "buyer/ann=2", "--seed", "7", "--json") == 0
    out, err = capsys.readouterr()
    answer = json.loads(out)
    assert err == ""
    assert answer["seed"] == 7
    offer = answer["offers"][0]
    wanted = {"rank": 1, "route": "main.t1.bob-desk", "target": "bob-desk", "buyer": "bob", "tier": "t1",
              "method": "priority", "price": "40.00"}  # fmt: skip
    assert {name: offer[name] for name in wanted} == wanted
    assert answer["rejected"] == [
        {"route": "main.t1.ann-desk", "target": "ann-desk", "reason": "limit", "level": "buyer", "measure": "live",
         "per": None, "max": 2, "used": 2, "detail": "ann"}
    ]  # fmt: skip
    assert answer["attributes"]["geo.state"] == {"value": "TX", "basis": "area_code", "confidence": 0.98}
    assert len(answer["versions"]["snapshot"]) == 64
    assert answer["versions"].keys() == {"snapshot", "facts", "engine", "geo"}


def test_the_same_question_has_the_same_answer(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answers = set()
    for _ in range(2):
        assert explain(config, *CALL, "--json") == 0
        answers.add(capsys.readouterr().out)
    assert len(answers) == 1


def test_words_for_people(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert explain(config, *CALL, "--funds", "ann=49.99", "--attr", "geo.zip=94103") == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "main.t1.bob-desk" in out
    assert "funds" in out
    assert "94103" in out


def test_nobody_takes_the_call(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config.write_text(CONFIG.replace("{key: bob}", "{key: bob, paused: true}"))
    assert explain(config, *CALL, "--live=buyer/ann=2") == 0
    assert "No offer" in capsys.readouterr().out


def test_an_anonymous_caller(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert explain(config, "--to", "+18335550100", "--from", "anonymous", "--json") == 0
    attributes = json.loads(capsys.readouterr().out)["attributes"]
    assert attributes["caller.anonymous"]["value"] == "yes"
    assert "geo.state" not in attributes


def test_use_at_one_level_is_not_spread_to_others(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert explain(config, *CALL, "--live", "target/ann-desk=50", "--live", "account/acme=50", "--json") == 0
    assert len(json.loads(capsys.readouterr().out)["offers"]) == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ["--to", "+18335550199", "--from", "+15125550100"],
        ["--to", "nonsense", "--from", "+15125550100"],
        ["--from", "+15125550100"],
        ["--to", "+18335550100", "--campaign", "injury"],
        ["--campaign", "other", "--kind", "lead"],
        ["--to", "+18335550100", "--from", "12"],
        [*CALL, "--at", "2026-11-23T10:00:00"],
        [*CALL, "--at", "yesterday"],
        [*CALL, "--at", "0001-01-01T00:00:00Z"],
        [*CALL, "--seed", "-1"],
        [*CALL, "--seed", "x"],
        [*CALL, "--attr", "geo.state"],
        [*CALL, "--attr", "state=TX"],
        [*CALL, "--live", "buyer/ann"],
        [*CALL, "--live", "buyer/ann=-1"],
        [*CALL, "--live", "buyer/ann=many"],
        [*CALL, "--live", "buyer/nobody=1"],
        [*CALL, "--live", "plan/main=1"],
        [*CALL, "--used", "buyer/ann=1"],
        [*CALL, "--used", "buyer/ann:live:day=1"],
        [*CALL, "--used", "buyer/ann:convert:year=1"],
        [*CALL, "--used", "buyer/ann:spend:day=1.234"],
        [*CALL, "--funds", "nobody=1.00"],
        [*CALL, "--funds", "ann=lots"],
        [*CALL, "--bid", "ann-desk=5.00"],
        [*CALL, "--bid", "nobody=5.00"],
        [*CALL, "--rates", "no-such-file.json"],
        [*CALL, "--rates", "/dev/null"],
        [*CALL, "--bid", "ann-desk"],
        [*CALL, "--score", "ann-desk=1.5"],
        [*CALL, "--score", "ann-desk=half"],
        [*CALL, "--score", "nobody=0.5"],
        [*CALL, "--penalty", "nobody=0.5"],
        [*CALL, "--penalty", "ann-desk=1.5"],
        [*CALL, "--penalty", "ann-desk"],
        [*CALL, "--seen", "connects,2026-11-01T00:00:00Z"],
        ["--queries", "no-such-file.jsonl"],
        [*CALL, "--queries", "-"],
        [*CALL, "--kind", "fax"],
        [*CALL, "--surprise"],
    ],
)
def test_bad_use_ends_with_two_and_says_why(
    config: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert explain(config, *arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err


def test_a_wrong_configuration_ends_with_one(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config.write_text(CONFIG.replace("buyer: bob", "buyer: nobody"))
    assert explain(config, *CALL, "--json") == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "nobody" in err


def test_many_questions_at_once(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = {"to": "+18335550100", "from": "+15125550100", "at": "2026-11-23T10:00:00-05:00"}
    lines = [
        json.dumps(asked | {"live": ["buyer/ann=2"], "seed": 7}),
        json.dumps(asked | {"from": "12"}),
        "",
        "[1, 2]",
        "no JSON",
        json.dumps(asked | {"attr": "geo.zip=94103"}),
    ]
    queries = config.with_name("queries.jsonl")
    queries.write_text("\n".join(lines))
    assert explain(config, "--queries", str(queries)) == 2
    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [answer.get("exit") for answer in answers] == [None, 2, 2, 2, None]
    assert all(answer["error"] for answer in answers[1:4])
    assert explain(config, *CALL, "--live", "buyer/ann=2", "--seed", "7", "--json") == 0
    assert answers[0] == json.loads(capsys.readouterr().out)
    assert answers[4]["attributes"]["geo.state"]["value"] == "CA"


def test_many_good_questions_end_with_zero(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = b'{"to": "+18335550100", "from": "anonymous", "at": "2026-11-23T10:00:00-05:00"}\n'
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(3 * asked)))
    assert explain(config, "--queries", "-") == 0
    assert len({*capsys.readouterr().out.splitlines()}) == 1


def test_an_imported_table_says_where_exchanges_are(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "codes.csv"
    table.write_text("npa,nxx,state,city\n512,555,TX,Smithville\n")
    assert explain(config, *CALL, "--json") == 0
    plain = json.loads(capsys.readouterr().out)
    assert plain["attributes"]["geo.city"]["value"] is None
    assert plain["attributes"]["geo.city"]["chances"][0]["value"] == "Austin, TX"
    assert explain(config, *CALL, "--geo", str(table), "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["attributes"]["geo.city"] == {"value": "Smithville, TX", "basis": "exchange", "confidence": 0.98}
    assert (plain["versions"]["geo"], len(answer["versions"]["geo"])) == ("", 16)
    assert explain(config, *CALL, "--geo", str(tmp_path), "--json") == 0
    assert json.loads(capsys.readouterr().out) == plain, "a data folder without imports"
    assert explain(config, *CALL) == 0
    assert "Travis, TX 58%" in capsys.readouterr().out
    assert explain(config, *CALL, "--geo", str(tmp_path / "none")) == 2


def test_a_penalty_lowers_ranks_in_an_auction(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config.write_text(CONFIG.replace("method: priority", "method: auction"))

    def first(*flags: str) -> tuple[str, str]:
        assert explain(config, *CALL, "--json", *flags) == 0
        answer = json.loads(capsys.readouterr().out)
        return answer["offers"][0]["target"], answer["versions"]["facts"]

    best, nothing = first()
    other, with_penalty = first("--penalty", f"{best}=0.99")
    assert other != best
    assert (nothing, with_penalty) == ("none", facts_of(penalties={best: 9_900}).version)


def test_a_rate_book_decides_a_performance_tier(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config.write_text(CONFIG.replace("method: priority", "method: performance, performance: {trial_share: 0}"))
    routes = {"main.t1.ann-desk": [900, 900.0, 9.0], "main.t1.bob-desk": [900, 900.0, 450.0]}
    book = tmp_path / "rates.json"
    book.write_text(json.dumps({"books": [{"account": "acme", "at_ms": 1, "routes": routes}]}))
    assert explain(config, *CALL, "--rates", str(book), "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    first, second = answer["offers"]
    assert (first["target"], second["target"]) == ("bob-desk", "ann-desk")
    assert (first["p"], first["p_basis"], first["samples"], first["trial"]) == (0.5, "route", 900, False)
    assert float(first["expected_revenue"]) == float(first["price"]) / 2
    assert first["propensity"] > 0.99 > 0.01 > second["p"] - 0.01
    assert answer["versions"]["facts"] != "none"
    assert explain(config, *CALL, "--rates", str(book)) == 0
    out = capsys.readouterr().out
    assert "expected" in out
    assert "0.500" in out


def test_an_auction_is_told_to_people_too(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = 'dial: "sip:bob@127.0.0.1:5082", bid: {dialect: generic, url: "http://127.0.0.1:9100/"}'
    text = CONFIG.replace('dial: "sip:bob@127.0.0.1:5082"', asked).replace("method: priority", "method: auction")
    config.write_text(text.replace(', price: "40.00"', ""))
    assert explain(config, *CALL, "--bid", "bob-desk=60.50") == 0
    out = capsys.readouterr().out
    assert "The auction of main.t1" in out
    assert "60.50" in out
    assert explain(config, *CALL, "--bid", "bob-desk=timeout", "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert [(each["route"], each["fate"], each["bid"]) for each in answer["auctions"][0]["routes"]] == [
        ("main.t1.ann-desk", "won", "50.00"),
        ("main.t1.bob-desk", "timeout", None),
    ]
    assert answer["rejected"][0]["detail"] == "no answer in time"
    assert explain(config, *CALL, "--bid", "bob-desk=60.00", "--down", "bob-desk", "--json") == 0
    (auction,) = json.loads(capsys.readouterr().out)["auctions"]
    assert [(each["route"], each["fate"], each["reason"]) for each in auction["routes"]] == [
        ("main.t1.ann-desk", "won", None),
        ("main.t1.bob-desk", "filtered", "target_down"),
    ]
    assert explain(config, *CALL, "--bid", "bob-desk=49.00", "--live", "buyer/ann=2", "--json") == 0
    (auction,) = json.loads(capsys.readouterr().out)["auctions"]
    assert [(each["route"], each["fate"], each["reason"]) for each in auction["routes"]] == [
        ("main.t1.ann-desk", "lost", "limit"),
        ("main.t1.bob-desk", "won", None),
    ]
