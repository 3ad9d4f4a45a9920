"""Ping ids as publishers see them: forged, another's, expired, sent by a clock that is wrong."""

from __future__ import annotations

import pytest

from trunkline.kernel.ids import Ids
from trunkline.switch.pings.tokens import LATE_MS, BadToken, PingToken, Tokens

pytestmark = pytest.mark.unit

NOW_MS = 1_795_453_200_000
TOKENS = Tokens(bytes(32))
PING = PingToken(Ids(bytes).make("ping", NOW_MS), NOW_MS + 120_000)
TEXT = TOKENS.make("acme", "adwave", PING)


def test_what_was_made_is_read() -> None:
    assert TOKENS.read(TEXT, "acme", "adwave", NOW_MS) == PING


def test_it_ends_with_its_bid_and_the_way_here_is_given_to_it() -> None:
    assert TOKENS.read(TEXT, "acme", "adwave", PING.expires_ms + LATE_MS) == PING
    assert TOKENS.read(TEXT, "acme", "adwave", PING.expires_ms + LATE_MS + 1) is BadToken.EXPIRED


def test_a_clock_that_was_set_back_takes_it_all_the_same() -> None:
    assert TOKENS.read(TEXT, "acme", "adwave", NOW_MS - 3_600_000) == PING


@pytest.mark.parametrize(("account", "publisher"), [("acme", "other"), ("other", "adwave"), ("acmeadwave", "")])
def test_another_publishers_is_a_forged_one(account: str, publisher: str) -> None:
    assert TOKENS.read(TEXT, account, publisher, NOW_MS) is BadToken.FORGED


def test_another_installations_is_a_forged_one() -> None:
    assert Tokens(bytes(31) + b"1").read(TEXT, "acme", "adwave", NOW_MS) is BadToken.FORGED


@pytest.mark.parametrize("place", range(len(TEXT)))
def test_no_character_can_be_changed(place: int) -> None:
    for other in "0A":
        forged = TEXT[:place] + other + TEXT[place + 1 :]
        if forged != TEXT:
            assert TOKENS.read(forged, "acme", "adwave", NOW_MS) is BadToken.FORGED


@pytest.mark.parametrize(
    "text", ["", "ping", TEXT + "\n", TEXT.lower(), TEXT + TEXT, TEXT.replace(".", ""), "\0" * 80, "𝟜" * 80]
)
def test_what_is_no_token_is_forged(text: str) -> None:
    assert TOKENS.read(text, "acme", "adwave", NOW_MS) is BadToken.FORGED


def test_an_expiry_that_was_put_off_is_forged() -> None:
    longer = TOKENS.make("acme", "adwave", PingToken(PING.ping, PING.expires_ms + 1))
    ping, expiry, _ = longer.split(".")
    assert TOKENS.read(f"{ping}.{expiry}.{TEXT.rpartition('.')[2]}", "acme", "adwave", NOW_MS) is BadToken.FORGED
