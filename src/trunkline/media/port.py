"""The port between the switch and whatever moves the audio.

The switch names every leg and every recording with ids of its own choice and never sees a socket. All methods but
`start` and `stop` are synchronous and return at once: they hand the order to the backend, and what comes of it
arrives as a `MediaEvent`. Orders for a leg that is unknown or closed are ignored, because the leg may have been lost
a moment ago and its event is still on the way.

`left` and `right` of a recording are leg ids; what a leg *sent* is stored, never the prompts it heard.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, Protocol

from msgspec import Struct

Codec = Literal["PCMU", "PCMA"]
Direction = Literal["sendrecv", "sendonly", "recvonly", "inactive"]


class LocalMedia(Struct, frozen=True, gc=False):
    """Where a leg receives, to be advertised in SDP: its RTP port is even, and RTCP is the next (RFC 3550 section
    11).
    """

    leg: str
    host: str
    port: int


SrtpSuite = Literal["AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32"]

SRTP_KEY_SIZE = 30


class Srtp(Struct, frozen=True, gc=False):
    """The keys of an encrypted leg (RFC 3711), each 16 bytes of master key and 14 of salt. Never shown."""

    suite: SrtpSuite
    send: bytes
    receive: bytes

    def __repr__(self) -> str:
        return f"Srtp({self.suite})"


class RemoteMedia(Struct, frozen=True, gc=False):
    """The other side of a leg as its SDP says. `direction` is from our point of view: what we may do.

    `noise_payload_type` is what it takes comfort noise under (RFC 3389), None when it did not say that it does.
    With `srtp` all that is sent is encrypted, and nothing is taken that is not. The same keys again go on where they
    were; others begin anew.
    """

    host: str
    port: int
    codec: Codec
    payload_type: int
    dtmf_payload_type: int | None = None
    direction: Direction = "sendrecv"
    srtp: Srtp | None = None
    noise_payload_type: int | None = None


class Prompt(Struct, frozen=True, gc=False):
    """A sound: the absolute path of a WAV that `PromptStore` prepared, or the name of a builtin.

    "ringback" is the US cadence (2 s on, 4 s off), "beep" 400 ms of 1 kHz, "silence" one second of nothing.
    """

    path: str


class LegStats(Struct, frozen=True, gc=False):
    """What passed through a leg, given when it closes. Counters are packets unless the name says otherwise.

    `foreign` came from another address than the party's, `other_stream` from its address beside the stream that was
    heard; `unauthenticated` bore no valid SRTP tag or were replayed; `keys_dropped` are keys beyond what anybody could
    press. `peer_...` is what the party said in `peer_reports` RTCP reports of what we sent.
    """

    packets_in: int = 0
    octets_in: int = 0
    packets_out: int = 0
    octets_out: int = 0
    lost: int = 0
    late_or_duplicate: int = 0
    foreign: int = 0
    other_stream: int = 0
    invalid: int = 0
    unauthenticated: int = 0
    keys_dropped: int = 0
    send_errors: int = 0
    jitter_ms: float = 0.0
    peer_reports: int = 0
    peer_lost: int = 0
    peer_jitter_ms: float = 0.0
    round_trip_ms: float | None = None
    encrypted: bool = False


class Played(Struct, frozen=True, gc=False, tag="played"):
    """What `play` was asked to play under `tag` is over: `completed` when all of it was sent to the party.

    Not so when it was replaced, stopped or closed, or when the party was on hold or heard keys during a part of it.
    """

    leg: str
    tag: int
    completed: bool


class Digit(Struct, frozen=True, gc=False, tag="digit"):
    """The party of `leg` pressed a key (0-9 * # A-D). Reported once, when it was released or its end was lost."""

    leg: str
    digit: str
    duration_ms: int


class DeadMedia(Struct, frozen=True, gc=False, tag="dead_media"):
    """No audio came from the leg for `silent_ms`. Reported once until audio comes again."""

    leg: str
    silent_ms: int


class Recorded(Struct, frozen=True, gc=False, tag="recorded"):
    """The recording is finished and its file closed; with `error`, what is in the file is all there will be."""

    recording: str
    path: str
    duration_ms: int
    error: str | None = None


class Closed(Struct, frozen=True, gc=False, tag="closed"):
    """The leg is closed and its port free again."""

    leg: str
    stats: LegStats


class BackendLost(Struct, frozen=True, gc=False, tag="backend_lost"):
    """A media process died: these legs are gone, and these recordings have ended where the process was.

    Each of the recordings has been repaired and reported as `Recorded`, with an error, before this arrives.
    """

    legs: tuple[str, ...]
    recordings: tuple[str, ...]


MediaEvent = Played | Digit | DeadMedia | Recorded | Closed | BackendLost


class Media(Protocol):
    """A media backend: embedded RTP now, rtpengine later."""

    on_event: Callable[[MediaEvent], None]
    """Set by the switch before `start`; called in the event loop's thread."""

    async def start(self) -> None:
        """Spawn what runs beside the switch and bind all ports. Raises `MediaStartError` that says what to do."""

    async def stop(self) -> None:
        """Finish recordings, close all legs and end the processes. Idempotent."""

    def open(self, leg: str, call: str) -> LocalMedia:
        """Take a port pair for `leg`. Legs of one `call` can be bridged and recorded together.

        Raises `NoMediaPorts` when the range is used up. Opening an open leg is our bug and an assertion.
        """

    def check(self, remote: RemoteMedia) -> None:
        """Raise what `connect` would raise for this address, so that an offer can be refused before it is taken."""

    def connect(self, leg: str, remote: RemoteMedia) -> None:
        """Say where the leg's party is. Used again on re-INVITE (hold, resume), which re-arms the source latch.

        Raises `BadRemote` for an address that media cannot be sent to: no IP address, port 0, multicast, one of our
        own.
        """

    def play(self, leg: str, tag: int, prompts: Sequence[Prompt], loop: bool = False) -> None:
        """Play to the leg's party, in place of what plays and of its bridge peer's audio. Ends with `Played(tag)`."""

    def stop_play(self, leg: str) -> None:
        """Stop what plays on the leg."""

    def bridge(self, a: str, b: str) -> None:
        """Join two legs of one call: each hears the other. A leg has one peer; a new bridge replaces the old."""

    def unbridge(self, a: str, b: str) -> None:
        """Part two legs. Nothing happens when they are not joined."""

    def record(self, recording: str, path: str, left: str | None, right: str | None) -> None:
        """Start a stereo recording, or add the side that is missing: a later side stands at its right time offset."""

    def pause_record(self, recording: str) -> None:
        """Store silence in place of what both parties say, until `resume_record`. The file keeps its time."""

    def resume_record(self, recording: str) -> None:
        """Store audio again."""

    def stop_record(self, recording: str) -> None:
        """End the recording and close its file. Ends with `Recorded`."""

    def send_digits(self, leg: str, digits: str) -> None:
        """Send keys to the leg's party, 100 ms each, 100 ms apart, behind those still being sent.

        They go as RFC 4733 events, or as in-band tones when the party agreed to no events.
        """

    def close(self, leg: str) -> None:
        """Say BYE by RTCP, end what plays and free the port. Idempotent. Ends with `Closed`."""

    def free_ports(self) -> int:
        """How many more legs can be opened now."""
