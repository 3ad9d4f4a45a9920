"""What is told of a lead that goes out later."""

from __future__ import annotations

from typing import Any

import pytest

from trunkline.engine.leads.records import fold_leads
from trunkline.engine.leads.story import tell_lead
from trunkline.events.calls import OfferReserved
from trunkline.events.deliveries import (
    AnyDeliveryEvent,
    DeliveryDead,
    DeliveryDropped,
    DeliveryQueued,
    DeliveryReplayed,
    DeliverySent,
    DeliveryTried,
)
from trunkline.events.entry import Event
from trunkline.events.leads import DeliveryEnded, LeadReceived
from trunkline.kernel.money import Money

pytestmark = pytest.mark.unit

AT = 1_790_000_000_000
WHOSE: dict[str, Any] = {"account": "acme", "call": "lead_1", "at_ms": AT}
OF: dict[str, Any] = {**WHOSE, "attempt": "att_1"}
BEFORE: list[Event] = [
    LeadReceived(
        **WHOSE, campaign="roofing", publisher="adwave", source=None, via="post", attributes={}, basis={}, consent={},
        ignored=(), snapshot="s1",
    ),
    OfferReserved(
        **OF, lease="lease_1", route="all.t1.mail", target="mail", buyer="ace", tier="t1", method="priority",
        price=Money(3500, "USD"), conversion="accepted", rank=1, decision_us=9, snapshot="s1",
    ),
    DeliveryQueued(**OF, kind="email", buyer="ace", target="mail", campaign="roofing", due_ms=AT, values={}),
    DeliveryEnded(**OF, outcome="queued", sent=False),
]  # fmt: skip
TRIED = DeliveryTried(**OF, tries=1, reason="unreachable", detail="no", next_ms=AT + 60_000)
DEAD = DeliveryDead(**OF, tries=2, reason="rejected", detail="554")
SENT = DeliverySent(**OF, delivery="att_1", name="<att_1@x>", tries=1)


@pytest.mark.parametrize(
    ("events", "outbox", "reason", "sent_as", "told"),
    [
        ([], "waiting", None, None, "ace gets the lead: it waits to go out"),
        ([TRIED], "waiting", "unreachable", None, "did not go out (unreachable)"),
        ([TRIED, DEAD], "dead", "rejected", None, "is a dead letter (rejected)"),
        ([DEAD, DeliveryReplayed(**OF)], "waiting", "rejected", None, "somebody wants it tried again"),
        ([DEAD, DeliveryDropped(**OF)], "dropped", "rejected", None, "somebody wants it sent no more"),
        ([TRIED, SENT], "sent", "unreachable", "<att_1@x>", "went out as <att_1@x>"),
    ],
)
def test_a_delivery_in_the_outbox(
    events: list[AnyDeliveryEvent], outbox: str, reason: str | None, sent_as: str | None, told: str
) -> None:
    (delivery,) = fold_leads([*BEFORE, *events])["lead_1"].deliveries
    assert (delivery.outcome, delivery.outbox, delivery.sent_as) == ("queued", outbox, sent_as)
    assert delivery.reason == reason
    assert delivery.sent is (outbox == "sent")
    assert told in tell_lead([*BEFORE, *events])[-1]
