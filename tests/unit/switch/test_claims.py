"""Claims of certificates and look-ups, by what their servers answer or do not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import pytest

from trunkline.config.lead_fields import LeadField
from trunkline.config.lead_rules import LeadRules, Lookup, TrustedForm
from trunkline.config.lookup import AccountIndex
from trunkline.config.schema import Account, AccountConfig, Campaign
from trunkline.engine.leads.form import Form
from trunkline.events.changes import ClaimDrop, ClaimPut
from trunkline.events.leads import LeadClaimed
from trunkline.kernel.clock import Instant
from trunkline.kernel.http import Answer, Request
from trunkline.outbound.client import NoAnswer, Why
from trunkline.switch.leads import claims
from trunkline.switch.leads.asking import look_up
from trunkline.switch.leads.claims import Claims, Sold

pytestmark = pytest.mark.unit

CERTIFICATE = "https://cert.trustedform.com/abc"
SUCCESS = b'{"outcome": "success", "match_lead": {"result": {"phone_match": true}}}'
SILENT = NoAnswer(why=Why.TIMEOUT, detail="no whole answer in time", sent=True)


def answer(status: int, body: bytes = b"{}") -> Answer:
    return Answer(status=status, headers={}, body=body, url=CERTIFICATE)


class Switch:
    """What claims know of the switch: `answers` come one after the other, the last one for all that follow."""

    def __init__(self, *answers: Answer | NoAnswer, setting: TrustedForm | None = None) -> None:
        rules = LeadRules(trustedform=setting or TrustedForm(key_env="KEY"))
        fields = (LeadField(name="phone", type="phone"),)
        campaign = Campaign(key="roofing", flow="f", plan="p", lead_fields=fields, leads=rules)
        config = AccountConfig(account=Account(key="acme", timezone="UTC"), campaigns=(campaign,))
        self.answers = list(answers)
        self.asked: list[Request] = []
        self.written: list[tuple[LeadClaimed, Any]] = []
        self.counted: list[str] = []
        self.world: Any = SimpleNamespace(
            accounts={"acme": AccountIndex(config)},
            form=lambda account, campaign: Form(fields),
            secrets=SimpleNamespace(value=lambda name: "s3cret", of=lambda lookup: lookup),
        )

    def run(self, work: Callable[[Any], Awaitable[Any]]) -> Any:
        """Do something with the plant of the switch, in a loop of its own."""

        async def whole() -> Any:
            counting = SimpleNamespace(labels=lambda label: SimpleNamespace(inc=lambda: self.counted.append(label)))
            plant: Any = SimpleNamespace(
                loop=asyncio.get_running_loop(),
                clock=lambda: Instant(0, 1_700_000_000_000),
                http=SimpleNamespace(exchange=self._exchange),
                metrics=SimpleNamespace(claims=counting, lookups=counting),
                world=self.world,
                write=lambda entries, changes=(), patient=False: self.written.append((entries[0].event, changes)),
            )
            return await work(plant)

        return asyncio.run(whole())

    async def _exchange(self, request: Request, _deadline_s: float) -> Answer | NoAnswer:
        self.asked.append(request)
        await asyncio.sleep(0)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def claim(self, **fields: Any) -> LeadClaimed:
        """Claim the certificate of a sold lead, to the end."""
        said: dict[str, Any] = {"account": "acme", "campaign": "roofing", "publisher": "adwave", "lead": "lead_1"}
        said |= {"contact": "c", "certificate": CERTIFICATE, "values": {"phone": "+15125550100"}}
        sold = Sold(**(said | fields))

        async def work(plant: Any) -> None:
            of_plant = Claims(plant)
            of_plant.go_on([sold])
            await of_plant.finish(5)

        self.run(work)
        ((event, changes),) = self.written
        assert changes == [ClaimDrop("lead_1")]
        return event


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "PAUSE_S", 0)


def test_trustedform_is_asked_again_when_it_may_answer_another_time() -> None:
    switch = Switch(answer(503), SILENT, answer(200, SUCCESS))
    assert switch.claim().outcome == "claimed"
    assert len(switch.asked) == 3
    assert switch.counted == ["claimed"]


@pytest.mark.parametrize(
    ("answers", "asked", "outcome", "reason"),
    [
        ([SILENT], 3, "error", "timeout: no whole answer in time"),
        ([answer(500)], 3, "error", "TrustedForm answers 500"),
        ([answer(401)], 1, "error", "TrustedForm does not know the API key"),
        ([answer(404)], 1, "refused", "the certificate has expired or does not exist"),
    ],
)
def test_what_cannot_be_claimed(answers: list[Any], asked: int, outcome: str, reason: str) -> None:
    switch = Switch(*answers)
    event = switch.claim()
    assert (event.outcome, event.reason, len(switch.asked)) == (outcome, reason, asked)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"values": {}}, "neither e-mail nor phone"),
        ({"certificate": "https://cert.trustedform.com.evil.example/abc"}, "not where certificates are"),
        ({"campaign": "gone"}, "claims no certificates"),
        ({"account": "gone"}, "claims no certificates"),
    ],
)
def test_the_key_goes_nowhere_when_there_is_nothing_to_claim(fields: dict[str, Any], reason: str) -> None:
    switch = Switch(answer(200, SUCCESS))
    event = switch.claim(**fields)
    assert event.outcome == "error"
    assert reason in (event.reason or "")
    assert switch.asked == []


def test_a_lead_that_was_erased_is_told_and_forgotten() -> None:
    switch = Switch(answer(200))

    async def work(plant: Any) -> None:
        Claims(plant).go_on([ClaimPut("lead_9", "acme")])

    switch.run(work)
    ((event, changes),) = switch.written
    assert (event.call, event.outcome, changes) == ("lead_9", "error", [ClaimDrop("lead_9")])


def test_a_stop_leaves_what_it_cuts_off_to_the_next_start() -> None:
    switch = Switch(answer(200))

    async def work(plant: Any) -> None:
        hanging = asyncio.Event()
        plant.http.exchange = lambda request, deadline_s: hanging.wait()
        of_plant = Claims(plant)
        values = {"phone": "+15125550100"}
        of_plant.go_on(
            [Sold(account="acme", campaign="roofing", publisher="p", lead="l", contact="c", certificate=CERTIFICATE,
                  values=values)]
        )  # fmt: skip
        await of_plant.finish(0.01)

    switch.run(work)
    assert switch.written == []


def test_look_ups_that_fail_leave_their_tags_unknown() -> None:
    lookups = tuple(Lookup(url=f"https://s{n}.example/", into={"tag.a": "a", f"tag.b{n}": "b"}) for n in range(4))
    good, better = answer(200, b'{"a": 1, "b": true}'), answer(200, b'{"a": 2}')
    switch = Switch(good, SILENT, answer(500, b'{"a": 9}'), better)
    found = switch.run(lambda plant: look_up(plant, switch.world, lookups, {}))
    assert {name: each.value for name, each in found.items()} == {"tag.a": "2", "tag.b0": "yes"}
    assert sorted(switch.counted) == ["answered", "answered", "http_error", "timeout"]
