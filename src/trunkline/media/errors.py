"""What can go wrong with media, and whose fault it is.

`fault` is one of "us", "operator", "peer"; `retryable` says whether the same request may succeed later without anybody changing
anything. The text of the error is what the operator reads: it names the thing and what to do about it.
"""

from __future__ import annotations

from typing import ClassVar, Literal

Fault = Literal["us", "operator", "peer"]


class MediaError(Exception):
    """Any error of the media plane."""

    fault: ClassVar[Fault] = "us"
    retryable: ClassVar[bool] = False


class MediaStartError(MediaError):
    """The media backend cannot start: a port of its range is in use, the range is unusable, or a child died at once."""

    fault = "operator"


class NoMediaPorts(MediaError):
    """Every port pair of the configured range is in use. A limit: more calls than the range was made for."""

    fault = "us"
    retryable = True


class NoVoice(MediaError):
    """A text has no shipped or cached rendering and no engine on this machine can speak it."""

    fault = "operator"


class BadPrompt(MediaError):
    """A prompt file is missing, is no WAV this software reads, or lies outside the folder prompts may come from."""

    fault = "operator"


class BadRecording(MediaError):
    """A file that was to be repaired is not one of our recordings."""

    fault = "operator"
