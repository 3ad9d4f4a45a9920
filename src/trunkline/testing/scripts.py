"""Ready-made behaviour for scripted peers. A script is any `async def script(call)`; these make the usual ones."""

from __future__ import annotations

from collections.abc import Sequence

from trunkline.testing.call import PeerCall
from trunkline.testing.line import Script

BUSY = 486
DECLINED = 603
UNAVAILABLE = 480
SPEECH_PAUSE_S = 0.6
SILENCE_S = 3600.0


def answers(
    after_s: float = 0.0,
    *,
    press: str | None = None,
    listen_first: bool = False,
    say: bytes | None = None,
    repeat: bool = False,
    echo: bool = False,
    talk_s: float | None = None,
) -> Script:
    """Ring at once and pick up after `after_s` seconds.

    `press` are keys pressed once something has been heard (a request to accept the call). With `listen_first` it
    waits until a prompt (a whisper, an announcement) is over. `say` is 16-bit PCM of 8 kHz, said once or again and
    again. With `echo` everything heard is said back. Hangs up after talking `talk_s` seconds, or leaves that to the
    other side.
    """

    async def script(call: PeerCall) -> None:
        call.ring()
        if after_s:
            await call.pause(after_s)
        call.answer()
        if press:
            await call.wait_heard()
            await call.press(press)
        if listen_first:
            await call.wait_prompt()
        await talk(call, say, repeat=repeat, echo=echo, seconds=talk_s)

    return script


def refuses(status: int, after_s: float = 0.0, *, ring: bool = False) -> Script:
    """Refuse with a status of 300 to 699, at once or after ringing a while."""

    async def script(call: PeerCall) -> None:
        if ring:
            call.ring()
        if after_s:
            await call.pause(after_s)
        call.refuse(status)

    return script


def busy(after_s: float = 0.0) -> Script:
    """486 Busy Here."""
    return refuses(BUSY, after_s)


def declines(after_s: float = 0.0) -> Script:
    """603 Decline, after ringing."""
    return refuses(DECLINED, after_s, ring=True)


def silent() -> Script:
    """No response at all, not even 100: a machine that is off."""

    async def script(call: PeerCall) -> None:
        await call.wait_over(SILENCE_S)

    return script


def only_rings(seconds: float = 60.0) -> Script:
    """Ring until the caller gives up, at most `seconds`; then 480."""

    async def script(call: PeerCall) -> None:
        call.ring()
        await call.pause(seconds)
        call.refuse(UNAVAILABLE)

    return script


def calls(
    keys: Sequence[str] = (),
    *,
    barge_in: bool = False,
    say: bytes | None = None,
    repeat: bool = False,
    hang_up_after_s: float | None = None,
) -> Script:
    """A caller: answer one prompt after the other with `keys` (several at a time: `("1", "78701")`), then talk.

    Each is pressed when the prompt has ended; with `barge_in` those after the first as soon as something is heard. An
    empty string lets a prompt pass. Hangs up `hang_up_after_s` seconds after the last key, or leaves that to the other
    side.
    """

    async def script(call: PeerCall) -> None:
        await call.wait_answered()
        for place, key in enumerate(keys):
            if barge_in and place:
                await call.wait_heard()
            else:
                await call.wait_prompt()
            if key:
                await call.press(key)
        await talk(call, say, repeat=repeat, seconds=hang_up_after_s)

    return script


def gives_up(after_s: float) -> Script:
    """A caller who hangs up after `after_s` seconds, answered or not: CANCEL or BYE."""

    async def script(call: PeerCall) -> None:
        await call.pause(after_s)
        call.hang_up()

    return script


async def talk(
    call: PeerCall, say: bytes | None, *, repeat: bool = False, echo: bool = False, seconds: float | None = None
) -> None:
    """Talk on a call that is up, for `seconds` and then hang up, or until the other side does."""
    if say and repeat:
        say += bytes(int(SPEECH_PAUSE_S * 16_000))
    if say:
        call.audio.say(say)
    call.echo(echo)
    ends_at = None if seconds is None else call.now() + seconds
    while ends_at is None or call.now() < ends_at:
        left_s = 1.0 if ends_at is None else min(1.0, ends_at - call.now())
        await call.pause(left_s)
        if say and repeat and not call.audio.saying:
            call.audio.say(say)
    call.hang_up()
