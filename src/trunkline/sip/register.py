"""Keeps us registered at a carrier, so that it knows where to send calls (RFC 3261 10.2; 10.3 for its answers).

A registration is asked for, granted for some seconds, and renewed well before they are over. 423 raises what is asked
for (10.2.8). After any other failure, silence included, the wait doubles up to half an hour, half of it by chance
(RFC 5626 4.5), so that a carrier that comes back is not met by everybody at once; a refusal that more tries will not
change begins at five minutes, because carriers bar those who keep guessing. A binding goes on while renewing it fails,
until its time is over. At the end it is taken back, once.

401 and 407 do not come here: the core has answered them, or they are final. Path and Service-Route (RFC 3327, 3608)
are neither asked for nor read.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum, auto
from math import inf
from typing import Final

import msgspec

from trunkline.sip.errors import RemoteSipError
from trunkline.sip.headers import parse_name_addr
from trunkline.sip.message import Response
from trunkline.sip.uri import parse_uri

SECONDS_MAX: Final = 86_400
LEAD_S_MAX: Final = 120.0
"""How long before its end a binding is renewed, at most; half of its time when that is less."""
BACK_OFF_S: Final = 30.0
LASTING_BACK_OFF_S: Final = 600.0
BACK_OFF_S_MAX: Final = 1_800.0
LASTING: Final = frozenset({401, 403, 404, 405, 407})
"""Refusals that say something about us or our configuration."""


class State(IntEnum):
    """See the head of this file."""

    OFF = auto()
    ASKING = auto()
    REGISTERED = auto()
    RENEWING = auto()
    WAITING = auto()
    LEAVING = auto()


class Input(IntEnum):
    """What can happen."""

    START = auto()
    GRANTED = auto()
    TOO_BRIEF = auto()
    FAILED = auto()
    DUE = auto()
    STOP = auto()
    QUIT = auto()  # STOP while no binding can exist


class Act(IntEnum):
    """What a step does."""

    NOTHING = auto()
    ASK = auto()
    ASK_LONGER = auto()
    KEEP = auto()
    BACK_OFF = auto()
    LEAVE = auto()


_S, _I, _A = State, Input, Act
TRANSITIONS: Final[dict[tuple[State, Input], tuple[State, Act]]] = {
    (_S.OFF, _I.START): (_S.ASKING, _A.ASK),
    (_S.ASKING, _I.GRANTED): (_S.REGISTERED, _A.KEEP),
    (_S.ASKING, _I.TOO_BRIEF): (_S.ASKING, _A.ASK_LONGER),
    (_S.ASKING, _I.FAILED): (_S.WAITING, _A.BACK_OFF),
    (_S.ASKING, _I.STOP): (_S.LEAVING, _A.LEAVE),
    (_S.REGISTERED, _I.DUE): (_S.RENEWING, _A.ASK),
    (_S.REGISTERED, _I.STOP): (_S.LEAVING, _A.LEAVE),
    (_S.RENEWING, _I.GRANTED): (_S.REGISTERED, _A.KEEP),
    (_S.RENEWING, _I.TOO_BRIEF): (_S.RENEWING, _A.ASK_LONGER),
    (_S.RENEWING, _I.FAILED): (_S.WAITING, _A.BACK_OFF),
    (_S.RENEWING, _I.STOP): (_S.LEAVING, _A.LEAVE),
    (_S.WAITING, _I.DUE): (_S.ASKING, _A.ASK),
    (_S.WAITING, _I.STOP): (_S.LEAVING, _A.LEAVE),
    (_S.WAITING, _I.QUIT): (_S.OFF, _A.NOTHING),
    (_S.LEAVING, _I.GRANTED): (_S.OFF, _A.NOTHING),
    (_S.LEAVING, _I.FAILED): (_S.OFF, _A.NOTHING),
    (_S.LEAVING, _I.TOO_BRIEF): (_S.OFF, _A.NOTHING),
}


class Start(msgspec.Struct, frozen=True):
    """Register from now on."""


class Stop(msgspec.Struct, frozen=True):
    """Be registered no longer."""


class Tick(msgspec.Struct, frozen=True):
    """The timer is due."""


class Answered(msgspec.Struct, frozen=True):
    """What came of the last request that was asked for: a final status, None for silence.

    `granted_s` belongs to a 2xx (see `granted_seconds`), `min_expires_s` to a 423.
    """

    status: int | None
    granted_s: int = 0
    min_expires_s: int = 0
    retry_after_s: int | None = None


class Ask(msgspec.Struct, frozen=True):
    """Send a REGISTER for so many seconds; 0 takes the binding back. Its answer is waited for."""

    seconds: int


class Registered(msgspec.Struct, frozen=True):
    """There is a binding for so many seconds."""

    seconds: int


class Failed(msgspec.Struct, frozen=True):
    """No binding was given or renewed; the next try is in `wait_s`. `status` None is silence."""

    status: int | None
    wait_s: float


class Over(msgspec.Struct, frozen=True):
    """Nothing more will be asked for."""


Event = Start | Stop | Tick | Answered
Command = Ask | Registered | Failed | Over


class Registration:
    """One registration. `chance()` gives a number from 0 up to 1."""

    def __init__(self, seconds: int, chance: Callable[[], float]) -> None:
        self.state = State.OFF
        self.expires_at = -inf
        self._wanted_s = seconds
        self._chance = chance
        self._failures = 0
        self._due_at = inf

    def registered(self, now: float) -> bool:
        """Whether the carrier knows us at `now`."""
        return now < self.expires_at

    def next_timer(self) -> float | None:
        """When a Tick is due, in monotonic seconds, or None."""
        return None if self._due_at == inf else self._due_at

    def handle(self, event: Event, now: float) -> list[Command]:
        """Take one event; what to do, in order. An event that nobody waits for changes nothing."""
        step = TRANSITIONS.get((self.state, self._input(event, now)))
        if step is None:
            return []
        self.state, act = step
        self._due_at = inf
        return self._do(act, event, now)

    def _input(self, event: Event, now: float) -> Input:
        match event:
            case Start():
                return Input.START
            case Stop():
                return Input.QUIT if self.state == State.WAITING and not self.registered(now) else Input.STOP
            case Tick():
                return Input.DUE
            case Answered(status=status):
                if status is not None and 200 <= status < 300 and event.granted_s > 0:
                    return Input.GRANTED
                longer = self._wanted_s < event.min_expires_s <= SECONDS_MAX
                return Input.TOO_BRIEF if status == 423 and longer else Input.FAILED

    def _do(self, act: Act, event: Event, now: float) -> list[Command]:
        if act == Act.ASK_LONGER:
            assert isinstance(event, Answered)
            self._wanted_s = event.min_expires_s
        if act in (Act.ASK, Act.ASK_LONGER):
            return [Ask(self._wanted_s)]
        if act == Act.KEEP:
            assert isinstance(event, Answered)
            return [self._keep(min(event.granted_s, SECONDS_MAX), now)]
        if act == Act.BACK_OFF:
            assert isinstance(event, Answered)
            return [self._back_off(event, now)]
        self.expires_at = -inf
        return [Ask(0)] if act == Act.LEAVE else [Over()]

    def _keep(self, granted_s: int, now: float) -> Registered:
        self._failures = 0
        self.expires_at = now + granted_s
        latest_s = granted_s - min(granted_s / 2, LEAD_S_MAX)
        self._due_at = now + latest_s * (1 - self._chance() / 10)  # not all trunks in one moment
        return Registered(granted_s)

    def _back_off(self, event: Answered, now: float) -> Failed:
        base_s = LASTING_BACK_OFF_S if event.status in LASTING else BACK_OFF_S
        most_s = min(BACK_OFF_S_MAX, base_s * 2 ** min(self._failures, 10))
        self._failures += 1
        wait_s = max(most_s * (1 + self._chance()) / 2, min(event.retry_after_s or 0, BACK_OFF_S_MAX))
        self._due_at = now + wait_s
        return Failed(event.status, wait_s)


def granted_seconds(response: Response, contact_user: str, asked_s: int) -> int:
    """For how long a 2xx to a REGISTER has bound our Contact (10.2.4): its own `expires`, else Expires, else `asked_s`.

    Our Contact is known by its user part, because some registrars write its address anew.
    """
    try:
        for value in response.values("Contact"):
            found = parse_name_addr(value)
            if parse_uri(found.uri).user == contact_user:
                seconds = _seconds(found.params.get("expires"))
                if seconds is not None:
                    return seconds
    except RemoteSipError:
        pass  # what cannot be read says nothing about ours
    expires = _seconds(response.header("Expires"))
    return asked_s if expires is None else expires


def min_expires_seconds(response: Response) -> int:
    """The Min-Expires of a 423, 0 when there is none that can be read."""
    return _seconds(response.header("Min-Expires")) or 0


def _seconds(text: str | None) -> int | None:
    text = (text or "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 10 else None
