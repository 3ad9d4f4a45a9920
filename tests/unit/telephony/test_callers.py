"""Whose word a trunk takes for who calls, and how callers are vouched for to carriers."""

from __future__ import annotations

import pytest
from tests.unit.sip.test_identity import identity, invite

from trunkline.config.trunks import Trunk, TrunkOutbound
from trunkline.telephony.sip.callers import caller_headers, read_caller

pytestmark = pytest.mark.unit

FROM = Trunk(key="from", default_country="US")
PAI = Trunk(key="pai", default_country="US", caller_from="p_asserted_identity")
RPID = Trunk(key="rpid", default_country="US", caller_from="remote_party_id")
ASSERTED = "P-Asserted-Identity: <sip:5125550100@h>"
PARTY = "Remote-Party-ID: <sip:5125550111@h>;party=calling"


@pytest.mark.parametrize(
    ("trunk", "headers", "number"),
    [
        (PAI, [ASSERTED, PARTY], "+15125550100"),
        (RPID, [ASSERTED, PARTY], "+15125550111"),
        (FROM, [ASSERTED, PARTY], None),
        (PAI, [PARTY], None),
        (RPID, ["Remote-Party-ID: <sip:5125550111@h>;party=called"], None),
        (PAI, [ASSERTED, "Privacy: id"], None),
        (RPID, [PARTY + ";privacy=full"], None),
    ],
)
def test_the_header_that_the_trunk_trusts_decides(trunk: Trunk, headers: list[str], number: str | None) -> None:
    assert read_caller(invite(*headers), trunk).id.number == number


def test_privacy_leaves_nothing_of_the_number() -> None:
    found = read_caller(invite(ASSERTED, "Privacy: id", "Diversion: <sip:5125550199@h>", identity()), PAI)
    assert "512555" not in repr(found)
    assert found.id.anonymous


@pytest.mark.parametrize(
    ("header", "attestation", "attested_by"),
    [
        ([], None, None),
        ([identity()], "A", "identity"),
        ([identity(claims={"attest": "C"})], "C", "identity"),
        (["X-Attestation: B", identity()], "B", "header"),
        (["X-Attestation: TN-Validation-Passed-A"], "A", "header"),
        (["X-Attestation: full"], "A", "header"),
        (["X-Attestation: no idea", identity()], "A", "identity"),
        (["P-Asserted-Identity: <sip:1@h>;verstat=TN-Validation-Failed", identity()], None, "verstat"),
        (["P-Asserted-Identity: <sip:1@h>;verstat=TN-Validation-Passed", identity()], "A", "identity"),
    ],
)
def test_how_far_a_number_is_vouched_for(header: list[str], attestation: str | None, attested_by: str | None) -> None:
    trunk = Trunk(key="t", default_country="US", attestation_header="X-Attestation")
    found = read_caller(invite(*header), trunk)
    assert (found.attestation, found.attested_by) == (attestation, attested_by)


def test_the_latest_readable_diversion_is_kept() -> None:
    found = read_caller(invite("Diversion: <sip:alice@h>, <sip:5125550122@h>, <sip:5125550133@h>"), FROM)
    assert found.diverted_from == "+15125550122"


@pytest.mark.parametrize(
    ("style", "user", "headers"),
    [
        ("none", "+15125550100", []),
        ("p_asserted_identity", "+15125550100", [("P-Asserted-Identity", "<sip:+15125550100@192.0.2.9:5060>")]),
        (
            "remote_party_id",
            "+15125550100",
            [("Remote-Party-ID", "<sip:+15125550100@192.0.2.9:5060>;party=calling;screen=yes;privacy=off")],
        ),
        ("p_asserted_identity", "anonymous", [("Privacy", "id")]),
        ("remote_party_id", "anonymous", [("Privacy", "id")]),
    ],
)
def test_carriers_are_told_who_calls_as_they_ask(style: str, user: str, headers: list[tuple[str, str]]) -> None:
    trunk = Trunk(key="t", outbound=TrunkOutbound(proxy="sip:h", caller_header=style))  # type: ignore[arg-type]
    assert caller_headers(trunk, user, ("192.0.2.9", 5060)) == headers


def test_without_a_trunk_nobody_is_vouched_for() -> None:
    assert caller_headers(None, "+15125550100", ("192.0.2.9", 5060)) == []
    assert caller_headers(Trunk(key="in"), "+15125550100", ("192.0.2.9", 5060)) == []
