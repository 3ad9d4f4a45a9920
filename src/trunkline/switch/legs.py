"""One call's two ends as the drivers know them."""

from __future__ import annotations

import asyncio

from trunkline.config.trunks import Trunk
from trunkline.engine.routing.offer import Ring
from trunkline.sip.endpoint import PreparedInvite
from trunkline.sip.sdp import AudioOffer
from trunkline.switch.description import Description
from trunkline.switch.trunk_load import Seat


class CallerLeg:
    """The caller: SIP leg number, media leg, what we say of its audio, the offer to be answered (None: we make one).

    `trunk` is the one it came by, as it was configured then, and `seat` its place on it.
    """

    __slots__ = ("codec", "description", "media", "offer", "seat", "sip", "trunk")

    def __init__(
        self, sip: int, media: str, description: Description, offer: AudioOffer | None, trunk: Trunk, seat: Seat
    ) -> None:
        self.sip = sip
        self.trunk = trunk
        self.seat = seat
        self.media = media
        self.description = description
        self.offer = offer
        self.codec = offer.codecs[0].name if offer is not None else "PCMU"


class BuyerLeg:
    """One attempt's leg. `failure` says why it cannot be rung; `sip` is None until the INVITE has left."""

    __slots__ = ("description", "ended", "failure", "invite", "media", "resolving", "ring", "sip", "wanted")

    def __init__(self, media: str, ring: Ring) -> None:
        self.media = media
        self.ring = ring
        self.description: Description | None = None
        self.invite: PreparedInvite | None = None
        self.sip: int | None = None
        self.failure: str | None = None
        self.wanted = False
        self.ended = False
        self.resolving: asyncio.Task[None] | None = None
