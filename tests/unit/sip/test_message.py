"""Reading and writing messages, headers and addresses."""

from __future__ import annotations

import pytest
from tests.unit.sip.wire import raw

from trunkline.sip.errors import LocalSipError, RemoteSipError
from trunkline.sip.headers import (
    CSeq,
    format_name_addr,
    parse_cseq,
    parse_name_addr,
    parse_params,
    parse_via,
    split_values,
)
from trunkline.sip.limits import DEFAULT_MESSAGE_LIMITS
from trunkline.sip.message import Request, Response, encode, parse
from trunkline.sip.uri import is_host, is_safe_uri, is_usable, parse_uri

pytestmark = pytest.mark.unit

TORTURE = (
    b"INVITE sip:vivekg@chair-dnrc.example.com;unknownparam SIP/2.0\r\n"
    b"TO :\r\n sip:vivekg@chair-dnrc.example.com ;   tag    = 1918181833n\r\n"
    b'from   : "J Rosenberg \\\\\\""       <sip:jdrosen@example.com>\r\n  ;\r\n  tag = 98asjd8\r\n'
    b"MaX-fOrWaRdS: 0068\r\nCall-ID: wsinv.ndaksdj@192.0.2.1\r\nContent-Length   : 6\r\n"
    b"cseq: 0009\r\n  INVITE\r\nVia  : SIP  /   2.0\r\n /UDP\r\n    192.0.2.2;branch=390skdjuw\r\n"
    b"s :\r\nNewFangledHeader:   newfangled value\r\n continued newfangled value\r\n"
    b"v:  SIP  / 2.0  / TCP     spindle.example.com   ;\r\n  branch  =   z9hG4bK9ikj8  ,\r\n"
    b" SIP  /    2.0   / UDP  192.168.255.111   ; branch=\r\n z9hG4bK30239\r\n"
    b'm:"Quoted string \\"\\"" <sip:jdrosen@example.com> ; newparam =\r\n      newvalue ;\r\n'
    b"  secondparam ; q = 0.33\r\n\r\nv=0\r\nabc"
)


def test_a_torturous_invite_is_read() -> None:
    """In the manner of RFC 4475 3.1.1.1: folding, compact forms, odd case, spaces, escapes, lists over lines."""
    message = parse(TORTURE)
    assert isinstance(message, Request)
    assert message.uri == "sip:vivekg@chair-dnrc.example.com;unknownparam"
    assert message.to.uri == "sip:vivekg@chair-dnrc.example.com"
    assert message.to.tag == "1918181833n"
    assert message.from_.display == 'J Rosenberg \\"'
    assert message.from_.tag == "98asjd8"
    assert message.cseq == CSeq(9, "INVITE")
    assert [parse_via(value).branch for value in message.values("Via")] == ["390skdjuw", "z9hG4bK9ikj8", "z9hG4bK30239"]
    assert message.via.transport == "UDP"
    assert message.header("Subject") == ""
    assert message.header("newfangledheader") == "newfangled value continued newfangled value"
    contact = parse_name_addr(message.values("m")[0])
    assert contact.display == 'Quoted string ""'
    assert contact.params == {"newparam": "newvalue", "secondparam": None, "q": "0.33"}
    assert message.body == b"v=0\r\na", "the datagram is longer than Content-Length says"


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("", []),
        ("a", ["a"]),
        ("a , b,c", ["a", "b", "c"]),
        ('"a, b" <sip:x>, <sip:y,z>', ['"a, b" <sip:x>', "<sip:y,z>"]),
        (r'"a\", b" <sip:x>, c', [r'"a\", b" <sip:x>', "c"]),
        ("a,,b", ["a", "b"]),
    ],
)
def test_lists_are_split_outside_quotes_and_brackets(text: str, values: list[str]) -> None:
    assert split_values(text) == values


@pytest.mark.parametrize("text", ['"a, b', "<sip:a, b", 'a, "', 'a" , <'])
def test_a_list_with_an_open_quote_is_refused(text: str) -> None:
    with pytest.raises(RemoteSipError):
        split_values(text)


def test_a_hostile_list_takes_no_exponential_time() -> None:
    with pytest.raises(RemoteSipError):
        split_values("a," + "b" * 50_000 + '"')
    with pytest.raises(RemoteSipError):
        parse_params(";" + 'a="b";' * 5_000 + 'c="')


def test_parameters() -> None:
    assert parse_params(';A=1; b ;c="x;\\"y";a=2;;') == {"a": "1", "b": None, "c": 'x;"y'}
    with pytest.raises(RemoteSipError):
        parse_params("x;a=1")


@pytest.mark.parametrize(
    "text", ["", "<>", "<sip:a", '"x', '"x" sip:a@b', "sip:a b@c", "<sip:a@b>junk", "<sip:a b>", ";tag=1"]
)
def test_a_malformed_address_value_is_refused(text: str) -> None:
    with pytest.raises(RemoteSipError) as caught:
        parse_name_addr(text)
    assert caught.value.status == 400


def test_a_written_address_value_reads_back() -> None:
    for display in ("Al", 'A "q" \\ b', "a, b; <c>", "Zoë"):
        read = parse_name_addr(format_name_addr("sip:a@192.0.2.1", display, "t1"))
        assert (read.display, read.uri, read.tag) == (display, "sip:a@192.0.2.1", "t1")
    assert parse_name_addr(format_name_addr("sip:a@192.0.2.1")).display == ""


