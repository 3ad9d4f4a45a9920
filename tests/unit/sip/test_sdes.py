"""SRTP keys in session descriptions: which lines are taken, what is offered and answered, that no key is shown."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.sip.test_sdp import described

from trunkline.sip import sdp
from trunkline.sip.errors import LocalSipError, NoCommonCodec
from trunkline.sip.sdes import KEY_SIZE, SUITES, Crypto, SrtpMode, crypto_line, parse_crypto

pytestmark = pytest.mark.unit

KEY, OTHER = bytes(range(KEY_SIZE)), bytes(range(100, 100 + KEY_SIZE))
TEXT = base64.b64encode(KEY).decode()
CRYPTO = f"a=crypto:1 {SUITES[0]} inline:{TEXT}"
SAVP, AVP = "m=audio 30000 RTP/SAVP 0", "m=audio 30002 RTP/AVP 0"
SECURE, BEST_EFFORT = f"{SAVP}\r\n{CRYPTO}", f"{AVP}\r\n{CRYPTO}"


@pytest.mark.parametrize("suffix", ["", "|2^20", "|2^48", "|1048576", " WSH=64", " -FUTURE=1", "|2^31 WSH=128 -x"])
@pytest.mark.parametrize("suite", SUITES)
def test_a_key_is_read(suite: str, suffix: str) -> None:
    assert parse_crypto(f"7 {suite} inline:{TEXT}{suffix}") == Crypto(7, suite, KEY)


@pytest.mark.parametrize(
    "value",
    [
        "",
        f"1 AES_CM_256_HMAC_SHA1_80 inline:{TEXT}",
        f"1 {SUITES[0]} inline:{TEXT[:-4]}",
        f"1 {SUITES[0]} inline:{TEXT}AAAA",
        f"1 {SUITES[0]} inline:{TEXT[:-1]}!",
        f"1 {SUITES[0]} uri:{TEXT}",
        f"x {SUITES[0]} inline:{TEXT}",
        f"1 {SUITES[0]} inline:{TEXT}|2^20|1:4",
        f"1 {SUITES[0]} inline:{TEXT}|2^19",
        f"1 {SUITES[0]} inline:{TEXT}|2^4^8",
        f"1 {SUITES[0]} inline:{TEXT}|1000",
        f"1 {SUITES[0]} inline:{TEXT};inline:{TEXT}",
        f"1 {SUITES[0]} inline:{TEXT} UNENCRYPTED_SRTP",
        f"1 {SUITES[0]} inline:{TEXT} UNAUTHENTICATED_SRTP",
        f"1 {SUITES[0]} inline:{TEXT} KDR=1",
        f"1 {SUITES[0]} inline:{TEXT} FUTURE",
    ],
)
def test_a_line_that_asks_for_more_or_less_is_passed_over(value: str) -> None:
    assert parse_crypto(value) is None


def test_a_key_is_written_as_it_is_read_and_never_shown() -> None:
    crypto = Crypto(3, SUITES[1], KEY)
    line = crypto_line(crypto)
    assert parse_crypto(line.removeprefix("a=crypto:")) == crypto
    offered = sdp.parse_audio(described(SECURE), "required")
    for shown in (repr(crypto), str(crypto), repr(offered)):
        assert TEXT not in shown
        assert repr(KEY) not in shown
    with pytest.raises(LocalSipError):
        crypto_line(Crypto(1, SUITES[0], b"short"))


@pytest.mark.parametrize(
    ("media", "mode", "port", "keys"),
    [
        ((SECURE,), "optional", 30000, 1),
        ((SECURE,), "required", 30000, 1),
        ((BEST_EFFORT,), "off", 30002, 0),
        ((BEST_EFFORT,), "optional", 30002, 1),
        ((BEST_EFFORT,), "required", 30002, 1),
        ((AVP,), "off", 30002, 0),
        ((AVP,), "optional", 30002, 0),
        ((AVP, SECURE), "off", 30002, 0),
        ((AVP, SECURE), "optional", 30000, 1),
        ((SECURE, AVP), "required", 30000, 1),
        ((SECURE.replace("SAVP", "SAVPF"),), "required", 30000, 1),
    ],
)
def test_which_line_is_taken(media: tuple[str, ...], mode: SrtpMode, port: int, keys: int) -> None:
    offered = sdp.parse_audio(described(*media), mode)
    assert (offered.port, len(offered.cryptos)) == (port, keys)


@pytest.mark.parametrize(
    ("media", "mode", "warning"),
    [
        (SECURE, "off", 302),
        (AVP, "required", 302),
        (SAVP, "optional", 307),
        (f"{SAVP}\r\na=crypto:1 AES_256 inline:{TEXT}", "required", 307),
        (f"{SECURE}\r\n".replace("SAVP 0", "SAVP 9"), "required", 305),
        (AVP.replace("AVP 0", "AVP 9"), "off", 305),
    ],
)
def test_what_is_refused_says_why(media: str, mode: SrtpMode, warning: int) -> None:
    with pytest.raises(NoCommonCodec) as caught:
        sdp.parse_audio(described(media), mode)
    assert caught.value.status == 488
    [(name, value)] = caught.value.headers
    assert name == "Warning"
    assert value.startswith(f'{warning} trunkline "')


def test_a_flood_of_keys_is_bounded() -> None:
    lines = "\r\n".join(f"a=crypto:{tag} {SUITES[0]} inline:{TEXT}" for tag in range(100))
    assert len(sdp.parse_audio(described(f"{SAVP}\r\n{lines}"), "required").cryptos) == 16


@pytest.mark.parametrize(("mode", "protocol"), [("optional", "RTP/AVP"), ("required", "RTP/SAVP")])
def test_an_offer_is_answered_and_the_answer_accepted(mode: SrtpMode, protocol: str) -> None:
    ours = (Crypto(1, SUITES[0], KEY), Crypto(2, SUITES[1], OTHER))
    offer = sdp.offer("192.0.2.5", 4000, cryptos=ours, srtp=mode)
    assert f"m=audio 4000 {protocol} 0 8 101".encode() in offer
    offered = sdp.parse_audio(offer, "optional")
    assert offered.cryptos == ours
    theirs = Crypto(2, SUITES[1], bytes(KEY_SIZE))
    answer, agreed_there = sdp.answer(offered, "192.0.2.6", 5000, crypto=theirs)
    assert f"m=audio 5000 {protocol}".encode() in answer
    agreed_here = sdp.accept(answer, cryptos=ours, srtp=mode)
    assert (agreed_here.ours, agreed_here.theirs) == (ours[1], theirs)
    assert (agreed_there.ours, agreed_there.theirs) == (theirs, ours[1])


def test_an_answer_in_the_clear_is_accepted_only_where_that_is_allowed() -> None:
    answer = described(AVP)
    assert sdp.accept(answer, cryptos=(Crypto(1, SUITES[0], KEY),), srtp="optional").ours is None
    with pytest.raises(NoCommonCodec):
        sdp.accept(answer, cryptos=(Crypto(1, SUITES[0], KEY),), srtp="required")


@pytest.mark.parametrize("ours", [(), (Crypto(2, SUITES[0], KEY),), (Crypto(1, SUITES[1], KEY),)])
def test_an_answer_with_a_key_that_was_not_offered_is_refused(ours: tuple[Crypto, ...]) -> None:
    with pytest.raises(NoCommonCodec):
        sdp.accept(described(SECURE), cryptos=ours, srtp="optional")


@pytest.mark.parametrize("crypto", [None, Crypto(2, SUITES[0], KEY), Crypto(1, SUITES[1], KEY)])
def test_answering_with_the_wrong_key_is_our_error(crypto: Crypto | None) -> None:
    with pytest.raises(LocalSipError):
        sdp.answer(sdp.parse_audio(described(SECURE), "required"), "192.0.2.5", 4000, crypto=crypto)


@given(
    st.text(max_size=200) | st.from_regex(r"[0-9]{1,3} AES_CM_128_HMAC_SHA1_(80|32) inline:[A-Za-z0-9+/]{38,42}.{0,20}")
)
def test_any_line_is_a_key_or_nothing(value: str) -> None:
    crypto = parse_crypto(value)
    assert crypto is None or (len(crypto.key) == KEY_SIZE and parse_crypto(crypto_line(crypto)[9:]) == crypto)
