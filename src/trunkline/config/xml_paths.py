"""Paths into the XML of others' answers: `/response/bid`, `//bid/@amount`, `/bids/bid[2]/text()`.

They are the part of XPath 1.0 that walks down by names: the whole of XPath can ask questions that take a second for an
answer of a few kilobytes, and somebody else writes the answer. Names are compared without their namespaces.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from trunkline.config.json_paths import NoPath

_NAME: Final = r"[A-Za-z_][A-Za-z0-9_.-]*"
_STEP: Final = re.compile(
    rf"(?P<axis>//|/)(?:@(?P<attribute>{_NAME})|(?P<text>text\(\))|(?P<name>{_NAME}|\*)(?:\[(?P<place>[1-9][0-9]{{0,3}})\])?)"
)


def is_xml_path(path: str) -> bool:
    """Whether the path is one into XML: those begin with a slash."""
    return path.startswith("/")


@lru_cache(maxsize=1_024)
def xpath_of(path: str) -> str:
    """The XPath 1.0 expression of a path. Raises NoPath.

    `//` may stand once: each of them walks the whole document for everything that the one before it has found.
    """
    parts: list[str] = []
    end = 0
    last = False
    while not last and (match := _STEP.match(path, end)):
        end = match.end()
        last = match["attribute"] is not None or match["text"] is not None
        parts.append(match["axis"] + _test(match))
    if not parts or end != len(path) or sum(part.startswith("//") for part in parts) > 1:
        raise NoPath(
            f"{path!r} is no path into XML: write names from the top, such as /response/bid or //bid/@amount, "
            "with one // at most"
        )
    return "".join(parts)


def _test(match: re.Match[str]) -> str:
    if match["attribute"] is not None:
        return f"@*[local-name()='{match['attribute']}']"
    if match["text"] is not None:
        return "text()"
    named = "*" if match["name"] == "*" else f"*[local-name()='{match['name']}']"
    return f"{named}[{match['place']}]" if match["place"] else named
