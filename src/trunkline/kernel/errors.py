"""Errors that say whose fault they are, what happened and what to do.

The docstring of an error class is the sentence for the reference page; `message` names the case at hand and `hint`
says what to do about it.
"""

from __future__ import annotations

from enum import StrEnum


class Fault(StrEnum):
    """Who has to change something before the same thing can work."""

    CALLER = "caller"
    OPERATOR = "operator"
    CARRIER = "carrier"
    BUYER = "buyer"
    US = "us"


class ExitCode:
    """What a command's exit status means; the same for every command."""

    DONE = 0
    WRONG = 1
    """The thing that was checked is wrong."""
    USAGE = 2
    """The command was called in a way it does not take."""
    ENVIRONMENT = 3
    """The machine lacks something: a port in use, an engine missing, a full disk."""


class TrunklineError(Exception):
    """Something went wrong that a person can act on."""

    fault: Fault = Fault.US
    retryable: bool = False
    exit_code: int = ExitCode.WRONG

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(TrunklineError):
    """The command, flag or value is not one that this command takes."""

    fault = Fault.OPERATOR
    exit_code = ExitCode.USAGE


class EnvironmentFault(TrunklineError):
    """The machine is not able to do this now: a port in use, an engine missing, a disk full."""

    fault = Fault.OPERATOR
    exit_code = ExitCode.ENVIRONMENT
