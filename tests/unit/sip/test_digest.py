"""Digest authentication: the published examples, and how challenges and proofs are read and written."""

from __future__ import annotations

import msgspec
import pytest

from trunkline.sip.digest import (
    ALGORITHMS,
    Challenge,
    Credentials,
    Proof,
    first_hash,
    next_nonce,
    prove,
    read_challenges,
    read_proof,
    response_of,
)
from trunkline.sip.message import Response

pytestmark = pytest.mark.unit

RFC_7616 = 'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={}, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'  # noqa: E501
MUFASA = Credentials("trunk", "Mufasa", "Circle of Life")


def refused(*challenges: str, status: int = 401) -> Response:
    name = "WWW-Authenticate" if status == 401 else "Proxy-Authenticate"
    return Response(status, "No", [(name, text) for text in challenges])


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_the_example_of_rfc_7616(algorithm: str, response: str) -> None:
    (challenge,) = read_challenges(refused(RFC_7616.format(algorithm)))
    cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
    line, proof = prove(challenge, MUFASA, "GET", "/dir/index.html", 1, cnonce)
    assert proof.response == response
    assert line.startswith("Authorization: Digest ")
    assert read_proof(line.partition(": ")[2]) == proof
    assert "nc=00000001" in line
    assert f"algorithm={algorithm}," in line, "neither of the two may be quoted"
    assert "qop=auth," in line


def test_the_example_of_rfc_2617() -> None:
    text = 'Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"'  # noqa: E501
    (challenge,) = read_challenges(refused(text))
    login = Credentials("trunk", "Mufasa", "Circle Of Life")
    line, proof = prove(challenge, login, "GET", "/dir/index.html", 1, "0a4f113b")
    assert proof.response == "6629fae49393a05397450978507c4ef1"
    assert "algorithm" not in line, "a server of RFC 2617 may not know the word"


def test_sha_512_256_and_names_beyond_ascii() -> None:
    """The user hash of the third example of RFC 7616 as erratum 4897 has it; nothing else there is undisputed."""
    digest = ALGORITHMS["sha-512-256"].digest("J\u00e4s\u00f8n Doe", "api@example.org")
    assert digest == "793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b"


def test_without_qop_neither_count_nor_nonce_of_the_client() -> None:
    """The computation of RFC 2069."""
    (challenge,) = read_challenges(refused('Digest realm="r", nonce="n"'))
    line, proof = prove(challenge, MUFASA, "INVITE", "sip:h", 7, "c")
    md5 = ALGORITHMS["md5"]
    secret = md5.digest("Mufasa", "r", "Circle of Life")
    assert proof.response == md5.digest(secret, "n", md5.digest("INVITE", "sip:h"))
    assert not any(word in line for word in ("nc=", "qop", "cnonce", "opaque"))


def test_a_session_algorithm_hashes_both_nonces_into_the_secret() -> None:
    (challenge,) = read_challenges(refused('Digest realm="r", nonce="n", algorithm=md5-SESS, qop="auth"'))
    assert challenge.algorithm.name == "MD5-sess"
    _, proof = prove(challenge, MUFASA, "INVITE", "sip:h", 2, "c")
    md5 = ALGORITHMS["md5"]
    secret = md5.digest(md5.digest("Mufasa", "r", "Circle of Life"), "n", "c")
    assert proof.response == md5.digest(secret, "n", "00000002", "c", "auth", md5.digest("INVITE", "sip:h"))


def test_a_session_without_qop_still_sends_the_clients_nonce() -> None:
    (challenge,) = read_challenges(refused('Digest realm="r", nonce="n", algorithm=SHA-256-sess'))
    line, proof = prove(challenge, MUFASA, "INVITE", "sip:h", 1, "abc")
    assert 'cnonce="abc"' in line
    assert read_proof(line.partition(": ")[2]) == proof


@pytest.mark.parametrize("order", [1, -1])
def test_of_several_challenges_for_a_realm_the_strongest_is_taken(order: int) -> None:
    names = ["MD5", "SHA-256", "SHA-512-256", "NEWER-512"][::order]
    found = read_challenges(refused(*(RFC_7616.format(name) for name in names)))
    assert [each.algorithm.name for each in found] == ["SHA-512-256"]


