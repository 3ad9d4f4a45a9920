"""sipvicious, the scanner most often met on the internet, against a real switch: it learns nothing.

It has tools for three questions: does something speak SIP here (svmap), which extensions are there (svwar), which
password has one (svcrack). It always speaks from 127.0.0.1; whether that is a carrier's address or a stranger's is for
the switch's configuration to say.
"""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.peer.lab import NUMBER, Lab, configuration, target

from trunkline.testing.byhand import Caller, Outgoing
from trunkline.testing.ports import HOST, free_block
from trunkline.testing.switch import SwitchProcess

pytestmark = pytest.mark.peer

RUN_S_MAX = 40
FOUND = "+---"
"""sipvicious shows what it has found as a table."""
USERS = f"100-104,{NUMBER.lstrip('+')}"


def scan(switch: SwitchProcess, tool: str, *arguments: str) -> str:
    """Run one of its tools to the end; what it said."""
    program = Path(sys.executable).with_name(f"sipvicious_{tool}")
    assert program.exists(), "./trunkline test installs sipvicious"
    command = [str(program), "-x", HOST, "-P", str(free_block(2)), "-p", str(switch.sip_port), *arguments, HOST]
    done = subprocess.run(
        command, cwd=switch.folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=RUN_S_MAX
    )
    return done.stdout + done.stderr


def a_switch(lab: Lab, allow: str) -> SwitchProcess:
    buyer = lab.phone()
    whole = json.loads(configuration(target("nobody", f"{HOST}:{buyer.port}")))
    whole["trunks"][0]["allow"] = [allow]
    return lab.switch(json.dumps(whole))


METHODS = ("OPTIONS", "INVITE", "REGISTER")
BY_A_STRANGER = (
    *(("svmap", "-m", method) for method in METHODS),
    *(("svwar", "-m", method, "-e", USERS) for method in METHODS),
    ("svcrack", "-u", "100", "-r", "1-9"),
)
BY_A_CARRIER = (
    ("svmap",),
    ("svwar", "-m", "REGISTER", "--force", "-e", USERS),
    ("svwar", "-m", "OPTIONS", "--force", "-e", USERS),
    ("svwar", "-m", "INVITE", "-e", "100-119"),
    ("svcrack", "-u", "100", "-r", "1-9", "--maximumtime", "2"),
)


def test_it_learns_nothing_as_a_stranger_and_of_no_extension_or_password_as_a_carrier(lab: Lab) -> None:
    strict, loose = a_switch(lab, allow="127.0.0.2/32"), a_switch(lab, allow="127.0.0.1/32")
    scans = [(strict, *words) for words in BY_A_STRANGER] + [(loose, *words) for words in BY_A_CARRIER]
    with ThreadPoolExecutor(len(scans)) as pool:  # each spends seconds on waiting for answers
        said = list(pool.map(lambda words: scan(*words), scans))
    as_stranger, (device, *as_carrier) = said[: len(BY_A_STRANGER)], said[len(BY_A_STRANGER) :]
    for each in as_stranger:
        assert FOUND not in each, each
        assert "found nothing" in each, each
    counted = {name for name, count in strict.metrics().items() if name.startswith("trunkline_sip_events{") and count}
    assert counted == {'trunkline_sip_events{kind="dropped_unknown_source"}'}, "not one packet was answered"
    assert "unknown" in device, "that something speaks SIP a carrier knows, not what it is"
    for each in as_carrier:
        assert FOUND not in each, each
    assert loose.metric("trunkline_refused_total", reason="unknown_number") >= 20
    assert strict.calls() == loose.calls() == []


def test_users_that_exist_are_answered_as_those_that_do_not(lab: Lab) -> None:
    switch = a_switch(lab, allow="127.0.0.1/32")
    with Caller() as peer:
        for method in ("REGISTER", "OPTIONS", "BYE", "SUBSCRIBE", "MESSAGE", "REFER"):
            answers = []
            for user in (NUMBER, "+18335550111", "100"):
                probe = Outgoing(peer, switch, user, b"", user)
                probe.send(method)
                answer = probe.final(method=method)
                told = [each for each in answer.headers if each[0] not in ("via", "from", "to", "call-id")]
                answers.append((answer.start, told))
            assert answers[0] == answers[1] == answers[2], method
            assert not any(name in ("server", "user-agent") for name, _ in answers[0][1])
