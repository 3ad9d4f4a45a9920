"""The XML of others' answers: read whatever comes, look at one place.

Entities, external files and the network are off, and a document that declares a type of its own is not read at all:
what answers need of XML is elements, attributes and text, and everything that has ever made a reader of XML run for
ever or open files begins with `<!DOCTYPE`. The encoding is UTF-8 whatever the document says, so that nothing can hide
those bytes.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

from lxml import etree

from trunkline.config.xml_paths import xpath_of

_DOCTYPE: Final = b"<!DOCTYPE"


def _parser() -> Any:
    return etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        huge_tree=False,
        load_dtd=False,
        dtd_validation=False,
        remove_comments=True,
        remove_pis=True,
    )


def read_xml(body: bytes) -> Any:
    """The outermost element of a document; None when it is none. Nothing that anybody sends makes it fail."""
    if _DOCTYPE in body:
        return None
    try:
        return etree.fromstring(body, _parser())
    except (etree.XMLSyntaxError, ValueError):
        return None


def find_xml(root: Any, path: str) -> Any:
    """The text at `path`, trimmed; None when there is nothing. An element that holds others is given as it is."""
    found = _compiled(path)(root)
    if not found:
        return None
    first = found[0]
    if isinstance(first, str):
        return str(first).strip()
    return first if len(first) else (first.text or "").strip()


@lru_cache(maxsize=1_024)
def _compiled(path: str) -> Any:
    return etree.XPath(xpath_of(path), smart_strings=False)
