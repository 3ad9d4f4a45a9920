"""What is told of leads: `leads`, `trace`, and the decision made again; `explain` says the same beforehand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.integration.leads.posts import CONFIG, TEXAN, configured, lead, post

from trunkline.cli.main import main
from trunkline.testing.bidders.background import answering
from trunkline.testing.bidders.lead_buyer import LeadBuyer
from trunkline.testing.bidders.server import Received
from trunkline.testing.switch import SwitchProcess

pytestmark = pytest.mark.integration

DUPLICATES = (
    "    duplicates: {mark: {event: convert, days: 30}, route: nowhere}\n    lead_fields:\n      - {name: phone"
)
TOLD = CONFIG.replace("    lead_fields:\n      - {name: phone", DUPLICATES, 1)


def judge(request: Received) -> tuple[int, Any]:
    return (400, {"why": "no roof"}) if "flat" in request.json().get("story", "") else (200, {"id": "ace-7"})


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Path, dict[str, str]]]:
    """A data folder and a configuration after some leads, by what they are."""
    folder = tmp_path_factory.mktemp("told")
    with answering({"/ace": LeadBuyer(judge), "/bolt": LeadBuyer()}) as buyers:
        with SwitchProcess(configured(f"{buyers.url}/ace", f"{buyers.url}/bolt", TOLD), folder) as switch:
            made = {
                "sold": lead(source="fb-12"),
                "again": lead(),
                "passed on": lead({**TEXAN, "phone": "+15125550101", "story": "a flat roof"}),
                "unmatched": lead({**TEXAN, "phone": "+12125550102", "zip": "10001"}),
                "test": lead({**TEXAN, "phone": "+15125550103"}, test=True),
            }
            ids = {name: post(switch, body)[1]["id"] for name, body in made.items()}
        yield switch.data, switch.config_path, ids


def told(capsys: pytest.CaptureFixture[str], *args: object) -> Any:
    assert main([str(each) for each in args]) == 0
    text = capsys.readouterr().out
    return json.loads(text) if "--json" in args else text


def test_leads_are_listed_with_what_people_typed_masked(
    past: tuple[Path, Path, dict[str, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    data, _, ids = past
    listed = told(capsys, "leads", "--data", data, "--json")
    assert [each["id"] for each in listed] == list(ids.values())
    sold, again, passed_on, unmatched, test = listed
    assert (sold["kind"], sold["outcome"], sold["buyer"], sold["price"], sold["revenue"], sold["payout"]) == (
        "lead", "sold", "ace", "35.00", "35.00", "21.00",
    )  # fmt: skip
    assert (sold["phone"], sold["fields"]["email"], sold["source"]) == ("+1********00", "A***", "fb-12")
    assert sold["deliveries"][0]["buyers_id"] == "ace-7"
    assert (again["outcome"], again["duplicate_of"], again["not_paid"]) == ("duplicate", ids["sold"], "not_accepted")
    assert [(each["outcome"], each["reason"]) for each in passed_on["deliveries"]] == [
        ("rejected", "no roof"),
        ("accepted", None),
    ]
    assert (unmatched["outcome"], unmatched["unsold_reason"]) == ("unsold", "no_route")
    assert (test["test"], test["outcome"], test["revenue"]) == (True, "unsold", None)
    whole = told(capsys, "leads", "--data", data, "--json", "--show-personal")
    assert whole[0]["fields"] == {"phone": "+15125550100", "email": "Ann@example.com", "zip": "78701"}
    assert ids["sold"] in told(capsys, "leads", "--data", data)


@pytest.mark.parametrize("name", ["sold", "again", "passed on", "unmatched", "test"])
def test_a_decision_is_made_again_and_is_the_same(
    past: tuple[Path, Path, dict[str, str]], capsys: pytest.CaptureFixture[str], name: str
) -> None:
    data, _, ids = past
    document = told(capsys, "trace", ids[name], "--data", data, "--full", "--json")
    assert document["lead"]["id"] == ids[name]
    (decision,) = document["decisions"]
    assert decision["proved"], decision["differences"] + decision["notes"]
    assert ids[name] in told(capsys, "trace", ids[name], "--data", data, "--full")
    seen = told(capsys, "trace", ids[name], "--data", data, "--as", "publisher:adwave", "--json")
    assert len(seen["decisions"]) == 1


def test_the_story_says_who_refused_and_who_took_it(
    past: tuple[Path, Path, dict[str, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    data, _, ids = past
    story = told(capsys, "trace", ids["passed on"], "--data", data)
    assert "ace refused the lead (no roof), status 400" in story
    assert "sold to bolt" in story


def test_explain_says_beforehand_what_is_decided(
    past: tuple[Path, Path, dict[str, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    data, config, ids = past
    for name, number, code in (("passed on", "+15125550101", "78701"), ("unmatched", "+12125550102", "10001")):
        decided = told(capsys, "trace", ids[name], "--data", data, "--full", "--json")["decisions"][0]
        flags = ["--attr", f"lead.phone={number}", "--attr", f"lead.zip={code}"]
        flags += ["--attr", "lead.email=Ann@example.com", "--seed", decided["seed"], "--at", decided["at"]]
        said = told(capsys, "explain", "--config", config, "--campaign", "roofing", "--kind", "lead", *flags, "--json")
        offered = [route["route"] for route in decided["routes"] if route["outcome"] == "offered"]
        assert [each["route"] for each in said["offers"]] == offered
        rejected = {each["route"]: each["reason"] for each in decided["routes"] if each["outcome"] == "rejected"}
        assert {each["route"]: each["reason"] for each in said["rejected"]} == rejected
        same = {key: value["value"] for key, value in decided["attributes"].items() if not key.startswith("source.")}
        asked = {key: value["value"] for key, value in said["attributes"].items()}
        assert {key: asked.get(key) for key in same if key not in {"caller.repeat", "lead.story"}} == {
            key: value for key, value in same.items() if key not in {"caller.repeat", "lead.story"}
        }
