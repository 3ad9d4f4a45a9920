from __future__ import annotations

import math
import stat
import struct
import sys
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from trunkline.codec import wav
from trunkline.codec.g711 import Law, decode, encode
from trunkline.media import speech
from trunkline.media.decoder import Undecodable
from trunkline.media.decoder import decode as undecoded
from trunkline.media.errors import BadPrompt, NoVoice
from trunkline.media.prompts import SHIPPED, PromptStore, available_voices, shipped_prompt, text_key

pytestmark = pytest.mark.unit

UPLOADS = Path(__file__).with_name("uploads")
PCM = struct.pack("<400h", *range(-2000, 2000, 10))
SAID = struct.pack("<80h", *range(0, 8000, 100))


@pytest.fixture
def store(tmp_path: Path) -> PromptStore:
    (tmp_path / "base" / "prompts").mkdir(parents=True)
    (tmp_path / "base" / "prompts" / "hello.wav").write_bytes(wav.write(wav.Encoding.PCM, 1, PCM))
    return PromptStore(tmp_path / "cache", tmp_path / "base")


def engine(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Put a `flite` of our own on PATH."""
    folder.mkdir(exist_ok=True)
    program = folder / "flite"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def no_engine(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.mkdir(exist_ok=True)
    monkeypatch.setenv("PATH", str(folder))


def test_an_upload_becomes_ulaw_named_by_its_content(store: PromptStore, tmp_path: Path) -> None:
    prompt = store.prepare("prompts/hello.wav")
    prepared = wav.parse(Path(prompt.path).read_bytes())
    assert (prepared.encoding, prepared.channels, prepared.rate_hz) == (wav.Encoding.ULAW, 1, 8000)
    assert prepared.data == encode(Law.PCMU, PCM)
    written = Path(prompt.path).stat().st_mtime_ns
    assert store.prepare("prompts/hello.wav") == prompt
    assert Path(prompt.path).stat().st_mtime_ns == written, "prepared once"
    (tmp_path / "base" / "prompts" / "hello.wav").write_bytes(wav.write(wav.Encoding.PCM, 1, PCM[:100]))
    assert store.prepare("prompts/hello.wav") != prompt
    assert not list((tmp_path / "cache").glob(".new*"))


@pytest.mark.parametrize("name", ["../outside.wav", "/etc/passwd", "prompts/../../outside.wav", "prompts/link.wav"])
def test_files_outside_are_refused(store: PromptStore, tmp_path: Path, name: str) -> None:
    outside = tmp_path / "outside.wav"
    outside.write_bytes(wav.write(wav.Encoding.PCM, 1, PCM))
    (tmp_path / "base" / "prompts" / "link.wav").symlink_to(outside)
    with pytest.raises(BadPrompt, match="outside"):
        store.prepare(name)


def test_bad_files_say_what_is_wrong(store: PromptStore, tmp_path: Path) -> None:
    mp3 = (UPLOADS / "tone.mp3").read_bytes()
    riff = wav.write(wav.Encoding.PCM, 1, PCM)
    for content, wrong in (
        (b"ID3 this is no mp3", "is no WAV, MP3, FLAC or Ogg Vorbis"),
        (b"", "is no WAV, MP3, FLAC or Ogg Vorbis"),
        (mp3[:900], "holds no audio"),
        (riff[:20] + b"\xff\xff" + riff[22:], "the file|encoding|format"),
    ):
        (tmp_path / "base" / "song.wav").write_bytes(content)
        with pytest.raises(BadPrompt, match=rf"song\.wav.*({wrong})") as caught:
            store.prepare("song.wav")
        assert "sox" in caught.value.hint
    with pytest.raises(BadPrompt, match="No such file"):
        store.prepare("missing.wav")
    (tmp_path / "base" / "long.wav").write_bytes(wav.write(wav.Encoding.ULAW, 1, bytes(8000 * 601)))
    with pytest.raises(BadPrompt, match="longer than 10 minutes"):
        store.prepare("long.wav")


@pytest.mark.parametrize("name", ["tone.mp3", "tone.flac", "tone.ogg", "tone.float.wav"])
def test_what_people_upload_becomes_the_same_tone(store: PromptStore, tmp_path: Path, name: str) -> None:
    """Half a second of 440 Hz, stereo at 44.1 kHz."""
    content = float_wav() if name.endswith("wav") else (UPLOADS / name).read_bytes()
    (tmp_path / "base" / name).write_bytes(content)
    heard = wav.parse(Path(store.prepare(name).path).read_bytes())
    assert abs(heard.frames - 4000) < 80
    samples = struct.unpack(f"<{heard.frames}h", decode(Law.PCMU, heard.data))[800:3200]
    rising = sum(a < 0 <= b for a, b in pairwise(samples))
    assert rising == pytest.approx(440 * 0.3, abs=2)
    assert max(samples) == pytest.approx(16_000, rel=0.15)


def float_wav() -> bytes:
    """A WAV of 32-bit floats, which we do not read ourselves."""
    data = b"".join(struct.pack("<f", 0.5 * math.sin(2 * math.pi * 440 * n / 44_100)) for n in range(22_050))
    shape = struct.pack("<HHIIHH", 3, 1, 44_100, 4 * 44_100, 4, 32)
    chunks = b"WAVEfmt " + struct.pack("<I", len(shape)) + shape + b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(chunks)) + chunks


def test_a_decoder_that_breaks_breaks_nothing_else(
    store: PromptStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "base" / "tone.mp3").write_bytes((UPLOADS / "tone.mp3").read_bytes())
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(BadPrompt, match=r"tone\.mp3.*the decoder broke on it"):
        store.prepare("tone.mp3")


def test_without_the_package_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "miniaudio", None)
    with pytest.raises(Undecodable, match="only WAV"):
        undecoded((UPLOADS / "tone.mp3").read_bytes(), 600)


def test_a_long_upload_is_refused_before_it_is_decoded() -> None:
    with pytest.raises(Undecodable, match="longer than 0 minutes"):
        undecoded((UPLOADS / "tone.mp3").read_bytes(), 0)


def test_a_rate_is_converted_in_a_process_of_its_own(
    store: PromptStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fast = bytearray(wav.write(wav.Encoding.PCM, 1, bytes(2 * 16_000)))
    struct.pack_into("<II", fast, 24, 16_000, 32_000)
    (tmp_path / "base" / "fast.wav").write_bytes(fast)

    def read_here(_content: bytes) -> bytes:
        raise AssertionError("converted in the process that has calls")

    with monkeypatch.context() as patch:
        patch.setattr(wav, "read", read_here)
        made = store.prepare("fast.wav")
    assert len(wav.parse(Path(made.path).read_bytes()).data) == 8_000
    with pytest.raises(Undecodable, match="longer than 0 minutes"):
        undecoded(bytes(fast), 0)


def test_every_listed_text_is_shipped_and_nothing_else() -> None:
    texts = yaml.safe_load((SHIPPED / "texts.yaml").read_text())
    listed = {SHIPPED / lang / f"{text_key(lang, text)}.wav" for lang in texts for text in texts[lang]}
    assert set(SHIPPED.glob("*/*.wav")) == listed
    assert sum(path.stat().st_size for path in listed) < 1_000_000
    for path in listed:
        shipped = wav.parse(path.read_bytes())
        assert (shipped.encoding, shipped.channels, shipped.rate_hz) == (wav.Encoding.ULAW, 1, 8000)
        assert shipped.frames > 4000


def test_shipped_texts_need_no_engine(store: PromptStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    no_engine(tmp_path / "bin", monkeypatch)
    path = Path(store.prepare_say("This call may be  recorded.\n").path)
    assert path == shipped_prompt("en", "This call may be recorded.")
    assert store.prepare_say("Goodbye.", "en-US").path == str(shipped_prompt("en", "Goodbye."))


def test_without_an_engine_it_says_what_to_install(
    store: PromptStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_engine(tmp_path / "bin", monkeypatch)
    with pytest.raises(NoVoice) as caught:
        store.prepare_say("A text that nobody ships.")
    assert "apt-get install flite" in caught.value.hint


def test_the_engine_speaks_once_and_the_cache_after(
    store: PromptStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "said.wav").write_bytes(wav.write(wav.Encoding.PCM, 1, SAID))
    engine(
        tmp_path / "bin",
        monkeypatch,
        f'echo "$@" >> {tmp_path}/calls; cat "$4" >> {tmp_path}/texts; cp {tmp_path}/said.wav "$6"',
    )
    prompt = store.prepare_say("-voice is a word, $(and) so is this.")
    assert wav.parse(Path(prompt.path).read_bytes()).data == encode(Law.PCMU, SAID)
    assert (tmp_path / "texts").read_text() == "-voice is a word, $(and) so is this."
    no_engine(tmp_path / "empty", monkeypatch)
    assert store.prepare_say("-voice is a word,  $(and) so is this.") == prompt
    assert len((tmp_path / "calls").read_text().splitlines()) == 1


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("echo out of words >&2; exit 3", "out of words"),
        ("exit 0", "no readable audio"),
        ("exec sleep 9", "did not speak"),
    ],
)
def test_an_engine_that_fails(
    store: PromptStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, says: str
) -> None:
    engine(tmp_path / "bin", monkeypatch, script)
    monkeypatch.setattr(speech, "RENDER_S_MAX", 0.2)
    with pytest.raises(NoVoice, match=says):
        store.prepare_say("Something else.")


def test_other_languages_have_no_voice(store: PromptStore) -> None:
    with pytest.raises(NoVoice, match="'es'"):
        store.prepare_say("Hola.", "es")


def test_voices_for_validation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    no_engine(tmp_path / "bin", monkeypatch)
    (tmp_path / "a.wav").write_bytes(b"")
    voices = available_voices(tmp_path)
    assert (voices.engine, voices.languages) == (False, {"en"})
    assert voices.shipped("en", "Goodbye.")
    assert not voices.shipped("es", "Goodbye.")
    assert voices.file_exists("a.wav")
    assert not voices.file_exists("b.wav")
