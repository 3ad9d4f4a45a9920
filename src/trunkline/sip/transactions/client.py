"""Non-INVITE client transaction (RFC 3261 17.1.2).

The request repeats with gaps that double up to T2 (Timer E), and every T2 once a provisional response came, because
here a provisional response does not stop the repetition. It is given up after 64*T1 (Timer F) in any case. Repeated
final responses are absorbed for Timer K.
"""

from __future__ import annotations

from typing import ClassVar

from trunkline.sip.timers import TIMER_F, TIMER_K
from trunkline.sip.transactions.machine import END, STOP, Command, Input, Repeat, Row, State, Table, Transaction

TRYING, PROCEEDING, COMPLETED = State.TRYING, State.PROCEEDING, State.COMPLETED
_FINAL = Row(COMPLETED, (Command.DELIVER,), Repeat.STOP, TIMER_K)
_FINAL_AT_ONCE = Row(State.TERMINATED, (Command.DELIVER, Command.TERMINATED), Repeat.STOP, STOP)
_TIMED_OUT = Row(State.TERMINATED, (Command.TIMED_OUT, Command.TERMINATED), Repeat.STOP, STOP)
_FAILED = Row(State.TERMINATED, (Command.FAILED, Command.TERMINATED), Repeat.STOP, STOP)


class Client(Transaction):
    """The sender's half of a BYE, CANCEL, INFO, OPTIONS or UPDATE."""

    __slots__ = ()

    START = Row(TRYING, (Command.SEND,), Repeat.START, TIMER_F)
    TABLE: ClassVar[Table] = {
        (TRYING, Input.PROVISIONAL): Row(PROCEEDING, (), Repeat.EVERY_T2),
        (TRYING, Input.SUCCESS): _FINAL,
        (TRYING, Input.FAILURE): _FINAL,
        (TRYING, Input.REPEAT_DUE): Row(TRYING, (Command.REPEAT,), Repeat.DOUBLE_TO_T2),
        (TRYING, Input.DEADLINE): _TIMED_OUT,
        (TRYING, Input.TRANSPORT_ERROR): _FAILED,
        (PROCEEDING, Input.SUCCESS): _FINAL,
        (PROCEEDING, Input.FAILURE): _FINAL,
        (PROCEEDING, Input.REPEAT_DUE): Row(PROCEEDING, (Command.REPEAT,), Repeat.EVERY_T2),
        (PROCEEDING, Input.DEADLINE): _TIMED_OUT,
        (PROCEEDING, Input.TRANSPORT_ERROR): _FAILED,
        (COMPLETED, Input.SUCCESS): Row(COMPLETED, (Command.ABSORB,)),
        (COMPLETED, Input.FAILURE): Row(COMPLETED, (Command.ABSORB,)),
        (COMPLETED, Input.DEADLINE): END,
    }


class StreamClient(Client):
    """The same over TCP and TLS: no Timer E, and Timer K is zero (17.1.2.2)."""

    __slots__ = ()

    START = Row(TRYING, (Command.SEND,), Repeat.KEEP, TIMER_F)
    TABLE: ClassVar[Table] = {
        **Client.TABLE,
        (TRYING, Input.PROVISIONAL): Row(PROCEEDING),
        (TRYING, Input.SUCCESS): _FINAL_AT_ONCE,
        (TRYING, Input.FAILURE): _FINAL_AT_ONCE,
        (PROCEEDING, Input.SUCCESS): _FINAL_AT_ONCE,
        (PROCEEDING, Input.FAILURE): _FINAL_AT_ONCE,
    }
