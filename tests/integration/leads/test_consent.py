"""Consent, certificates, look-ups and programs that fill in forms, on a real switch with real servers around it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.integration.leads.posts import TEXAN, configured, lead, post

from trunkline.events.leads import LeadClaimed, LeadEnded, LeadReceived
from trunkline.testing.bidders.background import answering
from trunkline.testing.bidders.lead_buyer import LeadBuyer
from trunkline.testing.bidders.server import Bidder, Peer, Received
from trunkline.testing.switch import SwitchProcess
from trunkline.testing.trustedform import SANDBOX, TrustedForm, Typed

pytestmark = pytest.mark.integration

RULES = """
version: 1
account: {key: acme, timezone: America/New_York}
publishers: [{key: adwave, keys: [KEY1]}]
campaigns:
  - key: roofing
    flow: sell
    plan: all
    payouts: [{publisher: "*", event: incoming, amount: "1.00"}]
    lead_fields: &form
      - {name: phone, type: phone, required: true}
      - {name: email, type: email}
      - {name: zip, type: zip, required: true}
    leads:
      consent: named
      honeypot: website
      min_seconds: 3
      margin: {percent: 40}
      trustedform: {key_env: TF_KEY, certificates: "TF"}
      lookups:
        - {url: "SCRUB/[lead.phone]", headers: {X-Key: "${ENV:SCRUB_KEY}"}, into: {tag.listed: result.listed}}
  - key: careful
    flow: sell
    plan: all
    lead_fields: *form
    leads: {trustedform: {key_env: TF_KEY, certificates: "TF", before_sale: true, deadline_ms: 300}}
buyers: [{key: ace, name: Ace Roofs}, {key: bolt}]
targets:
  - {key: ace-crm, buyer: ace, deliver: {url: "ACE", fields: {phone: "[lead.phone]", cert: "[caller.certificate]"}}}
  - {key: bolt-crm, buyer: bolt, deliver: {url: "BOLT"}}
plans:
  - key: all
    tiers:
      - method: priority
        routes:
          - {target: ace-crm, price: "35.00", criteria: {not: {attr: tag.listed, eq: "yes"}}}
          - {target: bolt-crm, price: "20.00", priority: 2}
flows: [{key: sell, start: sell, nodes: {sell: {route: {}}}}]
outbound: {allow_networks: ["127.0.0.0/8"]}
"""
LISTED = "+15125550199"


async def scrub(peer: Peer, request: Received) -> None:
    """Knows one litigator, and tells only who has the key."""
    if request.headers.get("x-key") != "scrub-secret":
        await peer.json(403, {})
    await peer.json(200, {"result": {"listed": request.target.endswith("%2B15125550199")}})


async def silent(peer: Peer, _request: Received) -> None:
    await peer.until_left()


class Market:
    """A switch with its buyers, TrustedForm and the server of the look-up."""

    def __init__(self, switch: SwitchProcess, server: Bidder, trustedform: TrustedForm, ace: LeadBuyer) -> None:
        self.switch, self.server, self.trustedform, self.ace = switch, server, trustedform, ace

    def post(self, certificate: str | None = None, fields: dict[str, Any] | None = None, **more: Any) -> Any:
        """Post a lead with consent; status and document."""
        consent = {"sellers": ["ACE roofs"], "form_seconds": 20, **more.pop("consent", {})}
        if certificate is not None:
            consent["certificate"] = f"{self.server.url}/tf/{certificate}"
        sent = lead({**TEXAN, "email": "Ann@Example.com", **(fields or {})}, consent=consent, **more)
        return post(self.switch, sent)[:2]

    def events(self, lead_id: str, kind: type) -> list[Any]:
        return [event for event in self.switch.journal_events() if type(event) is kind and event.call == lead_id]

    def claimed(self, lead_id: str) -> LeadClaimed:
        """What came of the lead's certificate, when that is known."""
        self.switch.until(lambda: bool(self.events(lead_id, LeadClaimed)))
        (event,) = self.events(lead_id, LeadClaimed)
        assert isinstance(event, LeadClaimed)
        return event


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    ace = LeadBuyer()
    certificates = {
        "ann": Typed(email="ann@example.com", phone="(512) 555-0100"),
        "bob": Typed(phone="2125550100"),
        "slow": Typed(phone="5125550100"),
    }
    trustedform = TrustedForm("tf-secret", {**certificates, SANDBOX: Typed()})
    scripts: dict[str, Any] = {
        "": trustedform,
        "/ace": ace,
        "/bolt": LeadBuyer(),
        "/tf/silent": silent,
        "/tf/slow": silent,
    }
    scripts |= {f"/scrub/%2B1512555010{last}": scrub for last in range(10)} | {"/scrub/%2B15125550199": scrub}
    with answering(scripts) as server:
        text = configured(f"{server.url}/ace", f"{server.url}/bolt", RULES)
        text = text.replace('"TF"', f'"{server.url}/tf"').replace("SCRUB/", f"{server.url}/scrub/")
        environment = {"TF_KEY": "tf-secret", "SCRUB_KEY": "scrub-secret"}
        with SwitchProcess(text, tmp_path_factory.mktemp("consent"), environment=environment) as switch:
            yield Market(switch, server, trustedform, ace)


