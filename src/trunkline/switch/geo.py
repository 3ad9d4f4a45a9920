"""What a running switch knows of the numbering plan beyond the tables of the package, and what it has missed there."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from pathlib import Path
from typing import Final

from trunkline.engine.geo.overlay import NO_OVERLAY, Overlay
from trunkline.engine.geo.places import read_tables
from trunkline.engine.routing.offer import Attributes
from trunkline.switch.geo_store import GeoStore, ImportUnreadable
from trunkline.switch.metrics import Metrics

log = logging.getLogger("trunkline.geo")

UNKNOWN_SHOWN: Final = 50
"""Unknown area codes that are remembered, those that called last."""


class Geo:
    """The import in force, and the area codes that nobody knows with how many calls came from them.

    `changing` is held while the import is being replaced; `problem` says why the stored one is not in force.
    """

    def __init__(self, data: Path, metrics: Metrics) -> None:
        self.store = GeoStore(data)
        self.overlay: Overlay = NO_OVERLAY
        self.problem = ""
        self.unknown: OrderedDict[str, int] = OrderedDict()
        self.changing = asyncio.Lock()
        self._metrics = metrics

    def load(self) -> None:
        """Take the stored import, and read the tables of the package, so that no call waits for them. Blocks.

        An import that cannot be read is left out: callers are taken with less known of them.
        """
        read_tables()
        try:
            self.overlay = self.store.load()
        except ImportUnreadable as error:
            self.problem = error.message
            log.error("the imported numbering plan is not used: %s (%s)", error.message, error.hint)

    def notice(self, attributes: Attributes) -> None:
        """Count a caller whose area code nobody knows, by what follows from the number."""
        code = attributes.get("geo.area_code")
        if code is None or "geo.country" in attributes or self.overlay.area_code(code.value) is not None:
            return
        self._metrics.unknown_area_codes.inc()
        count = self.unknown.pop(code.value, 0)
        if len(self.unknown) >= UNKNOWN_SHOWN:
            self.unknown.popitem(last=False)
        self.unknown[code.value] = count + 1
