"""What a flow wants done, and what it is told."""

from __future__ import annotations

import msgspec

from trunkline.config.flows import HoldQueue, Prompt


class Say(msgspec.Struct, frozen=True, gc=False):
    """Let the caller hear the prompts in order, then tell `Heard`. `sensitive` pauses recording until it is left."""

    prompts: tuple[Prompt, ...]
    sensitive: bool = False


class Listen(msgspec.Struct, frozen=True, gc=False):
    """Nothing (more) is to be heard; the flow waits for keys. `sensitive` pauses recording until it is left."""

    sensitive: bool = False


class Hush(msgspec.Struct, frozen=True, gc=False):
    """Stop what is being played."""


class Sell(msgspec.Struct, frozen=True, gc=False):
    """Route the call by `plan` (None: the campaign's). `returns` says that the flow goes on when nobody buys."""

    node: str
    plan: str | None
    returns: bool


class Queue(msgspec.Struct, frozen=True, gc=False):
    """Hold the caller until somebody has room for it; tell `Unsold` when nobody had in time."""

    node: str
    terms: HoldQueue


class TakeMessage(msgspec.Struct, frozen=True, gc=False):
    """Play the prompts and a tone, then record the caller for at most `seconds`; tell `MessageTaken` afterwards."""

    prompts: tuple[Prompt, ...]
    seconds: int


class Finish(msgspec.Struct, frozen=True, gc=False):
    """The flow is over: hang up. `reason` says why when it is not by a hang_up node."""

    reason: str | None = None


Effect = Say | Listen | Hush | Sell | Queue | TakeMessage | Finish


class Heard(msgspec.Struct, frozen=True, gc=False):
    """What was to be heard has been, or could not be, or was stopped."""


class Key(msgspec.Struct, frozen=True, gc=False):
    """The caller pressed one key: 0-9, *, # or A-D."""

    digit: str


class Tick(msgspec.Struct, frozen=True, gc=False):
    """The flow's timer has run out."""


class Unsold(msgspec.Struct, frozen=True, gc=False):
    """Nobody bought the call that was to be sold."""


class MessageTaken(msgspec.Struct, frozen=True, gc=False):
    """The message is over: recorded, ended by a key or by its time."""


Input = Heard | Key | Tick | Unsold | MessageTaken
