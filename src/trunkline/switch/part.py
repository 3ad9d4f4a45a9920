"""What one part of a live call knows of the whole."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import ref

if TYPE_CHECKING:
    from trunkline.switch.livecall import LiveCall


class Part:
    """A part of one call, which owns it and outlives it.

    It knows its call weakly: a call that is over is freed with the last of its legs and not when the collector next
    comes by, for which everybody waits.
    """

    __slots__ = ("_whole",)

    def __init__(self, call: LiveCall) -> None:
        self._whole = ref(call)

    @property
    def _call(self) -> LiveCall:
        call = self._whole()
        assert call is not None, "a part is asked through its call"
        return call
