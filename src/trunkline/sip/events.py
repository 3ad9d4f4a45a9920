"""What the endpoint tells its user. Every event names its leg; `Gone` is the last one of each leg, exactly once."""

from __future__ import annotations

import msgspec

from trunkline.sip.hops import Hop
from trunkline.sip.message import Request, Response


class SipEvent(msgspec.Struct, frozen=True, gc=False):
    """Parent of all events."""

    leg: int


class Incoming(SipEvent, frozen=True):
    """A new call asks in. Nothing has been sent yet, not even 100. `sdp` None means the caller wants our offer."""

    request: Request
    source: Hop
    sdp: bytes | None


class Provisional(SipEvent, frozen=True):
    """The called side sent 101 to 199. Repetitions of the same are not told again; 100 never is."""

    status: int
    sdp: bytes | None


class Answered(SipEvent, frozen=True):
    """The called side answered; the ACK has left."""

    status: int
    sdp: bytes | None


class Refused(SipEvent, frozen=True):
    """The called side refused with 300 to 699 (the ACK has left), or rang past Timer C (408, no `response`)."""

    status: int
    reason: str
    retry_after_s: int | None
    response: Response | None = None


class NoResponse(SipEvent, frozen=True):
    """Nothing at all came back, not even 100. A response that still comes is cancelled or hung up on."""

    after_s: float


class TransportFailed(SipEvent, frozen=True):
    """The transport says that the destination cannot be reached."""


class Cancelled(SipEvent, frozen=True):
    """The caller gave up before an answer; 200 has left, and 487 unless it is deferred. `reason` is its Reason."""

    reason: str | None = None


class CancelledLate(SipEvent, frozen=True):
    """Our cancel lost the race against the answer; ACK and then BYE have left."""


class AnswerSent(SipEvent, frozen=True):
    """An answer of ours that had to wait for a PRACK has left. One that leaves at once is not told."""


class Acknowledged(SipEvent, frozen=True):
    """The caller acknowledged our answer. `sdp` is its answer when the offer was ours."""

    sdp: bytes | None = None


class Unacknowledged(SipEvent, frozen=True):
    """An answer of ours was never acknowledged within 64*T1; BYE has left."""


class Ended(SipEvent, frozen=True):
    """The leg is over.

    `method` is BYE (the peer hung up), CANCEL (ours took effect, `status` tells how), PRACK (the caller never
    acknowledged a reliable response), SESSION (nobody refreshed the session timer) or the method of our request whose
    refusal or silence showed that the peer has lost the dialog (12.2.1.2). `reason` is the Reason header.
    """

    method: str
    reason: str | None = None
    status: int | None = None


class Reoffered(SipEvent, frozen=True):
    """The peer offers a new session (re-INVITE or UPDATE); answer it with `reanswer`. `sdp` None: it wants ours."""

    sdp: bytes | None


class Reanswered(SipEvent, frozen=True):
    """The peer took our new offer."""

    sdp: bytes | None


class ReofferRefused(SipEvent, frozen=True):
    """The peer refused our new offer; the session stays as it was. 491: both offered at once, again and again."""

    status: int
    retry_after_s: float | None = None


class InfoReceived(SipEvent, frozen=True):
    """A digit report came in an INFO; 200 has left. See `dtmf_info.parse`."""

    content_type: str
    body: bytes


class OrphanEnded(SipEvent, frozen=True):
    """How a leg of an earlier process ended; `status` None when the peer never answered."""

    status: int | None


class OutsideEnded(SipEvent, frozen=True):
    """What became of a request outside of calls, whose number `leg` is; `status` None when nobody answered."""

    status: int | None
    response: Response | None = None


class ForeignRealm(SipEvent, frozen=True):
    """A challenge was left unanswered, as its `realm` is not one of the server that `login` is for.

    Told once for each login. `leg` is 0 or no leg's number when the request belonged to none.
    """

    login: str
    realm: str


class Gone(SipEvent, frozen=True):
    """All state of the leg is freed. What still lingers only absorbs duplicates."""
