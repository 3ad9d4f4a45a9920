"""What can be spoken and played where the configuration will run. The caller knows; the configuration only asks."""

from __future__ import annotations

from collections.abc import Callable

import msgspec


class Voices(msgspec.Struct, frozen=True, kw_only=True):
    """`languages` the engine speaks, `shipped(language, text)` whether a rendered prompt of the text comes with the
    package, `engine` whether an engine is installed, `file_exists(path)` for prompt files relative to the base.
    """

    languages: frozenset[str]
    shipped: Callable[[str, str], bool]
    engine: bool
    file_exists: Callable[[str], bool]
