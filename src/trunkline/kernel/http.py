"""An HTTP request and what came back, as values: what is asked is decided in one place and sent in another."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What is sent. `headers` as they go out; a body for methods that have one."""

    method: str
    url: str
    headers: Mapping[str, str] = msgspec.field(default_factory=dict)
    body: bytes | None = None

    def __repr__(self) -> str:
        """What and whom, without the values: URL, headers and body may hold secrets and people's data."""
        scheme, _, rest = self.url.partition("://")
        host = rest.partition("/")[0].partition("?")[0].rpartition("@")[2]
        return f"Request({self.method} {scheme}://{host}/…, headers: {', '.join(self.headers) or 'none'})"


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What came back, whatever its status. Header names in lower case; `url` is where it came from in the end."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str
