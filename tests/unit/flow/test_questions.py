"""Questions to a caller: menu, yes_no, language and collect; keys, barge-in, silence, tries."""

from __future__ import annotations

import pytest
from tests.unit.flow.ivr import BYE, Caller, says

from trunkline.config.flows import Collect, Menu
from trunkline.engine.flow.effects import Effect, Hush, Listen, Sell
from trunkline.engine.flow.machine import State
from trunkline.engine.flow.question import Question, Verdict
from trunkline.kernel.clock import SECOND

pytestmark = pytest.mark.unit

END = "sell: {route: {}}, bye: {hang_up: {}}, sorry: {say: 'Sorry.', next: bye}"
SOLD: list[Effect] = [Sell("sell", None, returns=False)]
MENU = (
    "start: {menu: {say: '1 or 2?', seconds: 6, tries: 2, invalid: [{say: 'No such key.'}],"
    f" choices: {{'1': sell, '2': bye}}, otherwise: sorry}}}}, {END}"
)
CARD = (
    "start: {collect: {say: 'Card?', digits: 4, min_digits: 2, seconds: 5, tries: 2, INTO"
    f" invalid: [{{say: 'Too few.'}}]}}, next: sell, otherwise: sorry}}, {END}"
)


def collect(**fields: str) -> str:
    into = "".join(f"{name}: {value}, " for name, value in fields.items())
    return CARD.replace("INTO", into)


# -- prompts, keys and time ----------------------------------------------------------------------------------------


def test_a_question_waits_for_a_key_from_the_end_of_its_prompt() -> None:
    caller = Caller(MENU)
    assert caller.first == [says("1 or 2?")]
    assert caller.seconds_left() is None
    caller.passes(30)
    assert caller.hears() == [Listen()]
    assert (caller.state, caller.seconds_left()) == (State.WAITING, 6)


def test_a_key_while_the_prompt_is_heard_stops_it_and_counts() -> None:
    assert Caller(MENU).presses("1") == [Hush(), *SOLD]


def test_a_key_after_the_prompt_counts_and_there_is_nothing_to_stop() -> None:
    caller = Caller(MENU)
    caller.hears()
    assert caller.presses("2") == BYE


def test_the_answer_is_stored_under_the_nodes_name() -> None:
    caller = Caller(MENU)
    caller.presses("1")
    assert caller.known("ivr.start") == "1"


def test_the_answer_may_be_stored_elsewhere() -> None:
    caller = Caller(MENU.replace("seconds: 6", "seconds: 6, into: tag.wish"))
    caller.presses("1")
    assert (caller.known("tag.wish"), caller.known("ivr.start")) == ("1", None)


# -- mistakes, silence, tries --------------------------------------------------------------------------------------


def test_a_key_that_is_no_choice_is_told_so_and_asked_again() -> None:
    assert Caller(MENU).presses("9") == [Hush(), says("No such key.", "1 or 2?")]


def test_silence_is_asked_again_without_being_told_of_a_wrong_key() -> None:
    caller = Caller(MENU)
    caller.hears()
    assert caller.waits() == [says("1 or 2?")]


@pytest.mark.parametrize("first", ["wrong key", "silence"])
@pytest.mark.parametrize("second", ["wrong key", "silence"])
def test_after_the_last_try_the_flow_goes_to_otherwise_and_nothing_is_stored(first: str, second: str) -> None:
    caller = Caller(MENU)
    effects: list[Effect] = []
    for mistake in (first, second):
        caller.hears()
        effects = caller.waits() if mistake == "silence" else caller.presses("7")
    assert effects == [says("Sorry.")]
    assert caller.known("ivr.start") is None


def test_a_right_key_on_the_last_try_still_counts() -> None:
    caller = Caller(MENU)
    caller.presses("9")
    assert caller.presses("1") == [Hush(), *SOLD]


def test_with_one_try_a_wrong_key_ends_the_question_at_once() -> None:
    caller = Caller(MENU.replace("tries: 2", "tries: 1"))
    assert caller.presses("#") == [Hush(), says("Sorry.")]


# -- yes_no and language -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("key", "stored", "effects"), [("1", "yes", SOLD), ("2", "no", BYE)])
def test_yes_no_stores_words_instead_of_keys(key: str, stored: str, effects: list[Effect]) -> None:
    caller = Caller(f"start: {{yes_no: {{say: 'Hurt?', yes: sell, no: bye}}, otherwise: sorry}}, {END}")
    caller.hears()
    assert caller.presses(key) == effects
    assert caller.known("ivr.start") == stored


def test_language_stores_the_code_of_the_key_and_goes_on() -> None:
    caller = Caller(
        f"start: {{language: {{say: 'English 1', choices: {{'1': en, '2': es}}}}, next: sell, otherwise: sell}}, {END}"
    )
    caller.hears()
    assert caller.presses("2") == SOLD
    assert (caller.known("caller.language"), caller.known("ivr.start")) == ("es", None)


