"""What a configuration says of contacts: when they count as seen before, and lists of them."""

from __future__ import annotations

from typing import Literal

from trunkline.config.struct import Struct


class PayoutDuplicates(Struct, frozen=True, kw_only=True):
    """Whether a repeated contact is paid for."""

    pay: Literal["always", "never", "older_than"]
    days: int | None = None


class MarkDuplicates(Struct, frozen=True, kw_only=True):
    """When a contact counts as seen before."""

    event: Literal["incoming", "connect", "convert"] = "connect"
    days: int = 30
    anonymous: bool = False


class Duplicates(Struct, frozen=True, kw_only=True):
    """How repeated contacts are marked and where they may go."""

    mark: MarkDuplicates | None = None
    route: Literal["normal", "original", "different", "nowhere"] = "normal"
    strict: bool = False


class ContactList(Struct, frozen=True, kw_only=True):
    """A list of contacts that levels may suppress or require. Without `file` it is loaded by `trunkline lists`."""

    key: str
    name: str | None = None
    type: Literal["numbers", "prefixes", "sha256", "md5"] = "numbers"
    file: str | None = None
