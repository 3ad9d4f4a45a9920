"""The peer: sippy's b2bua_simple, started by the bench with the Python that sippy was installed into.

    python sippy_b2bua.py PORT HOP [HOP ...]        a hop is host:port; with several they are tried in order

With one hop its own call controller is used as it is. For several it has none without RADIUS, so the one here sends
the caller's first event on to hop after hop until one does not fail. In both, contacts bear no display name, because
sipp puts what stands in a Contact into its request line.
"""

# mypy: ignore-errors
# sippy has no types.

from __future__ import annotations

import sys

from sippy import b2bua_simple
from sippy.CCEvents import CCEventFail, CCEventTry
from sippy.Core.EventDispatcher import ED2
from sippy.SipAddress import SipAddress
from sippy.SipCallId import SipCallId
from sippy.SipConf import SipConf
from sippy.SipContact import SipContact
from sippy.SipLogger import SipLogger
from sippy.SipTransactionManager import SipTransactionManager
from sippy.SipURL import SipURL
from sippy.Time.MonoTime import MonoTime
from sippy.UA import UA

HOST = "127.0.0.1"


class NamelessUA(UA):
    """A party whose Contact is a bare address."""

    def __init__(self, config, *args, **kwargs):
        super().__init__(config, *args, **kwargs)
        url = SipURL(username="b2bua", host=HOST, port=config["_sip_port"])
        self.lContact = SipContact(address=SipAddress(url=url, hadbrace=True))


class Hunt:
    """One call: the caller, and the hop that is being tried."""

    def __init__(self, config):
        self.config = config
        self.uaA = NamelessUA(config, self.hear)
        self.uaO = None
        self.hops = list(config["hops"])
        self.first = None

    def try_next(self):
        self.uaO = NamelessUA(self.config, event_cb=self.hear, nh_address=self.hops.pop(0))
        call_id, *others, body, auth, name = self.first.getData()
        mine = SipCallId(f"{call_id}-{len(self.hops)}")  # it finds parties by Call-ID, so each hop needs one
        event = CCEventTry((mine, *others, body.getCopy(), auth, name), rtime=MonoTime(), origin=self.first.origin)
        event.max_forwards = self.first.max_forwards
        self.uaO.recvEvent(event)

    def hear(self, event, ua):
        if ua is self.uaA:
            if self.uaO is not None:
                self.uaO.recvEvent(event)
            elif isinstance(event, CCEventTry):
                self.first = event
                self.try_next()
        elif ua is self.uaO:
            if isinstance(event, CCEventFail) and self.hops:
                self.try_next()
            else:
                self.uaA.recvEvent(event)


def main(port: str, *hops: str) -> None:
    """Serve until killed."""
    addresses = [(host, int(number)) for host, _, number in (hop.rpartition(":") for hop in hops)]
    config = {"nh_addr": addresses[0], "hops": addresses, "_sip_address": HOST, "_sip_port": int(port)}
    SipConf.my_address, SipConf.my_port = HOST, int(port)
    config["_sip_logger"] = SipLogger("b2bua")
    b2bua_simple.UA = NamelessUA
    if len(hops) > 1:
        b2bua_simple.CallController = Hunt
    calls = b2bua_simple.CallMap(config)
    config["_sip_tm"] = SipTransactionManager(config, calls.recvRequest)
    ED2.loop()


if __name__ == "__main__":
    main(*sys.argv[1:])
