from __future__ import annotations

import stat
import struct
from pathlib import Path

import pytest
import yaml

from trunkline.codec import wav
from trunkline.codec.g711 import Law, encode
from trunkline.media import speech
from trunkline.media.errors import BadPrompt, NoVoice
from trunkline.media.prompts import SHIPPED, PromptStore, available_voices, shipped_prompt, text_key

pytestmark = pytest.mark.unit

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
    (tmp_path / "base" / "song.wav").write_bytes(b"ID3 this is an mp3 in disguise")
    with pytest.raises(BadPrompt, match=r"song\.wav.*no WAV") as caught:
        store.prepare("song.wav")
    assert "sox" in caught.value.hint
    with pytest.raises(BadPrompt, match="No such file"):
        store.prepare("missing.wav")
    (tmp_path / "base" / "long.wav").write_bytes(wav.write(wav.Encoding.ULAW, 1, bytes(8000 * 601)))
    with pytest.raises(BadPrompt, match="longer than 10 minutes"):
        store.prepare("long.wav")


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
