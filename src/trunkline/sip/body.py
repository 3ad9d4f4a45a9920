"""Finds the session description in a body, alone or as one part of several (RFC 3261 7.4, RFC 2046 5.1, RFC 5621)."""

from __future__ import annotations

from trunkline.sip.errors import RemoteSipError
from trunkline.sip.headers import parse_params

SDP = "application/sdp"
MAX_PARTS = 16

SDP_LINE = f"Content-Type: {SDP}"
ACCEPT = f"Accept: {SDP}, application/dtmf-relay, application/dtmf"


def session_description(content_type: str, body: bytes) -> bytes | None:
    """The session description in `body`; None when there is none.

    Carriers wrap it in multipart/mixed next to ISUP, locations or recording metadata. Malformed wrapping holds nothing.
    """
    kind, semicolon, parameters = content_type.partition(";")
    kind = kind.strip().lower()
    if kind == SDP:
        return body or None
    if not kind.startswith("multipart/"):
        return None
    try:
        boundary = parse_params(semicolon + parameters).get("boundary")
    except RemoteSipError:
        return None
    if not boundary:
        return None
    delimiter = b"\r\n--" + boundary.encode("utf-8", "replace")
    for part in (b"\r\n" + body).split(delimiter)[1 : MAX_PARTS + 1]:
        head, blank, content = part.partition(b"\r\n\r\n")
        if blank and _is_sdp(head):
            return content or None
    return None


def _is_sdp(head: bytes) -> bool:
    for line in head.decode("latin-1").split("\r\n"):
        name, _, value = line.partition(":")
        if name.strip().lower() in ("content-type", "c"):
            return value.partition(";")[0].strip().lower() == SDP
    return False
