"""Real calls through a real switch; what another configuration would have made of them; putting that in force."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from trunkline.cli.main import main
from trunkline.testing.peers import Buyer, Caller, answers, busy, calls
from trunkline.testing.switch import SwitchProcess

pytestmark = pytest.mark.integration

CONFIG = """
version: 1
account: {{key: acme, currency: USD, timezone: America/New_York}}
publishers: [{{key: adwave}}]
campaigns:
  - key: injury
    flow: intake
    plan: main
    answer: buyer
    conversion: {{call: {{event: connect}}}}
    payouts: [{{publisher: adwave, event: convert, amount: "9.00"}}]
numbers: [{{number: "+18335550100", campaign: injury, publisher: adwave}}]
buyers: [{{key: ann}}, {{key: bob}}]
targets:
  - {{key: ann-desk, buyer: ann, dial: "sip:ann@127.0.0.1:{ann}"}}
  - {{key: bob-desk, buyer: bob, dial: "sip:bob@127.0.0.1:{bob}"}}
plans:
  - key: main
    tiers: [{{key: t1, method: priority, routes: [
      {{target: ann-desk, priority: 1, price: "50.00"}}, {{target: bob-desk, priority: 2, price: "40.00"}}]}}]
flows: [{{key: intake, start: sell, nodes: {{sell: {{route: {{}}}}}}}}]
trunks: [{{key: carrier, allow: ["127.0.0.0/8"], default_country: US}}]
"""


async def make_calls(folder: Path, running: list[SwitchProcess]) -> None:
    """Two calls that Ann refuses and Bob takes."""
    async with Buyer(busy()) as ann, Buyer(answers(0.0)) as bob, Caller() as caller:
        switch = SwitchProcess(CONFIG.format(ann=ann.port, bob=bob.port), folder)
        running.append(switch.start())
        for number in ("+15125550100", "+12125550101"):
            await caller.call(f"sip:+18335550100@{switch.sip}", number, calls(hang_up_after_s=0.2))
        await asyncio.to_thread(switch.ended_calls, 2)


@pytest.fixture
def switch(tmp_path: Path) -> Iterator[SwitchProcess]:
    running: list[SwitchProcess] = []
    try:
        asyncio.run(make_calls(tmp_path, running))
        yield running[0]
        running[0].stop()
    finally:
        for each in running:
            each.kill()


def ask(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> Any:
    capsys.readouterr()
    assert main([*arguments, "--json"]) == code, capsys.readouterr().err
    out = capsys.readouterr().out
    return json.loads(out) if out else None


def test_backtest_plan_and_apply(switch: SwitchProcess, capsys: pytest.CaptureFixture[str]) -> None:
    data, own = str(switch.data), switch.config_path
    other = own.with_name("other.yaml")
    other.write_text(own.read_text().replace("priority: 1,", "priority: 3,").replace('"40.00"', '"45.00"'))

    answer = ask(capsys, "backtest", "--data", data, "--config", str(other), "--days", "1")
    account = answer["accounts"]["acme"]
    bought = {"connected": 2, "converted": 2}
    assert account["actual"]["buyers"]["bob"] == bought | {"offers": 2, "revenue": "80.00"}
    assert account["actual"]["payout"] == "18.00"
    for side, offers, revenue in (("in_force", 2, "80.00"), ("configured", 2, "90.00")):
        assert account[side]["buyers"]["bob"] == bought | {"offers": offers, "revenue": revenue}
    assert account["actual"]["buyers"]["ann"]["offers"] == account["in_force"]["buyers"]["ann"]["offers"] == 2
    assert "ann" not in account["configured"]["buyers"]
    assert (answer["not_routed"], answer["erased"]) == (0, 0)

    planned = ask(capsys, "plan", "--data", data, "--config", str(other))
    paths = {change["path"]: (change["before"], change["after"]) for change in planned["changes"]}
    assert paths["accounts.acme.plans[main].tiers[t1].routes[ann-desk].priority"] == (1, 3)
    assert paths["accounts.acme.plans[main].tiers[t1].routes[bob-desk].price"] == ("40.00", "45.00")
    assert planned["routing"]["calls"] == planned["routing"]["first_offer_changed"] == 2
    assert planned["routing"]["moves"] == [{"from": "main.t1.ann-desk", "to": "main.t1.bob-desk", "calls": 2}]
    assert main(["plan", "--data", data, "--config", str(other)]) == 0
    assert "2 would first be offered" in " ".join(capsys.readouterr().out.split())
    assert main(["backtest", "--data", data, "--config", str(other), "--days", "1"]) == 0
    assert "bob" in capsys.readouterr().out

    before = planned["in_force"]
    done = ask(capsys, "apply", "--data", data, "--config", str(other), "--key", "k1")
    assert (done["before"], done["after"]) == (before, planned["configured"])
    assert own.read_text() == other.read_text()
    assert ask(capsys, "plan", "--data", data, "--config", str(other))["changes"] == []
    assert ask(capsys, "apply", "--data", data, "--config", str(other), "--key", "k1") == done


def test_what_cannot_be_applied_changes_nothing(
    switch: SwitchProcess, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, own = str(switch.data), switch.config_path
    text = own.read_text()
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(text.replace("buyer: bob", "buyer: nobody"))
    assert main(["apply", "--data", data, "--config", str(wrong)]) == 1
    assert "nobody" in capsys.readouterr().err
    for command in ("backtest", "plan"):
        days = ["--days", "1"] if command == "backtest" else []
        assert main([command, "--data", data, "--config", str(wrong), *days]) == 1
    (tmp_path / "folder" / "accounts").mkdir(parents=True)
    (tmp_path / "folder" / "accounts" / "acme.yaml").write_text(text.split("trunks:")[0])
    assert main(["apply", "--data", data, "--config", str(tmp_path / "folder")]) == 1
    assert "started with a file" in capsys.readouterr().err
    other = tmp_path / "other.json"
    other.write_text('{"version": 1}')
    assert main(["apply", "--data", data, "--config", str(other)]) == 1
    assert own.read_text() == text


def test_a_folder_without_a_switch_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "acme.yaml"
    config.write_text(CONFIG.format(ann=5081, bob=5082))
    for command in (["plan"], ["backtest", "--days", "1"]):
        assert main([*command, "--data", str(tmp_path), "--config", str(config)]) == 3
        assert "--data names the folder" in capsys.readouterr().err
    assert main(["backtest", "--days", "0", "--data", str(tmp_path), "--config", str(config)]) == 2
    assert main(["apply", "--data", str(tmp_path), "--config", str(config)]) == 3
