"""The fuzzers: what they feed reaches what it should, what they judge is judged, and nothing of ours breaks."""

from __future__ import annotations

from pathlib import Path

import pytest

from trunkline.sip import message, replies
from trunkline.sip.endpoint import Hop
from trunkline.testing.fuzz import corpus, endpoint, search, targets
from trunkline.testing.fuzz.mutate import SIZE_MAX, Mutator

pytestmark = pytest.mark.unit

INPUTS = {"sip": 20_000, "session": 2_000, "stream": 2_000, "peers": 2_000, "wav": 300}
INPUTS_OTHERS = 3_000
SENT = ("Via: a", "From: a", "Call-ID: o", "CSeq: 1 OPTIONS")


@pytest.mark.parametrize("name", sorted(targets.targets()))
def test_thousands_of_damaged_inputs_break_nothing(name: str, tmp_path: Path) -> None:
    found = search.search(targets.targets()[name], 1, INPUTS.get(name, INPUTS_OTHERS), tmp_path)
    assert found.findings == ()


@pytest.mark.parametrize("name", sorted(targets.targets()))
def test_sound_inputs_are_understood(name: str) -> None:
    target = targets.targets()[name]
    assert target.corpus
    for data in target.corpus:
        target.run(data)
    target.close()


def test_recorded_calls_hold_what_calls_are_made_of() -> None:
    first_words = {data.split(b" ", 2)[0 if not data.startswith(b"SIP/") else 1] for data in corpus.sip_messages()}
    assert {b"INVITE", b"ACK", b"BYE", b"CANCEL", b"INFO", b"OPTIONS", b"REGISTER", b"PRACK", b"REFER"} <= first_words
    assert {b"100", b"183", b"200", b"401", b"486", b"487"} <= first_words
    assert corpus.sip_messages() == corpus.sip_messages()
    for data in corpus.sip_messages():
        message.parse(data)
    assert sum(message.parse(data).sdp is not None for data in corpus.OTHERS) == 2


def test_a_seed_repeats_itself_and_stays_within_bounds() -> None:
    drawn = [list(Mutator(seed, corpus.OTHERS).draw(300)) for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert max(map(len, drawn[0])) <= SIZE_MAX
    assert any(data in corpus.OTHERS for data in drawn[0]), "now and then a sound one"


def test_live_messages_speak_in_calls_that_go_on() -> None:
    target = endpoint.EndpointTarget(3)
    live = corpus.live_messages()
    answered: set[bytes] = set()
    for data in live * 20:
        target.run(data)
        answered |= {said.split(b" ", 2)[1] for said in target.said()}
    assert {b"200", b"487"} <= answered
    assert target.endpoint.counters["refused_no_dialog"] < 10 * len(live), "most speak in calls that live"
    target.close()


def test_a_response_to_somebody_else_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replies, "reply_hop", lambda request, source: Hop("203.0.113.1", 5060))
    with pytest.raises(endpoint.Misbehaved, match=r"203\.0\.113\.1"):
        endpoint.EndpointTarget().run(corpus.OPTIONS)


def test_a_response_that_is_much_larger_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replies, "echo_lines", lambda request, source: [*SENT, f"X: {'x' * 5_000}"])
    with pytest.raises(endpoint.Misbehaved, match="responses of"):
        endpoint.EndpointTarget().run(corpus.OPTIONS)


def test_a_leg_that_is_left_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    target = endpoint.EndpointTarget()
    target.call()
    monkeypatch.setattr(target.endpoint, "next_timer", lambda: None)
    with pytest.raises(endpoint.Misbehaved, match="left: 1 legs"):
        target.close()


def test_what_is_found_is_kept_as_a_file(tmp_path: Path) -> None:
    def run(data: bytes) -> None:
        if b"\0" in data:
            raise ValueError("a NUL")

    found = search.search(targets.Target("nul", (b"abc\0",), run), 1, 50, tmp_path)
    assert 1 < found.inputs <= 50
    assert found.findings
    first = found.findings[0]
    assert first.error == "ValueError: a NUL"
    assert b"\0" in first.file.read_bytes()
    assert len(found.findings) <= search.FINDINGS_MAX
