"""Sends a command to the running switch over the admin socket of its data folder.

What every command that changes something shares stands here: the flags `--data`, `--key`, `--json`, who is asking, and
errors that say what to do.
"""

from __future__ import annotations

import argparse
import getpass
import socket
import uuid
from pathlib import Path
from typing import Any, Final

import msgspec

from trunkline.kernel.errors import EnvironmentFault, Fault, TrunklineError
from trunkline.switch.commands.wire import KEY_MAX, LINE_BYTES_MAX, reachable, socket_path

TIMEOUT_S: Final = 60.0
"""How long an answer is waited for."""


class SwitchUnreachable(EnvironmentFault):
    """No switch answers in the data folder, or this user may not talk to it."""


class AnswerMissing(EnvironmentFault):
    """The switch took a command and did not answer: it may or may not have been done."""


class Refused(TrunklineError):
    """The switch said no; message, hint and fault are its own."""

    def __init__(self, message: str, hint: str, fault: str, exit_code: int) -> None:
        super().__init__(message, hint=hint)
        self.fault = Fault(fault)
        self.exit_code = exit_code


def add_arguments(parser: argparse.ArgumentParser, *, changes: bool) -> None:
    """The flags of any command that goes to the switch; those that change something can be repeated by their key."""
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="the data folder of the running switch")
    if changes:
        parser.add_argument(
            "--key", metavar="KEY", help="idempotency key: a repetition with the same key is not done twice"
        )
    parser.add_argument("--json", action="store_true", help="print the answer as one JSON document")


def ask(data: Path, command: str, args: dict[str, Any], *, timeout_s: float = TIMEOUT_S) -> Any:
    """The result of a command that only shows. Raises SwitchUnreachable, AnswerMissing, Refused."""
    return _result(_exchange(data, {"command": command, "args": args}, "", timeout_s))


def tell(data: Path, command: str, args: dict[str, Any], key: str | None, *, timeout_s: float = TIMEOUT_S) -> Any:
    """Have something changed; its result, when it is durable. Raises SwitchUnreachable, AnswerMissing, Refused."""
    key = key or uuid.uuid4().hex
    request = {"command": command, "args": args, "key": key, "actor": actor()}
    return _result(_exchange(data, request, f"; run it again with --key {key}: it is not done twice", timeout_s))


def actor() -> str:
    """Who is asking, as the journal will name them: `user@host`."""
    return f"{getpass.getuser()}@{socket.gethostname()}"[:KEY_MAX]


def _exchange(data: Path, request: dict[str, Any], again: str, timeout_s: float) -> bytes:
    line = msgspec.json.encode(request) + b"\n"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(timeout_s)
        _connect(connection, data)
        try:
            connection.sendall(line)
            with connection.makefile("rb") as answers:
                answer = answers.readline(LINE_BYTES_MAX + 1)
        except OSError as error:
            raise AnswerMissing(
                f"the switch has not answered: {error}", hint=f"it may have been done{again}"
            ) from error
    if not answer.endswith(b"\n"):
        raise AnswerMissing("the switch ended before it answered", hint=f"it may have been done{again}")
    return answer


def _connect(connection: socket.socket, data: Path) -> None:
    path = socket_path(data)
    try:
        with reachable(path) as short:
            connection.connect(short)
    except PermissionError as error:
        raise SwitchUnreachable(
            f"{path} may not be opened by this user", hint="run it as the user that the switch runs as"
        ) from error
    except (FileNotFoundError, NotADirectoryError, ConnectionRefusedError) as error:
        raise SwitchUnreachable(
            f"no switch is running with the data folder {data}",
            hint="start one, or name with --data the folder that the running one was started with",
        ) from error
    except OSError as error:
        raise SwitchUnreachable(f"{path} cannot be opened: {error.strerror or error}") from error


def _result(answer: bytes) -> Any:
    document = msgspec.json.decode(answer)
    if document["ok"]:
        return document.get("result")
    error = document["error"]
    raise Refused(error["message"], error.get("hint", ""), error.get("fault", "us"), error.get("exit", 1))
