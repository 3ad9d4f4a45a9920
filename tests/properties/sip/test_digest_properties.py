"""Both sides of digest agree whatever stands in names and passwords, and nothing that was altered is taken."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.sip.digest import ALGORITHMS, Challenge, Credentials, prove, read_challenges, read_proof
from trunkline.sip.digest_server import DigestServer, Verdict
from trunkline.sip.message import Request, Response

pytestmark = pytest.mark.property

# Whatever can stand on one header line.
TEXT = st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1, max_size=24)
URI = "sip:+18335550100@198.51.100.1"
HOST = "203.0.113.5"
ALGORITHM = st.sampled_from(sorted({each.name for each in ALGORITHMS.values()}))


def asked(server: DigestServer, *, counted: bool = True) -> Challenge:
    pairs = [line.partition(": ") for line in server.challenges(HOST, 1.0)]
    values = [value if counted else value.replace(', qop="auth"', "") for _, _, value in pairs]
    (challenge,) = read_challenges(Response(401, "No", [("WWW-Authenticate", value) for value in values]))
    return challenge


def request(line: str, method: str = "INVITE", uri: str = URI) -> Request:
    name, _, value = line.partition(": ")
    return Request(method, uri, [(name, value)])


def verdict(server: DigestServer, asking: Request) -> Verdict:
    return server.judge(asking, HOST, 2.0, lambda name: True).verdict


@given(
    realm=TEXT,
    username=TEXT,
    password=TEXT,
    algorithm=ALGORITHM,
    counted=st.booleans(),
    count=st.integers(1, 2**32 - 1),
)
def test_what_our_client_proves_our_server_takes_once(
    realm: str, username: str, password: str, algorithm: str, counted: bool, count: int
) -> None:
    server = DigestServer(realm, random.Random(1).randbytes, offered=(algorithm,))
    login = Credentials("trunk", username, password)
    server.use([Credentials("other", username + "x", password), login])
    line, proof = prove(asked(server, counted=counted), login, "INVITE", URI, count, "cafe")
    assert read_proof(line.partition(": ")[2]) == proof
    judged = server.judge(request(line), HOST, 2.0, lambda name: True)
    assert (judged.verdict, judged.name) == (Verdict.PROVED, "trunk")
    assert verdict(server, request(line)) == Verdict.STALE
    wrong = Credentials("trunk", username, password + "x")
    assert verdict(server, request(prove(asked(server), wrong, "INVITE", URI, 1, "c")[0])) == Verdict.WRONG


@given(place=st.integers(0, 10_000), bit=st.integers(0, 6), algorithm=ALGORITHM)
def test_a_proof_with_one_altered_character_lets_nobody_in_as_somebody_else(
    place: int, bit: int, algorithm: str
) -> None:
    """Only what does not matter may change: the case of hexadecimal, space, the name of the parameter `opaque`."""
    server = DigestServer("realm", random.Random(1).randbytes, offered=(algorithm,))
    login = Credentials("trunk", "acme", "s3cret")
    server.use([login])
    line, proof = prove(asked(server), login, "INVITE", URI, 7, "cafe")
    place %= len(line)
    if place < len("Authorization: "):
        place = len("Authorization: ")
    altered = line[:place] + chr(ord(line[place]) ^ (1 << bit)) + line[place + 1 :]
    if not altered.isprintable():
        return
    judged = server.judge(request(altered), HOST, 2.0, lambda name: True)
    if judged.verdict == Verdict.PROVED:
        read = read_proof(altered.partition(": ")[2])
        assert read is not None
        same = (read.username, read.realm, read.nonce, read.cnonce, read.response)
        assert same == (proof.username, proof.realm, proof.nonce, proof.cnonce, proof.response)
        assert read.count.lower() == proof.count.lower()
        assert read.uri == proof.uri


@given(text=st.text(max_size=300))
def test_whatever_a_peer_writes_is_read_without_an_error(text: str) -> None:
    read_proof(text)
    read_proof(f"Digest {text}")
    for challenge in read_challenges(Response(401, "No", [("WWW-Authenticate", f"Digest {text}")])):
        prove(challenge, Credentials("t", "u", "p"), "INVITE", URI, 1, "c")


@given(counts=st.lists(st.integers(1, 200), max_size=80))
def test_no_count_is_ever_taken_twice(counts: list[int]) -> None:
    server = DigestServer("realm", random.Random(1).randbytes, offered=("MD5",))
    login = Credentials("trunk", "acme", "s3cret")
    server.use([login])
    challenge = asked(server)
    taken = [
        count
        for count in counts
        if verdict(server, request(prove(challenge, login, "INVITE", URI, count, "c")[0])) == Verdict.PROVED
    ]
    assert len(taken) == len(set(taken))
    highest = 0
    for count in counts:
        if count > highest:
            assert count in taken, "what comes in order is always taken"
            highest = count
