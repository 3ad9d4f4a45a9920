"""What a configuration says of posting leads to buyers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from trunkline.config.struct import Struct


class AcceptWhen(Struct, frozen=True, kw_only=True):
    """What an answer to a post must be. All that is said must hold."""

    json: str | None = None
    equals: str | None = None
    status: int | None = None
    text: str | None = None


class Deliver(Struct, frozen=True, kw_only=True):
    """Where and how leads are posted, and what the answers mean."""

    url: str
    method: Literal["POST", "PUT", "GET"] = "POST"
    format: Literal["json", "form", "xml"] = "json"
    fields: Mapping[str, str] = msgspec.field(default_factory=dict)
    headers: Mapping[str, str] = msgspec.field(default_factory=dict)
    accept_when: AcceptWhen | None = None
    duplicate_when: AcceptWhen | None = None
    reject_reason: str | None = None
    buyers_id: str | None = None
    deadline_ms: int = 5000
