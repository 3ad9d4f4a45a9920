"""The OpenAPI document is one, and is made of what the intake reads and answers."""

from __future__ import annotations

import json

import jsonschema
import pytest

from trunkline.engine.leads.consent import NAMES
from trunkline.engine.leads.field_codes import FieldCode
from trunkline.engine.leads.form import FieldError
from trunkline.kernel.money import Money
from trunkline.switch.leads.answers import answered, invalid, refusal
from trunkline.switch.leads.bodies import LeadBody
from trunkline.switch.leads.openapi import OPERATIONS, openapi
from trunkline.switch.leads.orders import LeadAnswer

pytestmark = pytest.mark.unit

DOCUMENT = openapi()
SCHEMAS = DOCUMENT["components"]["schemas"]


def test_the_body_is_the_struct_that_is_read() -> None:
    body = SCHEMAS["LeadBody"]
    assert set(body["properties"]) == set(LeadBody.__struct_fields__)
    assert body["additionalProperties"] is False
    assert set(SCHEMAS["StatedConsent"]["properties"]) == set(NAMES)
    assert set(SCHEMAS["FieldCode"]["enum"]) == set(FieldCode)


def test_every_reference_leads_somewhere_and_every_schema_is_one() -> None:
    def references(value: object) -> list[str]:
        if isinstance(value, dict):
            own = [value["$ref"]] if "$ref" in value else []
            return own + [each for inner in value.values() for each in references(inner)]
        return [each for inner in value for each in references(inner)] if isinstance(value, list) else []

    found = {reference.rpartition("/")[2] for reference in references(DOCUMENT)}
    assert found == set(SCHEMAS)
    for schema in SCHEMAS.values():
        jsonschema.Draft202012Validator.check_schema(schema)
    assert len({operation.name for operation in OPERATIONS}) == len(OPERATIONS)


ANSWERS = [
    answered(LeadAnswer(lead="lead_1", status="accepted", payout=Money(2100, "USD")), "USD", test=False),
    answered(LeadAnswer(lead="lead_1", status="accepted"), "USD", test=False),
    answered(LeadAnswer(lead="lead_1", status="unmatched", reasons=("no_buyer",)), "USD", test=True),
    answered(LeadAnswer(lead="lead_1", status="blocked", reasons=("no_buyer",)), "USD", test=False),
    answered(LeadAnswer(lead="lead_1", status="held"), "USD", test=False),
    answered(LeadAnswer(lead="lead_1", status="duplicate", of="call_1"), "USD", test=False),
    answered(LeadAnswer(lead="lead_1", status="failed"), "USD", test=False),
    answered(LeadAnswer(lead="lead_1", status="interrupted"), "USD", test=False),
    invalid((FieldError("phone", "phone_invalid", "x"),)),
    *(refusal(status, "code", "words", 1) for status in (400, 401, 403, 404, 413, 415, 429, 503)),
]


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: str(answer.status))
def test_what_is_answered_is_what_is_documented(answer: object) -> None:
    status, body = answer.status, answer.body  # type: ignore[attr-defined]
    content = DOCUMENT["paths"]["/v1/leads"]["post"]["responses"][str(status)]["content"]["application/json"]
    schema = {**content["schema"], "components": DOCUMENT["components"]}
    jsonschema.Draft202012Validator(schema).validate(json.loads(body))
