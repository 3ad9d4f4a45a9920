"""RFC 4475 3.1: messages whose syntax is unusual and right, or wrong."""

from __future__ import annotations

import pytest
from tests.unit.sip.torture import COMMON, CONTACT, PARTIES, VIA, Door, message, simple
from tests.unit.sip.wire import CALLED, CALLER, SDP, Node, Wire

from trunkline.sip.headers import parse_name_addr
from trunkline.sip.message import Response, parse
from trunkline.sip.uri import parse_uri

pytestmark = pytest.mark.unit


# -- 3.1.1: right ------------------------------------------------------------------------------------------------------


def test_wsinv_folds_compact_names_and_empty_values_are_read() -> None:
    """3.1.1.1: everything a line may legally look like, at once."""
    request = Door(
        message(
            "INVITE sip:desk@sales.test;strange-one SIP/2.0",
            "TO :",
            "  <sip:desk@sales.test>  ",
            "  ;  lag  = 1918181833n",
            'from   : "Anna \\\\\\"B\\" O\'C "  <sip:anna@phones.test>',
            "  ;",
            "  tag = a1",
            "MaX-fOrWaRdS: 0068",
            "Call-ID: torture@192.0.2.1",
            "CSeq: 0009",
            "  INVITE",
            "Via  : SIP  /   2.0",
            "  /UDP",
            "    192.0.2.1;rport;branch=z9hG4bK-torture",
            "s :",
            "NewFangledHeader:   with a fold",
            " and more; and,, nothing; it ;means",
            "UnknownHeaderWithUnusualValue: ;;,,;;,;",
            "Content-Type: application/sdp",
            "Route:",
            " <sip:services.test;lr;unknownwith=value;unknown-no-value>",
            "v:  SIP  / 2.0  / TCP     spindle.test   ;",
            "  branch  =   z9hG4bK9ikj8  ,",
            " SIP  /    2.0   / UDP  192.168.255.111   ; branch=",
            " z9hG4bK30239",
            'm:"Quoted string \\"\\"" <sip:anna@192.0.2.1> ; newparam = newvalue ; secondparam ; q = 0.33',
            f"l: {len(SDP)}",
            body=SDP,
        )
    ).taken()
    assert (request.cseq.number, request.cseq.method) == (9, "INVITE")
    assert request.from_.display == 'Anna \\"B" O\'C '
    assert (request.from_.tag, request.to.params) == ("a1", {"lag": "1918181833n"})
    assert request.via.branch == "z9hG4bK-torture"
    assert len(request.values("Via")) == 3
    assert request.header("Subject") == ""
    contact = parse_name_addr(request.values("Contact")[0])
    assert (contact.uri, contact.params["q"]) == ("sip:anna@192.0.2.1", "0.33")
    assert request.sdp == SDP


def test_intmeth_methods_and_addresses_may_use_every_allowed_character() -> None:
    """3.1.1.2: nothing here is a fault; only the method is unknown."""
    method = "!Odd-Method0123456789_*+`.%really'~"
    user = "7_odd.USER~(so-it!is)&isn't+it$/mad?,/;;*"
    uri = f"sip:{user}:&it+has=1,odd!*pas$wo~d_too.(hasn't-it)@sales.test"
    data = message(
        f"{method} {uri} SIP/2.0",
        "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-.!%66*_+`'~",
        'To: "BEL:\\\x07 NUL:\\\x01 DEL:\\\x7f" <sip:1_odd.USER~(so-it!is)@sales.test>',
        "From: token1~` token2'+_ token3*%!.- <sip:mundane@sales.test>;odd''~+*_!.-%=\"\u0440\u0430\u0431\";tag=_t~1",
        "Call-ID: odd.%Z%45@192.0.2.1",
        f"CSeq: 139122385 {method}",
        "Max-Forwards: 255",
        "extensionHeader-!.%*+_`'~:\ufeff\u5927\u505c\u96fb",
        "Content-Length: 0",
    )
    refused = Door(data).refused()
    assert refused.status == 405
    assert parse_uri(uri).host == "sales.test"
    assert refused.header("CSeq") == f"139122385 {method}"
    assert refused.from_.tag == "_t~1"


