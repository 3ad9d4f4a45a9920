"""Numbers read without libphonenumber are read as it would read them."""

from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.kernel.phone import parse_number

pytestmark = pytest.mark.property


@given(st.from_regex(r"\+1[2-9][0-9]{9}", fullmatch=True), st.sampled_from([None, "US", "CA", "GB", "BR"]))
def test_north_american_numbers(text: str, country: str | None) -> None:
    parsed = phonenumbers.parse(text, country)
    assert parse_number(text, country) == phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
