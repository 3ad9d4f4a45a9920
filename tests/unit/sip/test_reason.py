"""The causes that Reason headers name (RFC 3326)."""

from __future__ import annotations

import pytest

from trunkline.sip.reason import cause_of

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ('Q.850;cause=16;text="Terminated"', "q850_16"),
        ("q.850 ; cause=017", "q850_17"),
        ('SIP;cause=200;text="Call completed elsewhere"', "sip_200"),
        ('Preemption;cause=1, Q.850;cause=31;text="a, b"', "q850_31"),
        ("Q.850", None),
        ("Q.850;cause=x", None),
        ("Q.850;cause=9999", None),
        ('SIP;text="never closed', None),
        ("", None),
        (None, None),
    ],
)
def test_causes(value: str | None, code: str | None) -> None:
    assert cause_of(value) == code