def test_esc01_escapes_stay_as_they_were_written() -> None:
    """3.1.1.3: an escaped @ does not end the user part, and %6C%72 is read for itself."""
    request = Door(
        message(
            "INVITE sip:sips%3Adesk%40sales.test@gateway.test SIP/2.0",
            *COMMON,
            "To: <sip:d%65s%6B@sales.test>",
            "From: <sip:I%20have%20spaces@phones.test>;tag=a1",
            "CSeq: 234234 INVITE",
            "Contact: <sip:cal%6Cer@192.0.2.1;%6C%72;n%61me=v%61lue%25%34%31>",
        )
    ).taken()
    called = parse_uri(request.uri)
    assert (called.user, called.host) == ("sips%3Adesk%40sales.test", "gateway.test")


def test_escnull_an_escaped_nul_is_part_of_a_name() -> None:
    """3.1.1.4: `null-%00-null` and `null-%00` are different users; of REGISTER we take none."""
    data = simple("REGISTER", "Contact: <sip:%00@192.0.2.1>, <sip:%00%00@192.0.2.1>")
    assert Door(data).refused().status == 405
    assert parse_uri("sip:null-%00-null@sales.test").user != parse_uri("sip:null-%00@sales.test").user


def test_esc02_a_percent_sign_in_a_method_or_name_escapes_nothing() -> None:
    """3.1.1.5: RE%47IST%45R is not REGISTER, and INV%49TE no INVITE."""
    assert Door(simple("INV%49TE")).refused().status == 405


def test_lwsdisp_no_blank_before_the_bracket() -> None:
    """3.1.1.6."""
    data = message(
        "OPTIONS sip:desk@sales.test SIP/2.0", *COMMON, "To: sip:desk@sales.test",
        "From: anna<sip:anna@phones.test>;tag=a1", "CSeq: 60 OPTIONS",
    )  # fmt: skip
    refused = Door(data).refused()
    assert refused.status == 200
    assert (refused.from_.display, refused.from_.uri) == ("anna", "sip:anna@phones.test")


def test_longreq_values_may_be_long() -> None:
    """3.1.1.7."""
    name = "Anna" * 100
    request = Door(
        message(
            f"INVITE sip:desk{'k' * 300}@sales{'s' * 50}.test;{'p' * 200}={'v' * 200} SIP/2.0",
            f'From: "{name}" <sip:anna@phones.test>;tag={"t" * 200};{"u" * 200}',
            f"To: <sip:desk@sales.test;{'x' * 200}={'y' * 200}>",
            f"Call-ID: {'c' * 200}@192.0.2.1",
            "CSeq: 3882340 INVITE",
            f"Unknown-{'Long' * 40}: {'value ' * 80}; {'p' * 200}",
            *(f"Via: SIP/2.0/UDP host{number}.test;branch=z9hG4bK{'b' * 60}{number}" for number in range(20)),
            f"Max-Forwards: 70\r\nContact: <sip:{'a' * 400}@192.0.2.1>",
        )
    ).taken()
    assert request.from_.display == name
    assert len(request.values("Via")) == 20


def test_dblreq_what_stands_behind_the_content_length_is_no_second_request() -> None:
    """3.1.1.8: the rest of a datagram is discarded (RFC 3261 18.3)."""
    door = Door(simple("OPTIONS", "Content-Length: 0") + simple("INVITE"))
    assert door.refused().header("CSeq") == "1 OPTIONS"


