"""Lives of calls and leads that never were, as the events a switch would have written: journals to try things on.

    for event, contact in lives(Random(7), calls=100, leads=50):
        ...

What happens to each is drawn, and the order of what happens is that of a switch. Times are drawn too, so that lives
overlap. The same seed gives the same journal.
"""

from __future__ import annotations

import hashlib
from random import Random
from typing import Final

from trunkline.events.entry import Event
from trunkline.testing.lives.calls import CallLife
from trunkline.testing.lives.leads import LeadLife, PingLife

BEGIN_MS: Final = 1_795_363_200_000
"""2026-11-22 16:00 UTC."""
SPACING_MS: Final = 40
"""Between one life's beginning and the next one's, on average."""
PINGED: Final = 0.2
"""How many leads' publishers ask for a bid first."""
Lived = tuple[Event, str]
"""An event and the keyed hash of whom it is about."""


def lives(random: Random, calls: int, leads: int = 0, begin_ms: int = BEGIN_MS) -> list[Lived]:
    """All that happens to so many calls and leads from `begin_ms` (UTC) on, in the order in which it happens."""
    told: list[tuple[int, int, Lived]] = []
    kinds = ["call"] * calls + ["lead"] * leads
    random.shuffle(kinds)
    for number, kind in enumerate(kinds):
        at_ms = begin_ms + number * SPACING_MS + random.randrange(SPACING_MS)
        contact = hashlib.sha256(str(random.randrange(1 + len(kinds) // 2)).encode()).hexdigest()[:32]
        name = f"{at_ms:011X}{random.getrandbits(60):015X}"
        life: list[Event] = []
        if kind == "call":
            life += CallLife(random, f"call_{name}", at_ms).events()
        else:
            if random.random() < PINGED:
                life += PingLife(random, f"ping_{name}", at_ms).events()
            life += LeadLife(random, f"lead_{name}", at_ms).events()
        told += [(event.at_ms, len(told) + place, (event, contact)) for place, event in enumerate(life)]
    told.sort(key=lambda each: each[:2])
    return [lived for _, _, lived in told]
