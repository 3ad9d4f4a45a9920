"""Digest authentication: what both sides compute, and the header values they exchange.

RFC 7616 (which replaces RFC 2617, and keeps what that one computes), RFC 8760 for its use in SIP, RFC 3261 22.4. A
server names a realm and a nonce; the client answers with a hash over them, its name, its password, the method and the
address it asks for. The password itself never travels. With `qop=auth` the client also counts its uses of the nonce
and adds a nonce of its own; without (RFC 2069) it does neither. `auth-int` and `userhash` are not spoken.

Names and values stand unescaped in the structs here and in the hashes, and are escaped on the wire only.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec

from trunkline.sip.headers import quote, unquote
from trunkline.sip.message import Response

VALUE_MAX: Final = 1_024
"""Characters of one parameter; what is longer is no challenge and no proof."""
PARAMS_MAX: Final = 32
CHALLENGES_MAX: Final = 8
"""Challenges of one response that are looked at."""
COUNT_MAX: Final = 0xFFFFFFFF

_TOKEN = re.compile(r"[A-Za-z0-9.!%*_+`'~-]+")
_SPACE = re.compile(r"[ \t,]*")
_EQUALS = re.compile(r"[ \t]*=[ \t]*")
_VALUE = re.compile(r'"(?:[^"\\]|\\.)*"|[^\s,"]*', re.DOTALL)
_COUNT = re.compile(r"[0-9A-Fa-f]{8}")


class Algorithm(msgspec.Struct, frozen=True):
    """One of the algorithms of RFC 7616 3.3. `name` is its spelling on the wire, `session` the `-sess` variant."""

    name: str
    hashed: str
    session: bool
    strength: int

    def digest(self, *parts: str) -> str:
        """H(a:b:c) in hexadecimal. MD5 is no choice of ours, so a system that forbids it elsewhere may allow it."""
        made: Callable[..., Any] = hashlib.new
        data = ":".join(parts).encode("utf-8", "surrogateescape")
        return str(made(self.hashed, data, usedforsecurity=False).hexdigest())


_FAMILIES = (("MD5", "md5", 0), ("SHA-256", "sha256", 2), ("SHA-512-256", "sha512_256", 4))
ALGORITHMS: Final = {
    f"{name}{'-sess' if session else ''}".lower(): Algorithm(
        f"{name}{'-sess' if session else ''}", hashed, session, strength + session
    )
    for name, hashed, strength in _FAMILIES
    for session in (False, True)
    if hashed in hashlib.algorithms_available
}
"""By name in lower case. The stronger hash has the higher strength; SHA-512-256 needs an OpenSSL that has it."""


class Credentials:
    """A user name with its password, and the name their owner knows them by, which is no secret.

    With a `realm` they are proved to that one only; with `registers` only to those that REGISTER was asked for.
    No struct, so that no encoder can write it, and its text form keeps the password back.
    """

    __slots__ = ("name", "password", "realm", "registers", "username")

    def __init__(
        self, name: str, username: str, password: str, *, realm: str | None = None, registers: bool = False
    ) -> None:
        self.name = name
        self.username = username
        self.password = password
        self.realm = realm
        self.registers = registers

    def __repr__(self) -> str:
        """Without the password."""
        return f"Credentials({self.name!r})"

    def __eq__(self, other: object) -> bool:
        """Whether both prove the same to the same."""
        return isinstance(other, Credentials) and self._all() == other._all()

    def __hash__(self) -> int:
        """See `__eq__`."""
        return hash(self._all())

    def _all(self) -> tuple[str, str, str, str | None, bool]:
        return (self.name, self.username, self.password, self.realm, self.registers)


class Challenge(msgspec.Struct, frozen=True):
    """What a server asks for. `proxy` tells a 407's from a 401's; `counted` whether `qop=auth` is to be used."""

    realm: str
    nonce: str
    proxy: bool = False
    algorithm: Algorithm = ALGORITHMS["md5"]
    named: bool = False  # whether the challenge named its algorithm; MD5 is meant without (RFC 7616 3.3)
    opaque: str | None = None
    counted: bool = True
    stale: bool = False

    def line(self) -> str:
        """The header line that a server sends."""
        parts = [f'realm="{quote(self.realm)}"', f'nonce="{quote(self.nonce)}"']
        if self.opaque is not None:
            parts.append(f'opaque="{quote(self.opaque)}"')
        if self.stale:
            parts.append("stale=true")
        parts.append(f"algorithm={self.algorithm.name}")
        if self.counted:
            parts.append('qop="auth"')
        return f"{'Proxy' if self.proxy else 'WWW'}-Authenticate: Digest {', '.join(parts)}"


class Proof(msgspec.Struct, frozen=True):
    """What a client answers a challenge with. `count` is the text of `nc`, empty without `qop`, as `cnonce` may be."""

    username: str
    realm: str
    nonce: str
    uri: str
    response: str
    algorithm: Algorithm
    count: str
    cnonce: str
    opaque: str | None


def first_hash(algorithm: Algorithm, username: str, realm: str, password: str) -> str:
    """H(A1) of RFC 7616 3.4.2 without the session's part: all that a server has to keep of a password."""
    return algorithm.digest(username, realm, password)


def response_of(algorithm: Algorithm, secret: str, proof: Proof, method: str) -> str:
    """The `response` that proves `secret` (see `first_hash`) for the parameters of `proof` (RFC 7616 3.4.1)."""
    if algorithm.session:
        secret = algorithm.digest(secret, proof.nonce, proof.cnonce)
    asked = algorithm.digest(method, proof.uri)
    if not proof.count:
        return algorithm.digest(secret, proof.nonce, asked)
    return algorithm.digest(secret, proof.nonce, proof.count, proof.cnonce, "auth", asked)


