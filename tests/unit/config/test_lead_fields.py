"""Fields of lead forms that do not fit together."""

from __future__ import annotations

import pytest

from trunkline.config.lead_field_checks import check_lead_fields
from trunkline.config.lead_fields import LeadField
from trunkline.config.problems import Findings

pytestmark = pytest.mark.unit


def problems(*fields: LeadField) -> list[tuple[str, str]]:
    findings = Findings("form.yaml")
    check_lead_fields(findings, ("lead_fields",), fields)
    return [(problem.path, problem.message) for problem in findings.sorted()]


def test_fields_that_fit_together() -> None:
    assert (
        problems(
            LeadField(name="phone", type="phone", also=("contact.phone",), default="+15125550100"),
            LeadField(name="age", type="number", min="18", max="99.5", default="21"),
            LeadField(name="since", type="date", min="2020-01-01", date_order="day_first"),
            LeadField(name="kind", type="choice", choices=("a", "b"), default="b", values={"x": "a"}),
            LeadField(name="story", type="text", max_length=5_000),
        )
        == []
    )


@pytest.mark.parametrize(
    ("field", "place", "words"),
    [
        (LeadField(name="f", type="choice"), "choices", "needs"),
        (LeadField(name="f", type="text", choices=("a",)), "choices", "only a choice"),
        (LeadField(name="f", type="text", min="1"), "min", "only numbers and dates"),
        (LeadField(name="f", type="number", max="many"), "max", "no number"),
        (LeadField(name="f", type="date", min="1/2/2020"), "min", "no date"),
        (LeadField(name="f", type="number", min="9", max="08"), "max", "nothing is between"),
        (LeadField(name="f", type="date", min="2021-01-01", max="2020-01-01"), "max", "nothing is between"),
        (LeadField(name="f", type="zip", max_length=5), "max_length", "only a text"),
        (LeadField(name="f", type="text", date_order="day_first"), "date_order", "only a date"),
        (LeadField(name="f", type="zip", default="7870"), "default", "no zip"),
        (LeadField(name="f", type="yes_no", default="maybe"), "default", "no yes no"),
        (LeadField(name="f", type="state", default="Texas"), "default", "no state"),
    ],
)
def test_what_does_not_fit(field: LeadField, place: str, words: str) -> None:
    ((path, message),) = problems(field)
    assert path == f"lead_fields[0].{place}"
    assert words in message


def test_two_fields_that_listen_to_one_name() -> None:
    fields = (
        LeadField(name="phone", type="phone", also=("Mobile",)),
        LeadField(name="cell", type="phone", also=("mobile",)),
    )
    ((path, message),) = problems(*fields)
    assert path == "lead_fields[1].also[0]"
    assert "'phone'" in message