@pytest.mark.parametrize(
    "text",
    ["", "1", "INVITE", "1INVITE", "1 IN VITE", "99999999999 INVITE", "2147483648 INVITE", "+1 INVITE", "٣ INVITE"],
)
def test_a_malformed_cseq_is_refused(text: str) -> None:
    with pytest.raises(RemoteSipError):
        parse_cseq(text)


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("sip:192.0.2.1", "192.0.2.1", None),
        ("sip:a:secret@example.com:5070;transport=UDP?x=y", "example.com", 5070),
        ("SIPS:a@[2001:db8::1]:5061", "2001:db8::1", 5061),
        ("tel:+1-512-555-0100;phone-context=x", "", None),
        ("sip:%61lice;day=tuesday@atlanta.com;lr", "atlanta.com", None),
    ],
)
def test_addresses_are_read(text: str, host: str, port: int | None) -> None:
    uri = parse_uri(text)
    assert (uri.host, uri.port) == (host, port)


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("sip:", 400),
        ("sip:a@", 400),
        ("sip:a@b:0", 400),
        ("sip:a@b:65536", 400),
        ("sip:a@b:99999999", 400),
        ("sip:a@256.1.1.1", 400),
        ("sip:a@[::1", 400),
        ("sip:a@[1.2.3.4.5]", 400),
        ("sip:a@b..c", 400),
        ("sip:a b@c", 400),
        ("sip:a@b>", 400),
        ("alice", 400),
        ("mailto:a@b", 416),
        ("tel:abcxyz", 400),
    ],
)
def test_unusable_addresses_are_refused(text: str, status: int) -> None:
    with pytest.raises(RemoteSipError) as caught:
        parse_uri(text)
    assert caught.value.status == status


def test_loose_routing_is_seen_only_as_a_parameter_of_the_uri() -> None:
    assert parse_uri("sip:192.0.2.1;lr").loose
    assert parse_uri("sip:192.0.2.1;LR=on").loose
    assert not parse_uri("sip:lr@192.0.2.1").loose


def test_destinations() -> None:
    assert is_usable(("192.0.2.1", 1))
    assert is_usable(("2001:db8::1", 65_535))
    for host, port in (
        ("192.0.2.1", 0),
        ("192.0.2.1", 65_536),
        ("a.example", 5060),
        ("", 5060),
        ("::", 5060),
        ("224.0.0.1", 5060),
        ("[::1]", 5060),
    ):
        assert not is_usable((host, port))
    assert is_host("a-b.example.")
    assert not is_host("a" * 300)
    assert not is_safe_uri("bob")


@pytest.mark.parametrize("bad", ["a\rb", "a\nb", "a\r\nVia: x", "a\0b"])
def test_no_value_can_smuggle_a_line_onto_the_wire(bad: str) -> None:
    with pytest.raises(LocalSipError):
        encode("OPTIONS sip:a@b SIP/2.0", [f"X: {bad}"])
    with pytest.raises(LocalSipError):
        Request("OPTIONS", "sip:a@b", [("X-A", bad)]).encode()
    with pytest.raises(LocalSipError):
        Request("OPTIONS", f"sip:a{bad}@b", []).encode()
    with pytest.raises(LocalSipError):
        Request(bad, "sip:a@b", []).encode()
    with pytest.raises(LocalSipError):
        Request("OPTIONS", "sip:a@b", [(bad, "x")]).encode()
    with pytest.raises(LocalSipError):
        Response(200, bad, []).encode()


def test_an_error_carries_the_request_when_an_answer_is_possible() -> None:
    with pytest.raises(RemoteSipError) as caught:
        parse(raw(Content_Length="99"))
    assert caught.value.request is not None
    assert caught.value.request.call_id == "raw-call-1"


def test_a_short_status_line_and_a_missing_reason_are_fine() -> None:
    for line in (b"SIP/2.0 200", b"SIP/2.0 200 ", b"sip/2.0 200 OK"):
        message = parse(line + b"\r\nCSeq: 1 BYE\r\n\r\n")
        assert isinstance(message, Response)
        assert message.status == 200


def test_empty_lines_before_a_message_are_skipped() -> None:
    assert isinstance(parse(b"\r\n\r\n" + raw()), Request)


def test_retry_after() -> None:
    for text, seconds in (("120", 120), ("5 (busy);duration=10", 5), ("soon", None), ("", None)):
        assert Response(503, "x", [("Retry-After", text)]).retry_after_s == seconds


def test_a_head_larger_than_any_message_needs_is_refused() -> None:
    with pytest.raises(RemoteSipError) as refused:
        parse(raw(X_Long="x" * DEFAULT_MESSAGE_LIMITS.max_head))
    assert refused.value.status == 513


def test_folded_lines_are_one_value_however_long_the_blanks() -> None:
    blanks = " " * 7_000
    read = parse(raw(Subject=f"I know{blanks}\r\n \t you are there{blanks}"))
    assert (read.header("Subject") or "").split() == ["I", "know", "you", "are", "there"]
