"""What every endpoint of the selling side does with a request: bounds, readiness, counting, errors of ours.

Like the endpoint of leads these speak ASGI themselves: pings come in far greater numbers than leads.
"""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from trunkline.config.schema import Campaign
from trunkline.engine.bidders.hops import HEADER
from trunkline.switch.leads.answers import Answer, Scope, Send, refusal, reply
from trunkline.switch.leads.bodies import BadBody, Gone, Receive

if TYPE_CHECKING:
    from trunkline.switch.leads.publishers import Sender
    from trunkline.switch.plant import Plant

log = logging.getLogger("trunkline.pings")

IN_FLIGHT_MAX: Final = 1_000
"""Requests to one endpoint that wait for their answers at once; beyond, they are shed. Each may wait for bidders."""
SOURCE_CHARS_MAX: Final = 200
HOPS_HEADER: Final = HEADER.lower().encode()
SCOPE: Final = "pings"
"""What a key must be good for."""


class Door(ABC):
    """One endpoint, an ASGI application."""

    def __init__(self, plant: Plant, not_ready: Callable[[], str | None], path: str) -> None:
        """`not_ready` says why nothing is taken for now."""
        self._plant = plant
        self._not_ready = not_ready
        self._path = path
        self._in_flight = 0

    @abstractmethod
    async def answer(self, scope: Scope, receive: Receive) -> Answer:
        """The answer to a request that may be taken. Raises BadBody, Gone."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        began_ns = self._plant.clock().mono_ns
        self._in_flight += 1
        try:
            if self._not_ready() is not None:
                answer = refusal(503, "not_ready", "nothing is taken for the moment", 5)
            elif self._in_flight > IN_FLIGHT_MAX:
                answer = refusal(429, "overloaded", "too many pings are being answered; send it again", 1)
            else:
                answer = await self.answer(scope, receive)
        except Gone:
            return
        except BadBody as error:
            answer = refusal(error.status, error.code, error.message)
        except asyncio.CancelledError:
            answer = refusal(503, "interrupted", "the switch stops; ask again when it is back", 5)
        except Exception:
            self._plant.metrics.lead_errors.inc()
            log.exception("a request to %s is answered with 500: an error of ours", self._path)
            answer = refusal(500, "failed", "an error of ours")
        finally:
            self._in_flight -= 1
        self._plant.metrics.ping_requests.labels(self._path, str(answer.status)).inc()
        self._plant.metrics.ping_seconds.observe((self._plant.clock().mono_ns - began_ns) / 1e9)
        await reply(send, answer)


def campaign_for(plant: Plant, sender: Sender, key: str) -> Campaign | Answer:
    """The campaign of that key, if this sender may ask for it."""
    campaign = plant.world.accounts[sender.account].campaigns.get(key)
    if campaign is None:
        return refusal(404, "invalid", f"there is no campaign {key[:100]!r}")
    if not sender.may_send(campaign.key):
        return refusal(403, "forbidden", f"your key is not for the campaign {campaign.key}")
    return campaign


def unauthorized() -> Answer:
    """Nobody knows who asks."""
    return refusal(401, "unauthorized", "send the header Authorization: Bearer YOUR_KEY")


def out_of_scope() -> Answer:
    """The key is good for other things."""
    return refusal(403, "forbidden", "your key is not for pings")


def source_of(source: str | None) -> str | None:
    """The publisher's own name for where the traffic comes from. Raises BadBody."""
    if source is None or not source.strip():
        return None
    if len(source) > SOURCE_CHARS_MAX or not source.isprintable():
        raise BadBody(400, "malformed", f"source has at most {SOURCE_CHARS_MAX} characters, all of them printable")
    return source.strip()
