"""Who calls, as the network says: asserted identities, privacy, diversion, PASSporTs."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.sip.identity import (
    PASSPORT_MAX,
    asserted,
    diverted_from,
    passport,
    remote_party,
    verified_by_carrier,
    wants_privacy,
)
from trunkline.sip.message import Request, parse

pytestmark = pytest.mark.unit

SIGNER = "https://certificates.example.net/signer.pem"


def invite(*headers: str) -> Request:
    lines = (
        "INVITE sip:+18335550100@203.0.113.1 SIP/2.0",
        "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1",
        "To: <sip:x@h>",
        "From: <sip:y@h>;tag=1",
        "Call-ID: c",
        "CSeq: 1 INVITE",
        *headers,
        "Content-Length: 0",
    )
    request = parse("\r\n".join((*lines, "", "")).encode())
    assert isinstance(request, Request)
    return request


def segment(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def identity(head: dict[str, Any] | None = None, claims: dict[str, Any] | None = None, tail: str | None = None) -> str:
    """An Identity header with a signature of 64 zero bytes."""
    all_head = {"alg": "ES256", "ppt": "shaken", "typ": "passport", "x5u": SIGNER, **(head or {})}
    all_claims = {
        "attest": "A", "dest": {"tn": ["18335550100"]}, "iat": 1_795_000_000, "orig": {"tn": "15125550100"},
        "origid": "5d1e4ae9-0000-4000-8000-000000000001", **(claims or {}),
    }  # fmt: skip
    token = ".".join(
        segment(part) for part in (json.dumps(all_head).encode(), json.dumps(all_claims).encode(), bytes(64))
    )
    return f"Identity: {token};" + (tail if tail is not None else f"info=<{SIGNER}>;alg=ES256;ppt=shaken")


@pytest.mark.parametrize(
    ("headers", "uri"),
    [
        (["P-Asserted-Identity: <sip:+15125550100@h>"], "sip:+15125550100@h"),
        (['P-Asserted-Identity: "Ann" <sip:ann@h>, <tel:+15125550100>'], "tel:+15125550100"),
        (["P-Asserted-Identity: <sip:ann@h>", "P-Asserted-Identity: <tel:+15125550100>"], "tel:+15125550100"),
        (["P-Asserted-Identity: <sip:broken", "P-Asserted-Identity: <sip:+15125550100@h>"], "sip:+15125550100@h"),
        ([], None),
    ],
)
def test_the_asserted_identity_is_the_number_where_there_is_one(headers: list[str], uri: str | None) -> None:
    found = asserted(invite(*headers))
    assert (None if found is None else found.uri) == uri


def test_the_remote_party_that_counts_is_the_calling_one() -> None:
    request = invite("Remote-Party-ID: <sip:1@h>;party=called, <sip:2@h>;party=calling;screen=yes")
    found = remote_party(request)
    assert found is not None
    assert found.uri == "sip:2@h"


@pytest.mark.parametrize(
    ("header", "private"),
    [
        ("Privacy: id", True),
        ("Privacy: header;user;critical", True),
        ("Privacy: ID", True),
        ("Privacy: none", False),
        ("Privacy: session", False),
        ("Remote-Party-ID: <sip:1@h>;privacy=full", True),
        ("Remote-Party-ID: <sip:1@h>;privacy=off", False),
        ("Remote-Party-ID: <sip:1@h>", False),
        ("Subject: id", False),
    ],
)
def test_privacy_is_asked_for_in_either_way(header: str, private: bool) -> None:
    assert wants_privacy(invite(header)) is private


@pytest.mark.parametrize(
    ("headers", "numbers"),
    [
        (["Diversion: <sip:1@h>;reason=unconditional, <sip:2@h>"], ["sip:1@h", "sip:2@h"]),
        (["Diversion: <sip:1@h>", "Diversion: <sip:2@h>"], ["sip:1@h", "sip:2@h"]),
        (
            ["History-Info: <sip:1@h?Reason=SIP%3Bcause%3D302>;index=1, <sip:2@h>;index=1.1, <sip:3@h>;index=1.1.1"],
            ["sip:2@h", "sip:1@h"],
        ),
        (["History-Info: <sip:1@h>;index=1"], []),
        ([], []),
    ],
)
def test_where_a_call_was_sent_on_from(headers: list[str], numbers: list[str]) -> None:
    assert diverted_from(invite(*headers)) == numbers


@pytest.mark.parametrize(
    ("value", "passed"),
    [
        ("<sip:1@h>;verstat=TN-Validation-Passed", True),
        ("<sip:1@h;verstat=TN-Validation-Failed>", False),
        ("<sip:1;verstat=TN-Validation-Passed@h;user=phone>", True),
        ("<tel:+1;verstat=No-TN-Validation>", None),
        ("<sip:1@h>", None),
    ],
)
def test_what_the_carrier_has_checked_itself(value: str, passed: bool | None) -> None:
    assert verified_by_carrier(asserted(invite(f"P-Asserted-Identity: {value}"))) is passed


def test_a_passport_is_read_as_it_was_sent() -> None:
    found = passport(invite(identity()))
    assert found is not None
    assert (found.attestation, found.origin, found.destinations) == ("A", "15125550100", ("18335550100",))
    assert (found.issued_s, found.certificate, len(found.signature)) == (1_795_000_000, SIGNER, 64)
    assert found.signed.decode() == identity().removeprefix("Identity: ").partition(";")[0].rpartition(".")[0]


@pytest.mark.parametrize(
    "header",
    [
        identity(head={"alg": "none"}),
        identity(head={"ppt": "div"}),
        identity(head={"typ": "jwt"}),
        identity(claims={"attest": "D"}),
        identity(claims={"iat": "now"}),
        identity(claims={"orig": {}}),
        identity(tail="info=<https://elsewhere.example/x.pem>;alg=ES256"),
        "Identity: ..c2ln;info=<https://h/x>",
        "Identity: a.b",
        "Identity: !.!.!;info=<x>",
        "Identity: " + "a" * PASSPORT_MAX,
        f"Identity: {segment(b'[]')}.{segment(b'{}')}.{segment(bytes(64))}",
        f"Identity: {segment(b'{}')}.{segment(bytes([0xFF]))}.{segment(bytes(63))}",
    ],
)
def test_what_is_no_shaken_passport_is_as_if_it_were_not_there(header: str) -> None:
    assert passport(invite(header)) is None


def test_a_usable_passport_behind_an_unusable_one_is_found() -> None:
    assert passport(invite(identity(head={"ppt": "div"}), identity())) is not None


@given(st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), max_size=300), st.integers(0, 5))
def test_nothing_in_these_headers_raises(text: str, which: int) -> None:
    name = ("P-Asserted-Identity", "Remote-Party-ID", "Privacy", "Diversion", "History-Info", "Identity")[which]
    request = Request("INVITE", "sip:x@h", [(name, text), ("From", "<sip:y@h>;tag=1")])
    asserted(request), remote_party(request), wants_privacy(request), diverted_from(request), passport(request)
    verified_by_carrier(asserted(request))
