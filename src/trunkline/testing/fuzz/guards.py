"""Targets of what stands before the SIP core: headers of digest, and the gate that strangers' bytes come to."""

from __future__ import annotations

import random
from collections import Counter

from trunkline.config.schema import Platform
from trunkline.config.trunks import Trunk, TrunkAuth
from trunkline.sip.digest import Challenge, Credentials, next_nonce, prove, read_challenges, read_proof
from trunkline.sip.hops import Hop
from trunkline.sip.message import Response
from trunkline.telephony.sip.gate import Challenged, Gate

STRANGER = Hop("203.0.113.9", 5060)
LOGIN = Credentials("pbx", "acme", "s3cret")
URI = "sip:+18335550100@192.0.2.2"
STEP_S = 10.0
"""Between two inputs, so that nobody is silenced before it was heard."""


class Passed(AssertionError):
    """A stranger came in without a password, or heard what it must not."""


def digests() -> tuple[bytes, ...]:
    """Challenges and proofs as they stand behind the names of their headers."""
    challenges = (
        Challenge(realm='a "b"', nonce="n/+=", opaque="o", stale=True),
        Challenge(realm="carrier.example", nonce="1", counted=False),
    )
    lines = [each.line() for each in challenges] + [prove(each, LOGIN, "INVITE", URI, 1, "c")[0] for each in challenges]
    others = (b'Basic realm="x", Digest realm=r,nonce=n', b'nextnonce="abc", qop=auth, nc=00000001')
    return (*(line.partition(": ")[2].encode() for line in lines), *others)


def read_digest(data: bytes) -> None:
    """Whatever stands in these headers, reading it ends, and what was read can be answered on one line."""
    text = data.decode("latin-1").replace("\r", " ").replace("\n", " ").replace("\0", " ")
    next_nonce(text)
    read_proof(text)
    for challenge in read_challenges(Response(401, "No", [("WWW-Authenticate", text)])):
        line, proof = prove(challenge, LOGIN, "INVITE", URI, 1, "c")
        if read_proof(line.partition(": ")[2]) != proof:
            raise Passed(f"what was written is not what is read: {line!r}")


class GateTarget:
    """A gate with one trunk that may call from anywhere. A stranger only ever hears a question."""

    def __init__(self) -> None:
        self._gate = Gate("192.0.2.2", random.Random(1).randbytes, Counter())
        auth = TrunkAuth(username="acme", password_env="X")  # noqa: S106 - the name of a variable
        trunk = Trunk(key="pbx", auth=auth)
        self._gate.use(Platform(trunks=(trunk,)), {"pbx": LOGIN})
        self._now = 0.0

    def run(self, data: bytes) -> None:
        """One message of a stranger."""
        self._now += STEP_S
        judged = self._gate.judge(data, STRANGER, self._now, None, False)
        if judged is True:
            raise Passed("a stranger's message came through")
        if isinstance(judged, Challenged) and judged.request.method not in ("INVITE", "REGISTER"):
            raise Passed(f"{judged.request.method} was answered")
