"""The traffic of a simulation: JSON lines, first a header that says how buyers behave, then one arrival a line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Literal

import msgspec

from trunkline.kernel.errors import UsageError
from trunkline.worker.simulation.behaviour import Model, Observed

YEARS = range(1970, 2201)


class Header(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How buyers behave, by target key, and everybody else."""

    targets: dict[str, Model] = msgspec.field(default_factory=dict)
    default: Model = Model()


class _HeaderLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    header: Header


class Arrival(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"caller": "from"}):
    """One call or lead. `to` is the tracking number that is called; a lead names its `campaign` instead.

    `attributes` are stated, as what a caller presses or a form says; `plan` is what the flow would route by, when it is
    not the campaign's; `seed` decides what is drawn for this caller, when the run's own shall not; `observed` is what
    targets really did with it, `bids` what they bid for it (an amount, or `none`).
    """

    at: str
    kind: Literal["call", "lead"] = "call"
    to: str | None = None
    campaign: str | None = None
    caller: str | None = None
    publisher: str | None = None
    source: str | None = None
    attributes: dict[str, str] = msgspec.field(default_factory=dict)
    plan: str | None = None
    seed: int | None = None
    observed: dict[str, Observed] = msgspec.field(default_factory=dict)
    bids: dict[str, str] = msgspec.field(default_factory=dict)


class Traffic:
    """Lines that are read as they are asked for. `name` is told with what is wrong."""

    def __init__(self, lines: Iterable[bytes], name: str) -> None:
        """Read the header. Raises UsageError when there is none that can be read."""
        self._lines = iter(lines)
        self._name = name
        self.header = Header()
        self._first: bytes | None = None
        first = next(self._lines, b"")
        if first.lstrip().startswith(b'{"header"') or b'"header"' in first[:20]:
            try:
                self.header = msgspec.json.decode(first, type=_HeaderLine).header
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise UsageError(
                    f"{name}, line 1: {error}", hint="docs/reference/simulate.md has its fields"
                ) from error
        else:
            self._first = first

    def __iter__(self) -> Iterator[tuple[int, int, Arrival]]:
        """Line number, UTC milliseconds and the arrival. Raises UsageError for a line that cannot be read."""
        decode = msgspec.json.Decoder(Arrival).decode
        number = 1
        if self._first is not None:
            yield from self._read(decode, 1, self._first)
        for number, line in enumerate(self._lines, start=2):
            yield from self._read(decode, number, line)

    def _read(self, decode: object, number: int, line: bytes) -> Iterator[tuple[int, int, Arrival]]:
        if not line.strip():
            return
        try:
            arrival: Arrival = decode(line)  # type: ignore[operator]
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise UsageError(
                f"{self._name}, line {number}: {error}", hint="docs/reference/simulate.md has the fields of a line"
            ) from error
        yield number, self._when(number, arrival.at), arrival

    def _when(self, number: int, text: str) -> int:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None or moment.year not in YEARS:
            raise UsageError(
                f"{self._name}, line {number}: at {text!r} is no time", hint="write it as 2026-11-23T15:00:00Z"
            )
        return int(moment.timestamp() * 1000)
