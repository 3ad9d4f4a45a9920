"""Prompts made ready before a call needs them: uploaded audio and spoken texts become 8 kHz mono µ-law files named by
their content.

For a text, renderings that come with the package are looked at first, then the cache, then the speech engine. All
methods may read files and take a twentieth of the length of an upload of a high rate: call them in a thread, when a
configuration is loaded, never in the call path.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

import trunkline
from trunkline.codec import wav
from trunkline.codec.g711 import SAMPLE_RATE_HZ, Law, encode
from trunkline.config.voices import Voices
from trunkline.media import decoder, speech
from trunkline.media.errors import BadPrompt
from trunkline.media.port import Prompt

SHIPPED: Final = Path(__file__).with_name("voices")
DURATION_S_MAX: Final = 600
DECODE_S_MAX: Final = 120
CONVERT: Final = "convert it: sox in.mp3 -r 8000 -c 1 -b 16 out.wav"
_FORMAT_VERSION: Final = b"trunkline prompt 1\n"
"""Part of every key: a change in how prompts are prepared makes new files instead of using old ones."""


def text_key(lang: str, text: str) -> str:
    """The name of a text's rendering, whoever rendered it: spacing does not matter, every letter does."""
    return hashlib.sha256(f"{lang}\n{' '.join(text.split())}".encode()).hexdigest()[:32]


def shipped_prompt(lang: str, text: str, folder: Path = SHIPPED) -> Path | None:
    """The rendering of a text that comes with the package, of the very language or of it without its region."""
    for code in (lang, speech.base_language(lang)):
        path = folder / code / f"{text_key(code, text)}.wav"
        if path.is_file():
            return path
    return None


def _read(file: str, content: bytes) -> bytes:
    """16-bit mono PCM at 8 kHz of an upload. Raises `BadPrompt`.

    WAVs of that rate are read here, all else by the decoder: converting a rate takes seconds of a processor and twenty
    times the file in memory, which a switch with calls does not have.
    """
    unread: wav.WavError | None = None
    try:
        if wav.parse(content).rate_hz == SAMPLE_RATE_HZ:
            return wav.read(content)
    except wav.WavError as error:
        unread = error
    command = [sys.executable, "-m", decoder.__name__, str(DURATION_S_MAX)]
    source = str(Path(trunkline.__file__).resolve().parents[1])
    try:
        done = subprocess.run(
            command,
            input=content,
            capture_output=True,
            timeout=DECODE_S_MAX,
            env={**os.environ, "PYTHONPATH": source},
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise BadPrompt(f"{file!r} could not be decoded in {DECODE_S_MAX} s", hint=CONVERT) from error
    if done.returncode == 0:
        return done.stdout
    said = done.stderr.decode(errors="replace") if done.returncode == decoder.REFUSED else "the decoder broke on it"
    if unread is not None and content[:4] == b"RIFF":
        said = str(unread)
    raise BadPrompt(f"{file!r}: {said}", hint=CONVERT)


def available_voices(base_dir: str | os.PathLike[str]) -> Voices:
    """What can be heard on this machine, for the validation of a configuration whose files lie in `base_dir`."""
    base = Path(base_dir)
    return Voices(
        languages=speech.LANGUAGES,
        shipped=lambda lang, text: shipped_prompt(lang, text) is not None,
        engine=speech.program() is not None,
        file_exists=lambda path: (base / path).is_file(),
    )


def render(pcm: bytes) -> bytes:
    """The file of a prompt: 8 kHz mono µ-law, from 16-bit PCM of that rate."""
    return wav.write(wav.Encoding.ULAW, 1, encode(Law.PCMU, pcm))


class PromptStore:
    """Prepared prompts in `cache_dir`, made from files below `base_dir` and from texts."""

    def __init__(
        self,
        cache_dir: str | os.PathLike[str],
        base_dir: str | os.PathLike[str],
        shipped_dir: str | os.PathLike[str] = SHIPPED,
    ) -> None:
        self._cache = Path(cache_dir).absolute()
        self._base = Path(base_dir).resolve()
        self._shipped = Path(shipped_dir).absolute()

    def prepare(self, file: str) -> Prompt:
        """Make a file ready, named relative to the base folder: WAV, MP3, FLAC or Ogg Vorbis, whatever its name says.

        Raises `BadPrompt` that says what is wrong with it.
        """
        path = (self._base / file).resolve()
        if not path.is_relative_to(self._base):
            raise BadPrompt(f"{file!r} lies outside {self._base}", hint="put it beside the configuration")
        try:
            if path.stat().st_size > wav.SIZE_MAX:
                raise BadPrompt(f"{file!r} is larger than {wav.SIZE_MAX >> 20} MB", hint="cut or convert it")
            content = path.read_bytes()
        except OSError as error:
            raise BadPrompt(
                f"{file!r} cannot be read: {error.strerror}", hint="check its name and its rights"
            ) from error
        target = self._cache / f"file-{hashlib.sha256(_FORMAT_VERSION + content).hexdigest()[:32]}.wav"
        if not target.is_file():
            pcm = _read(file, content)
            if len(pcm) > DURATION_S_MAX * SAMPLE_RATE_HZ * 2:
                raise BadPrompt(f"{file!r} is longer than {DURATION_S_MAX // 60} minutes", hint="cut it")
            self._keep(target, render(pcm))
        return Prompt(str(target))

    def prepare_say(self, text: str, lang: str = "en") -> Prompt:
        """Make a text ready. Raises `NoVoice` that says what to install or to record."""
        found = shipped_prompt(lang, text, self._shipped)
        if found is not None:
            return Prompt(str(found))
        target = self._cache / f"say-{speech.VOICE}-{text_key(lang, text)}.wav"
        if not target.is_file():
            self._keep(target, render(speech.speak(text, lang)))
        return Prompt(str(target))

    def _keep(self, target: Path, content: bytes) -> None:
        """Write a file that is either whole or not there, even when two write it at once."""
        try:
            self._cache.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self._cache, prefix=".new-", delete=False) as file:
                file.write(content)
            os.replace(file.name, target)
        except OSError as error:
            hint = "make room or give another --data folder"
            raise BadPrompt(f"the prompt cache {self._cache} cannot be written: {error.strerror}", hint=hint) from error
