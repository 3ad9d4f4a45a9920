"""RFC 4475 3.2 to 3.4: messages whose syntax is right and whose content is not, or is old."""

from __future__ import annotations

import pytest
from tests.unit.sip.torture import COMMON, CONTACT, PARTIES, Door, message, simple
from tests.unit.sip.wire import SDP

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("data", "status"),
    [
        pytest.param(
            message(
                "OPTIONS sip:desk@sales.test SIP/2.0",
                "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK",
                *COMMON[1:],
                *PARTIES,
                "CSeq: 1 OPTIONS",
            ),
            400,
            id="badbranch 3.2.1: the cookie alone identifies nothing",
        ),
        pytest.param(simple("OPTIONS", uri="nobodyKnowsThisScheme:opaque"), 416, id="unkscm 3.3.2"),
        pytest.param(simple("OPTIONS", uri="soap.beep://192.0.2.103:3002"), 416, id="novelsc 3.3.3"),
        pytest.param(simple("INVITE", uri="nobodyKnowsThisScheme:opaque"), 416, id="unkscm, as a call"),
        pytest.param(
            message(
                "REGISTER sip:sales.test SIP/2.0",
                *COMMON,
                "To: <isbn:2983792873>",
                "From: <http://phones.test>;tag=a1",
                "CSeq: 1 REGISTER",
                "Contact: <name:Anna_Lee>",
            ),
            405,
            id="unksm2 3.3.4: unknown schemes where nobody has to follow them",
        ),
        pytest.param(
            simple("INVITE", "Content-Type: application/unknownformat", "Content-Length: 7", body=b"<audio>"),
            415,
            id="invut 3.3.6",
        ),
        pytest.param(
            simple("REGISTER", "Authorization: NoOneKnowsThisScheme opaque-data=here"),
            405,
            id="regaut01 3.3.7: a scheme that no check is asked of",
        ),
        pytest.param(
            simple(
                "INVITE",
                "CSeq: 8 INVITE",
                "Call-ID: second@192.0.2.1",
                "From: <sip:b@phones.test>;tag=b",
                "To: <sip:c@sales.test>",
                "Max-Forwards: 5",
            ),
            400,
            id="multi01 3.3.8: two of what there must be one of",
        ),
        pytest.param(
            simple("OPTIONS", "Content-Length: 13", "Content-Length: 5", body=b"There's no way to know"),
            400,
            id="mcl01 3.3.9",
        ),
        pytest.param(
            simple("OPTIONS").replace(b"Max-Forwards: 70", b"Max-Forwards: 0"),
            200,
            id="zeromf 3.3.11: it has arrived and goes no further",
        ),
        pytest.param(
            simple("INVITE").replace(b"Max-Forwards: 70", b"Max-Forwards: 000"),
            483,
            id="zeromf, as a call: ours would go further",
        ),
        pytest.param(simple("REGISTER", "Contact: <sip:+19725552222@gw1.test>;unknown"), 405, id="cparam01 3.3.12"),
        pytest.param(simple("REGISTER", "Contact: <sip:+19725552222@gw1.test;unknown>"), 405, id="cparam02 3.3.13"),
        pytest.param(
            simple("REGISTER", "Contact: <sip:anna@phones.test?Route=%3Csip:proxy.test%3E>"),
            405,
            id="regescrt 3.3.14",
        ),
        pytest.param(
            simple(
                "INVITE",
                "Accept: text/nobodyKnowsThis",
                "Content-Type: application/sdp",
                f"Content-Length: {len(SDP)}",
                body=SDP,
            ),
            406,
            id="sdp01 3.3.15: our answer would be a description",
        ),
        pytest.param(
            message(
                "INVITE sip:desk@sales.test SIP/2.0",
                "Via: SIP/2.0/UDP phones.test",
                "From: <sip:anna@phones.test>",
                "To: <sip:desk@sales.test>",
                "Call-ID: old@phones.test",
                "CSeq: 1 INVITE",
            ),
            400,
            id="inv2543 3.4.1: RFC 2543 is not spoken",
        ),
    ],
)
def test_refused(data: bytes, status: int) -> None:
    assert Door(data).refused().status == status


@pytest.mark.parametrize("accept", ["*/*", "application/*;q=0.5", "text/plain, APPLICATION/SDP", ""])
def test_an_accept_that_lets_a_description_through_is_fine(accept: str) -> None:
    """RFC 3261 20.1."""
    assert Door(simple("INVITE", f"Accept: {accept}")).taken().method == "INVITE"


def test_bext01_every_extension_that_is_required_and_unknown_is_named() -> None:
    """3.3.5: those of Proxy-Require too, as a call through us goes on."""
    refused = Door(
        simple("OPTIONS", "Require: nobodyHasThis, norThis", "Proxy-Require: noProxyHasThis, norThat")
    ).refused()
    assert refused.status == 420
    assert refused.values("Unsupported") == ["nobodyHasThis", "norThis", "noProxyHasThis", "norThat"]


def test_insuf_what_lacks_the_headers_of_every_answer_is_dropped() -> None:
    """3.3.1: From, To and Call-ID are missing."""
    data = message("INVITE sip:desk@sales.test SIP/2.0", *COMMON[:2], "CSeq: 193942 INVITE", CONTACT,
                   "Content-Type: application/sdp", body=SDP)  # fmt: skip
    door = Door(data)
    door.dropped()
    assert door.node.sip.counters["unanswerable"] == 1


def test_bcast_a_response_that_was_never_ours_goes_nowhere() -> None:
    """3.3.10: its second Via would have it sent to everybody."""
    data = message("SIP/2.0 200 OK", "Via: SIP/2.0/UDP 192.0.2.2;branch=z9hG4bKx",
                   "Via: SIP/2.0/UDP 255.255.255.255;branch=z9hG4bK1", *COMMON[2:], *PARTIES,
                   "CSeq: 1 INVITE")  # fmt: skip
    door = Door(data)
    door.dropped()
    assert door.node.sip.counters["unmatched"] == 1


@pytest.mark.parametrize("to_tag", ["", ";tag=nobody"])
def test_refer_is_refused_and_promises_nothing(to_tag: str) -> None:
    """RFC 3515 is not spoken: no subscription comes of it, in a dialog or outside."""
    data = simple("REFER", "Refer-To: <sip:elsewhere@other.test>")
    data = data.replace(b"<sip:desk@sales.test>\r\n", b"<sip:desk@sales.test>" + to_tag.encode() + b"\r\n")
    refused = Door(data).refused()
    assert refused.status == 405
    assert "REFER" not in refused.values("Allow")
