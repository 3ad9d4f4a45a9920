"""The shape all configuration objects share."""

from __future__ import annotations

import msgspec


class Struct(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A configuration object: immutable, unknown fields refused."""
