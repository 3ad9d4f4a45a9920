"""Everything that is to be heard: texts that can be spoken here, files that are here."""

from __future__ import annotations

from pathlib import PurePosixPath

from trunkline.config.flow_checks import is_language
from trunkline.config.subject import Subject
from trunkline.config.tree import Path

DEFAULT_LANGUAGE = "en"
SUFFIXES = (".wav", ".mp3", ".flac", ".ogg")
SAY_LENGTH_MAX = 2_000
"""Characters of one spoken text: some three minutes."""


def check_say(subject: Subject, path: Path, text: str | None, lang: str | None) -> None:
    """A text needs a voice of its language: one that speaks here, or a prompt of this text that comes with us."""
    if text is None:
        return
    findings, voices = subject.findings, subject.voices
    language = lang or DEFAULT_LANGUAGE
    if lang and not is_language(lang):
        findings.error(path, "bad_language", f"{lang!r} is no language", "write a code such as en, es or es-MX")
        return
    if len(text) > SAY_LENGTH_MAX:
        message = f"the text has {len(text)} characters, {SAY_LENGTH_MAX} can be spoken"
        findings.error(path, "too_long", message, "make several nodes of it, or record it and use `file`")
    if voices is None or voices.shipped(language, text):
        return
    if language not in voices.languages and language.partition("-")[0] not in voices.languages:
        spoken = ", ".join(sorted(voices.languages)) or "none"
        hint = f"record the text and use `file: prompts/NAME.wav`; languages with a voice: {spoken}"
        findings.error(path, "no_voice", f"there is no voice that speaks {language!r}", hint)
    elif not voices.engine:
        hint = "install one (on Debian and Ubuntu: apt-get install flite), or record the text and use `file`"
        findings.error(path, "no_engine", f"nothing on this machine can speak: {_short(text)}", hint)


def check_file(subject: Subject, path: Path, file: str | None) -> None:
    """A prompt file lies below the configuration. One that is not there costs the prompt, never a call: a warning."""
    if not file:
        return
    pure = PurePosixPath(file)
    if pure.is_absolute() or ".." in pure.parts or "\\" in file or "\n" in file:
        hint = "name it from the folder of the configuration: prompts/welcome.wav"
        subject.findings.error(path, "bad_file", f"{file!r} is outside the configuration", hint)
    elif pure.suffix.lower() not in SUFFIXES:
        hint = "convert it: sox in.m4a -r 8000 -c 1 -b 16 out.wav"
        subject.findings.error(path, "bad_file", f"{file!r} is none of {', '.join(SUFFIXES)}", hint)
    elif subject.voices is not None and not subject.voices.file_exists(file):
        hint = "put the file there, or use `say`; until then callers do not hear it, and calls go on without"
        subject.findings.warning(path, "missing_file", f"there is no file {file!r} beside the configuration", hint)


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:39] + "…")
