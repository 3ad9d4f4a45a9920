"""A registrar in Python on a real socket: it asks for passwords, keeps bindings, and calls whom it has bound."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from typing import Self

from trunkline.sip.digest import Credentials
from trunkline.sip.digest_server import DigestServer, Verdict
from trunkline.sip.errors import RemoteSipError
from trunkline.sip.message import Request, Response, parse
from trunkline.testing.ports import HOST


class Registrar:
    """`rule(request)` may answer a REGISTER with status and header lines of its own before anything else happens."""

    def __init__(self, login: Credentials, *, grants_s: int = 600) -> None:
        self.requests: list[Request] = []
        self.responses: list[Response] = []
        self.grants_s = grants_s
        self.rule: Callable[[Request], tuple[int, list[str]] | None] = lambda request: None
        self.contact: str | None = None
        self._server = DigestServer("registrar", os.urandom)
        self._server.use([login])
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((HOST, 0))
        self._socket.settimeout(0.05)
        self.port: int = self._socket.getsockname()[1]
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._thread.join()
        self._socket.close()

    def of(self, method: str) -> list[Request]:
        """The requests of one method so far."""
        return [each for each in self.requests if each.method == method]

    def send(self, text: str, to: tuple[str, int]) -> None:
        """Send a message of one's own; line ends are made right."""
        self._socket.sendto("\r\n".join(text.split("\n")).encode(), to)

    def _serve(self) -> None:
        while not self._closing.is_set():
            try:
                data, source = self._socket.recvfrom(65_535)
                message = parse(data)
            except (TimeoutError, RemoteSipError):
                continue
            if isinstance(message, Response):
                self.responses.append(message)
                continue
            self.requests.append(message)
            if message.method == "REGISTER":
                status, lines = self._judge(message, source[0])
                self._socket.sendto(_answer(message, status, lines), source)
            elif message.method != "ACK":
                self._socket.sendto(_answer(message, 200, []), source)

    def _judge(self, request: Request, host: str) -> tuple[int, list[str]]:
        judged = self._server.judge(request, host, 0.0, lambda name: True).verdict
        if judged != Verdict.PROVED:
            return 401, self._server.challenges(host, 0.0, stale=judged == Verdict.STALE)
        ruled = self.rule(request)
        if ruled is not None:
            return ruled
        seconds = min(int(request.header("Expires") or "0"), self.grants_s)
        uri = (request.header("Contact") or "").strip("<>")
        self.contact = uri if seconds else None
        return 200, [f"Contact: <{uri}>;expires={seconds}"] if seconds else []


def _answer(request: Request, status: int, lines: list[str]) -> bytes:
    echoed = [f"{name}: {request.header(name)}" for name in ("Via", "From", "Call-ID", "CSeq")]
    return "\r\n".join(
        [f"SIP/2.0 {status} Said", *echoed, f"To: {request.header('To')};tag=reg", *lines, "Content-Length: 0", "", ""]
    ).encode()
