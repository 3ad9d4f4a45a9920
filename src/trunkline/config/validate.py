"""All checks that need more than one value, in the order of the schema."""

from __future__ import annotations

from collections.abc import Sequence

from trunkline.config.problems import Findings
from trunkline.config.schema import AccountConfig, Platform
from trunkline.config.voices import Voices

Checked = tuple[AccountConfig | None, Platform | None, Findings]


def validate(parts: Sequence[Checked], voices: Voices | None) -> None:
    """Check everything that was read; each problem goes to the findings of the file it is in."""
