"""What a caller and a buyer, both played by hand, see of the switch's transactions: the scripts of the differential."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from bench.load import transactions
from bench.load.script import NUMBER, Scenario, configuration
from bench.load.transactions import Buyer, Script, play

from trunkline.testing.ports import HOST
from trunkline.testing.switch import SwitchProcess

pytestmark = pytest.mark.peer

SEEN: list[tuple[Script, list[str], list[str]]] = [
    (transactions.invite_again_while_ringing, ["180 INVITE", "refusal"], ["INVITE", "ACK"]),
    (transactions.invite_again_after_200, ["200 INVITE", "200 BYE"], ["INVITE", "ACK", "BYE"]),
    (transactions.answer_again, ["180 INVITE", "200 INVITE", "200 BYE"], ["ACK", "BYE"]),
    (transactions.refuse_again, [], ["INVITE", "ACK", "ACK"]),
    (transactions.bye_again, ["200 BYE"], ["INVITE", "ACK", "BYE"]),
    (
        transactions.cancel_while_ringing,
        ["200 CANCEL", "487 INVITE", "200 CANCEL"],
        ["INVITE", "CANCEL", "ACK"],
    ),
    (
        transactions.answer_crosses_cancel,
        ["180 INVITE", "200 CANCEL", "487 INVITE"],
        ["INVITE", "CANCEL", "ACK", "BYE"],
    ),
    (transactions.silent_buyer, ["200 CANCEL", "487 INVITE"], ["INVITE", "INVITE", "INVITE"]),
]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SwitchProcess, Buyer]]:
    """One switch, and the buyer that it sells to."""
    buyer = Buyer()
    address = f"{HOST}:{buyer.port}"
    with SwitchProcess(configuration(address, address, Scenario.PLAIN), tmp_path_factory.mktemp("switch")) as switch:
        yield switch, buyer
    buyer.close()


@pytest.mark.parametrize(("script", "caller_saw", "buyer_saw"), SEEN, ids=[each[0].__name__ for each in SEEN])
def test_every_transaction_is_seen_as_the_rules_have_it(
    stage: tuple[SwitchProcess, Buyer], script: Script, caller_saw: list[str], buyer_saw: list[str]
) -> None:
    switch, buyer = stage
    buyer.collect(0)
    buyer.saw.clear()
    assert play(script, switch.sip, NUMBER, buyer) == {"caller": caller_saw, "buyer": buyer_saw}
    switch.idle()
