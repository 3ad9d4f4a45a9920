"""Bodies that are sent, and values that are found in answers."""

from __future__ import annotations

from typing import Any

import pytest

from trunkline.config.json_paths import NoPath, steps_of
from trunkline.config.xml_paths import xpath_of
from trunkline.engine.payloads.bodies import nested
from trunkline.engine.payloads.documents import Document, Unusable
from trunkline.kernel.http import Answer

pytestmark = pytest.mark.unit

XML = b'<?xml version="1.0"?><s:e xmlns:s="urn:s"><b xmlns="urn:b" id="7"><p>1</p><p>2 </p></b><n><m>x</m></n></s:e>'
JSON = b'{"a": {"b c": [{"d": 1.50}, true, null, [1]], "": 3}, "big": 1e999, "text": "\\u0000x"}'


def document(body: bytes) -> Document:
    return Document(Answer(status=200, headers={}, body=body, url=""))


@pytest.mark.parametrize(
    ("path", "steps"),
    [
        ("a", ("a",)),
        ("$.a", ("a",)),
        ("$['a b'][0].c", ("a b", 0, "c")),
        ('a["b.c"]', ("a", "b.c")),
        ("[0].a", (0, "a")),
        ("$[1]", (1,)),
    ],
)
def test_paths_into_json(path: str, steps: tuple[str | int, ...]) -> None:
    assert steps_of(path) == steps


@pytest.mark.parametrize("path", ["", "$", ".", "a.", ".a", "a..b", "$a", "a[", "a[x]", "a['b]", "a.*", "$..a", "a[*]"])
def test_what_is_no_path_into_json(path: str) -> None:
    with pytest.raises(NoPath):
        steps_of(path)


@pytest.mark.parametrize(
    "path",
    ["", "/", "a", "/a/", "//a//b", "/a[0]", "/a[b]", "/a/@b/c", "/a/text()/b", "/a|/b", "/a[count(//*)]", "/a:b"],
)
def test_what_is_no_path_into_xml(path: str) -> None:
    with pytest.raises(NoPath):
        xpath_of(path)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/e/b/p", "1"),
        ("/e/b/p[2]", "2"),
        ("//p[2]/text()", "2"),
        ("//b/@id", "7"),
        ("/*/n/m", "x"),
        ("/e/q", None),
        ("a", None),
    ],
)
def test_values_in_xml(path: str, found: str | None) -> None:
    assert document(XML).words(path) == found


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("a['b c'][0].d", "1.50"),
        ("a['b c'][1]", "true"),
        ("a['b c'][2]", None),
        ("a['b c'][9]", None),
        ("text.more", None),
        ("/a", None),
    ],
)
def test_values_in_json(path: str, found: str | None) -> None:
    assert document(JSON).words(path) == found


@pytest.mark.parametrize(("body", "path"), [(JSON, "a"), (JSON, "a['b c'][3]"), (JSON, "big"), (XML, "/e/n")])
def test_values_that_are_no_text_cannot_be_used(body: bytes, path: str) -> None:
    with pytest.raises(Unusable, match="no text"):
        document(body).words(path)


@pytest.mark.parametrize(
    "body",
    [
        b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>',
        b'<!DOCTYPE a SYSTEM "http://127.0.0.1/dtd"><a/>',
        b'<?xml version="1.0" encoding="UTF-7"?>+ADwAIQ-DOCTYPE a +AFsAPAAh-ENTITY x +ACI-y+ACIAPgBdAD4-<a>+ACY-x;</a>',
        '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>'.encode("utf-16"),
        b"<a>&x;</a>",
        b"<a>" * 100_000,
        b"<a>\x00</a>",
        b"",
    ],
)
def test_xml_that_is_a_trap_is_no_xml(body: bytes) -> None:
    assert document(body).xml is None or document(body).words("/a") is None


def test_an_external_entity_is_not_read_even_without_a_type() -> None:
    assert (
        document(b'<a xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="/etc/passwd"/></a>').value("/a/x")
        is None
    )


@pytest.mark.parametrize(
    ("flat", "deep"),
    [
        ({"a": "1", "b.c": "2", "b.d": "3"}, {"a": "1", "b": {"c": "2", "d": "3"}}),
        ({"a.b": "1", "a": "2"}, {"a": "2", "a.b": "1"}),
        ({"a.b.c": "1", "a.b": "2"}, {"a": {"b": "2"}, "a.b.c": "1"}),
        ({".a": "1", "b.": "2", "c..d": "3"}, {".a": "1", "b.": "2", "c..d": "3"}),
    ],
)
def test_names_with_dots_are_objects_inside_objects(flat: dict[str, str], deep: dict[str, Any]) -> None:
    assert nested(flat) == deep