def test_semiuri_parameters_in_the_user_part_belong_to_the_user() -> None:
    """3.1.1.9."""
    uri = "sip:desk;par=u%40sales.test@gateway.test"
    assert Door(simple("OPTIONS", uri=uri)).refused().status == 200
    parsed = parse_uri(uri)
    assert (parsed.user, parsed.host, parsed.params) == ("desk;par=u%40sales.test", "gateway.test", {})


def test_transports_a_via_may_name_any_transport() -> None:
    """3.1.1.10."""
    vias = [f"Via: SIP/2.0/{name} hop{name}.test;branch=z9hG4bK{name}" for name in ("SCTP", "TLS", "UNHEARD", "TCP")]
    refused = Door(simple("OPTIONS", *vias)).refused()
    assert refused.status == 200
    assert len(refused.values("Via")) == 5


def test_mpart01_several_parts_some_of_them_binary() -> None:
    """3.1.1.11: the RFC sends it in a MESSAGE, which we do not take; in an INVITE the description is found."""
    binary = bytes(byte for byte in range(256))
    body = (
        b"--b7\r\nContent-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: binary\r\n\r\n" + binary
        + b"\r\n--b7\r\nc: application/SDP\r\n\r\n" + SDP + b"\r\n--b7--\r\n"
    )  # fmt: skip
    extra = ("Content-Type: multipart/mixed;boundary=b7", f"Content-Length: {len(body)}")
    assert Door(simple("MESSAGE", *extra, body=body)).refused().status == 405
    assert Door(simple("INVITE", *extra, body=body)).taken().sdp == SDP


def test_unreason_a_reason_phrase_may_say_anything() -> None:
    """3.1.1.12: in any script, with figures and signs."""
    phrase = "= 2**3 * 5**2 \u043d\u043e \u0441\u0442\u043e"
    read = parse(message(f"SIP/2.0 200 {phrase}", *COMMON, *PARTIES, "CSeq: 1 INVITE"))
    assert isinstance(read, Response)
    assert (read.status, read.reason) == (200, phrase)


def test_noreason_or_nothing() -> None:
    """3.1.1.13: the blank behind the status stands alone."""
    read = parse(message("SIP/2.0 100 ", *COMMON, *PARTIES, "CSeq: 1 INVITE"))
    assert isinstance(read, Response)
    assert (read.status, read.reason) == (100, "")


# -- 3.1.2: wrong ------------------------------------------------------------------------------------------------------

LONG = 2**65


