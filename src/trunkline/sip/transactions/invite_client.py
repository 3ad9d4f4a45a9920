"""INVITE client transaction (RFC 3261 17.1.1, RFC 6026 8.4).

The INVITE repeats with doubling gaps until anything comes back (Timer A), and is given up after 64*T1 (Timer B). Any
provisional response stops both: from there on only the user's own patience (Timer C) or a CANCEL limits the wait. A
failure is acknowledged here, hop by hop, before the user hears of it, so that a retry can never overtake the ACK. A
2xx is acknowledged by the user, end to end; the transaction stays in Accepted for Timer M because more 2xx, repeated
or from other forks, must still find it.
"""

from __future__ import annotations

from typing import ClassVar

from trunkline.sip.timers import CANCEL_WAIT, TIMER_B, TIMER_D, TIMER_M
from trunkline.sip.transactions.machine import END, STOP, Command, Input, Repeat, Row, State, Table, Transaction

CALLING, PROCEEDING, COMPLETED, ACCEPTED = State.CALLING, State.PROCEEDING, State.COMPLETED, State.ACCEPTED
_DELIVER = (Command.DELIVER,)
_REFUSED = Row(COMPLETED, (Command.ACK, Command.DELIVER), Repeat.STOP, TIMER_D)
_REFUSED_AT_ONCE = Row(State.TERMINATED, (Command.ACK, Command.DELIVER, Command.TERMINATED), Repeat.STOP, STOP)
_ACCEPTED = Row(ACCEPTED, _DELIVER, Repeat.STOP, TIMER_M)
_TIMED_OUT = Row(State.TERMINATED, (Command.TIMED_OUT, Command.TERMINATED), Repeat.STOP, STOP)
_FAILED = Row(State.TERMINATED, (Command.FAILED, Command.TERMINATED), Repeat.STOP, STOP)


class InviteClient(Transaction):
    """The caller's half of one INVITE."""

    __slots__ = ()

    START = Row(CALLING, (Command.SEND,), Repeat.START, TIMER_B)
    TABLE: ClassVar[Table] = {
        (CALLING, Input.PROVISIONAL): Row(PROCEEDING, _DELIVER, Repeat.STOP, STOP),
        (CALLING, Input.SUCCESS): _ACCEPTED,
        (CALLING, Input.FAILURE): _REFUSED,
        (CALLING, Input.REPEAT_DUE): Row(CALLING, (Command.REPEAT,), Repeat.DOUBLE),
        (CALLING, Input.DEADLINE): _TIMED_OUT,
        (CALLING, Input.ABANDONED): Row(CALLING, (), Repeat.STOP),
        (CALLING, Input.TRANSPORT_ERROR): _FAILED,
        (PROCEEDING, Input.PROVISIONAL): Row(PROCEEDING, _DELIVER),
        (PROCEEDING, Input.SUCCESS): _ACCEPTED,
        (PROCEEDING, Input.FAILURE): _REFUSED,
        (PROCEEDING, Input.LIMIT): Row(PROCEEDING, (), Repeat.STOP, CANCEL_WAIT),
        (PROCEEDING, Input.DEADLINE): _TIMED_OUT,
        (COMPLETED, Input.FAILURE): Row(COMPLETED, (Command.ABSORB, Command.ACK)),
        (COMPLETED, Input.DEADLINE): END,
        (COMPLETED, Input.TRANSPORT_ERROR): END,
        (ACCEPTED, Input.SUCCESS): Row(ACCEPTED, _DELIVER),
        (ACCEPTED, Input.DEADLINE): END,
    }


class StreamInviteClient(InviteClient):
    """The same over TCP and TLS: no Timer A, and Timer D is zero (17.1.1.2)."""

    __slots__ = ()

    START = Row(CALLING, (Command.SEND,), Repeat.KEEP, TIMER_B)
    TABLE: ClassVar[Table] = {
        **InviteClient.TABLE,
        (CALLING, Input.FAILURE): _REFUSED_AT_ONCE,
        (PROCEEDING, Input.FAILURE): _REFUSED_AT_ONCE,
    }
