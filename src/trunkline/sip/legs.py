"""The life of one leg, from either side, and every step it can take.

A leg is one call between us and one peer. INCOMING waits for our decision; ANSWERED repeats its 2xx until the ACK
(CLOSING: and then hangs up, because a UAS must not send BYE before, RFC 3261 15); CALLING has heard nothing yet,
PROCEEDING has; CANCELLING wants to be rid of the call, has sent CANCEL or will when the first provisional response
allows it (9.1), and hangs up on an answer that crosses it; ENDING waits for the response to our BYE. A leg that is
GONE is forgotten; transactions that only absorb duplicates live on without it.
"""

from __future__ import annotations

from enum import IntEnum, auto
from math import inf
from typing import TYPE_CHECKING

from trunkline.sip.dialog import Dialog, DialogKey
from trunkline.sip.hops import Hop
from trunkline.sip.requests import Outgoing
from trunkline.sip.terms import PLAIN, CallTerms

if TYPE_CHECKING:
    from trunkline.sip.core import ClientTx, ServerTx
    from trunkline.sip.reliable import Reliable
    from trunkline.sip.session import Session


class LegState(IntEnum):
    """See the head of this file."""

    INCOMING = auto()
    ANSWERED = auto()
    CLOSING = auto()
    CALLING = auto()
    PROCEEDING = auto()
    CANCELLING = auto()
    CONFIRMED = auto()
    ENDING = auto()
    GONE = auto()


class Trigger(IntEnum):
    """What moves a leg."""

    ANSWER = auto()  # we send 2xx
    REJECT = auto()  # we send 300-699
    ACK = auto()
    UNACKED = auto()  # no ACK in 64*T1
    PROVISIONAL = auto()
    SUCCESS = auto()  # the peer sends 2xx
    FAILURE = auto()  # the peer sends 300-699
    CHALLENGED = auto()  # the INVITE has left again with what its refusal asked for; of this one nothing was heard
    CANCEL = auto()  # we give the call up: its owner, the first response timer or Timer C
    SILENCE = auto()  # the INVITE transaction ended without a final response
    HANGUP = auto()
    PEER_CANCEL = auto()
    PEER_BYE = auto()
    DIALOG_LOST = auto()  # the peer no longer knows the dialog
    BYE_DONE = auto()


_S, _T = LegState, Trigger
TRANSITIONS: dict[tuple[LegState, Trigger], LegState] = {
    (_S.INCOMING, _T.ANSWER): _S.ANSWERED,
    (_S.INCOMING, _T.REJECT): _S.GONE,
    (_S.INCOMING, _T.PEER_CANCEL): _S.GONE,
    (_S.INCOMING, _T.PEER_BYE): _S.GONE,
    (_S.ANSWERED, _T.ACK): _S.CONFIRMED,
    (_S.ANSWERED, _T.HANGUP): _S.CLOSING,
    (_S.ANSWERED, _T.UNACKED): _S.ENDING,
    (_S.ANSWERED, _T.PEER_BYE): _S.GONE,
    (_S.CLOSING, _T.ACK): _S.ENDING,
    (_S.CLOSING, _T.UNACKED): _S.ENDING,
    (_S.CLOSING, _T.PEER_BYE): _S.GONE,
    (_S.CALLING, _T.PROVISIONAL): _S.PROCEEDING,
    (_S.CALLING, _T.SUCCESS): _S.CONFIRMED,
    (_S.CALLING, _T.FAILURE): _S.GONE,
    (_S.CALLING, _T.CHALLENGED): _S.CALLING,
    (_S.CALLING, _T.CANCEL): _S.CANCELLING,
    (_S.CALLING, _T.SILENCE): _S.GONE,
    (_S.PROCEEDING, _T.PROVISIONAL): _S.PROCEEDING,
    (_S.PROCEEDING, _T.SUCCESS): _S.CONFIRMED,
    (_S.PROCEEDING, _T.FAILURE): _S.GONE,
    (_S.PROCEEDING, _T.CHALLENGED): _S.CALLING,
    (_S.PROCEEDING, _T.CANCEL): _S.CANCELLING,
    (_S.CANCELLING, _T.PROVISIONAL): _S.CANCELLING,
    (_S.CANCELLING, _T.SUCCESS): _S.ENDING,
    (_S.CANCELLING, _T.FAILURE): _S.GONE,
    (_S.CANCELLING, _T.SILENCE): _S.GONE,
    (_S.CONFIRMED, _T.HANGUP): _S.ENDING,
    (_S.CONFIRMED, _T.UNACKED): _S.ENDING,
    (_S.CONFIRMED, _T.DIALOG_LOST): _S.ENDING,
    (_S.CONFIRMED, _T.PEER_BYE): _S.GONE,
    (_S.ENDING, _T.PEER_BYE): _S.GONE,
    (_S.ENDING, _T.BYE_DONE): _S.GONE,
}

EARLY = frozenset({_S.CALLING, _S.PROCEEDING, _S.CANCELLING})


class Pending2xx:
    """A 2xx of ours that repeats until its ACK (13.3.1.4): T1 doubling to T2, given up at `deadline_at`."""

    __slots__ = ("cseq", "data", "deadline_at", "destination", "interval_s", "offered", "repeat_at")

    def __init__(self, data: bytes, destination: Hop, cseq: int, offered: bool) -> None:
        self.data = data
        self.destination = destination
        self.cseq = cseq
        self.offered = offered  # whether the offer was in the 2xx, so that the ACK brings the answer
        self.interval_s = 0.0
        self.repeat_at = inf
        self.deadline_at = inf


