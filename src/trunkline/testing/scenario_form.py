"""The form of a scenario file, as msgspec reads it."""

from __future__ import annotations

from typing import Any

import msgspec


class Expectation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What must come of a question."""

    offers: tuple[str, ...]
    rejected: dict[str, dict[str, Any]] = msgspec.field(default_factory=dict)
    attributes: dict[str, dict[str, Any]] = msgspec.field(default_factory=dict)
    unsold_reason: str | None = None
    duplicate: bool | None = None


class Step(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One caller of several, and what buyers do with it.

    `accepts` are the targets that take the caller when they are offered it; all others refuse, each after `rings`
    seconds. Who is taken stays for `seconds` and then converts, unless `converts` is false. With a `hop` the caller
    before comes again, rerouted so often.
    """

    query: dict[str, Any]
    expect: Expectation
    accepts: tuple[str, ...] = ()
    rings: int = 0
    seconds: int = 0
    converts: bool = True
    hop: int = 0


class Scenario(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file: a query with what is expected of it, or steps."""

    about: str
    query: dict[str, Any] | None = None
    expect: Expectation | None = None
    steps: tuple[Step, ...] = ()
    config: dict[str, Any] = msgspec.field(default_factory=dict)

    def expectations(self) -> tuple[Expectation, ...]:
        """All that is expected, in order."""
        return (*(() if self.expect is None else (self.expect,)), *(step.expect for step in self.steps))