def test_a_lead_goes_to_the_sellers_that_it_names_with_its_certificate(market: Market) -> None:
    status, answer = market.post("ann")
    assert (status, answer["status"]) == (201, "accepted")
    assert market.ace.leads[-1].json() == {"phone": "+15125550100", "cert": f"{market.server.url}/tf/ann"}
    claimed = market.claimed(answer["id"])
    assert (claimed.outcome, claimed.email_match, claimed.phone_match) == ("claimed", True, True)
    assert claimed.share_url == "https://cert.trustedform.com/masked-ann"
    assert market.trustedform.retained["ann"] == {"reference": answer["id"], "vendor": "adwave"}
    (received,) = market.events(answer["id"], LeadReceived)
    assert received.attributes["caller.sellers"] == received.consent["sellers"] == "ACE roofs"
    assert received.attributes["tag.listed"] == "no"
    assert received.flags == ()


def test_a_claim_that_a_crash_cuts_off_is_made_by_the_next_start(market: Market) -> None:
    before = len(market.server.at("/tf/slow"))
    status, answer = market.post("slow")
    assert status == 201
    market.switch.until(lambda: len(market.server.at("/tf/slow")) > before)
    market.switch.kill()
    assert market.events(answer["id"], LeadClaimed) == []
    market.server.script(market.trustedform, "/tf/slow")
    market.switch.restart()
    claimed = market.claimed(answer["id"])
    assert (claimed.outcome, claimed.phone_match) == ("claimed", True)
    assert market.trustedform.retained["slow"]["reference"] == answer["id"]


def test_nobody_else_gets_it(market: Market) -> None:
    status, answer = market.post("ann", consent={"sellers": ["Ace Roofs LLC"]})
    assert (status, answer["status"], answer["reasons"]) == (200, "unmatched", ["no_buyer"])


def test_what_is_looked_up_decides(market: Market) -> None:
    status, answer = market.post("bob", {"phone": LISTED})
    assert (status, answer["status"]) == (200, "unmatched")
    (received,) = market.events(answer["id"], LeadReceived)
    assert (received.attributes["tag.listed"], received.basis["tag.listed"]) == ("yes", "lookup")


@pytest.mark.parametrize(
    ("consent", "field"), [({"sellers": None}, "consent.sellers"), ({"certificate": None, "ip": "x"}, "consent.ip")]
)
def test_consent_that_is_missing_or_wrong_is_told(market: Market, consent: dict[str, Any], field: str) -> None:
    status, answer = (
        market.post("ann", consent=consent) if "certificate" not in consent else market.post(consent=consent)
    )
    assert status == 422
    assert field in [error["field"] for error in answer["field_errors"]]


def test_a_program_is_told_nothing_and_earns_nothing(market: Market) -> None:
    before = market.ace.posts
    status, answer = market.post("ann", {"Website": "http://spam.example"})
    assert (status, answer["status"], answer["reasons"]) == (200, "unmatched", ["no_buyer"])
    assert set(answer) == {"id", "status", "reasons"}
    (ended,) = market.events(answer["id"], LeadEnded)
    assert (ended.outcome, ended.reason) == ("blocked", "honeypot")
    assert market.ace.posts == before
    assert market.events(answer["id"], LeadClaimed) == []


def test_a_form_that_was_too_fast_is_flagged(market: Market) -> None:
    _, answer = market.post("ann", consent={"form_seconds": 1})
    (received,) = market.events(answer["id"], LeadReceived)
    assert received.flags == ("too_fast",)


@pytest.mark.parametrize(
    ("certificate", "status", "outcome", "flags"),
    [
        ("ann", 201, "claimed", ()),
        ("bob", 200, "refused", ()),
        ("gone", 200, "refused", ()),
        (SANDBOX, 200, "refused", ()),
        ("silent", 201, "error", ("certificate_not_checked",)),
        (None, 201, None, ()),
    ],
)
def test_certificates_before_the_sale(
    market: Market, certificate: str | None, status: int, outcome: str | None, flags: tuple[str, ...]
) -> None:
    got, answer = market.post(certificate, campaign="careful")
    assert got == status
    claimed = market.events(answer["id"], LeadClaimed)
    assert [event.outcome for event in claimed] == ([] if outcome is None else [outcome])
    (received,) = market.events(answer["id"], LeadReceived)
    assert received.flags == flags
    if outcome == "refused":
        (ended,) = market.events(answer["id"], LeadEnded)
        assert (ended.outcome, ended.reason) == ("blocked", "certificate")


def test_a_ping_is_bid_for_where_it_names_sellers(market: Market) -> None:
    ping = {"campaign": "roofing", "fields": {"phone": "512555XXXX", "zip": "78701"}}
    answers = [
        post(market.switch, ping | more, path="/v1/ping")
        for more in ({}, {"consent": {"sellers": ["BOLT"]}}, {"consent": {"sellers": "Ace Roofs"}})
    ]
    told = [(answer["status"], answer.get("bid")) for _, answer, _ in answers]
    assert told == [("no_bid", None), ("bid", "12.00"), ("no_bid", None)], "nobody looks up what Ace asks of pings"
    status, answer, _ = post(market.switch, ping | {"consent": {"ip": "x"}}, path="/v1/ping")
    assert (status, answer["field_errors"][0]["field"]) == (422, "consent.ip")


def test_secrets_stand_in_no_journal_and_no_log(market: Market) -> None:
    whole = b"".join(path.read_bytes() for path in market.switch.data.rglob("*") if path.is_file())
    whole += market.switch.log().encode()
    assert b"tf-secret" not in whole
    assert b"scrub-secret" not in whole
