"""What a command is: a name, the shape of its arguments, and what it does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, ClassVar, Generic, TypeVar

import msgspec

from trunkline.events.changes import Change
from trunkline.events.entry import Entry
from trunkline.kernel.clock import Instant
from trunkline.kernel.errors import Fault, TrunklineError
from trunkline.switch.plant import Plant


class CommandRefused(TrunklineError):
    """The command cannot be done as it was asked for; nothing has changed."""

    fault = Fault.OPERATOR


class Args(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The arguments of a command: what else is sent is refused.

    `PRIVATE` ones may speak of a person: an event of that person keeps them sealed, `command.done` and the log do not.
    """

    PRIVATE: ClassVar[frozenset[str]] = frozenset()


class SignedArgs(Args, frozen=True, kw_only=True):
    """Arguments of a command that has to know who asks; `actor` is filled in from the request."""

    actor: str = ""


A = TypeVar("A", bound=Args)


class Done(msgspec.Struct, frozen=True):
    """What a command has done, to be written in one transaction with `command.done`.

    `result` is what JSON can say, at most `RESULT_BYTES_MAX` of it; `entries` are further events and `changes` those of
    state tables (seats are taken from the capacity store anyway). `undo` puts memory back when the disk refuses.
    """

    result: Any
    entries: tuple[Entry, ...] = ()
    changes: tuple[Change, ...] = ()
    undo: Callable[[], None] | None = None


class Command(Generic[A]):
    """One command. `run` raises a TrunklineError to refuse.

    What `run` does after its last `await` is atomic with the event that tells of it: nothing else runs in between. With
    `changes` False it only shows: it needs no key and leaves no event.
    """

    __slots__ = ("args", "changes", "name", "run")

    def __init__(
        self,
        name: str,
        args: type[A],
        run: Callable[[Plant, A, Instant], Awaitable[Done]],
        *,
        changes: bool = True,
    ) -> None:
        self.name = name
        self.args = args
        self.run = run
        self.changes = changes
