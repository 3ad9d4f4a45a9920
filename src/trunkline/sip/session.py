"""Session timers: what the two sides agree on (RFC 4028 4, 7.1, 7.2, 9). No state and no clock here."""

from __future__ import annotations

import msgspec

from trunkline.sip.errors import RemoteSipError
from trunkline.sip.headers import parse_params
from trunkline.sip.message import Message, Request, Response
from trunkline.sip.terms import MAX_SESSION_S, MIN_SESSION_S, allows, has_option

MIN_SE = f"Min-SE: {MIN_SESSION_S}"
GUARD_S = 32  # 10: who does not refresh hangs up this long before the end, or a third of the interval


class SessionExpires(msgspec.Struct, frozen=True):
    """A Session-Expires: seconds, and who of the transaction's two sides refreshes ("uac" or "uas") if it says so."""

    seconds: int
    refresher: str | None


class Session:
    """A running session timer of a leg.

    `ours` says that we refresh. `expires_at` is when the session ends without a refresh; `floor_s` the smallest
    interval the peer has ever asked for; `updates` whether it takes UPDATE.
    """

    __slots__ = ("expires_at", "floor_s", "interval_s", "ours", "updates")

    def __init__(self, interval_s: int, ours: bool, updates: bool, now: float) -> None:
        self.interval_s = interval_s
        self.ours = ours
        self.updates = updates
        self.floor_s = 0
        self.expires_at = now + interval_s

    def next_at(self, now: float) -> float:
        """When to refresh, or when to give up a peer that does not."""
        if self.ours:
            return now + self.interval_s / 2
        return now + self.interval_s - min(GUARD_S, self.interval_s / 3)


def session_expires(message: Message) -> SessionExpires | None:
    """The Session-Expires of a message; None when there is none or it cannot be read."""
    text = message.header("Session-Expires")
    if text is None:
        return None
    seconds, semicolon, rest = text.partition(";")
    number = _seconds(seconds)
    if number is None:
        return None
    try:
        refresher = (parse_params(semicolon + rest).get("refresher") or "").lower()
    except RemoteSipError:
        refresher = ""
    return SessionExpires(number, refresher if refresher in ("uac", "uas") else None)


def min_session_s(message: Message) -> int:
    """The Min-SE of a message, 0 when there is none or it cannot be read."""
    text = message.header("Min-SE")
    return 0 if text is None else _seconds(text.partition(";")[0]) or 0


def is_too_small(request: Request) -> bool:
    """Whether a request asks for an interval that must be refused with 422 (9): only of who knows the timer."""
    asked = session_expires(request)
    return asked is not None and asked.seconds < MIN_SESSION_S and has_option(request, "Supported", "timer")


def offer_lines(wanted_s: int | None, floor_s: int = 0, refresher: str | None = None) -> list[str]:
    """What our request says of the timer: without `refresher` the peer chooses (7.1, 7.4)."""
    if wanted_s is None:
        return []
    role = f";refresher={refresher}" if refresher else ""
    lines = [f"Session-Expires: {max(wanted_s, floor_s)}{role}"]
    return [*lines, f"Min-SE: {floor_s}"] if floor_s else lines


def accept(request: Request, wanted_s: int | None, now: float) -> tuple[Session | None, list[str]]:
    """What our 2xx to a request makes of its timer, and the lines that say so (9, table 2).

    A peer that shows no sign of knowing session timers is not bothered with refreshes.
    """
    if wanted_s is None:
        return None, []
    asked = session_expires(request)
    knows = has_option(request, "Supported", "timer") or has_option(request, "Require", "timer")
    if not knows and (asked is None or asked.seconds < MIN_SESSION_S):
        return None, []
    interval_s = max(wanted_s, min_session_s(request), MIN_SESSION_S)
    if asked is not None:
        interval_s = min(interval_s, max(asked.seconds, MIN_SESSION_S))
    refresher = (asked.refresher if asked is not None else None) or ("uac" if knows else "uas")
    lines = [f"Session-Expires: {interval_s};refresher={refresher}"]
    if refresher == "uac":
        lines.append("Require: timer")
    return Session(interval_s, refresher == "uas", allows(request, "UPDATE"), now), lines


def agreed(response: Response, wanted_s: int | None, now: float) -> Session | None:
    """What the peer's 2xx makes of our timer; None when it wants none (7.2)."""
    if wanted_s is None:
        return None
    given = session_expires(response)
    if given is None:
        return None
    return Session(max(given.seconds, MIN_SESSION_S), given.refresher != "uas", allows(response, "UPDATE"), now)


def _seconds(text: str) -> int | None:
    text = text.strip()
    if not (text.isascii() and text.isdigit()) or len(text) > 10:
        return None
    return min(int(text), MAX_SESSION_S)
