"""What each kind of node does to a caller, one node at a time."""

from __future__ import annotations

import pytest
from tests.unit.flow.ivr import BYE, NOON, Caller, flow, raw, says

from trunkline.config.flows import Play, Prompt, SetNode, Share, Splitter
from trunkline.engine.flow.effects import Effect, Finish, Heard, Key, Sell, TakeMessage, Tick
from trunkline.engine.flow.machine import TRANSITIONS, VISITS_MAX, FlowMachine, State
from trunkline.engine.routing.draw import Draws, text_hash

pytestmark = pytest.mark.unit

ENDS = "yes: {hang_up: {}}, no: {say: 'No.', next: yes}"


# -- play and hang_up ----------------------------------------------------------------------------------------------


def test_play_says_all_its_prompts_in_order_and_goes_on_when_they_were_heard() -> None:
    caller = Caller('start: {play: {prompts: [{say: "One."}, {say: "Two."}]}, next: bye}, bye: {hang_up: {}}')
    assert caller.first == [says("One.", "Two.")]
    assert caller.hears() == BYE
    assert caller.state is State.OVER


def test_keys_pressed_while_a_text_is_only_played_mean_nothing() -> None:
    caller = Caller('start: {say: "Welcome.", next: bye}, bye: {hang_up: {}}')
    assert caller.presses("123#") == []
    assert caller.state is State.PLAYING


def test_a_language_of_a_prompt_is_kept() -> None:
    caller = Caller('start: {play: {say: "Hello.", lang: en}, next: bye}, bye: {hang_up: {}}')
    (said,) = caller.first
    assert said.prompts == (Prompt(say="Hello.", lang="en"),)  # type: ignore[union-attr]


def test_a_flow_that_only_hangs_up_says_nothing() -> None:
    assert Caller("start: {hang_up: {}}").first == BYE


# -- set, condition, hours -----------------------------------------------------------------------------------------


def test_set_writes_attributes_and_waits_for_nothing() -> None:
    caller = Caller("start: {set: {tag.offer: gold, caller.language: es}, next: sell}, sell: {route: {}}")
    assert caller.first == [Sell("sell", None, returns=False)]
    assert (caller.known("tag.offer"), caller.known("caller.language")) == ("gold", "es")


def test_a_zip_code_that_is_set_moves_the_caller_to_another_state() -> None:
    caller = Caller('start: {set: {geo.zip: "10001"}, next: sell}, sell: {route: {}}')
    assert caller.known("geo.state") == "NY"


@pytest.mark.parametrize(
    ("when", "leads_to"),
    [
        ("{attr: geo.state, eq: TX}", "yes"),
        ("{attr: geo.state, in: [NY, NJ]}", "no"),
        ("{not: {attr: geo.state, eq: NY}}", "yes"),
        ("{attr: ivr.zip, eq: '1'}", "no"),
        ("{not: {attr: ivr.zip, eq: '1'}}", "no"),
        ("{not: {attr: ivr.zip, exists: true}}", "yes"),
    ],
    ids=["true", "false", "not false", "unknown", "not unknown is unknown", "exists is never unknown"],
)
def test_a_condition_goes_to_then_only_when_it_is_true(when: str, leads_to: str) -> None:
    asked = "zip: {collect: {say: 'ZIP?', digits: 1}, next: start, otherwise: start}"
    caller = Caller(f"start: {{condition: {{when: {when}, then: yes, otherwise: no}}}}, {asked}, {ENDS}")
    assert (caller.first == BYE) == (leads_to == "yes")


def test_a_condition_sees_what_was_set_before() -> None:
    caller = Caller(
        "start: {set: {tag.kind: vip}, next: ask},"
        f"ask: {{condition: {{when: {{attr: tag.kind, eq: VIP}}, then: yes, otherwise: no}}}}, {ENDS}"
    )
    assert caller.first == BYE


@pytest.mark.parametrize(
    ("hours", "zone", "is_open"),
    [
        ('{mon: ["08:00-18:00"]}', "", True),
        ('{mon: ["12:00-18:00"]}', "", True),
        ('{mon: ["08:00-12:00"]}', "", False),
        ('{mon: ["12:00-18:00"]}', ", zone: America/Los_Angeles", False),
        ('{mon: ["09:00-10:00"]}', ", zone: America/Los_Angeles", True),
        ('{tue: ["00:00-24:00"]}', "", False),
        ('{mon: ["08:00-18:00"], exceptions: {"2026-11-23": []}}', "", False),
    ],
    ids=["inside", "from is in", "to is out", "own zone shut", "own zone open", "missing day", "exception"],
)
def test_hours_are_read_in_the_nodes_zone_else_in_the_accounts(hours: str, zone: str, is_open: bool) -> None:
    caller = Caller(f"start: {{hours: {{hours: {hours}, open: yes, closed: no{zone}}}}}, {ENDS}")
    assert (caller.first == BYE) == is_open


