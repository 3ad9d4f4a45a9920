"""One call's two ends as the drivers know them."""

from __future__ import annotations

import asyncio

from trunkline.config.trunks import Trunk
from trunkline.engine.calls import inputs as i
from trunkline.engine.calls.legs import leg_name
from trunkline.engine.routing.offer import Ring
from trunkline.media.port import LocalMedia
from trunkline.sip.endpoint import PreparedInvite
from trunkline.sip.sdp import AudioOffer
from trunkline.switch.description import Description
from trunkline.switch.tries import Tries
from trunkline.switch.trunk_load import Seat


class CallerLeg:
    """The caller: SIP leg number, media leg, what we say of its audio, the offer to be answered (None: we make one).

    `trunk` is the one it came by, as it was configured then, and `seat` its place on it. `held`: its peer holds us.
    `hops` is how many those who are called for it may be away (Max-Forwards).
    """

    __slots__ = ("codec", "description", "held", "hops", "media", "offer", "seat", "sip", "trunk")

    def __init__(
        self,
        sip: int,
        media: str,
        description: Description,
        offer: AudioOffer | None,
        trunk: Trunk,
        seat: Seat,
        hops: int,
    ) -> None:
        self.sip = sip
        self.trunk = trunk
        self.seat = seat
        self.media = media
        self.description = description
        self.offer = offer
        self.hops = hops
        self.held = False
        self.codec = offer.codecs[0].name if offer is not None else "PCMU"


class BuyerLeg:
    """One of an attempt's legs. `failure` says why it cannot be rung; `sip` is None until the INVITE has left.

    `early`: the server it is tried at can be heard before the answer. `ended`: its peer has ended it. `gone`: we have
    let it go. `held`: its peer holds us. `tries` are the servers it is tried at, one after another; `stored` is the
    name under which what identifies the present try is on disk, `seat` its place on the trunk, `news` what became of
    the try before and `moved_by` in a word.
    """

    __slots__ = (
        "answered",
        "attempt",
        "description",
        "dialled",
        "early",
        "ended",
        "failure",
        "gone",
        "held",
        "invite",
        "local",
        "media",
        "moved_by",
        "news",
        "number",
        "resolving",
        "ring",
        "seat",
        "sip",
        "stored",
        "tries",
        "wanted",
    )

    def __init__(self, attempt: str, number: int, ring: Ring) -> None:
        self.attempt = attempt
        self.number = number
        self.media = leg_name(attempt, number)
        self.ring = ring
        self.description: Description | None = None
        self.local: LocalMedia | None = None
        self.tries = Tries((), 0.0)
        self.stored = self.media
        self.seat: Seat | None = None
        self.invite: PreparedInvite | None = None
        self.dialled = False
        self.early = False
        self.news: i.Input | None = None
        self.moved_by = ""
        self.sip: int | None = None
        self.failure: str | None = None
        self.wanted = False
        self.answered = False
        self.ended = False
        self.gone = False
        self.held = False
        self.resolving: asyncio.Task[None] | None = None
