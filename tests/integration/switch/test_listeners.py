"""A real switch on several addresses: what it tells, calls over TLS and IPv6, new certificates, its limits reached."""

from __future__ import annotations

import contextlib
import signal
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.integration.switch.certificates import Authority
from tests.integration.switch.test_http import SDP, SILENT, request, status_of
from tests.integration.switch.wires import answer
from tests.peer.lab import configuration, target

from trunkline.telephony.sip.tls import TlsFiles, load_tls
from trunkline.testing.ports import HOST
from trunkline.testing.switch import SwitchProcess

pytestmark = pytest.mark.integration

NUMBER = "+18335550100"
QUIET = configuration(target("first", SILENT, ring_seconds=60, first_response_seconds=30))


def flags(authority: Authority) -> tuple[str, ...]:
    files = authority.issue(HOST)
    return ("--sip-tls", f"{HOST}:0", "--tls-certificate", str(files.certificate), "--tls-key", str(files.key))


def call_of(heard: bytes) -> bytes:
    """The Call-ID of a message."""
    return heard.partition(b"\r\nCall-ID: ")[2].partition(b"\r\n")[0]


class Phone:
    """A caller over one TLS connection."""

    def __init__(self, connection: ssl.SSLSocket) -> None:
        self.connection = connection
        self.heard = b""

    def say(self, method: str, call: str, sdp: str = "") -> None:
        """Send a request."""
        self.connection.sendall(request(method, NUMBER, call, sdp=sdp).replace(b"SIP/2.0/UDP", b"SIP/2.0/TLS"))

    def status(self) -> int:
        """The status of the next response."""
        while b"\r\n\r\n" not in self.heard:
            piece = self.connection.recv(65_535)
            assert piece, "the connection was ended"
            self.heard += piece
        head, _, rest = self.heard.partition(b"\r\n\r\n")
        length = next(int(line[16:]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length: "))
        self.heard = rest[length:]
        return status_of(head)


@contextmanager
def phone(switch: SwitchProcess, authority: Authority) -> Iterator[Phone]:
    host, _, port = switch.sips.rpartition(":")
    context = ssl.create_default_context(cafile=authority.file)
    plain = socket.create_connection((host, int(port)), timeout=10)
    with plain, context.wrap_socket(plain, server_hostname=host) as connection:
        yield Phone(connection)


def test_certificates_are_replaced_under_a_live_call(tmp_path: Path) -> None:
    first, second = Authority(tmp_path, "first"), Authority(tmp_path, "second")
    with SwitchProcess(QUIET, tmp_path / "switch", legs=4, flags=flags(first)) as switch:
        with phone(switch, first) as before:
            before.say("INVITE", "live", SDP)
            assert before.status() == 100
            switch.until(lambda: switch.metric("trunkline_live_calls") == 1, "the call")
            second.issue(HOST)
            switch.signal(signal.SIGHUP)

            def renewed() -> bool:
                try:
                    with phone(switch, second):
                        return True
                except ssl.SSLCertVerificationError:
                    return False

            switch.until(renewed, "the new certificate")
            assert switch.metric("trunkline_live_calls") == 1
            with phone(switch, second) as after:
                after.say("OPTIONS", "new")
                assert after.status() == 200
            before.say("CANCEL", "live")
            assert {before.status(), before.status()} == {200, 487}
            before.say("ACK", "live")
        switch.idle()
        assert [call["outcome"] for call in switch.calls()] == ["abandoned"]


@contextmanager
def secure_buyer(files: TlsFiles, answers: list[bytes]) -> Iterator[int]:
    """A buyer over TLS that takes one connection and answers one request with each of `answers`; its port."""
    context = load_tls(files).server
    assert context is not None
    with socket.create_server((HOST, 0)) as listener:

        def serve() -> None:
            plain, _ = listener.accept()
            with context.wrap_socket(plain, server_side=True) as connection:
                for status in answers:
                    heard = b""
                    while b"\r\n\r\n" not in heard:
                        heard += connection.recv(65_535)
                    connection.sendall(answer(heard.decode(), status.decode()))
                connection.recv(65_535)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(20)


def test_buyers_are_dialled_over_tls_when_their_certificate_is_believed(tmp_path: Path) -> None:
    ours, strange = Authority(tmp_path), Authority(tmp_path, "strange")
    trusted = ("--tls-ca", str(ours.file))
    good = ours.issue("localhost", file="good")
    wrong = strange.issue("localhost", file="wrong")
    context = load_tls(wrong).server
    assert context is not None
    with secure_buyer(good, [b"486 Busy Here"]) as port, socket.create_server((HOST, 0)) as impostor:

        def pose() -> None:
            plain, _ = impostor.accept()
            with contextlib.suppress(OSError):
                context.wrap_socket(plain, server_side=True).close()
            plain.close()

        posing = threading.Thread(target=pose)
        posing.start()
        dials = (f"sips:a@localhost:{impostor.getsockname()[1]}", f"sips:b@localhost:{port}")
        text = configuration(target("impostor", dials[0]), target("busy", dials[1]))
        with SwitchProcess(text, tmp_path / "switch", legs=4, flags=trusted) as switch:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as caller:
                caller.settimeout(10.0)
                caller.connect((HOST, switch.sip_port))
                caller.send(request("INVITE", NUMBER, "secure", sdp=SDP))
                while (status := status_of(caller.recv(65_535))) == 100:
                    pass
                assert status == 480
                caller.send(request("ACK", NUMBER, "secure"))
            (call,) = switch.ended_calls(1)
            found = [(each["target"], each["outcome"], each["reason"], each["sip_status"]) for each in call["attempts"]]
            assert found == [("impostor", "failed", "transport", None), ("busy", "busy", None, 486)]
            switch.idle()
        posing.join(20)


def test_ipv4_and_ipv6_are_told_and_spoken(tmp_path: Path) -> None:
    text = QUIET.replace("127.0.0.0/8", '127.0.0.0/8", "::1/128')
    with SwitchProcess(text, tmp_path, legs=4, flags=("--sip", "[::1]:0")) as switch:
        four, six = switch.sip.split(",")
        assert four.startswith("127.0.0.1:")
        assert six.startswith("[::1]:")
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as caller:
            caller.settimeout(10.0)
            caller.connect(("::1", int(six.rpartition(":")[2])))
            caller.send(request("INVITE", NUMBER, "six", sdp=SDP))
            assert status_of(caller.recv(65_535)) == 100
            caller.send(request("CANCEL", NUMBER, "six"))
            assert {status_of(caller.recv(65_535)) for _ in range(2)} == {200, 487}
            caller.send(request("ACK", NUMBER, "six"))
        switch.idle()


def test_calls_that_wait_for_an_answer_are_limited_before_the_audio_ports_run_out(tmp_path: Path) -> None:
    """The usual limits are 750 and 500 with 1,500 legs; 640 legs make them 320 and 213."""
    with SwitchProcess(QUIET, tmp_path, legs=640) as switch:
        port = switch.sip_port
        for host, calls, taken in (("127.0.0.1", 220, 213), ("127.0.0.2", 120, 107)):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as caller:
                caller.settimeout(10.0)
                caller.bind((host, 0))
                caller.connect((HOST, port))
                said: dict[bytes, int] = {}
                for first in range(0, calls, 20):
                    for number in range(first, min(first + 20, calls)):
                        invite = request("INVITE", NUMBER, f"{host}-{number}", sdp=SDP)
                        caller.send(invite.replace(b"+15125550100", f"+1512{5550100 + number}".encode()))
                    while len(said) < min(first + 20, calls):  # 100 is said when a caller has heard nothing for 150 ms
                        heard = caller.recv(65_535)
                        said.setdefault(call_of(heard), status_of(heard))
                refused = {f"{host}-{number}".encode() for number in range(taken, calls)}
                assert said == {call: 503 if call in refused else 100 for call in said}
                assert len(said) == calls
        assert switch.metric("trunkline_sip_events", kind="refused_source_half_open") == 7
        assert switch.metric("trunkline_sip_events", kind="refused_half_open") == 13
        assert switch.metric("trunkline_refused_total", reason="no_media_ports") == 0
        switch.kill()
