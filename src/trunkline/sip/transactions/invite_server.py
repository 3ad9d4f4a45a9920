"""INVITE server transaction (RFC 3261 17.2.1, RFC 6026 8.5).

A repeated INVITE is answered with the last provisional response and never reaches the user a second time. A failure
repeats (Timer G) until its ACK comes or Timer H ends the wait; the ACK's own repetitions are absorbed for Timer I. A
2xx repeats end to end, which is the user's affair: Accepted only keeps repeated INVITEs away (Timer L).
"""

from __future__ import annotations

from typing import ClassVar

from trunkline.sip.timers import TIMER_H, TIMER_I, TIMER_L
from trunkline.sip.transactions.machine import END, STOP, Command, Input, Repeat, Row, State, Table, Transaction

PROCEEDING, COMPLETED, CONFIRMED, ACCEPTED = State.PROCEEDING, State.COMPLETED, State.CONFIRMED, State.ACCEPTED
_SEND = (Command.SEND,)


class InviteServer(Transaction):
    """The called side's half of one INVITE."""

    __slots__ = ()

    START = Row(PROCEEDING)
    TABLE: ClassVar[Table] = {
        (PROCEEDING, Input.REQUEST): Row(PROCEEDING, (Command.ABSORB, Command.REPEAT)),
        (PROCEEDING, Input.PROVISIONAL): Row(PROCEEDING, _SEND),
        (PROCEEDING, Input.SUCCESS): Row(ACCEPTED, _SEND, Repeat.STOP, TIMER_L),
        (PROCEEDING, Input.FAILURE): Row(COMPLETED, _SEND, Repeat.START, TIMER_H),
        (COMPLETED, Input.REQUEST): Row(COMPLETED, (Command.ABSORB, Command.REPEAT)),
        (COMPLETED, Input.REPEAT_DUE): Row(COMPLETED, (Command.REPEAT,), Repeat.DOUBLE_TO_T2),
        (COMPLETED, Input.ACK): Row(CONFIRMED, (), Repeat.STOP, TIMER_I),
        (COMPLETED, Input.DEADLINE): Row(State.TERMINATED, (Command.TIMED_OUT, Command.TERMINATED), Repeat.STOP, STOP),
        (CONFIRMED, Input.REQUEST): Row(CONFIRMED, (Command.ABSORB,)),
        (CONFIRMED, Input.ACK): Row(CONFIRMED, (Command.ABSORB,)),
        (CONFIRMED, Input.DEADLINE): END,
        (ACCEPTED, Input.REQUEST): Row(ACCEPTED, (Command.ABSORB, Command.REPLAY)),
        (ACCEPTED, Input.ACK): Row(ACCEPTED, (Command.DELIVER,)),
        (ACCEPTED, Input.DEADLINE): END,
    }


class StreamInviteServer(InviteServer):
    """The same over TCP and TLS: no Timer G, and Timer I is zero (17.2.1)."""

    __slots__ = ()

    TABLE: ClassVar[Table] = {
        **InviteServer.TABLE,
        (PROCEEDING, Input.FAILURE): Row(COMPLETED, _SEND, Repeat.STOP, TIMER_H),
        (COMPLETED, Input.ACK): END,
    }