def test_a_caller_who_chooses_no_language_goes_on_without_one() -> None:
    caller = Caller(
        f"start: {{language: {{say: 'E 1', tries: 1, choices: {{'1': en}}}}, next: sell, otherwise: sell}}, {END}"
    )
    caller.hears()
    assert caller.waits() == SOLD
    assert caller.known("caller.language") is None


# -- collect -------------------------------------------------------------------------------------------------------


def test_collect_is_answered_by_the_last_digit() -> None:
    caller = Caller(collect())
    assert caller.presses("123") == []
    assert caller.presses("4") == SOLD
    assert caller.known("ivr.start") == "1234"


def test_the_first_digit_stops_the_prompt_and_waits_for_the_next_one() -> None:
    caller = Caller(collect())
    assert caller.presses("1") == [Hush()]
    assert (caller.state, caller.seconds_left()) == (State.WAITING, 5)


def test_each_digit_starts_the_time_for_the_next_one() -> None:
    caller = Caller(collect())
    caller.presses("1")
    caller.passes(4)
    caller.presses("2")
    assert caller.seconds_left() == 5


def test_the_finish_key_ends_the_number_early_and_is_no_part_of_it() -> None:
    caller = Caller(collect())
    assert caller.presses("12#") == SOLD
    assert caller.known("ivr.start") == "12"


def test_another_finish_key_may_be_chosen_and_the_usual_one_is_then_wrong() -> None:
    caller = Caller(collect(finish="'*'"))
    assert caller.presses("12#") == [says("Too few.", "Card?")]
    caller.hears()
    assert caller.presses("34*") == SOLD
    assert caller.known("ivr.start") == "34"


def test_too_few_digits_before_the_finish_key_are_wrong_and_forgotten() -> None:
    caller = Caller(collect())
    assert caller.presses("1#") == [says("Too few.", "Card?")]
    assert caller.presses("98#") == SOLD
    assert caller.known("ivr.start") == "98"


def test_silence_after_enough_digits_is_the_end_of_the_number() -> None:
    caller = Caller(collect())
    caller.presses("12")
    assert caller.waits() == SOLD
    assert caller.known("ivr.start") == "12"


def test_silence_after_too_few_digits_uses_up_a_try() -> None:
    caller = Caller(collect())
    caller.presses("1")
    assert caller.waits() == [says("Too few.", "Card?")]


def test_without_min_digits_all_digits_are_needed() -> None:
    caller = Caller(collect().replace("min_digits: 2,", ""))
    caller.presses("123")
    assert caller.waits() == [says("Too few.", "Card?")]


def test_a_zip_code_that_is_keyed_in_says_where_the_caller_is() -> None:
    caller = Caller(collect(into="geo.zip").replace("digits: 4, min_digits: 2", "digits: 5"))
    caller.presses("10001")
    assert (caller.known("geo.zip"), caller.known("geo.state")) == ("10001", "NY")


@pytest.mark.parametrize("key", ["*", "A", "D"])
def test_keys_that_are_no_digits_are_wrong_in_a_number(key: str) -> None:
    assert Caller(collect()).presses("1" + key) == [says("Too few.", "Card?")]


# -- sensitive -----------------------------------------------------------------------------------------------------


def test_a_sensitive_question_says_so_as_long_as_it_is_asked() -> None:
    caller = Caller(collect(sensitive="true"))
    assert caller.first == [says("Card?", sensitive=True)]
    assert caller.hears() == [Listen(sensitive=True)]
    assert caller.presses("1#") == [says("Too few.", "Card?", sensitive=True)]


def test_sensitive_digits_decide_but_are_never_stored() -> None:
    caller = Caller(
        collect(sensitive="true", into="tag.card").replace("next: sell", "next: check")
        + ", check: {condition: {when: {attr: tag.card, eq: '1234'}, then: sell, otherwise: bye}}"
    )
    assert caller.presses("1234") == SOLD
    values, basis = caller.profile.stored(caller.now)
    assert "tag.card" not in values
    assert "tag.card" not in basis


def test_no_digit_of_a_sensitive_zip_code_is_stored() -> None:
    caller = Caller(collect(sensitive="true", into="geo.zip").replace("digits: 4, min_digits: 2", "digits: 5"))
    caller.presses("10001")
    assert caller.known("geo.zip3") == "100"
    values, _ = caller.profile.stored(caller.now)
    assert not {"geo.zip", "geo.zip3"} & values.keys()
    assert values["geo.state"] == "NY", "where the caller is decides who buys, and is no digit"


# -- the question by itself ----------------------------------------------------------------------------------------


def test_a_question_counts_its_own_tries() -> None:
    question = Question(Menu(prompts=(), choices={"1": "a"}, otherwise="b", tries=3))
    assert question.wait_ns == 6 * SECOND
    assert [question.retry() for _ in range(3)] == [(), (), None]


def test_a_question_tells_what_each_key_was() -> None:
    question = Question(Collect(prompts=(), digits=2, next="a", otherwise="b"))
    assert question.press("1") is Verdict.MORE
    assert question.silence() is Verdict.SILENT
    assert question.press("2") is Verdict.ANSWERED
    assert (question.answer().keys, question.answer().next) == ("12", "a")
