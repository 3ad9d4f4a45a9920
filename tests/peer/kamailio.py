"""Kamailio as the proxy between a switch and the rest: it records its route, so every later request must pass it."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Self

from trunkline.telephony.sip.tls import TlsFiles
from trunkline.testing.ports import HOST, free_block

START_S_MAX = 15.0
STOP_S_MAX = 10.0

SCRIPT = """\
#!KAMAILIO
debug=1
log_stderror=yes
fork=yes
children=2
auto_aliases=no
listen=udp:{host}:{port}
{tcp}
{modules}
loadmodule "tm.so"

loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "xlog.so"
modparam("rr", "enable_full_lr", 1)
modparam("rr", "enable_double_rr", 1)

request_route {{
    if (!mf_process_maxfwd_header("10")) {{
        sl_send_reply("483", "Too Many Hops");
        exit;
    }}
    if (has_totag()) {{
        if (loose_route()) {{
            xlog("L_ERR", "passed $rm\\n");
            t_relay();
            exit;
        }}
        if (is_method("ACK") && t_check_trans()) {{
            t_relay();
            exit;
        }}
        if (!is_method("ACK")) sl_send_reply("404", "Not here");
        exit;
    }}
    if (is_method("CANCEL")) {{
        if (t_check_trans()) t_relay();
        exit;
    }}
    t_check_trans();
    if (is_method("INVITE")) record_route();
    if ($rU == "buyer") {{
        $du = "sip:{buyer}";
    }} else {{
        $du = "sip:{switch}";
    }}
    if (!t_relay()) sl_reply_error();
}}
"""


class Kamailio:
    """One Kamailio: calls to user `buyer` go to the buyer, all others to the switch. Both are told before the start."""

    def __init__(self, folder: Path, *, tcp: bool = False, tls: TlsFiles | None = None) -> None:
        """With `tcp` it speaks TCP on its port as well, with `tls` and its certificate TLS on the next."""
        program = shutil.which("kamailio", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
        assert program is not None, "install it: sudo apt-get install -y --no-install-recommends kamailio"
        self.port = free_block(2)
        self._program = program
        self._folder = folder
        self._tcp = tcp or tls is not None
        self._tls = tls
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir()

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"{HOST}:{self.port}"

    def start(self, *, switch: str, buyer: str) -> Self:
        """Proxy between the two, which may hold URI parameters such as `;transport=tcp`."""
        script = self._folder / "kamailio.cfg"
        tcp = f"listen=tcp:{self.address}" if self._tcp else "disable_tcp=yes"
        modules = ""
        if self._tls is not None:
            tcp += f"\nenable_tls=yes\nlisten=tls:{HOST}:{self.port + 1}"
            modules = self._secure(self._tls)
        filled = SCRIPT.format(host=HOST, port=self.port, switch=switch, buyer=buyer, tcp=tcp, modules=modules)
        script.write_text(filled)
        command = [self._program, "-DD", "-E", "-f", str(script), "-m", "16", "-M", "4", "-w", str(self._folder)]
        command += ["-P", str(self._folder / "pid"), "-Y", str(self._folder)]
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )
        deadline = time.monotonic() + START_S_MAX
        while not self._answers():
            assert self._process.poll() is None, f"Kamailio has ended: {self.said()}"
            assert time.monotonic() < deadline, f"Kamailio does not answer: {self.said()}"
        return self

    def _secure(self, files: TlsFiles) -> str:
        """Its certificate, and the authority that others' certificates must be of, as what its script says of them."""
        domains = self._folder / "tls.cfg"
        shown = f"certificate = {files.certificate}\nprivate_key = {files.key}\nca_list = {files.authorities}\n"
        server = f"[server:default]\nmethod = TLSv1.2+\nverify_certificate = no\n{shown}"
        client = f"[client:default]\nmethod = TLSv1.2+\nverify_certificate = yes\nrequire_certificate = yes\n{shown}"
        domains.write_text(server + client)
        return f'loadmodule "tls.so"\nmodparam("tls", "config", "{domains}")'

    def _answers(self) -> bool:
        """Whether an OPTIONS with no hops left is refused, as it is by a proxy that runs."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.settimeout(0.2)
            asking.bind((HOST, 0))
            at = f"{HOST}:{asking.getsockname()[1]}"
            lines = [f"OPTIONS sip:{self.address} SIP/2.0", f"Via: SIP/2.0/UDP {at};branch=z9hG4bK-there"]
            lines += [f"From: <sip:test@{at}>;tag=1", f"To: <sip:{self.address}>", "Call-ID: there", "CSeq: 1 OPTIONS"]
            lines += ["Max-Forwards: 0", "Content-Length: 0", "", ""]
            with contextlib.suppress(TimeoutError, ConnectionError):
                asking.sendto("\r\n".join(lines).encode(), (HOST, self.port))
                return asking.recv(4096).startswith(b"SIP/2.0 483")
        return False

    def passed(self) -> list[str]:
        """The methods of the requests inside calls that followed the recorded route, in order."""
        return [line.rpartition("passed ")[2].strip() for line in self.said().splitlines() if "passed " in line]

    def said(self) -> str:
        """Its log."""
        return (self._folder / "log").read_text(errors="replace")

    def stop(self) -> None:
        """End it with all its processes."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_S_MAX)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(STOP_S_MAX)
