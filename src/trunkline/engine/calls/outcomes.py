"""How calls and attempts can end."""

from __future__ import annotations

from enum import StrEnum


class CallOutcome(StrEnum):
    """Every call ends in exactly one of these."""

    SOLD = "sold"
    UNSOLD = "unsold"
    ABANDONED = "abandoned"
    IVR_ENDED = "ivr_ended"
    VOICEMAIL = "voicemail"
    BLOCKED = "blocked"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


class AttemptOutcome(StrEnum):
    """Every attempt ends in exactly one of these."""

    CONNECTED = "connected"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    TIMEOUT = "timeout"
    DECLINED = "declined"
    NOT_ACCEPTED = "not_accepted"
    FAILED = "failed"
    CALLER_GONE = "caller_gone"
    CAPACITY_LOST = "capacity_lost"
    INTERRUPTED = "interrupted"


_BY_STATUS = {
    486: AttemptOutcome.BUSY,
    600: AttemptOutcome.BUSY,
    480: AttemptOutcome.NO_ANSWER,
    408: AttemptOutcome.NO_ANSWER,
    603: AttemptOutcome.DECLINED,
    403: AttemptOutcome.DECLINED,
}


def outcome_of_status(sip_status: int) -> AttemptOutcome:
    """What a buyer's final refusal (SIP status 300-699) makes of the attempt."""
    return _BY_STATUS.get(sip_status, AttemptOutcome.FAILED)