# -- splitter ------------------------------------------------------------------------------------------------------


SPLIT = (
    "start: {splitter: [{next: a, weight: 1}, {next: b, weight: 2}, {next: c, weight: 0}]},"
    "a: {route: {}}, b: {hang_up: {}}, c: {say: 'Never.', next: b}"
)


def test_a_splitter_gives_each_way_its_share_of_the_draws() -> None:
    asked: list[tuple[str, int]] = []

    def way(draw: int) -> list[Effect]:
        return Caller(SPLIT, split=lambda node, total: asked.append((node, total)) or draw).first  # type: ignore[func-returns-value]

    assert [way(draw) for draw in range(3)] == [[Sell("a", None, returns=False)], BYE, BYE]
    assert asked == [("start", 3)] * 3


def test_a_splitter_follows_its_weights_over_many_callers_and_repeats_for_one() -> None:
    def first_way(seed: int) -> bool:
        caller = Caller(SPLIT, split=lambda node, total: Draws(seed, text_hash(node)).below(total))
        return caller.first != BYE

    taken = [first_way(seed) for seed in range(300)]
    assert taken == [first_way(seed) for seed in range(300)]
    assert 80 <= sum(taken) <= 120  # a third of 300, within three standard deviations


def test_a_way_of_weight_zero_is_never_taken_wherever_it_stands() -> None:
    shares = (Share(next="never", weight=0), Share(next="always", weight=3), Share(next="never", weight=0))
    nodes = raw("s", s=Splitter(split=shares), never=Play(prompts=(), next="s"), always=flow(ENDS, "yes").nodes["yes"])
    ways = [Caller(nodes, split=lambda _node, _total, drawn=draw: drawn).first for draw in range(3)]  # type: ignore[misc]
    assert ways == [BYE] * 3


# -- route ---------------------------------------------------------------------------------------------------------


def test_route_sells_by_the_campaigns_plan_and_the_flow_ends_when_nobody_buys() -> None:
    caller = Caller("start: {route: {}}")
    assert caller.first == [Sell("start", None, returns=False)]
    assert caller.is_not_sold() == [Finish("unsold")]


def test_route_may_name_its_own_plan_and_where_to_go_when_nobody_buys() -> None:
    caller = Caller("start: {route: {plan: main}, otherwise: no}, " + ENDS)
    assert caller.first == [Sell("start", "main", returns=True)]
    assert caller.is_not_sold() == [says("No.")]
    assert caller.hears() == BYE


def test_keys_and_timers_mean_nothing_while_the_call_is_being_sold() -> None:
    caller = Caller("start: {route: {}}")
    assert caller.presses("1") == []
    assert caller.seconds_left() is None


# -- voicemail -----------------------------------------------------------------------------------------------------


def test_voicemail_takes_a_message_and_ends_the_flow() -> None:
    caller = Caller("start: {voicemail: {say: 'Speak.', seconds: 30}}")
    assert caller.first == [TakeMessage((Prompt(say="Speak."),), 30)]
    assert caller.has_spoken() == BYE


def test_voicemail_may_go_on_afterwards() -> None:
    caller = Caller("start: {voicemail: {say: 'Speak.', next: no}}, " + ENDS)
    assert caller.has_spoken() == [says("No.")]


# -- bounds and the table ------------------------------------------------------------------------------------------


def test_a_caller_who_goes_round_for_ever_is_hung_up_on() -> None:
    caller = Caller("start: {menu: {say: '1?', choices: {'1': start}, otherwise: bye}}, bye: {hang_up: {}}")
    rounds = 0
    while caller.state is not State.OVER:
        caller.presses("1")
        rounds += 1
    assert rounds == VISITS_MAX


def test_a_loop_of_nodes_that_wait_for_nothing_ends_by_itself() -> None:
    nodes = raw("a", a=SetNode(values={}, next="b"), b=SetNode(values={}, next="a"))
    assert Caller(nodes).first == [Finish("flow_too_long")]


def test_nothing_comes_of_a_flow_that_is_over() -> None:
    caller = Caller("start: {hang_up: {}}")
    for event in (Heard(), Key("1"), Tick()):
        assert caller.machine.handle(event, NOON) == []
    assert (caller.state, caller.machine.next_timer()) == (State.OVER, None)


def test_every_row_of_the_table_can_be_reached_and_names_an_action() -> None:
    reached, waiting = {State.OVER}, [state for _, leads_to in TRANSITIONS.values() for state in leads_to]
    reached.update(waiting)
    for (state, event), (action, leads_to) in TRANSITIONS.items():
        assert state in reached, f"{state} {event.__name__} can never happen"
        assert callable(getattr(FlowMachine, action))
        assert leads_to
    assert {state for state, _ in TRANSITIONS} == set(State) - {State.OVER}
