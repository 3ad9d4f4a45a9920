"""Encrypted callers of a real switch: heard with their keys, with new ones after a re-INVITE, and no key is kept."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from tests.integration.hostile.conftest import Site
from tests.integration.hostile.rig import GOOD, HOST, Message, Voice, answers, configuration, frame
from tests.unit.media.rig import Party
from tests.unit.media.test_srtp import EIGHTY as SUITE
from tests.unit.media.test_srtp import SecurePhone

from trunkline.media.port import Srtp

pytestmark = pytest.mark.integration


def encrypted(port: int, key: bytes, version: int = 1) -> bytes:
    """An offer of RTP/SAVP with one key."""
    lines = ["v=0", f"o=- 7 {version} IN IP4 {HOST}", "s=-", f"c=IN IP4 {HOST}", "t=0 0", f"m=audio {port} RTP/SAVP 0"]
    lines.append(f"a=crypto:1 {SUITE} inline:{base64.b64encode(key).decode()}")
    return ("\r\n".join(lines) + "\r\n").encode()


def key_in(answer: Message) -> bytes:
    """The key that the switch encrypts with."""
    (line,) = [line for line in answer.body.decode().splitlines() if line.startswith(f"a=crypto:1 {SUITE} inline:")]
    assert "m=audio" in answer.body.decode()
    assert "RTP/SAVP 0" in answer.body.decode()
    return base64.b64decode(line.partition("inline:")[2])


class Line:
    """A switch whose trunk is encrypted as `srtp` says, a buyer who is not, and a caller's two sockets."""

    def __init__(self, site: Site, srtp: str) -> None:
        self.voice = site.stack.enter_context(Voice("buyer", of="caller"))
        self.buyer = site.peer(answers(self.voice.port))
        config = json.loads(configuration(self.buyer.target("desk")))
        config["trunks"][0]["srtp"] = srtp
        self.switch = site.switch(json.dumps(config))
        self.party = Party()
        site.stack.callback(self.party.close)
        self._said = 0

    def hears(self, key: bytes, ours: bytes) -> SecurePhone:
        """Speak under a key until the buyer hears it; the phone that speaks so."""
        phone = SecurePhone(self.party, Srtp(SUITE, ours, key))
        before = len(self.voice.heard)

        def more() -> bool:
            self.party.send_raw(phone.sealed(frame("caller", self._said)))
            self._said += 1
            return len(self.voice.heard) > before

        self.switch.until(more, "the buyer to hear the encrypted caller")
        return phone


def test_keys_are_agreed_changed_and_kept_nowhere(site: Site) -> None:
    line = Line(site, "required")
    keys = [bytes(range(first, first + 30)) for first in (1, 101)]
    call = site.caller().call(line.switch, body=encrypted(line.party.port, keys[0]))
    call.connect()
    answer = call.final()
    line.party.target = answer.audio_port
    ours = [key_in(answer)]
    phone = line.hears(keys[0], ours[0])
    line.voice.connect(line.buyer.got("INVITE")[0].audio_port)
    heard: list[int] = []
    line.switch.until(lambda: heard.extend(phone.heard()) or heard, "the encrypted caller to hear the buyer")

    again = call.next("INVITE", body=encrypted(line.party.port, keys[1], 2))
    call.send("ACK", sequence=call.sequence)
    assert again.status == 200
    ours.append(key_in(again))
    assert ours[0] != ours[1], "a new key of the party's brings a new one of ours"
    line.hears(keys[1], ours[1])
    assert line.voice.foreign == 0
    call.hang_up()
    line.switch.until(lambda: line.switch.calls()[0]["quality"].get("caller"), "the caller's leg to be measured")
    assert line.switch.calls()[0]["quality"]["caller"]["encrypted"]
    line.switch.stop()
    kept = line.switch.log().encode() + b"".join(_files(line.switch.data))
    for key in (*keys, *ours):
        for form in (key, base64.b64encode(key), key.hex().encode(), repr(key)[2:-1].encode()):
            assert form not in kept


def _files(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize(("srtp", "secure"), [("off", True), ("required", False)])
def test_a_refusal_says_why(site: Site, srtp: str, secure: bool) -> None:
    line = Line(site, srtp)
    body = encrypted(line.party.port, bytes(30)) if secure else None
    refused = site.caller().call(line.switch, GOOD, body).final()
    assert refused.status == 488
    assert refused["warning"].startswith('302 trunkline "')
    assert not line.buyer.got("INVITE")