def test_several_realms_are_all_answered() -> None:
    response = Response(
        401,
        "No",
        [
            ("WWW-Authenticate", 'Digest realm="a", nonce="1"'),
            ("Proxy-Authenticate", 'Digest realm="a", nonce="2"'),
            ("WWW-Authenticate", 'Digest realm="b", nonce="3", Digest realm="c", nonce="4"'),
        ],
    )
    found = {(each.proxy, each.realm): each.nonce for each in read_challenges(response)}
    assert found == {(False, "a"): "1", (True, "a"): "2", (False, "b"): "3", (False, "c"): "4"}


def test_what_stands_in_a_challenge_is_understood_whatever_its_form() -> None:
    text = 'dIGEST  Nonce = "n\\"1\\\\" ,REALM="a, b=\\"c\\"",  stale=TRUE, qop=auth, opaque="", charset=UTF-8, x="y"'
    (challenge,) = read_challenges(refused(text, status=407))
    assert challenge == Challenge(
        realm='a, b="c"', nonce='n"1\\', proxy=True, opaque="", counted=True, stale=True, algorithm=ALGORITHMS["md5"]
    )
    line, _ = prove(challenge, MUFASA, "INVITE", "sip:h", 1, "c")
    assert line.startswith("Proxy-Authorization: Digest ")
    assert 'realm="a, b=\\"c\\""' in line
    assert 'opaque=""' in line


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Digest",
        "Digest realm",
        'Basic realm="r"',
        'Digest realm="r"',
        'Digest nonce="n"',
        'Digest realm="r", nonce=""',
        'Digest realm="r", nonce="n", algorithm=SHA-1',
        'Digest realm="r", nonce="n", qop="auth-int"',
        'Digest realm="r", nonce="n',
        'Digest realm="r", nonce="' + "n" * 1100 + '"',
        'Digest realm="r", ' + ", ".join(f"x{n}=1" for n in range(40)) + ', nonce="n"',
        "\x00\xff",
        "," * 5000,
    ],
)
def test_what_cannot_be_answered_is_no_challenge(text: str) -> None:
    assert read_challenges(refused(text)) == []


def test_names_with_quotes_and_backslashes_survive_the_wire() -> None:
    login = Credentials("t", 'a"b\\c', "p\\w\"d'")
    challenge = Challenge(realm='r"\\', nonce="n", opaque='"')
    line, proof = prove(challenge, login, "INVITE", "sip:h", 1, "c")
    read = read_proof(line.partition(": ")[2])
    assert read is not None
    assert read == proof
    assert (read.username, read.realm) == ('a"b\\c', 'r"\\')
    secret = first_hash(read.algorithm, read.username, 'r"\\', "p\\w\"d'")
    assert response_of(read.algorithm, secret, read, "INVITE") == read.response


@pytest.mark.parametrize(
    "changed",
    ["qop=auth-int", "nc=1", "nc=0000000g", 'cnonce=""', "algorithm=SHA-1", "algorithm="],
)
def test_a_proof_that_could_never_be_right_is_none(changed: str) -> None:
    parts = {
        "username": '"u"', "realm": '"r"', "nonce": '"n"', "uri": '"sip:h"', "response": '"0"',
        "qop": "auth", "nc": "00000001", "cnonce": '"c"',
    }  # fmt: skip
    good = ", ".join(f"{name}={value}" for name, value in parts.items())
    assert isinstance(read_proof(f"Digest {good}"), Proof)
    name, _, value = changed.partition("=")
    parts[name] = value
    assert read_proof("Digest " + ", ".join(f"{name}={value}" for name, value in parts.items())) is None
    assert read_proof("Basic " + good) is None


def test_a_challenge_is_read_as_it_is_written() -> None:
    for algorithm in ALGORITHMS.values():
        for proxy in (False, True):
            written = Challenge('a "b"', "n", proxy, algorithm, True, "o\\", stale=True)
            name, _, value = written.line().partition(": ")
            assert read_challenges(Response(401, "No", [(name, value)])) == [written]


def test_the_nonce_for_the_next_request() -> None:
    assert next_nonce('nextnonce="abc", qop=auth, rspauth="0"') == "abc"
    assert next_nonce("qop=auth") is None
    assert next_nonce('nextnonce="abc') is None


def test_a_password_is_never_written_by_accident() -> None:
    login = Credentials("carrier", "user", "hunter2")
    assert "hunter2" not in f"{login} {login!r} {[login]}"
    with pytest.raises(TypeError):
        msgspec.json.encode(login)
    assert login == Credentials("carrier", "user", "hunter2")
    assert len({login, Credentials("carrier", "user", "hunter2"), Credentials("carrier", "user", "other")}) == 2