def prove(
    challenge: Challenge, credentials: Credentials, method: str, uri: str, count: int, cnonce: str
) -> tuple[str, Proof]:
    """The header line that answers `challenge`, and what is in it.

    `uri` is the Request-URI, `count` how often the nonce has been used with this time, `cnonce` unpredictable.
    """
    algorithm = challenge.algorithm
    secret = first_hash(algorithm, credentials.username, challenge.realm, credentials.password)
    proof = Proof(
        username=credentials.username,
        realm=challenge.realm,
        nonce=challenge.nonce,
        uri=uri,
        response="",
        algorithm=algorithm,
        count=f"{count & COUNT_MAX:08x}" if challenge.counted else "",
        cnonce=cnonce if challenge.counted or algorithm.session else "",
        opaque=challenge.opaque,
    )
    proof = msgspec.structs.replace(proof, response=response_of(algorithm, secret, proof, method))
    name = "Proxy-Authorization" if challenge.proxy else "Authorization"
    return f"{name}: {_written(proof, challenge.named)}", proof


def _written(proof: Proof, named: bool) -> str:
    """RFC 7616 3.4: which values are quoted and which are not is part of the format."""
    quoted = {
        "username": proof.username,
        "realm": proof.realm,
        "nonce": proof.nonce,
        "uri": proof.uri,
        "response": proof.response,
    }
    parts = [f'{name}="{quote(value)}"' for name, value in quoted.items()]
    if named:
        parts.append(f"algorithm={proof.algorithm.name}")
    if proof.cnonce:
        parts.append(f'cnonce="{proof.cnonce}"')
    if proof.opaque is not None:
        parts.append(f'opaque="{quote(proof.opaque)}"')
    if proof.count:
        parts += ["qop=auth", f"nc={proof.count}"]
    return f"Digest {', '.join(parts)}"


def read_challenges(response: Response) -> list[Challenge]:
    """The challenges of a 401 or 407 that could be answered, for each realm the strongest (RFC 8760 2.4)."""
    best: dict[tuple[bool, str], Challenge] = {}
    for name, proxy in (("WWW-Authenticate", False), ("Proxy-Authenticate", True)):
        for text in response.lines(name)[:CHALLENGES_MAX]:
            for params in _digests(text):
                found = _challenge(params, proxy)
                if found is None:
                    continue
                known = best.get((proxy, found.realm))
                if known is None or known.algorithm.strength < found.algorithm.strength:
                    best[proxy, found.realm] = found
    return list(best.values())[:CHALLENGES_MAX]


def _challenge(params: dict[str, str], proxy: bool) -> Challenge | None:
    algorithm = ALGORITHMS.get(params.get("algorithm", "MD5").lower())
    offered = {word.strip().lower() for word in params.get("qop", "").split(",")} - {""}
    if algorithm is None or not params.get("nonce") or "realm" not in params or (offered and "auth" not in offered):
        return None
    return Challenge(
        realm=params["realm"],
        nonce=params["nonce"],
        proxy=proxy,
        algorithm=algorithm,
        named="algorithm" in params,
        opaque=params.get("opaque"),
        counted=bool(offered),
        stale=params.get("stale", "").lower() == "true",
    )


def read_proof(text: str) -> Proof | None:
    """An Authorization value; None when it is no digest, or one that could never be right."""
    params = next(_digests(text), {})
    algorithm = ALGORITHMS.get(params.get("algorithm", "MD5").lower())
    needed = ("username", "realm", "nonce", "uri", "response")
    if algorithm is None or not all(name in params for name in needed):
        return None
    qop, count, cnonce = params.get("qop", "").lower(), params.get("nc", ""), params.get("cnonce", "")
    if qop not in ("", "auth") or (qop and (not _COUNT.fullmatch(count) or not cnonce)):
        return None
    if algorithm.session and not cnonce:
        return None
    return Proof(
        username=params["username"],
        realm=params["realm"],
        nonce=params["nonce"],
        uri=params["uri"],
        response=params["response"].lower(),
        algorithm=algorithm,
        count=count if qop else "",
        cnonce=cnonce,
        opaque=params.get("opaque"),
    )


def next_nonce(text: str) -> str | None:
    """The `nextnonce` of an Authentication-Info value (RFC 7616 3.5)."""
    return dict(_params(text, 0)[0]).get("nextnonce") or None


def _digests(text: str) -> Iterator[dict[str, str]]:
    """The parameters of each Digest in a header value; reading ends at the first thing that is malformed."""
    position = 0
    while True:
        scheme = _TOKEN.match(text, _end(_SPACE, text, position))
        if scheme is None:
            return
        params, position = _params(text, scheme.end())
        if scheme.group().lower() == "digest" and params:
            yield params


def _params(text: str, position: int) -> tuple[dict[str, str], int]:
    """`name=value` pairs from `position` on, names in lower case, and where they end. The first of two wins."""
    params: dict[str, str] = {}
    for _ in range(PARAMS_MAX):
        start = _end(_SPACE, text, position)
        name = _TOKEN.match(text, start)
        equals = None if name is None else _EQUALS.match(text, name.end())
        if name is None or equals is None:
            return params, start  # the next scheme, the end, or something malformed
        value = _VALUE.match(text, equals.end())
        assert value is not None
        position = value.end()
        if len(value.group()) > VALUE_MAX or (position == equals.end() and text[position : position + 1] == '"'):
            return {}, len(text)  # too long, or a quote that is never closed
        params.setdefault(name.group().lower(), unquote(value.group()))
    return {}, len(text)


def _end(pattern: re.Pattern[str], text: str, position: int) -> int:
    match = pattern.match(text, position)
    assert match is not None
    return match.end()
