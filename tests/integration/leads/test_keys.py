"""Keys that commands make, and what publishers read with them, on a real switch."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.integration.leads.posts import KEY, OTHER_KEY, TEXAN, configured, lead, post

from trunkline.cli.main import main
from trunkline.testing.switch import SwitchProcess

pytestmark = pytest.mark.integration

OPENAPI = Path(__file__).parents[3] / "docs" / "reference" / "openapi.json"


@pytest.fixture(scope="module")
def switch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SwitchProcess]:
    with SwitchProcess(configured(), tmp_path_factory.mktemp("keys")) as running:
        yield running


def keys(switch: SwitchProcess, capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    assert main(["keys", *arguments, "--data", str(switch.data), "--json"]) == 0, capsys.readouterr().err
    return json.loads(capsys.readouterr().out)


def sent(switch: SwitchProcess, key: str) -> int:
    return post(switch, lead(TEXAN, test=True), key)[0]


def test_the_life_of_a_key(switch: SwitchProcess, capsys: pytest.CaptureFixture[str]) -> None:
    first = keys(switch, capsys, "add", "adwave")["key"]
    assert sent(switch, first) == sent(switch, KEY) == 200
    ping_only = keys(switch, capsys, "add", "adwave", "--scope", "pings")["key"]
    status, answer, _ = post(switch, lead(TEXAN), ping_only)
    assert (status, answer["status"]) == (403, "forbidden")
    second = keys(switch, capsys, "rotate", "adwave", "--grace", "1")["key"]
    assert sent(switch, first) == sent(switch, second) == 200
    switch.kill()
    switch.restart()
    assert sent(switch, first) == sent(switch, second) == 200, "keys outlive a crash"
    third = keys(switch, capsys, "rotate", "adwave", "--grace", "0")["key"]
    assert (sent(switch, first), sent(switch, second), sent(switch, third)) == (401, 401, 200)
    (row,) = [each for each in keys(switch, capsys, "list", "adwave")["keys"] if each["from"] == "command"]
    keys(switch, capsys, "revoke", "adwave", "--id", row["id"])
    assert sent(switch, third) == 401
    assert sent(switch, KEY) == 200
    whole = b"".join(path.read_bytes() for path in switch.data.rglob("*") if path.is_file()) + switch.log().encode()
    assert not any(key.encode() in whole for key in (first, ping_only, second, third))


def test_words_for_people(switch: SwitchProcess, capsys: pytest.CaptureFixture[str]) -> None:
    data = ["--data", str(switch.data)]
    assert main(["keys", "add", "other", "--scope", "leads", *data]) == 0
    told = capsys.readouterr()
    assert told.out.startswith("tl_")
    assert len(told.out.split()) == 1, "what a program reads is the key alone"
    assert "is good for leads" in told.err
    assert main(["keys", "list", *data]) == 0
    assert "configuration" in capsys.readouterr().out
    assert main(["keys", "revoke", "other", "--all", *data]) == 0
    assert "is revoked" in capsys.readouterr().out
    assert main(["keys", "revoke", "nobody", "--all", *data]) == 1
    assert "there is no publisher" in capsys.readouterr().err


def get(switch: SwitchProcess, path: str, authorization: str | None = None) -> tuple[int, str, dict[str, str]]:
    headers = {} if authorization is None else {"Authorization": authorization}
    try:
        with urllib.request.urlopen(urllib.request.Request(f"http://{switch.http}{path}", headers=headers)) as answer:
            return answer.status, answer.read().decode(), dict(answer.headers)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode(), dict(error.headers)


def test_the_document_is_that_of_the_reference(switch: SwitchProcess) -> None:
    status, text, headers = get(switch, "/v1/openapi.json")
    assert (status, headers["content-type"]) == (200, "application/json")
    assert text == OPENAPI.read_text()


def test_instructions_belong_to_a_key(switch: SwitchProcess) -> None:
    status, page, headers = get(switch, "/v1/instructions", f"Bearer {KEY}")
    assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert f"POST http://{switch.http}/v1/leads" in page
    assert "roofing" in page
    assert "calls-only" not in page
    basic = "Basic " + b64encode(f"me:{OTHER_KEY}".encode()).decode()
    status, page, _ = get(switch, "/v1/instructions", basic)
    assert status == 200
    assert "solar" in page
    assert "roofing" not in page
    assert get(switch, "/v1/instructions?campaign=roofing", basic)[0] == 404
    assert get(switch, "/v1/instructions?campaign=solar", basic)[0] == 200
    for wrong in (None, "Bearer x", "Basic eA==", "Digest x", "Basic " + b64encode(b"\xff:\xff").decode()):
        status, _, headers = get(switch, "/v1/instructions", wrong)
        assert status == 401
        assert headers["www-authenticate"].startswith("Basic ")