class EarlyDialog:
    """A dialog that a reliable provisional response has made.

    `rseq` is the last one (0: none yet), `count` how many there were, `sdp` the answer that one of them brought.
    """

    __slots__ = ("count", "dialog", "rseq", "sdp")

    def __init__(self, dialog: Dialog) -> None:
        self.dialog = dialog
        self.rseq = 0
        self.count = 0
        self.sdp: bytes | None = None


class Leg:
    """The state of one leg. `armed` and `alarm` belong to the heap of timers; all `_at` are seconds, inf when off."""

    __slots__ = (
        "alarm",
        "armed",
        "cancel_sent",
        "cancel_status",
        "cancelled",
        "dialog",
        "early",
        "exchanged",
        "first_response_at",
        "first_response_s",
        "heard",
        "id",
        "invite",
        "invite_tx",
        "keys",
        "last_provisional",
        "min_session_s",
        "offered",
        "orphan",
        "outgoing",
        "pending_2xx",
        "provisional_at",
        "reason",
        "refreshing",
        "reliable",
        "reoffer_at",
        "reoffer_in",
        "reoffer_out",
        "reoffer_tries",
        "reoffer_withdrawn",
        "reported",
        "said",
        "session",
        "source",
        "state",
        "terms",
        "timer_c_at",
        "updates",
    )  # fmt: skip

    def __init__(self, leg: int, outgoing: bool, state: LegState, source: Hop) -> None:
        self.id = leg
        self.outgoing = outgoing
        self.cancelled = False  # by the caller, whose 487 its owner has deferred
        self.state = state
        self.source = source
        self.armed = inf
        self.alarm = 0
        self.dialog: Dialog | None = None
        self.keys: list[DialogKey] = []
        self.invite: Outgoing | None = None
        self.invite_tx: ServerTx | ClientTx | None = None
        self.reoffer_in: ServerTx | None = None
        self.reoffer_out: ClientTx | None = None
        self.reoffer_withdrawn = False  # the peer cancelled its offer, and our answer to it may be on its way
        self.pending_2xx: Pending2xx | None = None
        self.first_response_s: float | None = None
        self.first_response_at = inf
        self.timer_c_at = inf
        self.provisional_at = inf
        self.last_provisional: tuple[int, bytes | None] | None = None
        self.cancel_sent = False
        self.reported = False  # the owner has been told how it ended; only Gone is left to say
        self.cancel_status: int | None = None  # what an orphan's CANCEL was refused with
        self.terms: CallTerms = PLAIN
        self.min_session_s = 0  # what a 422 to our INVITE has demanded
        self.early: dict[str, EarlyDialog] | None = None  # by the peer's tag, while the call is not answered
        self.reliable: Reliable | None = None
        self.session: Session | None = None
        self.said: bytes | None = None  # the session descriptions in force, ours and the peer's
        self.heard: bytes | None = None
        self.exchanged = False  # the first offer has its answer although there is no 2xx yet
        self.updates = False  # the peer takes UPDATE; only known where an early dialog may need it
        self.offered: bytes | None = None  # our new offer, under way or waiting for `reoffer_at`
        self.reoffer_at = inf
        self.reoffer_tries = 0
        self.refreshing = False  # our open offer repeats what is in force
        self.reason: str | None = None  # Reason header of a BYE that waits for an ACK
        self.orphan = False

    def can(self, trigger: Trigger) -> bool:
        """Whether the table has this step."""
        return (self.state, trigger) in TRANSITIONS

    def move(self, trigger: Trigger) -> None:
        """Take a step; one that is not in the table is a bug of this package."""
        following = TRANSITIONS.get((self.state, trigger))
        assert following is not None, f"leg in {self.state.name} cannot take {trigger.name}"
        self.state = following

    def dialog_of(self, remote_tag: str | None) -> Dialog | None:
        """The leg's dialog with that tag of the peer, early ones included."""
        dialog = self.dialog
        if dialog is not None and dialog.remote_tag == remote_tag:
            return dialog
        early = None if self.early is None or remote_tag is None else self.early.get(remote_tag)
        return None if early is None else early.dialog

    def begin_again(self) -> None:
        """Forget what was heard of an INVITE that leaves again."""
        self.early, self.exchanged, self.last_provisional = None, False, None

    def has_open_offer(self) -> bool:
        """Whether an offer of either side is under way in a call that stands (RFC 3264 4)."""
        return self.reoffer_in is not None or self.reoffer_out is not None or self.pending_2xx is not None

    def next_timer(self) -> float | None:
        """The earliest of the leg's own timers."""
        due = min(self.first_response_at, self.timer_c_at, self.provisional_at, self.reoffer_at)
        if self.reliable is not None:
            due = min(due, self.reliable.next_timer())
        pending = self.pending_2xx
        if pending is not None:
            due = min(due, pending.repeat_at, pending.deadline_at)
        return None if due == inf else due

    def stop_timers(self) -> None:
        """Let none of the timers of an unanswered call fire any more."""
        self.first_response_at = self.timer_c_at = self.provisional_at = self.reoffer_at = inf
        if self.reliable is not None:
            self.reliable.stop()
