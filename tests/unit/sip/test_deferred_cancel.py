"""An owner that has to write a call down before it answers may keep the 487 of a cancelled one back."""

from __future__ import annotations

import pytest

from trunkline.sip.endpoint import EndpointConfig, InviteTarget, SipEndpoint
from trunkline.sip.events import Cancelled, Ended, Gone, Incoming
from trunkline.sip.hops import Hop

pytestmark = pytest.mark.unit

CALLER, CALLED = Hop("127.0.0.1", 5061), Hop("127.0.0.1", 5062)


def endpoint(address: Hop, salt: int, **settings: bool) -> SipEndpoint:
    count = iter(range(1 << 30))
    return SipEndpoint(
        EndpointConfig(host=address[0], port=address[1], **settings),
        lambda size: (next(count) * 256 + salt).to_bytes(size, "big"),
    )


def pass_on(sender: SipEndpoint, receiver: SipEndpoint, source: Hop, now: float) -> list[bytes]:
    sent = [datagram.data for datagram in sender.datagrams()]
    for data in sent:
        receiver.receive(data, source, now)
    return sent


def test_the_487_of_a_cancelled_call_waits_for_its_owner() -> None:
    caller, called = endpoint(CALLER, 1), endpoint(CALLED, 2, defer_487=True)
    leg = caller.invite(InviteTarget("sip:a@127.0.0.1:5062", CALLED, None, "sip:b@127.0.0.1", None, b""), 0.0)
    pass_on(caller, called, CALLER, 0.0)
    [incoming] = called.events()
    assert isinstance(incoming, Incoming)
    called.trying(incoming.leg, 0.0)
    pass_on(called, caller, CALLED, 0.0)

    caller.cancel(leg, 1.0)
    pass_on(caller, called, CALLER, 1.0)
    assert [type(event) for event in called.events()] == [Cancelled]
    answers = pass_on(called, caller, CALLED, 1.0)
    assert [data.split(b"\r\n")[0] for data in answers] == [b"SIP/2.0 200 OK"]
    assert caller.events() == []

    called.reject(incoming.leg, 487, 1.1)
    answers = pass_on(called, caller, CALLED, 1.1)
    assert [data.split(b"\r\n")[0] for data in answers] == [b"SIP/2.0 487 Request Terminated"]
    assert [type(event) for event in called.events()] == [Gone]
    assert [type(event) for event in caller.events()] == [Ended, Gone]
