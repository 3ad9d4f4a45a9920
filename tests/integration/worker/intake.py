"""A real HTTP server that answers as a switch's intake does, and remembers what it was sent by key."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

Reply = tuple[int, dict[str, Any], dict[str, str]]
"""Status, document, headers."""
KEY = "secret-of-adwave"


class Intake:
    """Sells every lead whose `zip` has five digits. `before` may answer first, by how many requests came before."""

    def __init__(self, before: Callable[[int, dict[str, Any]], Reply | None] = lambda number, body: None) -> None:
        self.requests = 0
        self.sold: dict[str, dict[str, Any]] = {}
        self.headers: list[dict[str, str]] = []
        self._before = before
        self._kept: dict[str, tuple[bytes, Reply]] = {}
        self._lock = threading.Lock()
        intake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, document, headers = intake.answer(dict(self.headers.items()), body)
                encoded = json.dumps(document).encode()
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(encoded))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(encoded)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, headers: dict[str, str], body: bytes) -> Reply:
        """The answer to one post; the same for the same key and body."""
        document = json.loads(body)
        with self._lock:
            number, self.requests = self.requests, self.requests + 1
            self.headers.append(headers)
            if headers.get("Authorization") != f"Bearer {KEY}":
                return 401, {"status": "unauthorized", "message": "Unknown key."}, {}
            first = self._before(number, document)
            if first is not None:
                return first
            key = headers["Idempotency-Key"]
            if key in self._kept:
                kept, reply = self._kept[key]
                if kept == body:
                    return reply
                return 409, {"status": "idempotency_conflict", "message": "The key was used for another lead."}, {}
            reply = self._sell(key, document)
            if reply[0] == 201:
                self._kept[key] = (body, reply)
            return reply

    def _sell(self, key: str, document: dict[str, Any]) -> Reply:
        zip_code = document["fields"].get("zip", "")
        if len(zip_code) != 5:
            wrong = {"field": "zip", "code": "zip_invalid", "message": "This is no ZIP code."}
            return 422, {"status": "invalid", "field_errors": [wrong]}, {}
        self.sold[key] = document
        sold = {"id": f"lead_{len(self.sold)}", "status": "accepted", "payout": "21.50", "currency": "USD"}
        return 201, sold, {}
