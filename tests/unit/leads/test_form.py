"""What a lead form makes of what publishers send."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.config.lead_fields import LeadField
from trunkline.engine.leads.field_codes import FIELD_CODES, FieldCode
from trunkline.engine.leads.form import DEPTH_MAX, FIELDS_MAX, Filled, Form

pytestmark = pytest.mark.unit

FIELDS = (
    LeadField(name="phone", type="phone", required=True, also=("phone_number", "contact.phone")),
    LeadField(name="email", type="email"),
    LeadField(name="zip", type="zip"),
    LeadField(name="state", type="state"),
    LeadField(name="injured_on", type="date", date_order="month_first", min="2020-01-01", max="2026-11-23"),
    LeadField(name="age", type="number", min="18", max="99.5"),
    LeadField(name="story", type="text", max_length=20),
    LeadField(name="kind", type="choice", choices=("Car", "Truck"), values={"automobile": "Car", "n/a": ""}),
    LeadField(name="lawyer", type="yes_no", default="no"),
)
FORM = Form(FIELDS)
PHONE = {"phone": "(512) 555-0100"}


def fill(**sent: Any) -> Filled:
    return FORM.fill({**PHONE, **sent})


def wrong(**sent: Any) -> list[tuple[str, str]]:
    return [(error.field, error.code) for error in fill(**sent).errors]


def test_every_type_in_its_normal_form() -> None:
    filled = fill(
        email="  Jane.Doe@EXAMPLE.com ",
        zip="78701-1234",
        state="texas",
        injured_on="3/7/2025",
        age="042.50",
        story=" it was\na truck ",
        kind="AUTOMOBILE",
        lawyer=True,
    )
    assert filled.errors == ()
    assert filled.values == {
        "phone": "+15125550100",
        "email": "Jane.Doe@example.com",
        "zip": "78701",
        "state": "TX",
        "injured_on": "2025-03-07",
        "age": "42.5",
        "story": "it was\na truck",
        "kind": "Car",
        "lawyer": "yes",
    }


def test_what_is_wrong_is_told_at_once_and_each_field_once() -> None:
    filled = FORM.fill({"email": "jane@", "zip": "787", "age": "old"})
    assert [(error.field, error.code) for error in filled.errors] == [
        ("phone", "required"),
        ("email", "email_invalid"),
        ("zip", "zip_invalid"),
        ("age", "number_invalid"),
    ]
    assert filled.errors[0].message == FIELD_CODES[FieldCode.REQUIRED]


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("phone", "call me", "phone_invalid"),
        ("phone", "", "required"),
        ("phone", None, "required"),
        ("phone", ["+15125550100"], "not_a_value"),
        ("email", "a" * 255 + "@example.com", "email_invalid"),
        ("email", "jane@exa mple.com", "email_invalid"),
        ("email", "jane@example.com\r\nBcc: all@example.com", "email_invalid"),
        ("zip", "7870１", "zip_invalid"),
        ("zip", "ABCDE", "zip_invalid"),
        ("state", "Atlantis", "state_unknown"),
        ("injured_on", "2025-02-29", "date_invalid"),
        ("injured_on", "13/13/2025", "date_invalid"),
        ("injured_on", "1/2-2025", "date_invalid"),
        ("injured_on", "2019-12-31", "too_small"),
        ("injured_on", "11/24/2026", "too_large"),
        ("age", "17.99", "too_small"),
        ("age", 99.6, "too_large"),
        ("age", 1e300, "number_invalid"),
        ("age", float("nan"), "number_invalid"),
        ("age", "1e3", "number_invalid"),
        ("age", "٤٢", "number_invalid"),
        ("age", 1 << 2_000, "number_invalid"),
        ("story", "x" * 21, "too_long"),
        ("story", "nul\x00byte", "control_characters"),
        ("story", "half \ud83d", "control_characters"),
        ("kind", "boat", "choice_unknown"),
        ("lawyer", "maybe", "yes_no_invalid"),
    ],
)
def test_hostile_and_mistaken_values(name: str, value: Any, code: str) -> None:
    assert wrong(**{name: value}) == [(name, code)]


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("age", 42, "42"),
        ("age", "+42", "42"),
        ("injured_on", "2024-02-29", "2024-02-29"),
        ("lawyer", "1", "yes"),
        ("lawyer", False, "no"),
        ("story", "naïve 👩\u200d⚖️", "naïve 👩\u200d⚖️"),
        ("story", "nai\u0308ve", "naïve"),
        ("zip", 78701, "78701"),
        ("state", "Quebec", "QC"),
    ],
)
def test_unusual_values_that_are_right(name: str, value: Any, read: str) -> None:
    assert fill(**{name: value}).values[name] == read


def test_names_of_publishers() -> None:
    assert FORM.fill({"PHONE_Number": "5125550100"}).values["phone"] == "+15125550100"
    nested = FORM.fill({"Contact": {"Phone": "5125550100", "fax": "1"}, "utm": "x"})
    assert nested.values["phone"] == "+15125550100"
    assert nested.ignored == ("utm", "contact.fax")


def test_two_names_of_one_field_must_agree() -> None:
    assert fill(phone_number="+1 512 555 0100").errors == ()
    assert wrong(phone_number="+1 512 555 0101") == [("phone", "given_twice")]
    assert FORM.fill({"phone": "", "phone_number": "5125550100"}).errors == ()


def test_values_are_replaced_before_they_are_judged_and_may_be_emptied() -> None:
    assert fill(kind="N/A").values == {"phone": "+15125550100", "lawyer": "no"}


def test_what_is_no_form_at_all() -> None:
    assert [error.code for error in FORM.fill({f"f{n}": n for n in range(FIELDS_MAX + 1)}).errors] == [
        "too_many_fields"
    ]
    deep: dict[str, Any] = {"phone": "5125550100"}
    for _ in range(DEPTH_MAX):
        deep = {"more": deep}
    assert [error.code for error in FORM.fill(deep).errors] == ["too_deep"]
    assert [error.code for error in FORM.fill({}).errors] == ["required"]


def test_what_routing_knows_of_a_lead() -> None:
    values = fill(zip="78701", state="TX", email="jane@example.com").values
    known = {name: attribute.value for name, attribute in FORM.attributes(values).items()}
    assert known == {
        "lead.phone": "+15125550100",
        "lead.email": "jane@example.com",
        "lead.zip": "78701",
        "lead.state": "TX",
        "lead.lawyer": "no",
        "geo.zip": "78701",
        "geo.state": "TX",
    }
    assert FORM.phone(values) == "+15125550100"
    assert FORM.email(values) == "jane@example.com"
    assert Form(()).phone({}) is None


def test_numbers_of_other_countries() -> None:
    form = Form((LeadField(name="phone", type="phone"),), country="GB")
    assert form.fill({"phone": "020 7946 0018"}).values == {"phone": "+442079460018"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=20,
)
NAMES = st.sampled_from([name for field in FIELDS for name in (field.name, *field.also)]) | st.text(max_size=10)


@given(st.dictionaries(NAMES, JSON, max_size=12))
def test_nothing_makes_it_fail_and_what_is_read_reads_the_same_again(sent: dict[str, Any]) -> None:
    filled = FORM.fill(sent)
    known = {field.name for field in FIELDS} | {""}
    assert {error.field for error in filled.errors} <= known
    assert not {error.field for error in filled.errors} & set(filled.values)
    if "phone" in filled.values and not filled.errors:
        again = FORM.fill(filled.values)
        assert again.values == filled.values
        assert again.errors == ()
