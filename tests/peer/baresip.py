"""baresip as a second, independent peer: a softphone without sound card that says a file and writes what it hears."""

from __future__ import annotations

import contextlib
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Self

from trunkline.codec import wav
from trunkline.codec.g711 import Law, decode
from trunkline.telephony.sip.tls import TlsFiles
from trunkline.testing.ports import HOST, free_block

START_S_MAX = 15.0
STOP_S_MAX = 10.0
MODULES = ("g711", "aufile", "aubridge", "sndfile", "uuid")
"""aufile is the microphone, aubridge a loudspeaker that nobody listens to; sndfile writes down what was decoded."""


class Baresip:
    """One baresip that says µ-law codes, once."""

    def __init__(
        self,
        folder: Path,
        says: bytes,
        *,
        dial: str | None = None,
        user: str = "softphone",
        encrypts: str | None = None,
        tls: TlsFiles | None = None,
        login: tuple[str, str] | None = None,
    ) -> None:
        """With `dial` it calls that address as soon as it runs, else it answers whatever comes.

        `encrypts` is its word for how: `srtp` beside RTP/AVP, `srtp-mand` as RTP/SAVP. With `tls` it has a certificate,
        trusts that authority alone and asks for a proof of others; `login` is its user name and password.
        """
        program = shutil.which("baresip")
        assert program is not None, "install it: sudo apt-get install -y --no-install-recommends baresip-core"
        first = free_block(24)
        self.port = first
        self._folder = folder
        folder.mkdir()
        (folder / "says.wav").write_bytes(wav.write(wav.Encoding.PCM, 1, decode(Law.PCMU, says)))
        lines = [
            f"module_path {_module_path()}",
            f"sip_listen {HOST}:{self.port}",
            f"net_interface {HOST}",
            f"rtp_ports {first + 2}-{first + 22}",
            f"audio_source aufile,{folder / 'says.wav'}",
            "audio_player aubridge,speaker",
            f"snd_path {folder}",
            "audio_alert aubridge,bell",
            *(f"module {name}.so" for name in (*MODULES, *(["srtp"] if encrypts else []))),
            "module_app account.so",
            "module_app menu.so",
        ]
        if tls is not None:
            assert tls.certificate is not None
            assert tls.key is not None
            (folder / "own.pem").write_bytes(tls.certificate.read_bytes() + tls.key.read_bytes())
            lines += [f"sip_certificate {folder / 'own.pem'}", f"sip_cafile {tls.authorities}", "sip_verify_server yes"]
        (folder / "config").write_text("\n".join(lines) + "\n")
        over = ";transport=tls" if tls else ""
        account = f"<sip:{user}@{HOST}:{self.port}{over}>;regint=0;answermode=auto;audio_codecs=PCMU/8000/1"
        account += f";mediaenc={encrypts}" if encrypts else ""
        account += f";auth_user={login[0]};auth_pass={login[1]}" if login else ""
        (folder / "accounts").write_text(account + "\n")
        (folder / "contacts").write_text("")
        self._command = [program, "-4", "-f", str(folder)]
        if dial is not None:
            self._command += ["-e", f"/dial {dial}"]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Its SIP address."""
        return f"sip:softphone@{HOST}:{self.port}"

    @property
    def secure_address(self) -> str:
        """Its SIP address over TLS: it listens one port higher."""
        return f"sip:softphone@{HOST}:{self.port + 1};transport=tls"

    def __enter__(self) -> Self:
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )
        deadline = time.monotonic() + START_S_MAX
        while "baresip is ready" not in self.said():
            assert self._process.poll() is None, f"baresip has ended: {self.said()}"
            assert time.monotonic() < deadline, f"baresip did not get ready: {self.said()}"
            time.sleep(0.02)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Hang up and end."""
        assert self._process is not None
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_S_MAX)
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait(STOP_S_MAX)

    def said(self) -> str:
        """What it wrote to its log."""
        return (self._folder / "log").read_text(errors="replace")

    def heard(self) -> bytes:
        """What it has heard so far, as 16-bit PCM."""
        return b"".join(path.read_bytes()[44:] for path in self._folder.glob("dump-*-dec.wav"))


def _module_path() -> Path:
    """Where the distribution keeps baresip's modules."""
    found = next(iter(sorted(Path("/usr").glob("lib*/**/baresip/modules"))), None)
    assert found is not None, "baresip's modules are missing: sudo apt-get install -y --reinstall baresip-core"
    return found
