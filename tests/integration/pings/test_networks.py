"""Publishers that ask for bids on calls as they ask networks, of a real switch."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from tests.integration.leads.posts import KEY, OTHER_KEY
from tests.integration.pings.market import NUMBER, market

from trunkline.testing.switch import SwitchProcess

pytestmark = pytest.mark.integration

ME = "15125550100"


@pytest.fixture(scope="module")
def switch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SwitchProcess]:
    with SwitchProcess(market(), tmp_path_factory.mktemp("networks")) as running:
        yield running


def send(
    switch: SwitchProcess, path: str, fields: dict[str, Any] | None = None, method: str = "POST", key: str | None = None
) -> tuple[int, Any]:
    body = None if fields is None else json.dumps(fields).encode()
    headers = {"Content-Type": "application/json"} | ({} if key is None else {"Authorization": f"Bearer {key}"})
    request = urllib.request.Request(f"http://{switch.http}{path}", body, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


def test_ringba(switch: SwitchProcess) -> None:
    asked = {"CID": ME, "exposeCallerId": "yes", "zipcode": "78701", "sipOk": "no", "odd name": "x"}
    path = f"/v1/ping/ringba/calls?key={KEY}"
    status, bid = send(switch, path, asked)
    assert (status, bid["bidAmount"], bid["phoneNumber"], bid["bidTerms"]) == (
        200,
        40.0,
        NUMBER,
        [{"code": 100, "callMinDuration": 1}],
    )
    assert 290 <= bid["expireInSeconds"] <= 300
    assert "warnings" not in bid
    again = send(switch, path, asked)[1]
    assert (again["bidId"], again["warnings"][0]["code"]) == (bid["bidId"], 230)
    query = urlencode({"CID": ME, "zipcode": "78701", "key": KEY})
    assert send(switch, f"/v1/ping/ringba/calls?{query}", method="GET")[1]["bidId"] == bid["bidId"]
    assert send(switch, path, {"CID": "12125550100"})[1] == {
        "bidAmount": 0,
        "rejectReason": "no_buyer_area (Code: 1003)",
    }
    assert send(switch, path, {})[1]["rejectReason"] == "caller_required (Code: 1100)"


def test_retreaver_reserves_and_confirms(switch: SwitchProcess) -> None:
    asked = {"key": KEY, "publisher_id": "fb", "caller_number": f"+{ME}", "caller_zip": "78701"}
    reserved = send(switch, "/v1/ping/retreaver/calls", asked)[1]
    assert (reserved["status"], reserved["retreaver_payout"], reserved["inbound_number"]) == ("reserved", 40.0, NUMBER)
    path = f"/v1/confirm/retreaver/{reserved['uuid']}.json"
    assert send(switch, path, {"key": KEY, "status": "confirmed"}, "PUT")[1]["status"] == "confirmed"
    other = send(switch, "/v1/ping/retreaver/calls", {**asked, "caller_number": "+15125550101"})[1]
    assert other["status"] == "no-target"
    assert send(switch, path, {"key": KEY, "status": "reserved"}, "PUT")[0] == 400
    assert send(switch, path, {"key": OTHER_KEY, "status": "confirmed"}, "PUT")[1]["status"] == "no-target"


def test_trackdrive_asks_and_says_when_nobody_has_room(switch: SwitchProcess) -> None:
    asked = {"auth_token": KEY, "caller_id": ME, "traffic_source_id": "7", "zip_code": "10001"}
    assert send(switch, "/v1/ping/trackdrive/calls", asked)[1]["status"] == "no_buyers"
    gone = send(switch, "/v1/confirm/trackdrive", {"auth_token": KEY, "ping_id": "nobody's"})[1]
    assert gone["status"] == "no_buyers"


@pytest.mark.parametrize(
    ("path", "fields", "method", "key", "status"),
    [
        ("/v1/ping/nobody/calls", {}, "POST", KEY, 404),
        ("/v1/ping/ringba/nothing", {"CID": ME}, "POST", KEY, 404),
        ("/v1/ping/ringba/calls", {"CID": ME}, "POST", None, 401),
        ("/v1/ping/ringba/calls?key=wrong", {"CID": ME}, "POST", None, 401),
        ("/v1/ping/ringba/calls", {"CID": ME}, "DELETE", KEY, 405),
        ("/v1/ping/ringba/calls", {"x" * 100: "1"}, "POST", KEY, 400),
        ("/v1/confirm/ringba", {"bidId": "x"}, "POST", KEY, 404),
        ("/v1/confirm/trackdrive", {}, "POST", KEY, 400),
    ],
)
def test_refusals(
    switch: SwitchProcess, path: str, fields: dict[str, Any], method: str, key: str | None, status: int
) -> None:
    found, answer = send(switch, path, fields, method, key)
    assert found == status
    assert answer["message"]
