"""Does each command once, writes down what it did, and answers when that is durable.

The key decides what "once" means: a request with a key that was used before gets the answer of before when it asks for
the same, and is refused when it asks for something else. A command that was refused has changed nothing and leaves
nothing: its key may be used again.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from trunkline.events.changes import CommandKept
from trunkline.events.entry import Entry
from trunkline.events.switch import CommandDone
from trunkline.journal.answers import find_answer
from trunkline.journal.errors import JournalUnavailable
from trunkline.kernel.errors import Fault, TrunklineError, UsageError
from trunkline.switch.commands.command import Args, Command, CommandRefused, SignedArgs
from trunkline.switch.commands.wire import KEY_MAX, LINE_BYTES_MAX, Answer, Refusal, Request
from trunkline.switch.plant import Plant

log = logging.getLogger("trunkline.commands")

RESULT_BYTES_MAX: Final = LINE_BYTES_MAX - 1_024
"""What a command may answer: it goes over the socket as one line, and with a change into the journal."""

FINISH_S: Final = 10.0
"""How long a stop of the switch waits for commands; reading a large file may take minutes."""

_encode: Final = msgspec.json.Encoder(order="sorted").encode
_request: Final = msgspec.json.Decoder(Request)


class KeyReused(TrunklineError):
    """The idempotency key was used before for another command, or for the same one with other arguments."""

    fault = Fault.OPERATOR


class Executor:
    """Takes lines and gives lines; every error is an answer."""

    def __init__(self, plant: Plant, folder: Path, commands: Mapping[str, Command[Any]]) -> None:
        """`folder` is that of the journal."""
        self._plant = plant
        self._folder = folder
        self._commands = commands
        self._running: dict[str, tuple[bytes, asyncio.Task[bytes]]] = {}

    async def answer(self, line: bytes) -> bytes:
        """Do what a line asks for; its answer without the line feed."""
        try:
            return await self._answer(line)
        except TrunklineError as error:
            return refused(error)
        except Exception as error:
            log.exception("a command has failed by an error of ours")
            return refused(TrunklineError(f"an error of ours: {error!r}", hint="the log of the switch has the place"))

    async def finish(self) -> None:
        """Wait for the commands that are being done; what takes longer than `FINISH_S` is given up."""
        if running := [task for _, task in self._running.values()]:
            _, late = await asyncio.wait(running, timeout=FINISH_S)
            for task in late:
                task.cancel()
            if late:
                log.warning("%d commands were not done when the switch stopped", len(late))
                await asyncio.wait(late)

    async def _answer(self, line: bytes) -> bytes:
        try:
            request = _request.decode(line)
        except msgspec.DecodeError as error:
            raise UsageError(f"this is no request: {error}", hint="docs/reference/admin.md has its form") from error
        command = self._commands.get(request.command)
        if command is None:
            known = ", ".join(sorted(self._commands))
            raise UsageError(f"there is no command {request.command!r}", hint=f"there are: {known}")
        try:
            args: Args = msgspec.json.decode(request.args, type=command.args)
        except msgspec.DecodeError as error:
            raise UsageError(f"{command.name}: {error}", hint="docs/reference/admin.md has its arguments") from error
        if not command.changes:
            done = await command.run(self._plant, args, self._plant.clock())
            return _accepted(_result(command, done.result))
        return await self._once(command, args, request)

    async def _once(self, command: Command[Any], args: Args, request: Request) -> bytes:
        key, actor = request.key, request.actor
        if not key or len(key) > KEY_MAX or not actor or len(actor) > KEY_MAX:
            raise UsageError(
                f"{command.name} changes something: it needs `key` and `actor`, of 1 to {KEY_MAX} characters each"
            )
        if isinstance(args, SignedArgs):
            args = msgspec.structs.replace(args, actor=actor)
        digest = hashlib.sha256(command.name.encode() + b"\n" + _encode(args)).digest()
        known, task = self._running.get(key, (digest, None))
        if task is None:
            task = asyncio.ensure_future(self._do(command, args, key, actor, digest))
            self._running[key] = (digest, task)
            task.add_done_callback(lambda done: self._finished(key, done))
        elif known != digest:
            raise _reused(key)
        return await asyncio.shield(task)  # who asked may leave; what is begun is finished

    def _finished(self, key: str, done: asyncio.Task[bytes]) -> None:
        del self._running[key]
        if not done.cancelled():
            done.exception()  # told to whoever still waits; nobody may

    async def _do(self, command: Command[Any], args: Args, key: str, actor: str, digest: bytes) -> bytes:
        kept = await asyncio.to_thread(find_answer, self._folder, key)
        if kept is not None:
            if kept.digest != digest:
                raise _reused(key)
            return _accepted(kept.answer)
        plant = self._plant
        if not plant.journal.healthy:
            raise JournalUnavailable(f"nothing can be written: {plant.journal.reason}", hint="ask again when it can")
        done = await command.run(plant, args, plant.clock())
        result = _result(command, done.result)
        now = plant.clock()
        shown = {name: value for name, value in msgspec.to_builtins(args).items() if name not in args.PRIVATE}
        event = CommandDone(
            at_ms=now.utc_ms,
            actor=actor,
            key=key,
            command=command.name,
            args=shown,
            result=msgspec.to_builtins(done.result),
        )
        changes = (*done.changes, CommandKept(key, digest, now.utc_ms, result))
        written = plant.write([*done.entries, Entry(event)], changes, finishing=False)
        assert written is not None, "there is an event to be written"
        try:
            await written
        except JournalUnavailable:
            if done.undo is not None:
                done.undo()
            raise
        log.info("%s: %s %s", actor, command.name, _encode(shown).decode())
        return _accepted(result)


def refused(error: TrunklineError) -> bytes:
    """The answer that says why a command was not done."""
    return _encode(Answer(False, error=Refusal(error.message, error.hint, error.fault.value, error.exit_code)))


def _accepted(result: bytes) -> bytes:
    return _encode(Answer(True, result=msgspec.Raw(result)))


def _result(command: Command[Any], result: Any) -> bytes:
    encoded = _encode(result)
    if len(encoded) > RESULT_BYTES_MAX:
        raise CommandRefused(f"the answer of {command.name} is too long", hint="ask for less at once")
    return encoded


def _reused(key: str) -> KeyReused:
    return KeyReused(
        f"the key {key!r} was used for something else",
        hint="give each command a key of its own; only a repetition shares it",
    )
