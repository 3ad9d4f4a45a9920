"""The bidders that are shipped for tests do what they say, as our own client sees it over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from trunkline.kernel.http import Answer, Request
from trunkline.outbound.client import HttpClient, NoAnswer, Why
from trunkline.testing.bidders.background import answering
from trunkline.testing.bidders.behaviours import (
    after,
    bids,
    breaks_off,
    drips,
    fails,
    floods,
    hangs,
    no_bid,
    redirects,
    writes,
)
from trunkline.testing.bidders.lead_buyer import LeadBuyer
from trunkline.testing.bidders.server import Bidder, Script, serving

pytestmark = pytest.mark.integration

HERE = ("127.0.0.1/32",)
PATIENT_S = 20.0


async def ask(
    client: HttpClient, url: str, seconds: float = PATIENT_S, headers: Mapping[str, str] | None = None
) -> Answer | NoAnswer:
    request = Request(method="POST", url=url, headers=headers or {}, body=b'{"zip": "78701"}')
    return await client.exchange(request, asyncio.get_running_loop().time() + seconds)


def asked(script: Script, seconds: float = PATIENT_S, times: int = 1) -> tuple[list[Answer | NoAnswer], Bidder]:
    async def run() -> tuple[list[Answer | NoAnswer], Bidder]:
        client = HttpClient(HERE)
        async with serving(script) as bidder:
            found = [await ask(client, f"{bidder.url}/ping", seconds) for _ in range(times)]
            await client.close()
            return found, bidder

    return asyncio.run(run())


def body(found: Answer | NoAnswer) -> bytes:
    assert isinstance(found, Answer), found
    return found.body


def test_a_bid_names_its_terms_and_a_bidder_remembers_what_it_was_asked() -> None:
    found, bidder = asked(bids("25.00", terms={"seconds": 90}), times=2)
    assert body(found[1]) == (
        b'{"status":"bid","ping_id":"bid-2","bid":"25.00","currency":"USD","terms":{"seconds":90}}'
    )
    assert [each.json() for each in bidder.at("/ping")] == [{"zip": "78701"}] * 2
    assert (bidder.connections, bidder.open_most) == (1, 1)


def test_a_script_goes_on_from_request_to_request_and_stays_at_its_end() -> None:
    found, _ = asked([bids("1.00"), no_bid("enough"), fails(429, {"Retry-After": "3"})], times=4)
    assert [each.status for each in found if isinstance(each, Answer)] == [200, 200, 429, 429]
    assert body(found[1]) == b'{"status":"no_bid","reasons":["enough"]}'


@pytest.mark.parametrize(
    ("script", "seconds", "why"),
    [
        (hangs(), 0.1, Why.TIMEOUT),
        (drips(0.01), 0.1, Why.TIMEOUT),
        (after(5.0, bids("1.00")), 0.1, Why.TIMEOUT),
        (floods(), PATIENT_S, Why.TOO_LARGE),
        (redirects(), PATIENT_S, Why.REDIRECTED),
        (breaks_off(), PATIENT_S, Why.BROKEN),
    ],
)
def test_every_way_of_failing_is_the_one_it_is_named_for(script: Script, seconds: float, why: Why) -> None:
    found, _ = asked(script, seconds)
    assert isinstance(found[0], NoAnswer)
    assert found[0].why is why


def test_a_bidder_without_a_certificate_cannot_speak_tls() -> None:
    async def run() -> Answer | NoAnswer:
        client = HttpClient(HERE)
        async with serving(bids("1.00")) as bidder:
            found = await ask(client, f"{bidder.tls_url}/ping")
            await client.close()
            return found

    found = asyncio.run(run())
    assert isinstance(found, NoAnswer)
    assert found.why is Why.TLS


def test_paths_have_scripts_of_their_own() -> None:
    async def run() -> list[bytes]:
        client = HttpClient(HERE)
        async with serving({"/ping": writes(b"<bid>3</bid>", "text/xml")}) as bidder:
            one = await ask(client, f"{bidder.url}/ping")
            other = await ask(client, f"{bidder.url}/other")
            bidder.script(bids("2.00"), "/ping")
            later = await ask(client, f"{bidder.url}/ping")
            await client.close()
            return [body(one), body(other), body(later)]

    one, other, later = asyncio.run(run())
    assert one == b"<bid>3</bid>"
    assert b"nothing is scripted" in other
    assert b"2.00" in later


def test_a_lead_buyer_takes_a_repeated_post_once() -> None:
    buyer = LeadBuyer()

    async def run(url: str) -> list[bytes]:
        client = HttpClient(HERE)
        found = [await ask(client, url, headers={"Idempotency-Key": key}) for key in ("a", "b", "a")]
        await client.close()
        return [body(each) for each in found]

    with answering({"/leads": buyer}) as bidder:
        first, second, again = asyncio.run(run(f"{bidder.url}/leads"))
    assert first == again == b'{"lead_id":"lead-1","status":"ok"}'
    assert second == b'{"lead_id":"lead-2","status":"ok"}'
    assert (buyer.posts, len(buyer.leads), buyer.repeated) == (3, 2, 1)
