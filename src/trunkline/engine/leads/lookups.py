"""Questions about a lead that another server answers before it is routed: the request, and what its answer says.

An answer becomes `tag.*` attributes. What does not answer, or not in JSON, leaves them unknown, and a criterion on what
is unknown is not met: whoever must know says so in criteria.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, urlencode

import msgspec

from trunkline.config.lead_rules import Lookup
from trunkline.engine.payloads.json_values import find, read_json, words
from trunkline.engine.payloads.templates import render
from trunkline.engine.routing.offer import Attribute
from trunkline.kernel.http import Answer, Request

LOOKUP: Final = "lookup"
"""How what was looked up is known."""
VALUE_LENGTH_MAX: Final = 1_000


def question_of(lookup: Lookup, known: Mapping[str, str]) -> Request:
    """What is asked of a lead of which `known` attributes are known."""
    url = render(lookup.url, known, lambda text: quote(text, safe=""))
    values = {name: render(template, known) for name, template in lookup.fields.items()}
    headers = {"Accept": "application/json"}
    headers |= {name: render(template, known, _one_line) for name, template in lookup.headers.items()}
    if lookup.method == "GET":
        joint = "&" if "?" in url else "?"
        return Request(method="GET", url=f"{url}{joint}{urlencode(values)}" if values else url, headers=headers)
    headers = {"Content-Type": "application/json", **headers}
    return Request(method="POST", url=url, headers=headers, body=msgspec.json.encode(values))


def looked_up(lookup: Lookup, answer: Answer) -> dict[str, Attribute]:
    """The attributes that an answer gives; true and false are yes and no."""
    if not 200 <= answer.status < 300:
        return {}
    body = read_json(answer.body)
    found: dict[str, Attribute] = {}
    for name, path in lookup.into.items():
        value = find(body, path)
        text = ("yes" if value else "no") if isinstance(value, bool) else words(value)
        if text:
            found[name] = Attribute(text[:VALUE_LENGTH_MAX], LOOKUP)
    return found


def _one_line(text: str) -> str:
    """What may stand in a header: a line end would begin another one."""
    return "".join(each for each in text if each.isascii() and each.isprintable())
