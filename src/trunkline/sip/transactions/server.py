"""Non-INVITE server transaction (RFC 3261 17.2.2).

The request reaches the user once; its repetitions get the final response again until Timer J, or silence while there
is none yet.
"""

from __future__ import annotations

from typing import ClassVar

from trunkline.sip.timers import TIMER_J
from trunkline.sip.transactions.machine import END, STOP, Command, Input, Repeat, Row, State, Table, Transaction

TRYING, COMPLETED = State.TRYING, State.COMPLETED
_FINAL = Row(COMPLETED, (Command.SEND,), Repeat.STOP, TIMER_J)

_FINAL_AT_ONCE = Row(State.TERMINATED, (Command.SEND, Command.TERMINATED), Repeat.STOP, STOP)


class Server(Transaction):
    """The receiver's half of a BYE, INFO or UPDATE."""

    __slots__ = ()

    START = Row(TRYING)
    TABLE: ClassVar[Table] = {
        (TRYING, Input.REQUEST): Row(TRYING, (Command.ABSORB,)),
        (TRYING, Input.SUCCESS): _FINAL,
        (TRYING, Input.FAILURE): _FINAL,
        (COMPLETED, Input.REQUEST): Row(COMPLETED, (Command.ABSORB, Command.REPEAT)),
        (COMPLETED, Input.DEADLINE): END,
    }


class StreamServer(Server):
    """The same over TCP and TLS: Timer J is zero (17.2.2)."""

    __slots__ = ()

    TABLE: ClassVar[Table] = {
        **Server.TABLE,
        (TRYING, Input.SUCCESS): _FINAL_AT_ONCE,
        (TRYING, Input.FAILURE): _FINAL_AT_ONCE,
    }