@pytest.mark.parametrize(
    ("data", "status"),
    [
        pytest.param(
            message(
                "INVITE sip:desk@sales.test SIP/2.0",
                "Via: SIP/2.0/UDP 192.0.2.1;;,;,,",
                *COMMON[1:],
                *PARTIES,
                "CSeq: 1 INVITE",
                'Contact: "Anna" <sip:anna@192.0.2.1>;;;;',
            ),
            400,
            id="badinv01 3.1.2.1: separators without anything between them",
        ),
        pytest.param(simple("INVITE", "Content-Length: 9999", body=b"short"), 400, id="clerr 3.1.2.2"),
        pytest.param(simple("INVITE", "Content-Length: -999", body=b"short"), 400, id="ncl 3.1.2.3"),
        pytest.param(
            message("REGISTER sip:sales.test SIP/2.0", *COMMON, *PARTIES, f"CSeq: {LONG} REGISTER", f"Expires: {LONG}"),
            400,
            id="scalar02 3.1.2.4: a number beyond its range",
        ),
        pytest.param(
            message(
                "INVITE sip:d@s.test SIP/2.0",
                *COMMON,
                'To: "Desk <sip:desk@sales.test>',
                PARTIES[0],
                "CSeq: 1 INVITE",
                CONTACT,
            ),
            400,
            id="quotbal 3.1.2.6: a quotation that never ends",
        ),
        pytest.param(simple("INVITE", uri="<sip:desk@sales.test>"), 400, id="ltgtruri 3.1.2.7: brackets"),
        pytest.param(simple("INVITE", uri="sip:desk@sales.test; lr"), 400, id="lwsruri 3.1.2.8: a blank inside"),
        pytest.param(
            message("INVITE  sip:desk@sales.test  SIP/2.0", *COMMON, *PARTIES, "CSeq: 1 INVITE", CONTACT),
            400,
            id="lwsstart 3.1.2.9: two blanks",
        ),
        pytest.param(
            message("OPTIONS sip:desk@sales.test SIP/2.0  ", *COMMON, *PARTIES, "CSeq: 1 OPTIONS"),
            400,
            id="trws 3.1.2.10: blanks at the end",
        ),
        pytest.param(
            simple("INVITE", uri="sip:desk@sales.test?Route=%3Csip:proxy.test%3E"),
            400,
            id="escruri 3.1.2.11: headers in the Request-URI",
        ),
        pytest.param(
            simple("REGISTER", "Contact: sip:anna@phones.test?Route=%3Csip:proxy.test%3E"),
            405,
            id="regbadct 3.1.2.13: a Contact that needs brackets; of REGISTER we take none",
        ),
        pytest.param(
            message(
                "OPTIONS sip:desk@sales.test SIP/2.0",
                *COMMON,
                'To: "Desk, The" < sip:desk@sales.test >',
                PARTIES[0],
                "CSeq: 1 OPTIONS",
            ),
            400,
            id="badaspec 3.1.2.14: blanks inside the brackets",
        ),
        pytest.param(
            message("OPTIONS sip:desk@sales.test SIP/7.0", *COMMON, *PARTIES, "CSeq: 1 OPTIONS"),
            505,
            id="badvers 3.1.2.16",
        ),
        pytest.param(
            message("OPTIONS sip:desk@sales.test SIP/2.0", *COMMON, *PARTIES, "CSeq: 8 INVITE"),
            400,
            id="mismatch01 3.1.2.17: CSeq names another method",
        ),
        pytest.param(
            message("NEWMETHOD sip:desk@sales.test SIP/2.0", *COMMON, *PARTIES, "CSeq: 8 INVITE"),
            400,
            id="mismatch02 3.1.2.18: and the method is unknown",
        ),
    ],
)
def test_wrong_requests_are_refused(data: bytes, status: int) -> None:
    assert Door(data).refused().status == status


def test_baddate_a_date_nobody_needs_is_not_looked_into() -> None:
    """3.1.2.12: the zone must be GMT; a lenient element may ignore that."""
    assert Door(simple("INVITE", "Date: Fri, 01 Jan 2010 16:00:00 EST")).taken().method == "INVITE"


def test_baddn_a_display_name_that_lacks_its_quotes_is_read_all_the_same() -> None:
    """3.1.2.15: the comma would need them; nothing else it could mean."""
    data = message("OPTIONS sip:desk@sales.test SIP/2.0", *COMMON, "From: Lee, Anna <sip:anna@phones.test>;tag=a1",
                   "To: Desk, The <sip:desk@sales.test>", "CSeq: 1 OPTIONS")  # fmt: skip
    refused = Door(data).refused()
    assert (refused.status, refused.from_.uri) == (200, "sip:anna@phones.test")


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(
            message(
                "SIP/2.0 503 Service Unavailable",
                VIA,
                *COMMON[2:],
                *PARTIES,
                f"CSeq: {LONG} INVITE",
                f"Retry-After: {LONG}",
                'Warning: 1812 overture "long"',
            ),
            id="scalarlg 3.1.2.5",
        ),
        pytest.param(
            message("SIP/2.0 4294967301 that is 2**32 + 5", *COMMON, *PARTIES, "CSeq: 1 INVITE"),
            id="bigcode 3.1.2.19",
        ),
    ],
)
def test_wrong_responses_are_dropped(data: bytes) -> None:
    door = Door(data)
    door.dropped()
    net = Wire(node := Node(CALLED, 2))
    net.inject(data, CALLER, CALLED)
    assert node.sip.counters["malformed"] == 1
