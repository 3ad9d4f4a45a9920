"""Who we are at a carrier that has given us a user name."""

from __future__ import annotations

import pytest
from tests.unit.telephony.test_dial import CALLER, LOCAL, NUMBER, ring

from trunkline.config.trunks import Trunk, TrunkOutbound, TrunkRegister
from trunkline.sip.digest import Credentials
from trunkline.sip.hops import Hop
from trunkline.telephony.sip.account import address_of_record, contact_user
from trunkline.telephony.sip.dial import Shown, invite_to, ways_to

pytestmark = pytest.mark.unit


def outbound(username: str, proxy: str = "sip:sip.carrier.example:5070", contact: str | None = None) -> TrunkOutbound:
    register = TrunkRegister(contact_user=contact)
    return TrunkOutbound(proxy=proxy, username=username, password_env="X", register=register)


@pytest.mark.parametrize(
    ("account", "record", "contact"),
    [
        (outbound("4711"), "4711@sip.carrier.example", "4711"),
        (outbound("4711@voice.example"), "4711@voice.example", "4711"),
        (outbound('ac me"', contact="line7"), "ac%20me%22@sip.carrier.example", "line7"),
        (outbound("4711", "sip:[2001:db8::1]:5060"), "4711@[2001:db8::1]", "4711"),
        (outbound("4711", "sips:192.0.2.1"), "4711@192.0.2.1", "4711"),
    ],
)
def test_what_is_registered_and_under_which_contact(account: TrunkOutbound, record: str, contact: str) -> None:
    assert (address_of_record(account), contact_user(account)) == (record, contact)


def test_a_carrier_finds_its_own_domain_in_from() -> None:
    trunk = Trunk(key="t", default_country="US", outbound=outbound("4711@voice.example"))
    (way,) = ways_to(ring("+12125550123", trunks=("t",)), {"t": trunk})
    hop, shown = Hop("192.0.2.9", 5070), Shown(CALLER, NUMBER)
    login = Credentials("t", "4711@voice.example", "x")
    assert invite_to(ring(), way, hop, shown, LOCAL, b"", login).from_uri == f"sip:{CALLER}@voice.example"
    without = invite_to(ring(), way, hop, shown, LOCAL, b"").from_uri
    assert without.endswith(f"@{LOCAL[0]}:{LOCAL[1]}")
    hidden = invite_to(ring(caller_id="anonymous"), way, hop, shown, LOCAL, b"", login)
    assert hidden.from_uri == "sip:anonymous@anonymous.invalid"
