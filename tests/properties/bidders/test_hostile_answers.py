"""Whatever a bidder answers, it is read as a bid, no bid or an error: never an exception, never money that is wrong."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.config.bids import Bid, BidsWhen, Confirm
from trunkline.engine.bidders.destinations import is_allowed
from trunkline.engine.bidders.dialect import DIALECTS, INBOUNDS
from trunkline.engine.bidders.hearing import FIELDS_MAX, VALUE_MAX, Unheard, fields_of
from trunkline.engine.bidders.reading import DURATION_S_MAX, ID_MAX, LASTS_S_MAX
from trunkline.kernel.http import Answer
from trunkline.kernel.money import AMOUNT_MINOR_MAX

pytestmark = pytest.mark.property

NOW_MS = 1_795_000_000_000
ALLOW = ("sip:.example.com", "+1")
NAMES = (
    "bid ping_id dial min_seconds expires_in currency reason bidAmount bidId expireInSeconds phoneNumber sipAddress "
    "bidTerms callMinDuration warnings code rejectReason status uuid retreaver_payout retreaver_seconds inbound_number "
    "sip_address expires_at error success errors buyers bid_price duration try_all_buyers_ping_id forwarding_number"
).split()
NUMBERS = st.sampled_from(
    "0 -0 1 25.00 25.005 -1 1e999 -1e999 1e-999 9999999999999999999999 0.001 1e2 12e-1 NaN Infinity 00 1.".split()
)
SCALARS = st.one_of(
    NUMBERS,
    st.sampled_from(["true", "false", "null", '"reserved"', '"confirmed"', '"success"', '"25.00"', '"1e999"', '"NaN"']),
    st.sampled_from(['"sip:a@x.example.com"', '"sip:a@evil.example"', '"+15125550100"', '"+19005550100"']),
    st.sampled_from(
        ['"2026-11-18T08:00:00Z"', '"9999-12-31T23:59:59+00:00"', '"2026-11-18"', '"0001-01-01T00:00:00Z"']
    ),
    st.text(max_size=20).map(lambda text: msgspec.json.encode(text).decode()),
)


def objects(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    fields = st.dictionaries(st.sampled_from(NAMES), values, max_size=12)
    return fields.map(lambda found: "{" + ",".join(f'"{name}":{value}' for name, value in found.items()) + "}")


def lists(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(values, max_size=4).map(lambda found: f"[{','.join(found)}]")


JSON = objects(st.recursive(SCALARS, lambda inner: objects(inner) | lists(inner), max_leaves=20))
XML = st.text(alphabet="<>/&;=\"' abid12.-!\x00é", max_size=60).map(lambda text: f"<bid>{text}</bid>")
BODIES = st.one_of(
    JSON.map(lambda text: text.encode(errors="surrogatepass")),
    XML.map(lambda text: text.encode()),
    st.binary(max_size=60),
    st.sampled_from([b"", b"[" * 10_000, b'{"a":' * 10_000, b'{"bid": ' + b"9" * 10_000 + b"}"]),
)
BIDS = [
    Bid(dialect="generic", url="https://b.example/", allow=ALLOW, confirm=Confirm(url="https://b.example/c")),
    Bid(dialect="generic", url="https://b.example/", bid_path="//bid", id_path="//@a", allow=ALLOW),
    Bid(
        dialect="generic",
        url="https://b.example/",
        bid_path="buyers[0].bid",
        bids_when=BidsWhen(path="status", equals="success"),
        confirm=Confirm(url="https://b.example/c", accepted_when=BidsWhen(text="ok"), number_path="dial"),
    ),
    Bid(dialect="ringba", url="https://b.example/x.json", allow=ALLOW, confirm=Confirm(url="https://b.example/c")),
    Bid(dialect="retreaver", url="https://b.example/rtbs.json", allow=ALLOW),
    Bid(dialect="trackdrive", url="https://b.example/ping/x", allow=ALLOW),
]


@given(bid=st.sampled_from(BIDS), body=BODIES, status=st.sampled_from([200, 200, 200, 201, 204, 302, 404, 422, 503]))
def test_any_answer_has_a_reading(bid: Bid, body: bytes, status: int) -> None:
    answer = Answer(status=status, headers={}, body=body, url=bid.url)
    reading = DIALECTS[bid.dialect].read(bid, answer, "USD", NOW_MS)
    if reading.answered == "bid":
        assert reading.amount is not None
        assert 0 < reading.amount.minor <= AMOUNT_MINOR_MAX
        assert type(reading.amount.minor) is int
    else:
        assert reading.amount is None
    assert reading.dial is None or (reading.answered == "bid" and is_allowed(reading.dial, bid.allow))
    assert reading.duration_s is None or 0 <= reading.duration_s <= DURATION_S_MAX
    assert reading.expires_ms is None or reading.expires_ms <= NOW_MS + LASTS_S_MAX * 1_000
    assert reading.id is None or (0 < len(reading.id) <= ID_MAX and reading.id.isprintable())
    assert reading.reason is None or (len(reading.reason) <= 200 and reading.reason.isprintable())
    msgspec.json.encode(reading)


@given(bid=st.sampled_from(BIDS), body=BODIES, status=st.sampled_from([200, 200, 204, 404, 503]))
def test_any_answer_to_a_confirmation_is_a_yes_or_a_no(bid: Bid, body: bytes, status: int) -> None:
    if bid.confirm is None and bid.dialect in {"generic", "ringba"}:
        return
    answer = Answer(status=status, headers={}, body=body, url=bid.url)
    said = DIALECTS[bid.dialect].confirmed(bid, answer)
    assert said.dial is None or (said.accepted and is_allowed(said.dial, bid.allow))
    assert said.reason is None or len(said.reason) <= 200
    msgspec.json.encode(said)


@given(
    name=st.sampled_from(sorted(INBOUNDS)),
    query=st.text(alphabet="a=&%+;2BCID_é\x00", max_size=40),
    kind=st.sampled_from([None, "", "application/json", "application/x-www-form-urlencoded; charset=x", "text/xml"]),
    body=BODIES,
)
def test_any_request_in_a_networks_words_is_heard_or_refused(
    name: str, query: str, kind: str | None, body: bytes
) -> None:
    try:
        fields = fields_of(query, kind, body)
    except Unheard:
        return  # it was refused
    heard = INBOUNDS[name].heard(fields)
    assert len(heard.facts) <= FIELDS_MAX
    assert all(len(text) <= VALUE_MAX for text in heard.facts.values())
    msgspec.json.encode(heard)


@given(
    amount=st.decimals(min_value=0, max_value=10**12, places=4, allow_nan=False, allow_infinity=False),
    text=st.booleans(),
)
def test_an_amount_is_read_exactly_and_never_more_than_was_bid(amount: Decimal, text: bool) -> None:
    written: Any = f'"{amount:f}"' if text else f"{amount:f}"
    answer = Answer(status=200, headers={}, body=f'{{"bid": {written}}}'.encode(), url="")
    reading = DIALECTS["generic"].read(BIDS[0], answer, "USD", NOW_MS)
    minor = 0 if reading.amount is None else reading.amount.minor
    assert minor <= amount * 100 < minor + 1
