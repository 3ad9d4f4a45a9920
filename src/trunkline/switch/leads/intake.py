"""`POST /v1/leads`: who sends, what it says, whether it may come in; then the desk sells it and the answer goes back.

The endpoint speaks ASGI itself: of what a framework would do for a request nothing is needed here, and each lead would
pay for it.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from starlette.routing import Route

from trunkline.events.changes import PostName
from trunkline.events.leads import Via
from trunkline.kernel.clock import SECOND
from trunkline.switch.leads.admission import Admitted, admit
from trunkline.switch.leads.answers import Answer, Scope, Send, answered, invalid, refusal, reply
from trunkline.switch.leads.bodies import BadBody, Gone, LeadBody, Receive, read_body, read_lead
from trunkline.switch.leads.idempotency import KEY_CHARS_MAX, keeping
from trunkline.switch.leads.orders import LeadOrder
from trunkline.switch.leads.pace import Paces
from trunkline.switch.leads.publishers import Sender
from trunkline.switch.leads.turns import Turns

if TYPE_CHECKING:
    from trunkline.switch.plant import Plant

log = logging.getLogger("trunkline.leads")

PATH: Final = "/v1/leads"
IN_FLIGHT_MAX: Final = 500
"""Leads that are being sold at once; beyond, they are shed. Each may hold connections to buyers for seconds."""
SOURCE_CHARS_MAX: Final = 200


def lead_routes(plant: Plant, not_ready: Callable[[], str | None]) -> list[Route]:
    """The routes of the intake; `not_ready` says why nothing is taken for now."""
    return [Route(PATH, LeadIntake(plant, not_ready))]


class LeadIntake:
    """The endpoint, an ASGI application."""

    def __init__(self, plant: Plant, not_ready: Callable[[], str | None]) -> None:
        self._plant = plant
        self._not_ready = not_ready
        self._in_flight = 0
        self._paces = Paces()
        self._turns = Turns()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        self._in_flight += 1
        try:
            answer = await self._answer(scope, receive)
        except Gone:
            self._plant.metrics.leads_refused.labels("gone").inc()
            return
        except BadBody as error:
            answer = self._refuse(error.status, error.code, error.message)
        except asyncio.CancelledError:
            answer = self._refuse(503, "interrupted", "the switch stops; a lead that it has goes on when it is back")
        except Exception:
            self._plant.metrics.lead_errors.inc()
            log.exception("a posted lead is answered with 500: an error of ours")
            answer = refusal(500, "failed", "an error of ours; nothing was taken")
        finally:
            self._in_flight -= 1
        await reply(send, answer)

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        if scope["method"] != "POST":
            return self._refuse(405, "method_not_allowed", f"leads are sent by POST to {PATH}")
        reason = self._not_ready()
        if reason is not None:
            return self._refuse(503, "not_ready", "no leads are taken for the moment", retry_s=5)
        headers = dict(scope["headers"])
        sender = self._plant.publishers.of(_text(headers, b"authorization"))
        if sender is None:
            return self._refuse(401, "unauthorized", "send the header Authorization: Bearer YOUR_KEY")
        if self._in_flight > IN_FLIGHT_MAX:
            return self._refuse(429, "overloaded", "too many leads are being sold; send it again", retry_s=1)
        wait_s = self._too_fast(sender)
        if wait_s is not None:
            return self._refuse(429, "too_many", "your leads come faster than was agreed", retry_s=wait_s)
        content_type, key = _text(headers, b"content-type"), _text(headers, b"idempotency-key")
        body = await read_body(receive, _text(headers, b"content-length"))
        await self._turns.mine()
        sent = read_lead(content_type, body)
        via: Via = "batch" if _text(headers, b"x-trunkline-via") == "batch" else "post"
        if key is None:
            return await self._take(sender, sent, via, None)
        if not 0 < len(key) <= KEY_CHARS_MAX or not key.isprintable():
            return self._refuse(400, "malformed", f"an Idempotency-Key has 1 to {KEY_CHARS_MAX} printable characters")
        digest = hashlib.sha256(f"{content_type}\0".encode() + body).digest()
        name = (sender.account, sender.publisher, key)
        return await self._plant.posts.once(name, digest, lambda: self._take(sender, sent, via, PostName(key, digest)))

    def _too_fast(self, sender: Sender) -> int | None:
        """Seconds to wait for a publisher that has sent as many leads as it may within a minute."""
        publisher = self._plant.world.accounts[sender.account].publishers.get(sender.publisher)
        most = None if publisher is None else publisher.leads_per_minute
        if most is None:
            return None
        now_s = self._plant.clock().mono_ns // SECOND
        return self._paces.take(sender.account, sender.publisher, most, now_s)

    async def _take(self, sender: Sender, sent: LeadBody, via: Via, post: PostName | None) -> Answer:
        plant, world = self._plant, self._plant.world
        index = world.accounts[sender.account]
        campaign = index.campaigns.get(sent.campaign)
        if campaign is None or not campaign.lead_fields:
            return self._refuse(404, "invalid", f"there is no campaign {sent.campaign[:100]!r} that takes leads")
        if not sender.may("leads"):
            return self._refuse(403, "forbidden", "your key is not for sending leads")
        if not sender.may_send(campaign.key):
            return self._refuse(403, "forbidden", f"your key is not for the campaign {campaign.key}")
        read = admit(world, sender.account, campaign, sent.fields, sent.consent, plant.clock().utc_ms)
        if not isinstance(read, Admitted):
            plant.metrics.leads_refused.labels("invalid").inc()
            return invalid(read)
        currency = index.config.account.currency
        order = LeadOrder(
            account=sender.account,
            campaign=campaign.key,
            publisher=sender.publisher,
            source=_source(sent.source),
            via=via,
            values=read.values,
            consent=read.consent,
            ignored=read.ignored,
            flags=read.flags,
            block=read.block,
            test=sent.test,
            post=post,
            kept=None if post is None else keeping(sender.account, sender.publisher, post, currency, test=sent.test),
        )
        return answered(await plant.leads.sell(order), currency, test=sent.test)

    def _refuse(self, status: int, code: str, message: str, retry_s: int | None = None) -> Answer:
        self._plant.metrics.leads_refused.labels(code).inc()
        return refusal(status, code, message, retry_s)


def _source(source: str | None) -> str | None:
    """The publisher's own name for where the lead comes from."""
    if source is None or not source.strip():
        return None
    if len(source) > SOURCE_CHARS_MAX or not source.isprintable():
        raise BadBody(400, "malformed", f"source has at most {SOURCE_CHARS_MAX} characters, all of them printable")
    return source.strip()


def _text(headers: Mapping[bytes, bytes], name: bytes) -> str | None:
    found = headers.get(name)
    return None if found is None else found.decode("latin-1")
