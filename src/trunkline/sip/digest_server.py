"""Asks peers to prove who they are, and checks their proofs (RFC 7616 3.3, 3.4.6, 5; RFC 3261 22.4).

Nothing is kept for a challenge: a nonce carries its own time and a keyed hash over that and the address it was made
for, so only we can have made it, it ends by itself, and it is of no use from elsewhere. Only a nonce that was used with
the right password is remembered, for its count: each value of `nc` is taken once. A window behind the highest one lets
requests overtake each other on the way. When more nonces are in use than may be remembered, the oldest are no longer
taken at all, so forgetting one never lets a request in twice.

Whoever gives a wrong password gets what somebody without a name of ours gets, after the same computation.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterable
from enum import IntEnum, auto
from hmac import compare_digest
from typing import Final

import msgspec

from trunkline.sip.digest import ALGORITHMS, Challenge, Credentials, Proof, first_hash, read_proof, response_of
from trunkline.sip.errors import RemoteSipError
from trunkline.sip.message import Request
from trunkline.sip.uri import parse_uri

OFFERED: Final = ("MD5",)
"""What is asked for unless said. RFC 8760 2.3 would have SHA-256 beside it, and the stronger one first; but much that
is in use gives up when it sees a challenge that it does not know, wherever that stands."""
NONCE_LIFE_S: Final = 3_600.0
NONCES_MAX: Final = 10_000
COUNTS_BEHIND: Final = 64
"""How far a nonce count may lie behind the highest one that came."""
AUTHORIZATIONS_MAX: Final = 4
"""Authorization lines of one request that are looked at: one for each realm on its way."""


class Verdict(IntEnum):
    """What became of the proof in a request."""

    PROVED = auto()
    NONE = auto()  # there was none for our realm
    STALE = auto()  # the password was right, the nonce can no longer be used: try again with a new one
    WRONG = auto()


class Judged(msgspec.Struct, frozen=True):
    """A verdict, and the name of the credentials that were proved and how (None unless PROVED).

    `asked` tells a wrong proof that answers a challenge of ours to its sender's address from one out of nowhere.
    """

    verdict: Verdict
    name: str | None = None
    algorithm: str | None = None
    asked: bool = False


class _Used:
    """The counts that came with one nonce: the highest, and a bit for each of the `COUNTS_BEHIND` up to it."""

    __slots__ = ("highest", "issued_ms", "seen")

    def __init__(self, issued_ms: int) -> None:
        self.issued_ms = issued_ms
        self.highest = 0
        self.seen = 0

    def take(self, count: int) -> bool:
        """Whether `count` comes for the first time and not too late; from now on it has come."""
        ahead = count - self.highest
        if ahead > 0:
            self.seen = (self.seen << ahead | 1) & ((1 << COUNTS_BEHIND) - 1) if ahead < COUNTS_BEHIND else 1
            self.highest = count
            return True
        if count < 1 or -ahead >= COUNTS_BEHIND or self.seen >> -ahead & 1:
            return False
        self.seen |= 1 << -ahead
        return True


class DigestServer:
    """The logins of one realm. `now` is monotonic seconds; `entropy(n)` gives `n` unpredictable bytes."""

    def __init__(
        self,
        realm: str,
        entropy: Callable[[int], bytes],
        *,
        offered: Iterable[str] = OFFERED,
        nonce_life_s: float = NONCE_LIFE_S,
        nonces_max: int = NONCES_MAX,
    ) -> None:
        self.realm = realm
        self._offered = {name: ALGORITHMS[name.lower()] for name in offered}
        self._life_ms = int(nonce_life_s * 1000)
        self._nonces_max = nonces_max
        self._entropy = entropy
        self._secret = entropy(32)
        self._logins: dict[str, tuple[str, dict[str, str]]] = {}
        self._decoy = self._hashes("", entropy(16).hex())
        self._used: OrderedDict[str, _Used] = OrderedDict()
        self._forgotten_ms = -1

    def use(self, logins: Iterable[Credentials]) -> None:
        """Take proofs of these credentials from now on and of no others. The first of two with one name wins."""
        self._logins = {}
        for login in logins:
            self._logins.setdefault(login.username, (login.name, self._hashes(login.username, login.password)))

    def _hashes(self, username: str, password: str) -> dict[str, str]:
        algorithms = self._offered.values()
        return {each.hashed: first_hash(each, username, self.realm, password) for each in algorithms}

    def challenges(
        self, host: str, now: float, *, stale: bool = False, offered: Iterable[str] | None = None
    ) -> list[str]:
        """The header lines that ask a peer at the address `host` for a proof, with a nonce made for it.

        `offered` are some of the algorithms that are offered at all; None: all of them.
        """
        nonce = self._nonce(int(now * 1000), self._entropy(6).hex(), host)
        return [
            Challenge(realm=self.realm, nonce=nonce, algorithm=algorithm, stale=stale).line()
            for name, algorithm in self._offered.items()
            if offered is None or name in offered
        ]

    def _nonce(self, issued_ms: int, unique: str, host: str) -> str:
        text = f"{issued_ms:x}-{unique}"
        return f"{text}-{hashlib.blake2b(f'{text}-{host}'.encode(), key=self._secret, digest_size=12).hexdigest()}"

    def judge(self, request: Request, host: str, now: float, allowed: Callable[[str], bool]) -> Judged:
        """Look for a proof in `request` that came from the address `host`.

        `allowed(name)` says whether these credentials may be used by this peer; if not, they count as wrong.
        """
        for text in request.lines("Authorization")[:AUTHORIZATIONS_MAX]:
            proof = read_proof(text)
            if proof is not None and proof.realm == self.realm:
                return self._check(proof, request, host, now, allowed)
        return Judged(Verdict.NONE)

    def _check(self, proof: Proof, request: Request, host: str, now: float, allowed: Callable[[str], bool]) -> Judged:
        algorithm = proof.algorithm
        if self._offered.get(algorithm.name) is None or not _same_resource(proof.uri, request.uri):
            return Judged(Verdict.WRONG)
        known = self._logins.get(proof.username)
        name, hashes = known or ("", self._decoy)
        right = response_of(algorithm, hashes[algorithm.hashed], proof, request.method)
        if not compare_digest(right.encode(), proof.response.encode()) or known is None or not allowed(name):
            return Judged(Verdict.WRONG, asked=self._issued_ms(proof.nonce, host) is not None)
        if not self._take(proof, host, int(now * 1000)):
            return Judged(Verdict.STALE)
        return Judged(Verdict.PROVED, name, algorithm.name)

    def _issued_ms(self, nonce: str, host: str) -> int | None:
        """When we made a nonce for `host`, None when we did not."""
        time_text, _, rest = nonce.partition("-")
        try:
            issued_ms = int(time_text, 16)
        except ValueError:
            return None
        ours = self._nonce(issued_ms, rest.partition("-")[0], host)
        return issued_ms if compare_digest(ours.encode(), nonce.encode()) else None

    def _take(self, proof: Proof, host: str, now_ms: int) -> bool:
        """Whether the nonce is ours, made for `host`, not too old, and not used with this count before."""
        issued_ms = self._issued_ms(proof.nonce, host)
        if issued_ms is None:
            return False
        if now_ms - issued_ms > self._life_ms:
            return False
        used = self._used.get(proof.nonce)
        if used is None:
            if issued_ms <= self._forgotten_ms:
                return False
            used = self._used[proof.nonce] = _Used(issued_ms)
            if len(self._used) > self._nonces_max:
                _, forgotten = self._used.popitem(last=False)
                self._forgotten_ms = max(self._forgotten_ms, forgotten.issued_ms)
        # A client that does not count (RFC 2069) may use a nonce once.
        return used.take(int(proof.count, 16) if proof.count else 1)


def _same_resource(proved: str, asked: str) -> bool:
    """Whether the address in the proof is the Request-URI, as far as it matters: the number that is called.

    Proxies write the host anew, and some clients leave the user out (RFC 3261 22.4 allows both); what keeps a proof
    from being used twice is its count.
    """
    if proved == asked:
        return True
    try:
        user = parse_uri(proved).user
        return not user or user == parse_uri(asked).user
    except RemoteSipError:
        return False
