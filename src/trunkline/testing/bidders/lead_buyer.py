"""A buyer of leads that honours `Idempotency-Key`: a post that is repeated is answered again and taken once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

from trunkline.testing.bidders.server import Peer, Received

Judge = Callable[[Received], tuple[int, Any]]
KEPT_MAX: Final = 1_000_000


def takes_all(request: Received) -> tuple[int, Any]:
    """Every lead is taken."""
    return 200, {"status": "ok"}


class LeadBuyer:
    """Answers posts of leads as `judge` says (default: takes them all), and remembers each lead once.

    The answer gets the buyer's own `lead_id` when it is an object. A post without the header is a lead of its own.
    """

    def __init__(self, judge: Judge = takes_all) -> None:
        self._judge = judge
        self._answers: dict[str, tuple[int, bytes]] = {}
        self.leads: list[Received] = []
        """Each lead once, in the order in which they came; refused ones too."""
        self.posts = 0
        """All posts, repeated ones included."""

    @property
    def repeated(self) -> int:
        """Posts that were answered from memory."""
        return self.posts - len(self.leads)

    async def __call__(self, peer: Peer, request: Received) -> None:
        """Answer one post."""
        self.posts += 1
        key = request.headers.get("idempotency-key")
        known = None if key is None else self._answers.get(key)
        if known is None:
            self.leads.append(request)
            status, value = self._judge(request)
            if isinstance(value, dict):
                value = {"lead_id": f"lead-{len(self.leads)}", **value}
            known = status, msgspec.json.encode(value)
            if key is not None and len(self._answers) < KEPT_MAX:
                self._answers[key] = known
        status, body = known
        await peer.answer(status, body, {"Content-Type": "application/json"})
