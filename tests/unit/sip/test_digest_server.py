"""The asking side of digest: nonces without memory, counts used once, and what a guesser learns."""

from __future__ import annotations

import random

import pytest

from trunkline.sip.digest import Credentials, prove, read_challenges
from trunkline.sip.digest_server import COUNTS_BEHIND, DigestServer, Verdict
from trunkline.sip.message import Request, Response
from trunkline.sip.throttle import CREDIT_MAX, SILENCE_S, STRANGERS_PER_S, Throttle

pytestmark = pytest.mark.unit

HOST = "203.0.113.5"
PBX = Credentials("pbx", "acme", "s3cret")
URI = "sip:+18335550100@198.51.100.1"


def server(
    *, nonce_life_s: float = 3600.0, nonces_max: int = 10_000, logins: tuple[Credentials, ...] = (PBX,)
) -> DigestServer:
    made = DigestServer("us", random.Random(1).randbytes, nonce_life_s=nonce_life_s, nonces_max=nonces_max)
    made.use(logins)
    return made


def asked(at: DigestServer, now: float = 0.0, host: str = HOST) -> Response:
    pairs = (line.partition(": ") for line in at.challenges(host, now))
    return Response(401, "No", [(name, value) for name, _, value in pairs])


def invite(
    response: Response, login: Credentials = PBX, count: int = 1, uri: str = URI, method: str = "INVITE"
) -> Request:
    (challenge,) = read_challenges(response)
    line, _ = prove(challenge, login, method, uri, count, "cafe")
    name, _, value = line.partition(": ")
    return Request(method, URI, [(name, value)])


def judge(at: DigestServer, request: Request, now: float = 0.0, host: str = HOST) -> Verdict:
    return at.judge(request, host, now, lambda name: True).verdict


def test_who_knows_the_password_is_let_in_by_name() -> None:
    at = server()
    judged = at.judge(invite(asked(at)), HOST, 5.0, lambda name: name == "pbx")
    assert (judged.verdict, judged.name) == (Verdict.PROVED, "pbx")
    assert [value for _, value in asked(at).headers if "SHA" in value] == [], "many clients give up when they see it"
    both = DigestServer("us", random.Random(1).randbytes, offered=("SHA-256", "MD5"))
    both.use([PBX])
    assert [each.algorithm.name for each in read_challenges(asked(both))] == ["SHA-256"]
    assert judge(both, invite(asked(both))) == Verdict.PROVED


def test_no_proof_for_our_realm_is_none() -> None:
    at = server()
    assert judge(at, Request("INVITE", URI, [])) == Verdict.NONE
    other = DigestServer("elsewhere", random.Random(2).randbytes)
    assert judge(at, invite(asked(other))) == Verdict.NONE


@pytest.mark.parametrize(
    "login",
    [Credentials("pbx", "acme", "wrong"), Credentials("pbx", "nobody", "s3cret"), Credentials("pbx", "", "")],
)
def test_a_wrong_name_and_a_wrong_password_are_the_same(login: Credentials) -> None:
    at = server()
    assert judge(at, invite(asked(at), login)) == Verdict.WRONG


def test_credentials_that_this_peer_may_not_use_are_wrong() -> None:
    at = server()
    assert at.judge(invite(asked(at)), HOST, 0.0, lambda name: False).verdict == Verdict.WRONG


def test_another_number_method_or_algorithm_than_was_proved_is_wrong() -> None:
    at = server()
    assert judge(at, invite(asked(at), uri="sip:+18335550199@198.51.100.1")) == Verdict.WRONG
    moved = invite(asked(at))
    assert judge(at, Request("REGISTER", URI, moved.headers)) == Verdict.WRONG
    sha512 = DigestServer("us", random.Random(1).randbytes, offered=("SHA-512-256",))
    assert judge(at, invite(asked(sha512))) == Verdict.WRONG


@pytest.mark.parametrize("uri", [f"{URI}:5060;transport=udp", "sip:+18335550100@sip.example", "sip:198.51.100.1"])
def test_a_proxy_may_have_changed_the_host_and_a_client_left_the_user_out(uri: str) -> None:
    at = server()
    assert judge(at, invite(asked(at), uri=uri)) == Verdict.PROVED


def test_a_count_is_taken_once_and_may_be_overtaken() -> None:
    at = server()
    response = asked(at)
    order = [1, 3, 2, 3, 1, 90, 90 - COUNTS_BEHIND + 1, 90 - COUNTS_BEHIND, 91, 0]
    good = [judge(at, invite(response, count=count)) == Verdict.PROVED for count in order]
    assert good == [True, True, True, False, False, True, True, False, True, False]
    assert judge(at, invite(response, count=3)) == Verdict.STALE, "the password was right, so: again with a new nonce"


