"""What requests are made of: fields as JSON, as a form, as XML, in a query; texts that may stand in a header."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from typing import Any, Final, Literal
from urllib.parse import urlencode
from xml.sax.saxutils import escape

import msgspec

Format = Literal["json", "form", "xml"]

TYPES: Final[Mapping[Format, str]] = {
    "json": "application/json",
    "form": "application/x-www-form-urlencoded",
    "xml": "application/xml; charset=utf-8",
}


def body_of(form: Format, values: Mapping[str, Any], root: str) -> bytes:
    """The fields as the body of a request. `root` is the outermost element of XML."""
    match form:
        case "json":
            return msgspec.json.encode(values)
        case "form":
            return urlencode(values).encode()
    return f'<?xml version="1.0" encoding="UTF-8"?>{_element(root, values)}'.encode()


def nested(values: Mapping[str, str]) -> dict[str, Any]:
    """Fields whose names have dots, as objects inside objects: `contact.zip` is `{"contact": {"zip": …}}`.

    A name that would have to be both a text and an object stays as it is written.
    """
    out: dict[str, Any] = {}
    for name, value in sorted(values.items(), key=lambda field: field[0].count(".")):
        *outer, last = name.split(".")
        inner: Any = out
        for part in outer if all((*outer, last)) else ():
            inner = inner.setdefault(part, {}) if isinstance(inner, dict) else None
        if isinstance(inner, dict) and inner is not out and not isinstance(inner.get(last), dict):
            inner[last] = value
        else:
            out[name] = value
    return out


def with_query(url: str, values: Mapping[str, str]) -> str:
    """The address with fields in its query."""
    return f"{url}{'&' if '?' in url else '?'}{urlencode(values)}" if values else url


def basic(username: str, password: str) -> str:
    """The value of `Authorization` for a user name and a password (RFC 7617, in UTF-8)."""
    return f"Basic {b64encode(f'{username}:{password}'.encode()).decode()}"


def one_line(text: str) -> str:
    """What may stand in a header: a line end would begin another one."""
    return "".join(each for each in text if each.isascii() and each.isprintable())


def _element(name: str, value: Any) -> str:
    if isinstance(value, Mapping):
        return f"<{name}>{''.join(_element(inner, each) for inner, each in value.items())}</{name}>"
    return f"<{name}>{escape(_printable(str(value)))}</{name}>"


def _printable(text: str) -> str:
    """Without what XML cannot hold (XML 1.0, section 2.2)."""
    return "".join(each for each in text if each in "\t\n\r" or (each >= " " and each not in "\ufffe\uffff"))
