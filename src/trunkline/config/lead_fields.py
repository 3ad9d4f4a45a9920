"""What a configuration says of the fields of a lead form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from trunkline.config.struct import Struct

TEXT_LENGTH_MAX: Final = 1_000
"""Characters of a text field that says nothing of its own."""

DateOrder = Literal["iso", "month_first", "day_first"]


class LeadField(Struct, frozen=True, kw_only=True):
    """One field of a campaign's lead form.

    `also` are other names under which publishers send it, a path (`contact.phone`) for what is nested. `values` are
    replaced before anything is checked; `default` counts where nothing is sent.
    """

    name: str
    type: Literal["phone", "email", "zip", "state", "date", "number", "text", "choice", "yes_no"]
    required: bool = False
    also: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    values: Mapping[str, str] = msgspec.field(default_factory=dict)
    default: str | None = None
    min: str | None = None
    max: str | None = None
    max_length: int | None = None
    date_order: DateOrder = "iso"
