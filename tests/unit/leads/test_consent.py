"""What is made of the consent that publishers state, by whatever names and with whatever values."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.engine.leads.consent import (
    LENGTHS,
    NAMES,
    SELLERS_MAX,
    Consent,
    Needed,
    Stated,
    consent_attributes,
    gathered,
    read_consent,
)
from trunkline.kernel.clock import iso

pytestmark = pytest.mark.unit

NOW_MS = 1_795_446_000_000
CERTIFICATE = "https://cert.trustedform.com/eb9fc4dd9bed9ad451a5648946cf4bf09b5bb947"
LEADID = "3f2504e0-4f89-11d3-9a0c-0305e82c3301"
TEXT = {"text": "I agree to be called.", "page_url": "https://quotes.example/roof?x=1", "at": iso(NOW_MS - 60_000)}


def read(needed: Needed = "none", **sent: Any) -> Stated:
    return read_consent(sent, needed, NOW_MS)


def wrong(needed: Needed = "none", **sent: Any) -> list[tuple[str, str]]:
    return [(error.field, error.code) for error in read(needed, **sent).errors]


def test_everything_in_its_normal_form() -> None:
    stated = read(
        certificate=f" {CERTIFICATE}?vendor=x ",
        leadid=LEADID,
        page_url="https://quotes.example/roof?x=1",
        ip="2001:DB8::1",
        user_agent="Mozilla/5.0",
        at="2026-11-23T09:00:00-05:00",
        text=" I agree.\nReally. ",
        sellers=[" Ann Law ", "Bob|Cat", "Ann Law"],
        form_seconds="12.50",
    )
    assert stated == Stated(
        consent=Consent(
            certificate=CERTIFICATE,
            leadid=LEADID.upper(),
            page_url="https://quotes.example/roof?x=1",
            ip="2001:db8::1",
            user_agent="Mozilla/5.0",
            at="2026-11-23T14:00:00.000Z",
            text="I agree.\nReally.",
            sellers=("Ann Law", "Bob", "Cat"),
            form_seconds=Decimal("12.5"),
        )
    )
    kept = stated.consent.stated()
    assert kept["sellers"] == "Ann Law|Bob|Cat"
    assert kept["form_seconds"] == "12.5"
    known = consent_attributes(kept)
    assert known["caller.certificate"].value == CERTIFICATE
    assert known["caller.sellers"].value == "Ann Law|Bob|Cat"
    assert "form_seconds" not in {name.partition(".")[2] for name in known}


def test_nothing_said_is_no_consent_and_no_mistake() -> None:
    for sent in (None, {}, {"certificate": None, "text": " ", "sellers": []}):
        assert read_consent(sent, "none", NOW_MS) == Stated(consent=Consent())
    assert Consent().stated() == {}


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("certificate", "http://cert.trustedform.com/abc", "certificate_invalid"),
        ("certificate", "https://cert.trustedform.com.evil.example/abc", "certificate_invalid"),
        ("certificate", "https://cert.trustedform.com@evil.example/abc", "certificate_invalid"),
        ("certificate", "https://cert.trustedform.com/", "certificate_invalid"),
        ("certificate", "https://cert.trustedform.com/../x/y", "certificate_invalid"),
        ("certificate", "eb9fc4dd9bed9ad451a5648946cf4bf09b5bb947", "certificate_invalid"),
        ("certificate", "https://cert.trustedform.com/" + "a" * 600, "too_long"),
        ("leadid", "3f2504e0", "leadid_invalid"),
        ("page_url", "ftp://example.com", "url_invalid"),
        ("page_url", "https://user:secret@example.com", "url_invalid"),
        ("page_url", "https://", "url_invalid"),
        ("page_url", "https://[::1", "url_invalid"),
        ("page_url", "https://exämple.com", "url_invalid"),
        ("ip", "256.1.1.1", "ip_invalid"),
        ("ip", "fe80::1%eth0", "ip_invalid"),
        ("ip", 16843009, "not_a_value"),
        ("at", "2026-11-23T09:00:00", "time_invalid"),
        ("at", "yesterday", "time_invalid"),
        ("at", "0001-01-01T00:00:00+14:00", "time_invalid"),
        ("at", 1_795_446_000, "not_a_value"),
        ("at", iso(NOW_MS + 301_000), "time_in_future"),
        ("started_at", iso(NOW_MS + 301_000), "time_in_future"),
        ("text", "a\x00b", "control_characters"),
        ("text", "\ud800", "control_characters"),
        ("text", "a" * 10_001, "too_long"),
        ("text", {"html": "I agree"}, "not_a_value"),
        ("user_agent", ["curl"], "not_a_value"),
        ("sellers", {"a": 1}, "not_a_value"),
        ("sellers", [1], "not_a_value"),
        ("sellers", ["a"] * (SELLERS_MAX + 1), "too_long"),
        ("sellers", "a" * 201, "too_long"),
        ("sellers", ["a\x07"], "control_characters"),
        ("form_seconds", "fast", "seconds_invalid"),
        ("form_seconds", "-1", "seconds_invalid"),
        ("form_seconds", 1e300, "seconds_invalid"),
        ("form_seconds", True, "not_a_value"),
    ],
)
def test_what_is_wrong_is_told_by_its_field(name: str, value: Any, code: str) -> None:
    assert wrong(**{name: value}) == [(f"consent.{name}", code)]


@pytest.mark.parametrize("sent", ["yes", True, 7, ["text"]])
def test_a_consent_that_is_no_object(sent: Any) -> None:
    (error,) = read_consent(sent, "none", NOW_MS).errors
    assert (error.field, error.code) == ("consent", "not_a_value")


def test_all_that_is_wrong_is_told_at_once_and_what_is_right_is_kept() -> None:
    stated = read("required", ip="x", at="x", leadid=LEADID)
    assert [error.field for error in stated.errors] == ["consent.at", "consent.ip"]
    assert stated.consent.leadid == LEADID.upper()


def test_a_clock_that_is_a_little_ahead_is_forgiven_and_set_back() -> None:
    assert read(at=iso(NOW_MS + 299_000)).consent.at == iso(NOW_MS)


def test_the_time_of_the_form_from_its_beginning() -> None:
    begun = iso(NOW_MS - 12_345)
    assert read(started_at=begun).consent.form_seconds == Decimal("12.345")
    assert read(started_at=begun, at=iso(NOW_MS - 10_000)).consent.form_seconds == Decimal("2.345")
    assert read(started_at=begun, at=iso(NOW_MS - 20_000)).consent.form_seconds == 0
    assert read(started_at=begun, form_seconds=3).consent.form_seconds == 3


@pytest.mark.parametrize("proof", [{"certificate": CERTIFICATE}, {"leadid": LEADID}, TEXT])
def test_what_is_consent_enough(proof: dict[str, Any]) -> None:
    assert wrong("required", **proof) == []
    assert wrong("named", sellers="Ann", **proof) == []
    assert wrong("named", **proof) == [("consent.sellers", "sellers_missing")]
    assert wrong("named", sellers=7, **proof) == [("consent.sellers", "not_a_value")]


@pytest.mark.parametrize("left_out", TEXT)
def test_what_is_not_enough(left_out: str) -> None:
    sent = {name: value for name, value in TEXT.items() if name != left_out}
    assert wrong("required", **sent) == [("consent", "consent_missing")]
    assert wrong("named", **sent) == [("consent", "consent_missing"), ("consent.sellers", "sellers_missing")]


def test_hidden_fields_of_scripts_and_dotted_names_are_consent() -> None:
    fields = {
        "phone": "5125550100",
        "xxTrustedFormCertUrl": CERTIFICATE,
        "universal_leadid": LEADID,
        "Consent.IP": "192.0.2.1",
        "consent.mood": "good",
        "leadid_token": "",
    }
    found, taken = gathered(None, fields)
    assert found == {"certificate": CERTIFICATE, "leadid": LEADID, "ip": "192.0.2.1"}
    assert taken == {"xxtrustedformcerturl", "universal_leadid", "consent.ip", "leadid_token"}
    said, _ = gathered({"IP": "192.0.2.9", "text": "", "Page_URL ": "https://x.example"}, fields)
    assert said["page_url"] == "https://x.example", "case does not matter here either"
    assert said["ip"] == "192.0.2.9", "what is said in its own place wins"
    assert "text" not in said
    assert gathered("yes", fields) == ("yes", frozenset())


def test_names_of_nothing_are_told() -> None:
    assert read(certificat=CERTIFICATE).ignored == ("consent.certificat",)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=12), ANYTHING, max_size=8), st.integers(0, NOW_MS))
def test_nothing_that_anybody_sends_makes_it_fail(sent: dict[str, Any], now_ms: int) -> None:
    stated = read_consent(sent, "named", now_ms)
    assert stated.errors or stated.consent.sellers
    for name, text in stated.consent.stated().items():
        assert len(text) <= LENGTHS.get(name, 50_000)