def test_a_client_that_does_not_count_uses_a_nonce_once() -> None:
    at = server()
    response = asked(at)
    plain = Response(401, "No", [(name, value.replace('qop="auth"', "x=y")) for name, value in response.headers])
    assert judge(at, invite(plain)) == Verdict.PROVED
    assert judge(at, invite(plain)) == Verdict.STALE


def test_a_nonce_ends_and_is_for_one_address() -> None:
    at = server(nonce_life_s=60.0)
    response = asked(at, now=100.0)
    assert judge(at, invite(response), now=161.0) == Verdict.STALE
    assert judge(at, invite(response), host="203.0.113.6") == Verdict.STALE
    assert judge(at, invite(response), now=160.0) == Verdict.PROVED


def test_a_nonce_we_did_not_make_is_stale_with_the_right_password() -> None:
    at = server()
    for nonce in ("0-0-0", "zz-1-2", "", "-", "ffffffffffffffffff-aa-" + "0" * 24, 'a"b'):
        made = asked(at)
        value = next(value for _, value in made.headers if "MD5" in value)
        begin, _, end = value.partition('nonce="')
        forged = begin + 'nonce="' + (nonce.replace('"', '\\"') or " ") + end[end.index('"') :]
        assert judge(at, invite(Response(401, "No", [("WWW-Authenticate", forged)]))) == Verdict.STALE


def test_a_nonce_that_had_to_be_forgotten_lets_nobody_in_twice() -> None:
    at = server(nonces_max=3)
    first = asked(at, now=1.0)
    assert judge(at, invite(first), now=1.0) == Verdict.PROVED
    unused = asked(at, now=1.0)
    for second in range(2, 6):
        assert judge(at, invite(asked(at, now=float(second))), now=float(second)) == Verdict.PROVED
    assert len(at._used) == 3
    assert judge(at, invite(first), now=6.0) == Verdict.STALE, "replayed"
    assert judge(at, invite(unused), now=6.0) == Verdict.STALE, "as old as the forgotten one: not taken either"


def test_a_reload_changes_who_is_known_and_keeps_counts() -> None:
    at = server()
    response = asked(at)
    assert judge(at, invite(response)) == Verdict.PROVED
    at.use([PBX, Credentials("two", "second", "x")])
    assert judge(at, invite(response)) == Verdict.STALE
    assert judge(at, invite(response, Credentials("two", "second", "x"), count=2)) == Verdict.PROVED
    at.use([])
    assert judge(at, invite(response, count=3)) == Verdict.WRONG


# -- silence ---------------------------------------------------------------------------------------------------------


def test_a_guesser_hears_nothing_for_a_while() -> None:
    throttle = Throttle()
    tries = 0
    while not throttle.silent(HOST, 0.0):
        throttle.challenged(HOST, 0.0)
        throttle.failed(HOST, 0.0)
        tries += 1
    assert tries <= 7
    assert not throttle.silent("203.0.113.9", 0.0), "others are not concerned"
    assert throttle.silent(HOST, SILENCE_S - 1)
    assert not throttle.silent(HOST, SILENCE_S)


def test_who_proves_itself_is_never_silenced_by_its_challenges() -> None:
    throttle = Throttle()
    for _ in range(1_000):
        assert throttle.may_ask(HOST, 1.0)
        throttle.challenged(HOST, 1.0)
        throttle.proved(HOST, 1.0)


def test_credit_comes_back_with_time() -> None:
    throttle = Throttle()
    for second in range(3_000):
        assert throttle.may_ask(HOST, float(second))
        throttle.challenged(HOST, float(second))
    for _ in range(int(CREDIT_MAX)):
        throttle.challenged(HOST, 3_000.0)
    assert not throttle.may_ask(HOST, 3_000.0)
    assert throttle.may_ask(HOST, 3_001.0)
    assert not throttle.silent(HOST, 3_000.0), "what it proves is heard: it may have been asked before"


def test_a_flood_from_ever_new_addresses_is_bounded_and_proven_peers_do_not_suffer() -> None:
    throttle = Throttle(sources_max=1_000)
    throttle.challenged(HOST, 0.0)
    throttle.proved(HOST, 0.0)
    answered = 0
    for number in range(5_000):
        host = f"10.0.{number // 256}.{number % 256}"
        if throttle.may_ask(host, 0.5):
            throttle.challenged(host, 0.5)
            answered += 1
        if number % 100 == 0:
            throttle.proved(HOST, 0.5)  # it goes on calling
    assert answered <= STRANGERS_PER_S
    assert throttle.may_ask(HOST, 0.5)
    assert len(throttle._accounts) <= 1_000


def test_one_ipv6_network_has_one_account() -> None:
    throttle = Throttle()
    for number in range(100):
        throttle.failed(f"2001:db8::{number:x}", 0.0)
    assert throttle.silent("2001:db8::ffff", 0.0)
    assert not throttle.silent("2001:db8:0:1::1", 0.0)
