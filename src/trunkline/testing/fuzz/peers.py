"""What else is read of a message than SIP itself needs: who calls and who is called, proofs, challenges, keys.

These readers may refuse a message (RemoteSipError) or find nothing in it; they raise nothing else, and a proof of a
password that nobody knows is never right.
"""

from __future__ import annotations

import contextlib
import random
from typing import Final

from trunkline.config.trunks import Trunk
from trunkline.sip import message, sdes
from trunkline.sip.digest import ALGORITHMS, Credentials, next_nonce, prove, read_challenges
from trunkline.sip.digest_server import DigestServer, Verdict
from trunkline.sip.errors import RemoteSipError
from trunkline.sip.message import Request, Response
from trunkline.sip.register import granted_seconds, min_expires_seconds
from trunkline.telephony.sip.callers import read_caller
from trunkline.telephony.sip.doors import read_call
from trunkline.testing.fuzz.corpus import OTHERS, SDP, sip_messages

TRUNKS: Final = (
    Trunk(key="a", default_country="US"),
    Trunk(key="b", number_from="to", caller_from="p_asserted_identity", national_prefix="0", default_country="DE"),
    Trunk(
        key="c",
        number_from="header:P-Called-Party-ID",
        caller_from="remote_party_id",
        international_prefix="011",
        attestation_header="X-Attestation",
    ),
)
HOST: Final = "192.0.2.1"
REALM: Final = "trunkline"
TOKEN: Final = (
    "eyJhbGciOiJFUzI1NiIsInBwdCI6InNoYWtlbiIsInR5cCI6InBhc3Nwb3J0IiwieDV1IjoiaHR0cHM6Ly9jLmV4YW1wbGUvYS5wZW0ifQ."
    "eyJhdHRlc3QiOiJBIiwiZGVzdCI6eyJ0biI6WyIxODMzNTU1MDEwMCJdfSwiaWF0IjoxNzk1MzU5NjAwLCJvcmlnIjp7InRuIjoiMTUxMjU1NTAx"
    f"MDAifSwib3JpZ2lkIjoiMSJ9.{'A' * 86}"
)
PROOF: Final = (
    f'Authorization: Digest username="u", realm="{REALM}", nonce="1-2-3", uri="sip:+18335550100@a", '
    f'response="{"0" * 32}", algorithm=MD5, qop=auth, nc=00000001, cnonce="c", opaque="o"'
)


def peers_messages() -> list[bytes]:
    """Messages that say more of who speaks than most."""
    first = OTHERS[0]
    more = (
        f"Identity: {TOKEN};info=<https://c.example/a.pem>;alg=ES256;ppt=shaken",
        "P-Called-Party-ID: <sip:+18335550100@a.example>",
        "X-Attestation: TN-Validation-Passed-A",
        "P-Asserted-Identity: <sip:+15125550100;verstat=TN-Validation-Passed@a.example;user=phone>",
        "History-Info: <sip:+1@a.example?Reason=SIP%3Bcause%3D302>;index=1,<sip:+18335550100@a.example>;index=1.1",
        "Privacy: id;critical",
        PROOF,
    )
    found = [first.replace(b"Max-Forwards: 68", b"Max-Forwards: 68\r\n" + line.encode()) for line in more]
    secure = SDP.replace(b"RTP/AVP", b"RTP/SAVP") + (
        b"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNk|2^31\r\n"
        b"a=crypto:2 AES_CM_128_HMAC_SHA1_32 inline:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNk|2^20|1:4 WSH=64\r\n"
    )
    found.append(first.replace(SDP, secure))
    granted = (
        OTHERS[-1]
        .replace(b"401 Unauthorized", b"200 OK")
        .replace(
            b"Retry-After",
            b'Contact: <sip:u@192.0.2.2:5060>;expires=60,*\r\nAuthentication-Info: nextnonce="n"\r\nRetry-After',
        )
    )
    return [*found, granted, *OTHERS, *sip_messages()[:4]]


class Readers:
    """The readers, with a server that knows one login."""

    def __init__(self) -> None:
        self._server = DigestServer(REALM, random.Random(1).randbytes)
        self._server.use([Credentials("trunk", "u", "a password that nobody guesses")])
        self._now = 0.0

    def run(self, data: bytes) -> None:
        """One message. Raises AssertionError when a proof is taken for right."""
        self._now += 0.1
        for line in data.split(b"\r\n"):
            if line.startswith(b"a=crypto:"):
                sdes.parse_crypto(line[9:].decode("latin-1"))
        try:
            read = message.parse(data)
        except RemoteSipError:
            return
        with contextlib.suppress(RemoteSipError):
            if isinstance(read, Request):
                self._request(read)
            else:
                self._response(read)

    def _request(self, request: Request) -> None:
        for trunk in TRUNKS:
            with contextlib.suppress(RemoteSipError):
                read_call(request, trunk)
                read_caller(request, trunk)
        judged = self._server.judge(request, HOST, self._now, lambda name: True)
        assert judged.verdict in (Verdict.NONE, Verdict.WRONG), "a proof without the password"

    def _response(self, response: Response) -> None:
        login = Credentials("trunk", "u", "p")
        for challenge in read_challenges(response):
            line, proof = prove(challenge, login, "INVITE", "sip:a@b", 1, "c")
            assert proof.algorithm.name.lower() in ALGORITHMS
            assert not set(line) & set("\r\n\0"), "a challenge breaks out of our header"
        next_nonce(response.header("Authentication-Info") or "")
        min_expires_seconds(response)
        granted_seconds(response, "u", 600)
