"""Programs that fill in forms are found, and people are not taken for them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from trunkline.config.lead_rules import LeadRules
from trunkline.engine.leads.consent import Consent
from trunkline.engine.leads.screening import Screened, screened

pytestmark = pytest.mark.unit

TRAP = LeadRules(honeypot="website")


@pytest.mark.parametrize("value", ["http://spam.example", "0", 0.5, 7, True, ["x"], {"a": 1}])
def test_a_hidden_field_that_is_filled_in(value: Any) -> None:
    assert screened(TRAP, {"phone": "1", " WebSite ": value}, Consent()) == Screened(block="honeypot")


@pytest.mark.parametrize("value", ["", "  ", None, False])
def test_a_hidden_field_that_nobody_touched(value: Any) -> None:
    assert screened(TRAP, {"website": value}, Consent()) == Screened()
    assert screened(TRAP, {"web": "x"}, Consent()) == Screened()
    assert screened(LeadRules(), {"website": "x"}, Consent()) == Screened()


def test_forms_that_were_filled_in_too_fast() -> None:
    flagging, blocking = LeadRules(min_seconds=3), LeadRules(min_seconds=3, too_fast="block")
    fast, slow = Consent(form_seconds=Decimal("2.999")), Consent(form_seconds=Decimal(3))
    assert screened(flagging, {}, fast) == Screened(flags=("too_fast",))
    assert screened(blocking, {}, fast) == Screened(block="too_fast", flags=("too_fast",))
    assert screened(blocking, {}, slow) == Screened()
    assert screened(blocking, {}, Consent()) == Screened(flags=("form_time_unknown",))
    assert screened(LeadRules(), {}, fast) == Screened()


def test_the_trap_comes_first() -> None:
    rules = LeadRules(honeypot="website", min_seconds=3, too_fast="block")
    assert screened(rules, {"website": "x"}, Consent(form_seconds=Decimal(0))).block == "honeypot"
