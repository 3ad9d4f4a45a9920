"""A lead that follows a ping: it must be the one that was asked about, and is sold once, at the terms of the bid.

The ping is to its post what an `Idempotency-Key` is to a direct one: whoever posts the same lead of the same ping again
gets what the first post got, also while that is still being sold, and after a crash.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec

from trunkline.engine.leads.hints import changed
from trunkline.engine.routing.auction import Bid
from trunkline.events.changes import PingPut, PostName, StoredPing
from trunkline.switch.leads.admission import Admitted, admit
from trunkline.switch.leads.answers import Answer, answered, invalid, refusal
from trunkline.switch.leads.idempotency import keeping
from trunkline.switch.leads.orders import LeadOrder
from trunkline.switch.pings.terms import promise_of
from trunkline.switch.pings.tokens import LATE_MS, BadToken

if TYPE_CHECKING:
    from trunkline.switch.leads.publishers import Sender
    from trunkline.switch.pings.desk import PingDesk
    from trunkline.switch.plant import Plant

NOTHING_KEPT: Final = "failed"
_bids: Final = msgspec.msgpack.Decoder(dict[str, Bid])
_json: Final = msgspec.json.Encoder(order="deterministic")


class Posting:
    """Sells the leads that follow pings."""

    def __init__(self, plant: Plant, desk: PingDesk) -> None:
        self._plant = plant
        self._desk = desk

    async def post(self, sender: Sender, token: str, fields: Mapping[str, Any], consent: Any) -> Answer:
        """What comes of a lead that `sender` posts for a ping of its own."""
        now_ms = self._plant.clock().utc_ms
        read = self._desk.tokens.read(token, sender.account, sender.publisher, now_ms)
        if read is BadToken.FORGED:
            return forged()
        ping = token.partition(".")[0]
        post = PostName(f"ping\n{ping}", hashlib.sha256(_json.encode((fields, consent))).digest())
        name = (sender.account, sender.publisher, post.key)
        return await self._plant.posts.once(name, post.digest, lambda: self._sell(ping, post, fields, consent))

    async def _sell(self, name: str, post: PostName, fields: Mapping[str, Any], consent: Any) -> Answer:
        """Sell the lead, if it is the one that was asked about. That its ping is used up is durable with the lead."""
        plant, book = self._plant, self._desk.book
        now_ms = plant.clock().utc_ms
        ping = book.find(name)
        if ping is None or now_ms > ping.expires_ms + LATE_MS:
            return expired()
        if ping.kind != "lead":
            return refusal(400, "wrong_kind", "this ping asked for a call: send the call")
        if ping.by is not None:  # and its answer is nowhere: it was taken in and could not be sold to the end
            return refusal(503, "interrupted", f"the lead was received as {ping.by}; do not send it again")
        index = plant.world.accounts[ping.account]
        campaign = index.campaigns.get(ping.campaign)
        if campaign is None:
            return expired()
        read = admit(plant.world, ping.account, campaign, fields, consent, now_ms)
        if not isinstance(read, Admitted):
            return invalid(read)
        errors = changed(ping.said, read.values, self._desk.tokens.digest)
        if errors:
            plant.metrics.pings.labels("lead", "changed").inc()
            return invalid(tuple(errors))
        used = msgspec.structs.replace(ping, by=plant.ids.make("lead", now_ms))
        book.put(used)
        order = _order(used, read, post, index.config.account.currency)
        try:
            sold = await plant.leads.sell(order)
        except Exception:  # before anything was written
            book.put(ping)
            raise
        if sold.status == NOTHING_KEPT:
            book.put(ping)
        else:
            plant.metrics.pings.labels("lead", "used").inc()
        return answered(sold, ping.currency, test=ping.test)


def _order(ping: StoredPing, read: Admitted, post: PostName, currency: str) -> LeadOrder:
    return LeadOrder(
        account=ping.account,
        campaign=ping.campaign,
        publisher=ping.publisher,
        source=ping.source,
        via="ping_post",
        values=read.values,
        consent=read.consent,
        ignored=read.ignored,
        flags=read.flags,
        block=read.block,
        test=ping.test,
        ping=ping.ping,
        lead=ping.by,
        promise=promise_of(ping, binding=True),
        bids=None if ping.bids is None else _bids.decode(ping.bids),
        seed=ping.seed,
        post=post,
        kept=keeping(ping.account, ping.publisher, post, currency, test=ping.test),
        changes=(PingPut(ping),),
    )


def forged() -> Answer:
    """The id was not given to whoever sends it."""
    return refusal(403, "forbidden", "this ping_id was not given to you; send one of your own")


def expired() -> Answer:
    """The bid binds nobody any more."""
    return refusal(410, "expired", "the bid has ended; ping again")
