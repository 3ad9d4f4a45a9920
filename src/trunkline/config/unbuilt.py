"""What can be written but is not built yet.

A setting that is not built changes nothing but what it would have set. It is warned of, so that a configuration written
for a later version can be read by this one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from trunkline.config.schema import ConversionRule, Payout
from trunkline.config.subject import Subject
from trunkline.config.walk import walk


def warn_unbuilt(subject: Subject) -> None:
    """Warn of all that is not built."""
    for path, value in walk(subject.config):
        for field, message in _unbuilt_settings(value):
            hint = "leave it out, or keep it for a later version"
            subject.findings.warning((*path, field), "not_built", message, hint)


def _unbuilt_settings(value: Any) -> Iterator[tuple[str, str]]:
    """Settings of one object that are read and do nothing yet, with what happens instead."""
    for field, normal, message in _SETTINGS.get(type(value), ()):
        if getattr(value, field) != normal:
            yield field, message
    if isinstance(value, ConversionRule) and value.event == "postback":
        yield "event", "postbacks are not received yet: nothing converts by this rule"


_SETTINGS: dict[type, tuple[tuple[str, Any, str], ...]] = {
    Payout: (
        ("hold_days", None, "payouts are not held yet: they are posted at once"),
        ("limits", (), "limits of payout rules are not counted yet: the rule pays without a limit"),
    ),
}
"""By struct: field, the value that says nothing, and what happens instead."""
