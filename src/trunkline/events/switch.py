"""What happens to the switch itself, as the journal keeps it."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec


class SwitchEvent(msgspec.Struct, frozen=True, gc=False, kw_only=True, tag_field="type"):
    """What all events of the switch say: when (UTC milliseconds)."""

    VERSION: ClassVar[int] = 1
    PERSONAL: ClassVar[frozenset[str]] = frozenset()

    at_ms: int


class SwitchStarted(SwitchEvent, frozen=True, kw_only=True, tag="switch.started"):
    """The switch is about to take calls with this configuration."""

    version: str
    snapshot: str


class SwitchRecovered(SwitchEvent, frozen=True, kw_only=True, tag="switch.recovered"):
    """What a start after a crash found and ended."""

    calls: int
    attempts: int
    legs: int
    recordings: int
    leads: int = 0


class SnapshotLoaded(SwitchEvent, frozen=True, kw_only=True, tag="snapshot.loaded"):
    """Decisions are taken with this configuration from now on."""

    snapshot: str


class SnapshotRefused(SwitchEvent, frozen=True, kw_only=True, tag="snapshot.refused"):
    """A changed configuration had errors; the one before stays in force."""

    errors: int
    first: str


class OrphanEnded(SwitchEvent, frozen=True, kw_only=True, tag="orphan.ended"):
    """A leg that a crash left behind was told to end; `status` is the peer's answer, None for silence."""

    account: str
    call: str
    leg: str
    method: str
    status: int | None


class LeaseExpired(SwitchEvent, frozen=True, kw_only=True, tag="lease.expired"):
    """A lease ran out without being released: for a live leg, a bug."""

    account: str
    call: str
    attempt: str
    lease: str


class TargetDown(SwitchEvent, frozen=True, kw_only=True, tag="target.down"):
    """Every way to a target is down, for the last one's `reason`; its routes are passed over (`target_down`).

    `facts` is the version of the account's facts that decisions are taken with from now on.
    """

    account: str
    target: str
    reason: str
    facts: str


class TargetUp(SwitchEvent, frozen=True, kw_only=True, tag="target.up"):
    """A way to the target is open again; `facts` as in `target.down`."""

    account: str
    target: str
    facts: str


class TargetStatus(SwitchEvent, frozen=True, kw_only=True, tag="target.status"):
    """A target takes traffic again (`available`) or not: `wrap_up`, `auto_paused` or `away`, until `until_ms` if known.

    `by` is who said so, None for what follows from its calls; `facts` as in `target.down`.
    """

    account: str
    target: str
    status: str
    until_ms: int | None
    by: str | None
    facts: str


class LimitMoved(SwitchEvent, frozen=True, kw_only=True, tag="limit.moved"):
    """A configuration has placed the windows of a limit elsewhere: `counter` counts in a new window from now on.

    `zone` and `week_start` say where the windows are now, the others where they were. `used` is what the window before
    has used (money in minor units); it stays there.
    """

    account: str
    counter: str
    zone: str
    week_start: str
    zone_before: str
    week_start_before: str
    used: int


class CommandDone(SwitchEvent, frozen=True, kw_only=True, tag="command.done"):
    """Somebody had the switch change something by a command over the admin socket (docs/reference/admin.md).

    `actor` is who says to have asked, `key` the idempotency key; `args` and `result` are the command's own.
    """

    actor: str
    key: str
    command: str
    args: dict[str, Any]
    result: Any


class RatesPublished(SwitchEvent, frozen=True, kw_only=True, tag="rates.published"):
    """Decisions rest on this rate book from now on: its version, the instant it was made for, and its routes.

    `facts` is the version of the account's facts with it.
    """

    account: str
    rates: str
    made_ms: int
    routes: int
    facts: str


class PenaltiesPublished(SwitchEvent, frozen=True, kw_only=True, tag="penalties.published"):
    """Ranks in auctions are lowered by these penalties from now on: by target, hundredths of a percent of its bids.

    They are what targets have sent back of what they bought in the last `days`; targets that are not there have none.
    `facts` is the version of the account's facts with them.
    """

    account: str
    penalties: dict[str, int]
    days: int
    facts: str


class SwitchStopped(SwitchEvent, frozen=True, kw_only=True, tag="switch.stopped"):
    """The switch stopped in order, with no call left."""

    calls_cut: int


AnySwitchEvent = (
    SwitchStarted
    | SwitchRecovered
    | SnapshotLoaded
    | SnapshotRefused
    | OrphanEnded
    | LeaseExpired
    | TargetDown
    | TargetUp
    | TargetStatus
    | LimitMoved
    | CommandDone
    | RatesPublished
    | PenaltiesPublished
    | SwitchStopped
)
