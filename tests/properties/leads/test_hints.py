"""Whatever is sent as a ping: it is read without an error of ours, and the lead that says the same has not changed."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.config.lead_fields import LeadField
from trunkline.engine.leads.form import Form
from trunkline.engine.leads.hints import Hints, changed, said_of, sums_of

pytestmark = pytest.mark.property

FIELDS = (
    LeadField(name="phone", type="phone", required=True),
    LeadField(name="email", type="email", required=True),
    LeadField(name="zip", type="zip"),
    LeadField(name="first", type="text", required=True),
)
FORM = Form(FIELDS)
HINTS = Hints(FIELDS, FORM)
NAMES = st.sampled_from(
    ["phone", "PHONE", "phone_sha256", "phone_prefix", "email", "email_sha256", "zip", "first", "zip_sha256", "x"]
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=True)
    | st.text(max_size=80)
    | st.from_regex(r"\+?[0-9]{0,16}[xX*]{0,6}", fullmatch=True)
    | st.from_regex(r"[0-9a-fA-F]{64}", fullmatch=True),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
NUMBERS = st.from_regex(r"\+1[2-9][0-9]{2}[2-9][0-9]{6}", fullmatch=True)


def digest(name: str, value: str) -> str:
    return hmac.digest(b"key", f"{name}\0{value}".encode("utf-8", "surrogatepass"), hashlib.sha256).hex()


@given(st.dictionaries(NAMES | st.text(max_size=10), VALUES, max_size=8))
def test_anything_is_read_and_what_was_said_is_comparable(sent: dict[str, Any]) -> None:
    asked = HINTS.read(sent)
    if asked.filled.errors:
        assert all(error.code and error.message for error in asked.filled.errors)
        return
    said = said_of(asked, digest)
    own = {name: value for name, value in asked.filled.values.items() if f"{name}:sha256" not in said}
    wrong = {error.field for error in changed(said, own, digest)}
    assert wrong <= {hint.field for hint in asked.hints}, "what a ping says plainly is true of itself"


@given(NUMBERS, st.integers(5, 10), st.integers(0, 2), st.sampled_from("xX*#_"))
def test_the_number_itself_has_its_beginning_and_its_sum(number: str, shown: int, form: int, mask: str) -> None:
    masked = number[1 : shown + 1].removeprefix("1").ljust(10, mask)
    sums = sums_of(number)
    asked = HINTS.read({"phone": masked, "phone_sha256": sums[form]})
    assert not asked.filled.errors
    assert number.startswith(asked.prefix or "?")
    said = said_of(asked, digest)
    assert changed(said, {"phone": number}, digest) == []
    other = number[:-1] + ("0" if number[-1] != "0" else "1")
    assert [error.field for error in changed(said, {"phone": other}, digest)] == ["phone"]
