"""Scripted callers and buyers, for tests of your own configuration.

    async with Buyer(busy()) as first, Buyer(answers(0.5, say=speech)) as second, Caller() as caller:
        ...  # a configuration whose targets dial first.uri() and second.uri()
        call = await caller.call("sip:+18335550100@127.0.0.1:5060", "+15125550100", calls(["1", "78701"]))
        assert second.calls[0].talked_s > 3

They speak real SIP and RTP over UDP. A peer is a `Line` with a script; a script is any `async def script(call)` with a
`PeerCall`, and `scripts` has the usual ones. Whatever a peer heard is in `call.audio.heard()`.
"""

from __future__ import annotations

from typing import Self

from trunkline.testing.call import WAIT_S, CallOver, CallRefused, PeerCall, PeerTimeout
from trunkline.testing.line import Line, Script
from trunkline.testing.scripts import answers, busy, calls, declines, gives_up, only_rings, refuses, silent

__all__ = [
    "Buyer",
    "CallOver",
    "CallRefused",
    "Caller",
    "PeerCall",
    "PeerTimeout",
    "Script",
    "answers",
    "busy",
    "calls",
    "declines",
    "gives_up",
    "only_rings",
    "refuses",
    "silent",
]


class Buyer(Line):
    """A place that is called. `script` plays every call; `uri()` is what a target dials."""

    def __init__(self, script: Script, *, host: str = "127.0.0.1", port: int = 0) -> None:
        super().__init__(script, host=host, port=port)


class Caller(Line):
    """A place that calls; any number of callers at once, each with a number of its own."""

    def __init__(self, *, host: str = "127.0.0.1", port: int = 0) -> None:
        super().__init__(None, host=host, port=port)

    async def __aenter__(self) -> Self:
        """Ready to call."""
        return await super().__aenter__()

    async def call(
        self,
        uri: str,
        number: str,
        script: Script,
        *,
        codecs: tuple[str, ...] = ("PCMU", "PCMA"),
        within_s: float = WAIT_S,
    ) -> PeerCall:
        """Call `uri` as `number`, play the script, and wait until the call is over.

        A call that is refused or hung up on is no error: look at `status`, `answered_at`, `ended_by`. Raises
        PeerTimeout when it has not ended after `within_s` seconds, or the script's own error.
        """
        call = self.dial(uri, number, codecs=codecs)
        self.play(call, script)
        try:
            await call.wait_over(within_s)
        finally:
            call.hang_up()
        if call.fault is not None:
            raise call.fault
        return call
