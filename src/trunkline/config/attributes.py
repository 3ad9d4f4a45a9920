"""The names that criteria and flows may use for what is known of a caller or lead, with the types of their values."""

from __future__ import annotations

import re
from typing import Final, Literal

ValueType = Literal["text", "number", "date", "yes_no", "set"]
"""A set is several texts at once, separated by commas where it is written."""

BUILT_IN: Final[dict[str, ValueType]] = {
    "geo.country": "text",
    "geo.state": "text",
    "geo.county": "text",
    "geo.city": "text",
    "geo.zip": "text",
    "geo.zip3": "text",
    "geo.area_code": "text",
    "geo.exchange": "text",
    "geo.timezone": "text",
    "caller.number": "text",
    "caller.language": "text",
    "caller.repeat": "yes_no",
    "caller.anonymous": "yes_no",
    "caller.attestation": "text",
    "caller.skills": "set",
    "caller.certificate": "text",
    "caller.leadid": "text",
    "caller.page_url": "text",
    "caller.ip": "text",
    "caller.user_agent": "text",
    "caller.consent_at": "text",
    "caller.consent_text": "text",
    "caller.sellers": "text",
    "source.key": "text",
    "source.subid": "text",
    "source.publisher": "text",
    "number.key": "text",
    "time.hour": "number",
    "time.weekday": "text",
    "time.date": "date",
    "time.caller_hour": "number",
    "time.caller_weekday": "text",
    "score.p": "number",
}
"""Attributes that exist without being declared."""

OPEN_NAMESPACES: Final = ("ivr", "lead", "tag")
"""`ivr.NODE`, `lead.FIELD` and `tag.NAME`: the second half is the operator's."""
SETTABLE: Final = frozenset({"caller.language", "caller.skills", "geo.zip", "geo.state"})
"""Built-in attributes that a flow may state for a caller, besides all of `ivr.*` and `tag.*`."""

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,63}")


def type_of(name: str, declared: dict[str, str]) -> ValueType | None:
    """The type of the attribute `name`, None when there is no such attribute. `declared` are tags and lead fields."""
    if name in BUILT_IN:
        return BUILT_IN[name]
    namespace, _, rest = name.partition(".")
    if namespace not in OPEN_NAMESPACES or _NAME.fullmatch(rest) is None:
        return None
    match declared.get(name):
        case "number":
            return "number"
        case "date":
            return "date"
        case "yes_no":
            return "yes_no"
        case _:
            return "text"


def settable(name: str) -> bool:
    """Whether a flow may set `name`."""
    return name in SETTABLE or (name.startswith(("ivr.", "tag.")) and type_of(name, {}) is not None)
