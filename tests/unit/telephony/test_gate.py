"""Who has to prove what before the SIP core hears of it, and what strangers learn."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from trunkline.config.schema import Platform
from trunkline.config.trunks import Trunk, TrunkAuth
from trunkline.sip.digest import Credentials, prove, read_challenges
from trunkline.sip.endpoint import Hop
from trunkline.sip.message import Request, Response, parse
from trunkline.telephony.sip.doors import Doors
from trunkline.telephony.sip.gate import ADMITTED_MAX, ADMITTED_S, Challenged, Gate

pytestmark = pytest.mark.unit

STRANGER, CARRIER = Hop("203.0.113.5", 5060), Hop("192.0.2.7", 5060)
AUTH = TrunkAuth(username="acme", password_env="X")
PBX = Trunk(key="pbx", auth=AUTH)
BOTH = Trunk(key="both", allow=("192.0.2.0/24",), auth=TrunkAuth(username="both", password_env="Y"))
PLAIN = Trunk(key="plain", allow=("192.0.2.0/24",))
LOGINS = {"pbx": Credentials("pbx", "acme", "s3cret"), "both": Credentials("both", "both", "other")}


class Door:
    """A gate with the doors of its trunks."""

    def __init__(self, *trunks: Trunk) -> None:
        platform = Platform(trunks=trunks)
        self.counters: Counter[str] = Counter()
        self.gate = Gate("198.51.100.1", random.Random(1).randbytes, self.counters)
        self.gate.use(platform, {trunk.key: LOGINS[trunk.key] for trunk in trunks if trunk.auth is not None})
        self.doors = Doors(platform)
        self.now = 0.0

    def __call__(self, data: bytes, source: Hop = STRANGER, *, peer: bool = False) -> bool | Challenged:
        return self.gate.judge(data, source, self.now, self.doors.trunk_of(source.host), peer)

    def admit(self, login: Credentials, source: Hop = STRANGER, branch: str = "1") -> bool | Challenged:
        """Ask, be challenged, and prove."""
        asked = self(invite(branch=branch), source)
        assert isinstance(asked, Challenged)
        return self(invite(proved(asked, login), branch=f"{branch}.1"), source)


def invite(extra: str = "", *, method: str = "INVITE", branch: str = "1", to: str = "<sip:x@h>") -> bytes:
    lines = [
        f"{method} sip:+18335550100@198.51.100.1 SIP/2.0", f"Via: SIP/2.0/UDP 203.0.113.5;branch=z9hG4bK{branch}",
        "From: <sip:a@h>;tag=1", f"To: {to}", f"Call-ID: c{branch[0]}", f"CSeq: 1 {method}", extra, "Content-Length: 0",
    ]  # fmt: skip
    return "\r\n".join([*filter(None, lines), "", ""]).encode()


def proved(asked: Challenged, login: Credentials, method: str = "INVITE") -> str:
    headers = [(name, value) for name, _, value in (line.partition(": ") for line in asked.lines)]
    (challenge,) = read_challenges(Response(401, "No", headers))
    return prove(challenge, login, method, "sip:+18335550100@198.51.100.1", 1, "c")[0]


def test_without_a_trunk_that_proves_itself_nothing_is_watched() -> None:
    gate = Door(PLAIN).gate
    assert (gate.watching, gate.open) == (False, False)
    assert (Door(BOTH).gate.watching, Door(BOTH).gate.open) == (True, False)
    assert Door(PBX).gate.open
    paused = Door(Trunk(key="pbx", auth=AUTH, paused=True)).gate
    assert (paused.watching, paused.open) == (False, False)


@pytest.mark.parametrize(
    "data",
    [
        invite(method="OPTIONS"), invite(method="BYE"), invite(method="ACK"), invite(method="CANCEL"),
        invite(to="<sip:x@h>;tag=here"), b"INVITE ", b"INVITE sip:x@h SIP/2.0\r\n\r\n", b"\xff" * 50, b"",
        b"INVITE sip:x@h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nCall-ID: c\r\n\r\n",
        b"SIP/2.0 200 OK\r\n\r\n",
    ],
)  # fmt: skip
def test_a_stranger_hears_nothing_but_challenges_to_calls(data: bytes) -> None:
    door = Door(PBX)
    assert door(data) is False
    assert door.counters == {"unknown_source": 1}


@pytest.mark.parametrize("method", ["INVITE", "REGISTER"])
def test_a_stranger_is_challenged_and_let_in_by_its_password(method: str) -> None:
    door = Door(PLAIN, PBX)
    asked = door(invite(method=method))
    assert isinstance(asked, Challenged)
    assert len(asked.lines) == 1
    login = LOGINS["pbx"]
    answer = invite(proved(asked, login, method), method=method, branch="2")
    assert door(answer) is True
    request = parse(answer)
    assert isinstance(request, Request)
    assert door.gate.proved_by(STRANGER.host, request) == "pbx"
    assert door.gate.proved_by(CARRIER.host, request) is None
    assert door(answer) is True, "a repetition of what was let in, though its nonce count is used up"
    assert isinstance(door(answer.replace(b"z9hG4bK2", b"z9hG4bK3"), peer=True), Challenged), "a replay is not"


def test_an_address_that_is_allowed_needs_no_password_unless_its_trunk_has_both() -> None:
    assert Door(PLAIN, PBX)(invite(), CARRIER) is True
    door = Door(BOTH)
    assert isinstance(door(invite(), CARRIER), Challenged)
    assert door(invite(method="OPTIONS"), CARRIER) is True
    assert door.admit(LOGINS["both"], CARRIER) is True
    assert door(invite(), STRANGER) is False, "strangers are not heard for its sake"


@pytest.mark.parametrize("method", ["INVITE", "REGISTER"])
def test_line_ends_before_a_request_hide_it_from_nobody(method: str) -> None:
    data = b"\r\n\r\n" + invite(method=method)
    assert isinstance(Door(BOTH)(data, CARRIER), Challenged)
    assert isinstance(Door(PBX)(data, STRANGER), Challenged)
    assert isinstance(Door(PBX)(data, STRANGER, peer=True), Challenged)


@pytest.mark.parametrize("change", [(b"+18335550100", b"+19005550100"), (b"tag=1", b"tag=2"), (b"CSeq: 1", b"CSeq: 2")])
def test_what_was_let_in_lets_in_nothing_else(change: tuple[bytes, bytes]) -> None:
    door = Door(PBX)
    assert door.admit(LOGINS["pbx"]) is True
    assert door(invite(branch="1.1")) is True, "a repetition"
    assert isinstance(door(invite(branch="1.1").replace(*change)), Challenged)
    door.now = ADMITTED_S
    assert isinstance(door(invite(branch="1.1")), Challenged), "nobody repeats a request for that long"


def test_a_password_counts_only_from_where_its_trunk_may_call() -> None:
    door = Door(BOTH, PBX)
    assert isinstance(door.admit(LOGINS["both"], STRANGER), Challenged), "`allow` is needed as well"
    assert isinstance(door.admit(LOGINS["pbx"], CARRIER), Challenged), "another trunk's address"
    assert door.admit(LOGINS["pbx"], STRANGER, "3") is True


def test_a_peer_of_ours_passes_in_calls_and_is_challenged_for_new_ones() -> None:
    door = Door(PBX)
    assert door(invite(method="BYE"), peer=True) is True
    assert door(invite(to="<sip:x@h>;tag=here"), peer=True) is True
    assert door(b"INVITE nonsense", peer=True) is True, "the core answers 400"
    assert isinstance(door(invite(), peer=True), Challenged)
    assert Door(BOTH)(invite(), peer=True) is True, "nobody proves anything from there: the core answers 403"


def test_a_call_by_a_registration_of_ours_needs_no_password() -> None:
    for door, host in ((Door(PBX), STRANGER), (Door(BOTH), STRANGER), (Door(BOTH), CARRIER)):
        door.gate.registered = lambda host, request: "+18335550100" in request.uri
        assert door(invite(), host, peer=True) is True


def test_a_guesser_is_counted_and_then_hears_nothing(caplog: pytest.LogCaptureFixture) -> None:
    door = Door(PBX)
    wrong = Credentials("pbx", "acme", "guess")
    heard = 0
    asked = door(invite())
    for number in range(100):
        assert isinstance(asked, Challenged)
        answer = door(invite(proved(asked, wrong), branch=f"{number}.1"))
        if answer is not False:
            heard += 1
            asked = answer
    assert heard <= 7
    assert door.counters["auth_failed"] >= 5
    assert "hears nothing" in caplog.text
    assert "acme" not in caplog.text
    door.now = 301.0
    assert door.admit(LOGINS["pbx"], branch="9") is True


def test_nobody_can_silence_another_by_sending_under_its_address() -> None:
    door = Door(PBX)
    blind = Challenged(
        Request("INVITE", "", ()), ('WWW-Authenticate: Digest realm="198.51.100.1", nonce="1-2-3", qop="auth"',)
    )
    asked = door(invite())
    assert isinstance(asked, Challenged)
    for number in range(200):
        door(invite(branch=f"5{number}"))
        door(invite(proved(blind, LOGINS["pbx"]), branch=f"6{number}"))
        door(invite(proved(blind, Credentials("pbx", "acme", "guess")), branch=f"7{number}"))
    assert door(invite(branch="8")) is False, "no more questions for a moment"
    assert door(invite(proved(asked, LOGINS["pbx"]), branch="2")) is True
    assert isinstance(door(invite(branch="9")), Challenged)


def test_memory_of_what_was_let_in_is_bounded() -> None:
    door = Door(PBX)
    many = range(ADMITTED_MAX)
    door.gate._admitted.update({(STRANGER.host, str(number), "c", "", "", 1): ("pbx", 0.0) for number in many})
    assert door.admit(LOGINS["pbx"]) is True
    assert len(door.gate._admitted) == ADMITTED_MAX


def test_a_reload_takes_a_password_away() -> None:
    door = Door(PBX)
    asked = door(invite())
    assert isinstance(asked, Challenged)
    door.gate.use(Platform(trunks=(PBX,)), {"pbx": Credentials("pbx", "acme", "changed")})
    assert isinstance(door(invite(proved(asked, LOGINS["pbx"]), branch="2")), Challenged)


def asked_for(gate: Door, source: Hop = STRANGER) -> list[str]:
    """The algorithms that a caller without a proof is asked for."""
    asked = gate(invite(), source)
    assert isinstance(asked, Challenged)
    headers = [(name, value) for name, _, value in (line.partition(": ") for line in asked.lines)]
    return [line.partition("algorithm=")[2].partition(",")[0] for _, line in headers]


def with_algorithms(key: str, *algorithms: str, allow: tuple[str, ...] = ()) -> Trunk:
    auth = TrunkAuth(username=LOGINS[key].username, password_env="X", algorithms=algorithms)  # type: ignore[arg-type]
    return Trunk(key=key, allow=allow, auth=auth)


@pytest.mark.parametrize(
    ("algorithms", "asked"),
    [(("MD5",), ["MD5"]), (("SHA-256",), ["SHA-256"]), (("MD5", "SHA-256"), ["SHA-256", "MD5"])],
)
def test_a_trunk_says_how_its_password_is_proved(algorithms: tuple[str, ...], asked: list[str]) -> None:
    gate = Door(with_algorithms("pbx", *algorithms))
    assert asked_for(gate) == asked


def test_strangers_are_asked_for_what_all_take_or_else_for_what_any_takes() -> None:
    both, md5, sha = (with_algorithms("pbx", *names) for names in (("MD5", "SHA-256"), ("MD5",), ("SHA-256",)))
    old = with_algorithms("both", "MD5")
    assert asked_for(Door(both, old)) == asked_for(Door(md5, old)) == ["MD5"]
    assert asked_for(Door(sha, old)) == ["SHA-256", "MD5"]


def test_a_proof_by_another_algorithm_than_the_trunks_is_wrong() -> None:
    gate = Door(with_algorithms("pbx", "SHA-256"), with_algorithms("both", "MD5"))

    def by_md5(login: Credentials, branch: str) -> bool | Challenged:
        asked = gate(invite(branch=branch))
        assert isinstance(asked, Challenged)
        md5 = Challenged(asked.request, tuple(line for line in asked.lines if "algorithm=MD5" in line))
        return gate(invite(proved(md5, login), branch=f"{branch}.1"))

    assert isinstance(by_md5(LOGINS["pbx"], "1"), Challenged)
    assert gate.counters["auth_failed"] == 1
    assert by_md5(LOGINS["both"], "2") is True
