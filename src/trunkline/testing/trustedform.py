"""A TrustedForm for tests: keeps certificates, compares leads with them, retains them, as its documentation says.

    trustedform = TrustedForm("k3y", {"abc": Typed(phone="5125550100")})
    with answering(trustedform) as server:
        ...  # configure `trustedform: {key_env: …, certificates: {server.url}}`, send the certificate {server.url}/abc

It answers `match_lead` and `retain` of the Certificate API 4.0, and every documented error of them.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from trunkline.testing.bidders.server import Peer, Received

SANDBOX: Final = "sandbox"
"""The id of a certificate that cannot be claimed."""
ID_LENGTH_MAX: Final = 255


class Typed(msgspec.Struct, frozen=True, kw_only=True):
    """What a person has typed into the form that a certificate is of."""

    email: str | None = None
    phone: str | None = None


class TrustedForm:
    """A behaviour of `testing.bidders`. `retained` has, by certificate, the reference and vendor it is kept with."""

    def __init__(self, api_key: str, certificates: Mapping[str, Typed]) -> None:
        """`certificates` by id."""
        self._authorization = "Basic " + b64encode(f"API:{api_key}".encode()).decode()
        self._certificates = dict(certificates)
        self.retained: dict[str, dict[str, Any]] = {}

    async def __call__(self, peer: Peer, request: Received) -> None:
        """Answer one request."""
        status, document = self._answer(request)
        await peer.json(status, document)

    def _answer(self, request: Received) -> tuple[int, dict[str, Any]]:
        id_ = request.path.rpartition("/")[2]
        if request.headers.get("authorization") != self._authorization:
            return _error(401, "Unauthorized")
        if not id_ or len(id_) > ID_LENGTH_MAX:
            return _error(400, "Malformed certificate id")
        if request.method != "POST" or id_ == SANDBOX:
            return _error(405, "Sandboxed certificates cannot be claimed")
        if id_ not in self._certificates:
            return _error(404, "Certificate not found")
        if request.headers.get("content-type") != "application/json":
            return _error(422, "Content-Type must be application/json")
        asked = request.json()
        if not isinstance(asked, dict) or not isinstance(asked.get("match_lead"), dict) or not asked["match_lead"]:
            return _error(422, "match_lead is required")
        return 200, self._claimed(id_, asked)

    def _claimed(self, id_: str, asked: dict[str, Any]) -> dict[str, Any]:
        typed, lead = self._certificates[id_], asked["match_lead"]
        matches = {
            f"{name}_match": _normal(lead[name]) == _normal(getattr(typed, name) or "")
            for name in ("email", "phone")
            if name in lead
        }
        success = any(matches.values())
        document: dict[str, Any] = {
            "outcome": "success" if success else "failure",
            "reason": None if success else "No match for the lead",
            "match_lead": {**lead, "result": {**matches, "success": success}},
        }
        if "retain" in asked:
            before = id_ in self.retained
            self.retained[id_] = asked["retain"]
            results = {
                "expires_at": "2031-11-23T00:00:00.000Z",
                "masked_cert_url": f"https://cert.trustedform.com/masked-{id_}",
                "previously_retained": before,
            }
            document["retain"] = {**asked["retain"], "results": results}
        return document


def _error(status: int, reason: str) -> tuple[int, dict[str, Any]]:
    return status, {"outcome": "error", "reason": reason, "message": reason, "errors": {"detail": reason}}


def _normal(value: str) -> str:
    """As certificates compare: e-mail in small letters, phones without what is put between digits."""
    return "".join(each for each in value.lower() if each not in " -()[]\t")
