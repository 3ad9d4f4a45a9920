"""What a configuration says of the leads of a campaign, besides the fields of its form."""

from __future__ import annotations

from trunkline.config.struct import Struct


class LeadRules(Struct, frozen=True, kw_only=True):
    """How a campaign takes leads. `same_by` are the fields that make two leads the same; none: the phone number."""

    same_by: tuple[str, ...] = ()
