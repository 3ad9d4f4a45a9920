"""One call's two ends as the drivers know them."""

from __future__ import annotations

import asyncio

from trunkline.config.trunks import Trunk
from trunkline.engine.routing.offer import Ring
from trunkline.media.port import LocalMedia
from trunkline.sip.endpoint import PreparedInvite
from trunkline.sip.sdp import AudioOffer
from trunkline.switch.trunk_load import Seat


class CallerLeg:
    """The caller: SIP leg number, where we receive its audio, the offer to be answered (None: we make one).

    `trunk` is the one it came by, as it was configured then, and `seat` its place on it.
    """

    __slots__ = ("codec", "local", "media", "offer", "seat", "sip", "trunk", "version")

    def __init__(self, sip: int, local: LocalMedia, offer: AudioOffer | None, trunk: Trunk, seat: Seat) -> None:
        self.sip = sip
        self.trunk = trunk
        self.seat = seat
        self.local = local
        self.media = local.leg
        self.offer = offer
        self.codec = offer.codecs[0].name if offer is not None else "PCMU"
        self.version = 1


class BuyerLeg:
    """One attempt's leg. `failure` says why it cannot be rung; `sip` is None until the INVITE has left."""

    __slots__ = ("ended", "failure", "invite", "local", "media", "resolving", "ring", "sip", "version", "wanted")

    def __init__(self, media: str, ring: Ring) -> None:
        self.media = media
        self.ring = ring
        self.local: LocalMedia | None = None
        self.invite: PreparedInvite | None = None
        self.sip: int | None = None
        self.failure: str | None = None
        self.wanted = False
        self.ended = False
        self.resolving: asyncio.Task[None] | None = None
        self.version = 1
