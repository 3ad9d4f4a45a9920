"""The sounds a child plays: prepared files and the builtins, kept in memory in the law of the leg that hears them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from trunkline.codec import tones
from trunkline.codec.g711 import Law, encode, transcode
from trunkline.codec.wav import Encoding, WavError, parse
from trunkline.media.errors import BadPrompt

CACHE_SIZE_MAX: Final = 64 * 1024 * 1024
_SILENCE_MS: Final = 1000

_BUILTINS: Final[dict[str, Callable[[], bytes]]] = {
    "ringback": tones.ringback,
    "beep": tones.beep,
    "silence": lambda: tones.silence(_SILENCE_MS),
}


class Sounds:
    """Prompts by path and law, least recently used ones dropped past `CACHE_SIZE_MAX` bytes.

    Prepared files are named by their content, so a path always means the same sound and is never looked at twice.
    """

    def __init__(self) -> None:
        self._cache: OrderedDict[tuple[str, Law], bytes] = OrderedDict()
        self._size = 0

    def get(self, prompt: str, law: Law) -> bytes:
        """The G.711 of a prompt, 8000 bytes a second. Raises `BadPrompt`."""
        key = (prompt, law)
        sound = self._cache.get(key)
        if sound is None:
            sound = self._load(prompt, law)
            self._cache[key] = sound
            self._size += len(sound)
            while self._size > CACHE_SIZE_MAX and len(self._cache) > 1:
                self._size -= len(self._cache.popitem(last=False)[1])
        else:
            self._cache.move_to_end(key)
        return sound

    def _load(self, prompt: str, law: Law) -> bytes:
        if make := _BUILTINS.get(prompt):
            return encode(law, make())
        try:
            with open(prompt, "rb") as file:
                wav = parse(file.read())
        except (OSError, WavError) as error:
            raise BadPrompt(f"prompt {prompt} cannot be played: {error}", hint="prepare it anew") from error
        if (wav.encoding, wav.channels, wav.rate_hz) != (Encoding.ULAW, 1, 8000):
            raise BadPrompt(f"prompt {prompt} is not 8 kHz mono µ-law", hint="prepare it with PromptStore")
        return transcode(Law.PCMU, law, wav.data)
