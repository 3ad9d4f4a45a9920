"""Text made audible by flite, a small speech program that is called as a subprocess and never in the call path."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from trunkline.codec.wav import WavError, read
from trunkline.media.errors import NoVoice

PROGRAM: Final = "flite"
VOICE: Final = "slt"
LANGUAGES: Final = frozenset({"en"})
TEXT_LENGTH_MAX: Final = 2_000
RENDER_S_MAX: Final = 30.0
INSTALL: Final = "install one (on Debian and Ubuntu: apt-get install flite), or record the text and use `file`"


def base_language(lang: str) -> str:
    """The language of a code without its region: "en" of "en-US"."""
    return lang.partition("-")[0].lower()


def program() -> str | None:
    """Where flite is, or None when it is not installed."""
    return shutil.which(PROGRAM)


def speak(text: str, lang: str) -> bytes:
    """16-bit mono PCM at 8 kHz of a text. Takes a twentieth of the text's length; call it in a thread.

    Raises `NoVoice` when the language has no voice, flite is missing, or it fails.
    """
    if base_language(lang) not in LANGUAGES:
        spoken = ", ".join(sorted(LANGUAGES))
        raise NoVoice(
            f"there is no voice that speaks {lang!r}",
            hint=f"record the text and use `file`; spoken languages: {spoken}",
        )
    if not text.strip() or len(text) > TEXT_LENGTH_MAX:
        raise NoVoice(f"a text of {len(text)} characters cannot be spoken; 1 to {TEXT_LENGTH_MAX} can", hint="split it")
    found = program()
    if found is None:
        raise NoVoice(f"nothing on this machine can speak: {text!r}", hint=INSTALL)
    with tempfile.TemporaryDirectory(prefix="trunkline-speech-") as folder:
        source, target = Path(folder, "text"), Path(folder, "speech.wav")
        # In a file: as an argument it would be seen in the process list, and could look like an option.
        source.write_text(text, encoding="ascii", errors="replace")
        try:
            subprocess.run(
                [found, "-voice", VOICE, "-f", str(source), "-o", str(target)],
                check=True,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                timeout=RENDER_S_MAX,
            )
            return read(target.read_bytes())
        except subprocess.TimeoutExpired as error:
            raise NoVoice(
                f"flite did not speak within {RENDER_S_MAX:.0f} s: {text!r}", hint="shorten the text"
            ) from error
        except subprocess.CalledProcessError as error:
            said = error.stderr.decode(errors="replace").strip()
            raise NoVoice(f"flite failed with status {error.returncode}: {said}", hint=INSTALL) from error
        except (OSError, WavError) as error:
            raise NoVoice(f"flite gave no readable audio: {error}", hint=INSTALL) from error
