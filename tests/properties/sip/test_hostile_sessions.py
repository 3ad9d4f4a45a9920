"""Messages put together by their grammar, sound in most parts and odd in some, one after another at an endpoint.

Mutation breaks what is there; this makes what no corpus holds: any method with any header in any place, values that are
legal but rare, numbers that disagree.
"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trunkline.testing.fuzz.corpus import SDP
from trunkline.testing.fuzz.endpoint import NEXT, run_session

pytestmark = pytest.mark.property

METHODS = st.sampled_from(
    ["INVITE", "INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "INFO", "UPDATE", "PRACK", "REGISTER", "REFER", "NOTIFY"]
)
TOKENS = st.sampled_from(["a", "z9hG4bKa", "@fresh@", "@last@", "x" * 300, "%41", "*", "-"])
USERS = st.sampled_from(["", "+18335550100@", "a;b=c@", "%00@", "a:pw@", "0" * 60 + "@"])
PLACES = st.sampled_from(
    ["192.0.2.1", "192.0.2.2", "[2001:db8::1]", "example.com", "255.255.255.255", "0.0.0.0", "224.0.0.1", "localhost"]
)
PORTS = st.sampled_from(["", ":5060", ":1", ":65535", ":65536", ":0"])
PARAMETERS = st.lists(
    st.sampled_from(
        [";lr", ";transport=tcp", ";transport=udp", ";transport=tls", ";maddr=239.0.0.1", ";ttl=255", ";rport",
         ";rport=9", ";received=192.0.2.9", ";tag=@fresh@", ";tag=x", ";expires=0", ";q=0.5", ';x="a;b,c"',
         ";branch=z9hG4bK@fresh@"]
    ),
    max_size=3,
).map("".join)  # fmt: skip
SCHEMES = st.sampled_from(["sip:", "sips:", "tel:", "SIP:", "http:", ""])
URIS = st.builds(lambda *parts: "".join(parts), SCHEMES, USERS, PLACES, PORTS, PARAMETERS)
ADDRESSES = st.one_of(
    URIS.map(lambda uri: f"<{uri}>"),
    st.builds(lambda uri, more: f'"A, \\"B\\"" <{uri}>{more}', URIS, PARAMETERS),
    URIS,
    st.just("*"),
)
LISTS = st.lists(ADDRESSES, min_size=1, max_size=4).map(",".join)
VIAS = st.builds(
    lambda transport, host, port, more: f"SIP/2.0/{transport} {host}{port}{more}",
    st.sampled_from(["UDP", "TCP", "TLS", "SCTP", "udp"]),
    PLACES,
    PORTS,
    PARAMETERS,
)
NUMBERS = st.sampled_from(["0", "1", "2", "10", "70", "1800", "90", "4294967295", "4294967296", "-1", "1 1", "a", ""])
HEADERS = st.one_of(
    st.tuples(st.sampled_from(["Contact", "m", "Route", "Record-Route", "P-Asserted-Identity", "Diversion"]), LISTS),
    st.tuples(st.sampled_from(["Via", "v"]), st.lists(VIAS, min_size=1, max_size=3).map(", ".join)),
    st.tuples(
        st.sampled_from(
            ["Max-Forwards", "Content-Length", "l", "Session-Expires", "x", "Min-SE", "RSeq", "Expires", "Retry-After"]
        ),
        NUMBERS,
    ),
    st.tuples(
        st.sampled_from(["Require", "Proxy-Require", "Supported", "k", "Allow", "Accept", "Content-Encoding"]),
        st.sampled_from(["100rel", "timer", "timer, 100rel", "replaces", "application/sdp", "", ",,", "*/*"]),
    ),
    st.tuples(st.just("RAck"), st.builds(lambda a, b, m: f"{a} {b} {m}", NUMBERS, NUMBERS, METHODS)),
    st.tuples(st.sampled_from(["Replaces", "Join", "Event", "Refer-To", "Identity"]), ADDRESSES),
)  # fmt: skip
BODIES = st.sampled_from(
    [("", b""), ("", b""), ("application/sdp", SDP), ("application/dtmf-relay", b"Signal=1"), ("a/b", b"?")]
)


@st.composite
def messages(draw: st.DrawFn) -> bytes:
    """One message. `@call@` stands for the identifiers of something that goes on."""
    method = draw(METHODS)
    kind, body = draw(BODIES)
    status = draw(st.sampled_from([0, 0, 0, 100, 180, 183, 200, 200, 302, 401, 407, 422, 486, 491, 503, 699]))
    lines = [f"SIP/2.0 {status} Whatever" if status else f"{method} {draw(URIS) or 'sip:a@b'} SIP/2.0"]
    live = draw(st.booleans())
    if live:
        lines += ["@call@"] if status else ["Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK@fresh@;rport", "@call@"]
    else:
        lines += [f"Via: {draw(VIAS)};branch=z9hG4bK{draw(TOKENS)}", f"From: {draw(ADDRESSES)};tag={draw(TOKENS)}"]
        lines += [f"To: {draw(ADDRESSES)}", f"Call-ID: {draw(TOKENS)}"]
    if not (live and status):
        lines.append(f"CSeq: {draw(NUMBERS)} {draw(st.one_of(st.just(method), METHODS))}")
    lines += [f"{name}: {value}" for name, value in draw(st.lists(HEADERS, max_size=5))]
    if kind:
        lines.append(f"Content-Type: {kind}")
    return "\r\n".join([*lines, "", ""]).encode() + body


@given(st.lists(messages(), min_size=1, max_size=8))
@settings(max_examples=400)
def test_no_session_by_the_grammar_breaks_the_endpoint(session: list[bytes]) -> None:
    run_session(NEXT.join(session))
