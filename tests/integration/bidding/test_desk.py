"""Asking bidders over real HTTP: at once, within their time, never more than they may be asked, and what is learned."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from tests.integration.bidding.desks import Plant, auction, bidder, inquiry, world

from trunkline.engine.bidders.breaker import FAILURES, State
from trunkline.engine.routing.auction import Bid
from trunkline.events.auctions import BidLate
from trunkline.events.switch import TargetDown, TargetUp
from trunkline.switch.bidding import desk as desk_module
from trunkline.switch.bidding.desk import BiddingDesk
from trunkline.switch.bidding.pacing import A_TURN
from trunkline.testing.bidders.behaviours import after, bids, fails, hangs, no_bid
from trunkline.testing.bidders.server import Bidder, serving

pytestmark = pytest.mark.integration

Story = Callable[[Plant, BiddingDesk, Bidder], Awaitable[None]]


def told(story: Story, script: Any) -> Plant:
    """Run a story with a desk and a server of bidders; nothing may be left open."""

    async def run() -> Plant:
        async with serving(script) as server:
            plant = Plant()
            desk = plant.desk()
            try:
                await story(plant, desk, server)
                async with asyncio.timeout(5):
                    while desk.open:  # noqa: ASYNC110 - late answers are still listened for
                        await asyncio.sleep(0.01)
            finally:
                await plant.http.close()
            return plant

    return asyncio.run(run())


def answers(found: Any) -> dict[str, str]:
    return {target: bid.answered for target, bid in found.items()}


def test_everybody_is_asked_at_once_and_nobody_is_waited_for_when_all_have_answered() -> None:
    async def story(plant: Plant, desk: BiddingDesk, server: Bidder) -> None:
        asked = auction(
            *(bidder(f"b{at}", f"{server.url}/{at}", timeout_ms=4_000) for at in range(8)), deadline_ms=5_000
        )
        began_s = plant.loop.time()
        found = await desk.ask(asked, inquiry())
        assert plant.loop.time() - began_s < 2, "one after the other would be 8 x 0.3 s"
        assert answers(found) == {f"b{at}": "bid" for at in range(8)}
        assert server.open_most == 8
        assert all(bid.amount is not None and bid.after_ms >= 290 for bid in found.values())

    told(story, {f"/{at}": after(0.3, bids("10.00")) for at in range(8)})


def test_each_has_its_own_time_and_what_comes_later_is_told_and_not_used() -> None:
    async def story(plant: Plant, desk: BiddingDesk, server: Bidder) -> None:
        asked = auction(
            bidder("slow", f"{server.url}/slow", timeout_ms=100),
            bidder("other", f"{server.url}/other", timeout_ms=800),
            bidder("hung", f"{server.url}/hung", timeout_ms=100),
        )
        found = await desk.ask(asked, inquiry())
        assert answers(found) == {"slow": "late", "other": "bid", "hung": "timeout"}, "slow was late, the auction open"
        found = await desk.ask(auction(bidder("slow", f"{server.url}/slow", timeout_ms=100)), inquiry("call_2"))
        assert answers(found) == {"slow": "timeout"}
        async with asyncio.timeout(5):
            while not plant.wrote(BidLate):  # noqa: ASYNC110 - it comes when it comes
                await asyncio.sleep(0.01)
        (late,) = plant.wrote(BidLate)
        assert (late.call, late.target, str(late.amount)) == ("call_2", "slow", "30.00")

    told(story, {"/slow": after(0.3, bids("30.00")), "/other": after(0.5, bids("10.00")), "/hung": hangs()})


def test_a_bidder_has_no_more_requests_open_than_it_may() -> None:
    async def story(plant: Plant, desk: BiddingDesk, server: Bidder) -> None:
        one = bidder("one", f"{server.url}/", concurrency=2)
        several = await asyncio.gather(*(desk.ask(auction(one), inquiry(f"call_{at}")) for at in range(5)))
        assert sorted(answers(found)["one"] for found in several) == ["bid", "bid", "shed", "shed", "shed"]
        assert server.open_most == 2
        why = {found["one"].detail for found in several if found["one"].answered == "shed"}
        assert why == {"2 requests to it are open, as many as it may have"}

    told(story, after(0.1, bids("10.00")))


def test_the_switch_has_no_more_open_than_it_can_hold() -> None:
    async def story(plant: Plant, desk: BiddingDesk, server: Bidder) -> None:
        desk.room._room = 3.0
        found = await desk.ask(auction(*(bidder(f"b{at}", f"{server.url}/") for at in range(5))), inquiry())
        assert list(answers(found).values()).count("shed") == 2
        assert server.open_most == 3

    told(story, after(0.1, bids("10.00")))


def test_who_fails_again_and_again_is_left_alone_then_tried_once() -> None:
    async def story(plant: Plant, desk: BiddingDesk, server: Bidder) -> None:
        bad = bidder("bad", f"{server.url}/")
        for _ in range(FAILURES):
            assert answers(await desk.ask(auction(bad), inquiry())) == {"bad": "http_error"}
        assert plant.facts.of("acme").out == {"bad"}
        (down,) = plant.wrote(TargetDown)
        assert (down.target, down.facts) == ("bad", plant.facts.of("acme").version)
        assert down.reason.startswith("bidder: status 503")
        assert answers(await desk.ask(auction(bad), inquiry())) == {"bad": "shed"}
        assert len(server.received) == FAILURES
        desk.look(plant.loop.time() + 60)
        assert plant.facts.of("acme").out == frozenset()
        assert len(plant.wrote(TargetUp)) == 1
        server.script(after(0.1, bids("10.00")))
        tried = await asyncio.gather(*(desk.ask(auction(bad), inquiry()) for _ in range(3)))
        assert sorted(answers(found)["bad"] for found in tried) == ["bid", "shed", "shed"], "one at a time"
        assert dict(desk.states("acme")) == {"bad": State.CLOSED}

    told(story, fails(503))


def test_a_try_that_our_own_lag_has_spoiled_is_not_the_last() -> None:
    async def story(plant: Plant, desk: BiddingDesk, server: Bidder) -> None:
        bad = bidder("bad", f"{server.url}/", timeout_ms=100)
        for _ in range(FAILURES):
            await desk.ask(auction(bad), inquiry())
        desk.look(plant.loop.time() + 60)
        server.script(hangs())
        asking = desk.begin(auction(bad), inquiry())
        await asyncio.sleep(0)
        began_s = plant.loop.time()
        while plant.loop.time() - began_s < 0.2:
            pass  # the loop has something else to do
        await asking.wait()
        assert answers(asking.bids) == {"bad": "timeout"}
        server.script(bids("10.00"))
        assert answers(await desk.ask(auction(bad), inquiry())) == {"bad": "bid"}
        assert dict(desk.states("acme")) == {"bad": State.CLOSED}

    told(story, fails(503))


def test_a_bidder_that_was_left_out_while_it_was_asked_comes_back_as_a_new_one() -> None:
    async def story(plant: Plant, desk: BiddingDesk, server: Bidder) -> None:
        bad = bidder("bad", f"{server.url}/")
        for _ in range(FAILURES - 1):
            await desk.ask(auction(bad), inquiry())
        server.script(after(0.1, fails(503)))
        asking = desk.begin(auction(bad), inquiry())
        desk.use(world("other"))
        await asking.wait()
        desk.use(world("bad"))
        assert plant.facts.of("acme").out == frozenset()
        server.script(bids("10.00"))
        assert answers(await desk.ask(auction(bad), inquiry())) == {"bad": "bid"}

    told(story, fails(503))


def test_a_bidder_that_is_left_out_of_the_configuration_is_no_fact_any_more() -> None:
    async def story(plant: Plant, desk: BiddingDesk, server: Bidder) -> None:
        for _ in range(FAILURES):
            await desk.ask(auction(bidder("bad", f"{server.url}/")), inquiry())
        desk.use(world("bad"))
        assert desk.bidders_down() == 1
        desk.use(world("other"))
        assert (desk.bidders_down(), plant.facts.of("acme").out) == (0, frozenset())

    told(story, fails(500))


def test_a_refusal_to_bid_is_a_sign_of_life() -> None:
    async def story(plant: Plant, desk: BiddingDesk, server: Bidder) -> None:
        for _ in range(2 * FAILURES):
            found = await desk.ask(auction(bidder("picky", f"{server.url}/")), inquiry())
            assert answers(found) == {"picky": "no_bid"}
        assert found["picky"].detail == "not [caller.number]", "an erased caller must not be found in it"
        assert plant.wrote(TargetDown) == []

    told(story, no_bid("not (512) 555-0100"))


def test_a_bid_stands_for_the_same_caller_until_it_is_used_or_over() -> None:
    async def story(plant: Plant, desk: BiddingDesk, server: Bidder) -> None:
        one = auction(bidder("one", f"{server.url}/"))
        first = await desk.ask(one, inquiry(contact="me"))
        again = await desk.ask(one, inquiry("call_2", contact="me"))
        assert again["one"].id == first["one"].id == "bid-1"
        assert again["one"].after_ms == 0
        others = [inquiry(contact="you"), inquiry(), inquiry(contact="me", geo__zip="78701")]
        for place, other in enumerate(others, start=2):
            found = await desk.ask(one, other)
            assert found["one"].id == f"bid-{place}", "another caller, an unknown one, or one of whom more is known"
        assert (await desk.ask(one, inquiry(contact="me", time__hour="11")))["one"].id == "bid-1"
        desk.used(inquiry(contact="me"), "one")
        assert (await desk.ask(one, inquiry(contact="me")))["one"].id == "bid-5"

    told(story, bids("10.00", expires_at=60))


def test_a_bid_without_an_end_is_asked_for_again_unless_the_configuration_gives_it_one() -> None:
    async def story(plant: Plant, desk: BiddingDesk, server: Bidder) -> None:
        for settings, asked in (({}, 2), ({"ttl_seconds": 30}, 1)):
            before = len(server.received)
            one = auction(bidder("one", f"{server.url}/", **settings))
            await desk.ask(one, inquiry(contact="me"))
            await desk.ask(one, inquiry(contact="me"))
            assert len(server.received) - before == asked

    told(story, bids("10.00"))


def test_an_auction_that_nobody_wants_any_more_lets_go_of_everybody_at_once() -> None:
    async def story(plant: Plant, desk: BiddingDesk, server: Bidder) -> None:
        asking = desk.begin(auction(*(bidder(f"b{at}", f"{server.url}/") for at in range(30))), inquiry())
        await asyncio.sleep(0.05)
        asking.give_up()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert (desk.open, asking.tasks) == (0, set())
        task = asyncio.create_task(desk.ask(auction(bidder("b", f"{server.url}/")), inquiry()))
        await asyncio.sleep(0)
        task.cancel()  # before its request has begun
        await asyncio.gather(task, return_exceptions=True)
        await asyncio.sleep(0.05)
        assert desk.open == 0
        assert plant.wrote(TargetDown) == [], "that says nothing of the bidders"

    told(story, hangs())


def test_who_cannot_be_asked_in_time_is_left_out_and_the_auction_ends_in_time() -> None:
    async def story(plant: Plant, desk: BiddingDesk, server: Bidder) -> None:
        asking = desk.begin(
            auction(*(bidder(f"b{at}", f"{server.url}/") for at in range(60)), deadline_ms=200), inquiry()
        )
        began_s = plant.loop.time()
        while plant.loop.time() - began_s < 0.1:
            pass  # the loop has something else to do
        await asking.wait()
        found = answers(asking.bids)
        assert list(found.values()).count("shed") == 60 - A_TURN, "all but those of the first turn"
        why = [bid.detail for bid in asking.bids.values() if bid.answered == "shed"]
        assert all(each is not None and each.startswith("its turn came only") for each in why)
        assert plant.wrote(TargetDown) == [], "our own lag is not held against bidders"

    told(story, bids("10.00"))


def test_the_slowest_is_asked_first() -> None:
    async def story(plant: Plant, desk: BiddingDesk, server: Bidder) -> None:
        both = auction(bidder("fast", f"{server.url}/fast"), bidder("slow", f"{server.url}/slow"))
        await desk.ask(both, inquiry())
        server.received.clear()
        await desk.ask(both, inquiry())
        assert [each.path for each in server.received] == ["/slow", "/fast"]

    told(story, {"/fast": bids("10.00"), "/slow": after(0.1, bids("10.00"))})


def test_an_error_of_ours_costs_that_bid_alone(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def breaks(_name: str) -> None:
        raise RuntimeError("a bug")

    async def story(plant: Plant, desk: BiddingDesk, server: Bidder) -> None:
        monkeypatch.setattr(desk_module, "dialect_of", breaks)
        found = await desk.ask(auction(bidder("one", f"{server.url}/")), inquiry())
        assert found == {"one": Bid("http_error", after_ms=found["one"].after_ms, detail="internal_error")}

    told(story, bids("10.00"))
    assert "a bug" in caplog.text
