"""Posting instructions say what the configuration says, their samples are taken, and nothing in them is live HTML."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlencode

import msgspec
import pytest

from trunkline.cli.main import main
from trunkline.config.lead_fields import LeadField
from trunkline.config.lead_rules import LeadRules, TrustedForm
from trunkline.config.schema import Account, AccountConfig, Buyer, Campaign, Payout, Publisher
from trunkline.engine.leads.consent import gathered, read_consent
from trunkline.engine.leads.field_codes import FieldCode
from trunkline.engine.leads.form import Form
from trunkline.engine.leads.screening import Screened, screened
from trunkline.switch.leads.bodies import read_lead
from trunkline.switch.leads.instructions import campaigns_of, instructions_page
from trunkline.switch.leads.samples import curl_form, curl_json, form_fields, sample_lead

pytestmark = pytest.mark.unit

NOW_MS = 1_800_000_000_000
FIELDS = (
    LeadField(name="phone", type="phone", required=True, also=("contact.phone",)),
    LeadField(name="email", type="email"),
    LeadField(name="zip", type="zip"),
    LeadField(name="state", type="state"),
    LeadField(name="born", type="date", date_order="month_first", max="2008-01-01"),
    LeadField(name="age", type="number", min="18", max="99"),
    LeadField(name="story", type="text", max_length=4),
    LeadField(name="kind", type="choice", choices=("Car & truck", "<b>"), values={"automobile": "Car & truck"}),
    LeadField(name="lawyer", type="yes_no", default="no"),
)
RULES = LeadRules(
    consent="named", honeypot="website", min_seconds=4, trustedform=TrustedForm(key_env="SECRET_NAME_OF_KEY")
)
INJURY = Campaign(key="injury", name="Injury <script>", flow="f", plan="secret-plan", lead_fields=FIELDS, leads=RULES)
SOLAR = Campaign(key="solar", flow="f", plan="secret-plan", lead_fields=FIELDS[:1])
CALLS = Campaign(key="calls", flow="f", plan="secret-plan")
CONFIG = AccountConfig(
    account=Account(key="acme", name='Acme "Calls"', timezone="UTC"),
    publishers=(Publisher(key="adwave", leads_per_minute=60), Publisher(key="own", campaigns=("solar", "calls"))),
    campaigns=(INJURY, SOLAR, CALLS),
    buyers=(Buyer(key="secret-buyer", name="Secret Buyer"),),
)
ADWAVE, OWN = CONFIG.publishers


class Text(HTMLParser):
    """The texts and the tags of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def page(publisher: Publisher = ADWAVE, campaign: str | None = None) -> Text:
    campaigns = campaigns_of(CONFIG, publisher, campaign)
    return Text(instructions_page(CONFIG, publisher, campaigns, "https://leads.acme.example"))


@pytest.mark.parametrize("campaign", [INJURY, SOLAR])
def test_the_samples_are_taken(campaign: Campaign) -> None:
    lead = sample_lead(campaign)
    form = Form(campaign.lead_fields)
    read = read_lead("application/x-www-form-urlencoded", _encoded(form_fields(lead)))
    for fields, consent in ((lead["fields"], lead.get("consent")), (read.fields, read.consent)):
        filled = form.fill(fields)
        assert filled.errors == ()
        assert set(filled.values) == {field.name for field in campaign.lead_fields}
        stated = read_consent(gathered(consent, fields)[0], campaign.leads.consent, NOW_MS)
        assert stated.errors == ()
        assert screened(campaign.leads, fields, stated.consent) == Screened()
    assert read.test is lead["test"] is True


def _encoded(fields: dict[str, str]) -> bytes:
    return urlencode(fields).encode()


def test_commands_quote_what_shells_would_read() -> None:
    lead = sample_lead(INJURY) | {"fields": {"story": "it's; $(rm)"}}
    assert "it'\\''s; $(rm)" in curl_json(lead, "u")
    assert "--data-urlencode 'story=it'\\''s; $(rm)'" in curl_form(lead, "u")


def test_every_field_and_rule_is_told() -> None:
    text = page().text
    for field in FIELDS:
        assert field.name in text
    for told in (
        "also contact.phone", "or 12/31/2026", "18 to 99", "… to 2008-01-01", "at most 4 characters",
        "Car & truck, <b>", "automobile counts as Car & truck", "left out: no",
        "website", "form_seconds", "sellers", "At most 60 leads",
        "POST https://leads.acme.example/v1/leads", "Injury <script>", 'Acme "Calls"', *FieldCode,
    ):  # fmt: skip
        assert told in text, told


def test_nothing_of_others_is_told_and_nothing_runs() -> None:
    made = page()
    for secret in ("secret-plan", "secret-buyer", "Secret Buyer", "SECRET_NAME_OF_KEY"):
        assert secret not in made.text
    assert not {"script", "b", "img", "link", "iframe", "form"} & set(made.tags)


def test_a_publisher_reads_of_its_own_campaigns() -> None:
    assert [each.key for each in campaigns_of(CONFIG, ADWAVE)] == ["injury", "solar"]
    assert [each.key for each in campaigns_of(CONFIG, OWN)] == ["solar"]
    assert campaigns_of(CONFIG, OWN, "injury") == []
    assert [each.key for each in campaigns_of(CONFIG, ADWAVE, "solar")] == ["solar"]
    assert "There is no campaign" in Text(instructions_page(CONFIG, OWN, [], "x")).text


def test_bids_are_told_of_where_there_are_any() -> None:
    assert "/v1/ping" not in page().text
    paid = msgspec.structs.replace(SOLAR, payouts=(Payout(percent=6000),))
    told = Text(instructions_page(CONFIG, ADWAVE, [paid], "https://x.example")).text
    assert "POST https://x.example/v1/ping" in told
    assert "60" not in told.partition("Asking for a bid first")[2], "what is paid is no matter of the page"


def test_the_command_writes_the_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "acme.yaml"
    config.write_text(
        "version: 1\naccount: {key: acme, timezone: UTC}\npublishers: [{key: adwave}]\n"
        "campaigns: [{key: solar, flow: f, plan: p, lead_fields: [{name: phone, type: phone}]}]\n"
        "plans: [{key: p, tiers: [{method: priority, routes: [{target: t, price: '1'}]}]}]\nbuyers: [{key: b}]\n"
        "targets: [{key: t, buyer: b, dial: 'sip:t@127.0.0.1'}]\nflows: [{key: f, start: s, nodes: {s: {route: {}}}}]\n"
    )
    asked = ["keys", "instructions", "adwave", "--config", str(config)]
    assert main([*asked, "--campaign", "solar", "--url", "https://x.example/"]) == 0
    assert "POST https://x.example/v1/leads" in Text(capsys.readouterr().out).text
    for wrong in (["--campaign", "roofs"], ["--account", "other"]):
        assert main([*asked, *wrong]) == 2
        assert "hint" in capsys.readouterr().err
    assert main(["keys", "instructions", "nobody", "--config", str(config)]) == 2
