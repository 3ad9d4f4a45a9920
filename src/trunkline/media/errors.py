"""What can go wrong with media, whose fault it is, and what to do."""

from __future__ import annotations

from trunkline.kernel.errors import EnvironmentFault, Fault, TrunklineError


class MediaStartError(EnvironmentFault):
    """The media backend cannot start: a port is in use, the range is unusable, or its process died at once."""


class NoMediaPorts(TrunklineError):
    """Every port pair of the configured range is in use. A limit: more calls than the range was made for."""

    fault = Fault.US
    retryable = True


class BadRemote(TrunklineError):
    """The address of the other side is not one that media can be sent to."""

    fault = Fault.CARRIER


class NoVoice(EnvironmentFault):
    """A text has no shipped or cached rendering and no engine on this machine can speak it."""


class BadPrompt(TrunklineError):
    """A prompt file is missing, is no audio this software reads, or lies outside the folder prompts may come from."""

    fault = Fault.OPERATOR


class BadRecording(TrunklineError):
    """A file that was to be repaired is not one of our recordings."""

    fault = Fault.OPERATOR
