"""What a configuration says of posting leads to buyers."""

from __future__ import annotations

from typing import Literal

from trunkline.config.struct import Struct


class AcceptWhen(Struct, frozen=True, kw_only=True):
    """When an answer to a post means that the lead was taken."""

    json: str | None = None
    equals: str | None = None
    status: int | None = None
    text: str | None = None


class Deliver(Struct, frozen=True, kw_only=True):
    """Where and how leads are posted."""

    url: str
    format: Literal["json", "form", "xml"] = "json"
    accept_when: AcceptWhen | None = None
    deadline_ms: int = 5000
