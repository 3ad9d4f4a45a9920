"""Whose trunk an INVITE counts for: what lets it past the gate is looked at once more where it becomes a call."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from trunkline.config.schema import Platform
from trunkline.config.trunks import Trunk, TrunkAuth
from trunkline.sip.endpoint import Hop
from trunkline.sip.events import Incoming
from trunkline.sip.message import Request
from trunkline.switch.arrivals import Arrivals
from trunkline.telephony.sip.doors import Doors

pytestmark = pytest.mark.unit

AUTH = TrunkAuth(username="acme", password_env="X")
BOTH = Trunk(key="both", allow=("192.0.2.0/24",), auth=AUTH)
PLAIN = Trunk(key="plain", allow=("192.0.2.0/24",))


def whose(trunk: Trunk, proved: str | None = None, registered: Trunk | None = None) -> Trunk | None:
    """The trunk of a call from an address that `trunk` allows."""
    plant: Any = SimpleNamespace(
        sip=SimpleNamespace(gate=SimpleNamespace(proved_by=lambda host, request: proved)),
        world=SimpleNamespace(trunks={trunk.key: trunk}, doors=Doors(Platform(trunks=(trunk,)))),
        registrations=SimpleNamespace(trunk_of=lambda host, request: registered),
    )
    request = Request("INVITE", "sip:x@h", ())
    return Arrivals(plant, None, None)._trunk_of(Incoming(1, request, Hop("192.0.2.7", 5060), None))  # type: ignore[arg-type]


def test_an_address_is_enough_only_where_no_password_is_asked_for() -> None:
    assert whose(PLAIN) is PLAIN
    assert whose(BOTH) is None
    assert whose(BOTH, proved="both") is BOTH
    assert whose(BOTH, registered=BOTH) is BOTH, "a call by a registration of ours needs none"
    assert whose(Trunk(key="both", allow=("192.0.2.0/24",), auth=AUTH, paused=True), proved="both") is None
