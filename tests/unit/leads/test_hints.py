"""Pings: what may be left out, masked or hashed, and what must be true of the lead that follows."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from trunkline.config.lead_fields import LeadField
from trunkline.engine.leads.form import Form
from trunkline.engine.leads.hints import Asked, Hint, Hints, changed, said_of

pytestmark = pytest.mark.unit

FIELDS = (
    LeadField(name="phone", type="phone", required=True, also=("caller_id",)),
    LeadField(name="email", type="email", required=True),
    LeadField(name="first", type="text", required=True),
    LeadField(name="zip", type="zip", required=True),
    LeadField(name="owner", type="yes_no", default="no"),
)
FORM = Form(FIELDS)
HINTS = Hints(FIELDS, FORM)
LEAD = {"phone": "+15125550100", "email": "ann@example.com", "first": "Ann", "zip": "78701", "owner": "no"}


def sum_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def digest(name: str, value: str) -> str:
    return sum_of(f"key {name} {value}")[:32]


def errors(asked: Asked) -> dict[str, str]:
    return {error.field: error.code for error in asked.filled.errors}


def test_who_somebody_is_may_be_left_out_and_nothing_else() -> None:
    assert errors(HINTS.read({"zip": "78701"})) == {}
    assert errors(HINTS.read({})) == {"zip": "required"}
    assert errors(HINTS.read({"zip": "78701", "email": "no address"})) == {"email": "email_invalid"}


@pytest.mark.parametrize(
    ("sent", "hint"),
    [
        ({"phone": "512555XXXX"}, Hint("phone", prefix="+1512555")),
        ({"phone": "(512) 555-****"}, Hint("phone", prefix="+1512555")),
        ({"Caller_ID": "1512xxxxxxx"}, Hint("phone", prefix="+1512")),
        ({"phone_prefix": "+44207"}, Hint("phone", prefix="+44207")),
        ({"caller_id_prefix": "512"}, Hint("phone", prefix="+1512")),
        ({"phone_sha256": sum_of("5125550100").upper()}, Hint("phone", sha256=sum_of("5125550100"))),
        ({"email_SHA256": sum_of("ann@example.com")}, Hint("email", sha256=sum_of("ann@example.com"))),
        (
            {"phone_sha256": sum_of("x"), "phone_prefix": "512555"},
            Hint("phone", sha256=sum_of("x"), prefix="+1512555"),
        ),
    ],
)
def test_hints(sent: dict[str, Any], hint: Hint) -> None:
    asked = HINTS.read({"zip": "78701", **sent})
    assert errors(asked) == {}
    assert asked.hints == (hint,)
    assert asked.prefix == hint.prefix


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ({"phone_sha256": "abc"}, "hash_invalid"),
        ({"phone_sha256": 12}, "hash_invalid"),
        ({"phone_sha256": ["a" * 64]}, "hash_invalid"),
        ({"phone_prefix": "51"}, "prefix_invalid"),
        ({"phone_prefix": ""}, "prefix_invalid"),
        ({"phone_prefix": "5" * 20}, "prefix_invalid"),
        ({"phone": "XXXXXXXXXX"}, "prefix_invalid"),
    ],
)
def test_hints_that_are_none(sent: dict[str, Any], code: str) -> None:
    assert code in errors(HINTS.read({"zip": "78701", **sent})).values()


@pytest.mark.parametrize(
    "ping",
    [
        {"zip": "78701"},
        {"zip": "78701", "phone": "(512) 555-0100"},
        {"zip": "78701-1234", "phone": "512555XXXX", "phone_sha256": sum_of("+15125550100")},
        {"zip": "78701", "phone_sha256": sum_of("15125550100")},
        {"zip": "78701", "phone_sha256": sum_of("5125550100"), "email_sha256": sum_of("ann@example.com")},
        {"zip": "78701", "email": "ann@example.com", "first": "Ann"},
    ],
)
def test_the_same_lead_has_not_changed(ping: dict[str, Any]) -> None:
    said = said_of(HINTS.read(ping), digest)
    assert changed(said, LEAD, digest) == []
    assert not [value for value in said.values() if "512555" in value or "ann" in value], "nothing is to be read in it"


@pytest.mark.parametrize(
    ("ping", "fields"),
    [
        ({"zip": "78702"}, ["zip"]),
        ({"zip": "78701", "phone": "(512) 555-0101"}, ["phone"]),
        ({"zip": "78701", "phone": "512556XXXX"}, ["phone"]),
        ({"zip": "78701", "phone_sha256": sum_of("+15125550101")}, ["phone"]),
        ({"zip": "78701", "email_sha256": sum_of("bob@example.com")}, ["email"]),
        ({"zip": "78701", "owner": "yes"}, ["owner"]),
    ],
)
def test_another_lead_has(ping: dict[str, Any], fields: list[str]) -> None:
    found = changed(said_of(HINTS.read(ping), digest), LEAD, digest)
    assert [error.field for error in found] == fields
    assert {error.code for error in found} == {"changed_since_ping"}


def test_what_has_a_default_may_be_said_later() -> None:
    said = said_of(HINTS.read({"zip": "78701"}), digest)
    assert changed(said, LEAD | {"owner": "yes"}, digest) == []
